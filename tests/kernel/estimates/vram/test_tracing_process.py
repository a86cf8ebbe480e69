"""The process that has torch, and who asks it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import msgspec
import psutil
import pytest

from studio_kernel.errors import WorkerError
from studio_kernel.estimates.vram import cache
from studio_kernel.estimates.vram.client import TracingProcess, environment
from studio_kernel.estimates.vram.messages import AskDevices, AskTrace, Failed, Found, Refused
from studio_kernel.estimates.vram.subject import Subject
from studio_kernel.estimates.vram.trace import Trace, Untraceable
from studio_kernel.estimates.vram.tracer import DEVICES_S, Tracer
from studio_kernel.presence import Presence
from studio_kernel.settings import Home, data_dir
from studio_kernel.worker import info
from waiting import until

TINY = str(data_dir() / "models" / "studio-tiny")

# A process like the real one whose answers need no torch: the width that was asked for, after as many milliseconds as
# the height says, and a lot of talk in between.
TALKING = """
import ctypes, os, sys, time
from studio_kernel.estimates.vram import process
from studio_kernel.estimates.vram.messages import AskTrace, Failed, Refused

def answer(question):
    print("talk from Python")
    os.write(1, b"talk from beneath Python\\n")
    ctypes.CDLL(None).puts(b"talk from C")
    ctypes.CDLL(None).fflush(None)
    if isinstance(question, AskTrace):
        time.sleep((question.subject.height or 0) / 1000)
        return Refused(question.id, str(question.subject.width))
    return Failed(question.id, "only traces are answered here")

