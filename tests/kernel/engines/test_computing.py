"""Where heavy computing runs."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from engine_subjects import Subject, files, started
from studio_kernel.domain.events import EngineEvent, Progress
from studio_kernel.engines.base import CancelToken
from studio_kernel.engines.computing import Joinable, MainThread, in_new_thread
from studio_kernel.engines.diffusers import DiffusersEngine
from studio_kernel.errors import Cancelled


def beside(main: MainThread, work: Any) -> list[Any]:
    """Call `work` in another thread while this one sits in `main.run`; what it returned or raised."""
    over, result = threading.Event(), []

    def call() -> None:
        try:
            result.append(work())
        except Exception as error:  # noqa: BLE001 - handed to the test
            result.append(error)
        finally:
            over.set()

    thread = threading.Thread(target=call)
    thread.start()
    main.run(until=over)
    thread.join()
    return result


def test_functions_run_in_the_thread_that_waits_in_their_order() -> None:
    main, seen = MainThread(), []

    def work() -> None:
        handed: list[Joinable] = [
            main.compute(lambda n=n: seen.append((n, threading.current_thread()))) for n in range(20)
        ]
        for one in handed:
            one.join()

    beside(main, work)

    assert seen == [(n, threading.current_thread()) for n in range(20)]


def test_a_function_that_fails_does_not_end_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    main, seen = MainThread(), []

    def work() -> None:
        main.compute(lambda: 1 / 0).join()  # type: ignore[arg-type, return-value]
        main.compute(lambda: seen.append(1)).join()

    beside(main, work)

    assert seen == [1]
    assert "ZeroDivisionError" in caplog.text


def test_what_was_handed_over_before_the_end_is_still_done() -> None:
    main, over, seen = MainThread(), threading.Event(), []
    over.set()
    handed = main.compute(lambda: seen.append(1))

    main.run(until=over)
    handed.join()

    assert seen == [1]


@pytest.mark.parametrize("place", ["after the end", "in the thread itself"])
def test_where_nobody_would_take_it_a_function_has_a_new_thread(place: str) -> None:
    main, over, seen = MainThread(), threading.Event(), []

    def note() -> None:
        seen.append(threading.current_thread())

    def inside() -> None:
        main.compute(note).join()

    if place == "after the end":
        over.set()
        main.run(until=over)
        inside()
    else:
        beside(main, lambda: main.compute(inside).join())

    assert len(seen) == 1
    assert seen[0] is not threading.current_thread()


@pytest.fixture
def usual_threads() -> Iterator[int]:
    """torch's number of threads, two for the test, so that there is a difference to be seen."""
    usual = torch.get_num_threads()
    torch.set_num_threads(2)
    yield 2
    torch.set_num_threads(usual)


def events_in_main(subject: Subject, main: MainThread) -> list[EngineEvent]:
    context = replace(subject.context(), compute=main.compute)
    events: list[EngineEvent] = beside(main, lambda: list(subject.engine.stream(subject.request(), context)))[0]
    return events


def test_a_pipeline_computes_in_the_main_thread_with_all_threads_and_says_so(
    pipe: Any, subject: Subject, usual_threads: int
) -> None:
    own = Subject(DiffusersEngine.from_pipeline(pipe), subject.card, subject.files)
    seen = []
    pipe.unet.register_forward_pre_hook(lambda *_: seen.append((threading.current_thread(), torch.get_num_threads())))

    events = events_in_main(own, MainThread())

    assert set(seen) == {(threading.main_thread(), usual_threads)}
    assert started(events).provenance["threads"] == usual_threads


def test_the_threads_that_are_recorded_are_those_that_were_used(
    pipe: Any, subject: Subject, usual_threads: int
) -> None:
    own = Subject(DiffusersEngine.from_pipeline(pipe), subject.card, subject.files)
    seen = []
    pipe.unet.register_forward_pre_hook(lambda *_: seen.append(torch.get_num_threads()))

    events = own.run()

    assert set(seen) == {started(events).provenance["threads"]}


def test_equal_numbers_of_threads_give_equal_bytes_wherever_they_run(subject: Subject) -> None:
    assert torch.get_num_threads() == 1  # set by the fixture of the model

    assert files(events_in_main(subject, MainThread()))[0].data == subject.bytes()


def test_a_model_is_loaded_where_it_computes(tiny_random: Path, tmp_path: Path, subject: Subject) -> None:
    engine, asked = DiffusersEngine(), []

    def noting(function: Any) -> Joinable:
        return in_new_thread(lambda: (asked.append(engine._shelf is None), function()))  # type: ignore[arg-type]

    context = replace(subject.context(), compute=noting)
    list(engine.stream(subject.request(), context))

    assert asked == [True]
    assert engine._shelf is not None


def test_a_run_in_the_main_thread_stops_within_one_step(subject: Subject) -> None:
    main, cancel = MainThread(), CancelToken()
    context = replace(subject.context(cancel), compute=main.compute)

    def work() -> list[int]:
        seen = []
        for event in subject.engine.stream(subject.request(num_inference_steps=50), context):
            if isinstance(event, Progress):
                seen.append(event.step)
                cancel.cancel()
        return seen

    assert isinstance(beside(main, work)[0], Cancelled)
