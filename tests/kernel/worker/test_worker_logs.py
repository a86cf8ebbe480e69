"""The worker's log."""

import json
import subprocess
import sys

from studio_kernel.worker import logs

WRITE = """
import logging, sys
from pathlib import Path
from studio_kernel.worker import logs
logs.begin(Path(sys.argv[1]))
log = logging.getLogger("studio.worker")
log.info("run ends", extra={"run": "r1", "elapsed_s": 0.5})
logging.getLogger("httpx").info("a chatty library")
try:
    raise ValueError("the key is very-secret-key-0815")
except ValueError:
    log.exception("asked with very-secret-key-0815")
for n in range(int(sys.argv[2])):
    log.info("x" * 1000)
"""


def written(path, monkeypatch, more=0):
    monkeypatch.setenv("FAL_KEY", "very-secret-key-0815")
    subprocess.run([sys.executable, "-c", WRITE, path, str(more)], check=True)
    return [json.loads(line) for line in logs.lines(path, 10_000)]


def test_each_line_is_json_with_a_time_in_utc(tmp_path, monkeypatch):
    first = written(tmp_path / "w.log", monkeypatch)[0]
    assert first["time"].endswith("Z")
    assert {name: first[name] for name in ("level", "message", "run", "elapsed_s")} == {
        "level": "INFO",
        "message": "run ends",
        "run": "r1",
        "elapsed_s": 0.5,
    }


def test_secrets_of_the_environment_are_taken_out_of_messages_and_tracebacks(tmp_path, monkeypatch):
    failed = written(tmp_path / "w.log", monkeypatch)[1]
    assert failed["message"] == "asked with [secret]"
    assert "ValueError: the key is [secret]" in failed["traceback"]


def test_libraries_are_heard_from_warnings_on(tmp_path, monkeypatch):
    assert "a chatty library" not in [line["message"] for line in written(tmp_path / "w.log", monkeypatch)]


def test_files_take_turns_and_the_oldest_goes(tmp_path, monkeypatch):
    written(tmp_path / "w.log", monkeypatch, more=10_000)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["w.log", "w.log.1", "w.log.2", "w.log.3"]
    assert all(path.stat().st_size <= logs.MAX_BYTES for path in tmp_path.iterdir())


def test_the_last_lines_reach_back_into_the_file_before(tmp_path):
    (tmp_path / "w.log.1").write_text("1\n2\n")
    (tmp_path / "w.log").write_text("3\n")
    assert list(logs.lines(tmp_path / "w.log", 2)) == ["2", "3"]


def test_following_yields_whole_lines_and_goes_on_in_a_new_file(tmp_path):
    path = tmp_path / "w.log"
    path.write_text("old\none\ntw")
    told = logs.lines(path, 1, follow=True)
    assert next(told) == "one"
    with path.open("a") as file:
        file.write("o\n")
    assert next(told) == "two"
    path.rename(tmp_path / "w.log.1")
    path.write_text("3\n")
    assert next(told) == "3"


def test_a_line_is_told_in_words():
    line = json.dumps({"time": "T", "level": "INFO", "logger": "l", "message": "run ends", "run": "r1"})
    assert logs.in_words(line) == "T INFO    run ends run=r1"
    assert logs.in_words("no json") == "no json"