sys.exit(process.main(float(sys.argv[1]), answer))
"""


def talking(idle_s=60.0, **options):
    return TracingProcess(command=(sys.executable, "-c", TALKING, str(idle_s)), **options)


def width(process, side, height=0):
    answer = process.ask(lambda number: AskTrace(number, Subject(width=side, height=height)))
    assert isinstance(answer, Refused)
    return int(answer.reason)


def is_gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    with TracingProcess(tmp_path_factory.mktemp("tracing") / "tracing.out") as process:
        yield process


def test_the_devices_are_told(real):
    answer = real.ask(lambda number: AskDevices(number, (os.getpid(),)))
    assert isinstance(answer, Found)
    assert answer.devices[-1].kind == "cpu"
    assert answer.devices[-1].total_bytes == psutil.virtual_memory().total
    assert answer.devices[-1].own_bytes > 0


def test_a_model_that_is_not_there_is_told_in_words(real, tmp_path):
    answer = real.ask(lambda number: AskTrace(number, Subject(directory=str(tmp_path / "nothing"))))
    assert isinstance(answer, Failed)
    assert "model_index.json" in answer.error


@pytest.mark.skipif(not hasattr(os, "nice"), reason="priorities are others there")
def test_it_gives_way_to_everything_else(real):
    real.ask(AskDevices)
    assert psutil.Process(real.pid).nice() > psutil.Process().nice()


def test_secrets_are_not_passed_on(monkeypatch):
    for name in ("FAL_KEY", "HF_TOKEN", "MY_SECRET", "DB_PASSWORD", "JPY_PARENT_PID"):
        monkeypatch.setenv(name, "hush")
    assert "hush" not in environment().values()
    with talking() as process:
        assert width(process, 7) == 7
        assert "hush" not in psutil.Process(process.pid).environ().values()


def test_what_libraries_print_does_not_get_between_the_answers(tmp_path):
    with talking(output=tmp_path / "out" / "tracing.out") as process:
        assert [width(process, side) for side in range(1, 20)] == list(range(1, 20))
    said = (tmp_path / "out" / "tracing.out").read_text()
    assert all(f"talk from {where}" in said for where in ("Python", "beneath Python", "C"))


def test_a_question_that_is_not_understood_is_answered_so():
    with talking() as process:
        answer = process.ask(lambda number: Failed(number, "no question at all"))
        assert isinstance(answer, Failed)
        assert "not understood" in answer.error


def test_every_thread_gets_the_answer_to_its_own_question():
    found = {}
    with talking() as process:

        def ask(side):
            found[side] = [width(process, side * 100 + turn) for turn in range(10)]

        threads = [threading.Thread(target=ask, args=(side,)) for side in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {side: [side * 100 + turn for turn in range(10)] for side in range(8)}


def test_a_question_without_waiting_does_not_disturb_the_next_one():
    with talking() as process:
        process.tell(AskDevices)
        process.tell(lambda number: AskTrace(number, Subject(width=3)))
        assert width(process, 4) == 4


def test_it_comes_back_after_it_was_killed():
    with talking() as process:
        width(process, 1)
        first = process.pid
        os.kill(first, signal.SIGKILL)
        assert width(process, 2) == 2
        assert process.pid != first


def test_a_question_survives_that_the_process_is_killed_over_it():
    with talking() as process:
        width(process, 1)
        first, answers = process.pid, []
        asking = threading.Thread(target=lambda: answers.append(width(process, 2, height=1500)))
        asking.start()
        until(lambda: process.is_busy, every=0.001)
        os.kill(first, signal.SIGKILL)
        asking.join()
        assert answers == [2]


def test_one_that_cannot_come_up_is_an_error_with_its_last_words(tmp_path):
    command = (sys.executable, "-c", "import sys; sys.exit('torch is broken here')")
    with (
        TracingProcess(tmp_path / "out", command=command) as process,
        pytest.raises(WorkerError, match="torch is broken here"),
    ):
        process.ask(AskDevices)


def test_a_program_that_is_not_there_is_an_error(tmp_path):
    with TracingProcess(command=(str(tmp_path / "nothing"),)) as process, pytest.raises(WorkerError, match="started"):
        process.ask(AskDevices)


def test_it_needs_no_place_for_what_libraries_print(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with talking(output=tmp_path / "file" / "tracing.out") as process:
        assert width(process, 5) == 5


def test_one_that_never_answers_is_ended():
    command = (sys.executable, "-c", "import time; time.sleep(600)")
    with TracingProcess(command=command, timeout_s=0.5) as process:
        process.tell(AskDevices)
        first = process.pid
        with pytest.raises(WorkerError, match="in time"):
            process.ask(AskDevices)
        assert is_gone(first)


def test_it_ends_by_itself_when_nobody_asks_and_comes_back_when_somebody_does():
    with talking(idle_s=0.2) as process:
        width(process, 1)
        until(lambda: process.pid is None, what="its end")
        assert width(process, 2) == 2


def test_closing_ends_it_also_while_it_works():
    process, errors = talking(), []

    def ask():
        try:
            width(process, 1, height=600_000)
        except WorkerError as error:
            errors.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    pid = until(lambda: process.pid)
    process.close()
    process.close()
    asking.join(60)
    assert is_gone(pid)
    assert errors == ["the process that traces memory was closed with its studio"]
    with pytest.raises(WorkerError, match="closed"):
        process.ask(AskDevices)


@pytest.mark.parametrize("height", [0, 600_000])
def test_it_does_not_outlive_a_kernel_that_is_killed(height):
    kernel = f"""
import sys, threading
from studio_kernel.estimates.vram.client import TracingProcess
from studio_kernel.estimates.vram.messages import AskDevices, AskTrace
from studio_kernel.estimates.vram.subject import Subject
process = TracingProcess(command=(sys.executable, "-c", {TALKING!r}, "600"))
process.ask(AskDevices)
process.tell(lambda number: AskTrace(number, Subject(height={height})))
print(process.pid, flush=True)
threading.Event().wait()
"""
    parent = subprocess.Popen([sys.executable, "-c", kernel], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    assert not is_gone(pid)
    parent.kill()
    parent.communicate()
    until(lambda: is_gone(pid), what="the end of the tracing process")


def test_a_kernel_that_asks_imports_no_torch(tmp_path):
    code = f"""
import json, sys
from studio_kernel.estimates.vram.subject import Subject
from studio_kernel.estimates.vram.tracer import Tracer
from studio_kernel.settings import Home
with Tracer(Home.at({str(tmp_path)!r})) as tracer:
    tracer.trace(Subject(directory="nowhere"), ())
    kinds = [device.kind for device in tracer.devices()]
print(json.dumps([kinds[-1], sorted({{"torch", "diffusers", "transformers"}} & set(sys.modules))]))
"""
    assert json.loads(subprocess.check_output([sys.executable, "-c", code], text=True)) == ["cpu", []]


def tracer_of(tmp_path, process=None):
    return Tracer(Home.at(tmp_path / "home"), process or talking())


FILES = (("unet", 1, 2),)


def test_a_trace_that_was_made_before_starts_no_process(tmp_path):
    subject, trace = Subject(width=5), Trace({"unet": 1}, (), {"none": 2})
    cache.TraceCache(Home.at(tmp_path / "home").cache / "traces").keep(subject, FILES, trace)
    process = talking()
    with tracer_of(tmp_path, process) as tracer:
        assert tracer.cached(subject, FILES) == trace == tracer.trace(subject, FILES)
        assert tracer.cached(Subject(width=6), FILES) is None
        assert process.pid is None


def test_why_there_is_no_trace_is_asked_only_once(tmp_path):
    process = talking()
    with tracer_of(tmp_path, process) as tracer:
        assert tracer.trace(Subject(width=5), FILES) == Untraceable("5")
    with tracer_of(tmp_path, closed := talking()) as tracer:
        assert tracer.trace(Subject(width=5), FILES) == Untraceable("5")
        assert closed.pid is None
        assert tracer.cached(Subject(width=5), FILES) is None


def test_without_a_fingerprint_it_is_asked_again(tmp_path):
    with tracer_of(tmp_path) as tracer:
        tracer.trace(Subject(width=5), ())
        assert not (Home.at(tmp_path / "home").cache / "traces").exists()


def test_a_tracer_whose_process_fails_says_so_and_keeps_nothing(tmp_path):
    broken = TracingProcess(command=(str(tmp_path / "nothing"),))
    with tracer_of(tmp_path, broken) as tracer:
        found = tracer.trace(Subject(), FILES)
        assert isinstance(found, Untraceable)
        assert "started" in found.reason
        assert [device.kind for device in tracer.devices()] == ["cpu"]
    assert not list(Path(tmp_path).rglob("*.json"))


def test_a_reading_of_the_devices_is_used_for_a_while(tmp_path, real):
    with tracer_of(tmp_path) as tracer:
        assert tracer.devices() is tracer.devices()


def test_devices_do_not_wait_for_a_trace(tmp_path):
    with tracer_of(tmp_path, process := talking()) as tracer:
        before, began = tracer.devices(), time.monotonic()
        tracing = threading.Thread(target=tracer.trace, args=(Subject(height=600_000), ()))
        tracing.start()
        until(lambda: process.is_busy and time.monotonic() - began > DEVICES_S, what="a reading that is old")
        assert tracer.devices() is before
        assert tracing.is_alive()
        tracer.close()
        tracing.join(60)


def test_what_the_worker_of_the_home_holds_is_its_own(tmp_path, real):
    home = Home.at(tmp_path / "home")
    presence = Presence(home.locks, "worker-auto")
    try:
        info.write(home, msgspec.structs.replace(info.of_this_process(presence.name, "auto"), state="working"))
        working = Tracer(home, real).devices()[-1]
    finally:
        presence.end()
    assert working.own_bytes == pytest.approx(psutil.Process().memory_info().rss, rel=0.3)
    assert Tracer(home, real).devices()[-1].own_bytes == 0


def test_other_processes_of_the_home_can_be_named(tmp_path, real):
    tracer = Tracer(Home.at(tmp_path / "home"), real, own_pids=lambda: (os.getpid(),))
    assert tracer.devices()[-1].own_bytes > 0


@pytest.mark.skipif(
    find_spec("studio_kernel.estimates.vram.dry_run") is None, reason="the dry run itself is not part of this"
)
def test_studio_tiny_is_traced_by_its_own_process(tmp_path, real):
    subject = Subject(directory=TINY, dtype="float32", device="cpu")
    with Tracer(Home.at(tmp_path / "home"), real) as tracer:
        found = tracer.trace(subject, FILES)
        assert isinstance(found, Trace), found
        assert found.weights == {"text_encoder": 2521600, "unet": 17145168, "vae": 3778268}
        assert found.peaks["none"] > sum(found.weights.values())
        assert {stage.component for stage in found.stages} >= {"unet", "vae", "text_encoder"}
        assert tracer.cached(subject, FILES) == found
