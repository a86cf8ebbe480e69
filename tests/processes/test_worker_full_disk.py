"""A worker on a full disk: runs fail in words and once, and work goes on when there is room."""

import os
from contextlib import suppress

import pytest

import studio_kernel as sk
import worker_tools


@pytest.fixture
def small_home(roomy_disk):
    home = roomy_disk / "home"
    worker_tools.settle(home, exit_after_s=60.0)
    yield home
    worker_tools.end_workers(home)


def test_a_run_on_a_full_disk_fails_once_and_the_next_one_works_when_there_is_room(small_home):
    large = {"model": "procedural", "num_inference_steps": 1, "width": 512, "height": 512}
    with sk.open(small_home, runner="worker") as studio:
        assert studio.generate("a boat", **large).status == "succeeded"
        ballast = small_home.parent / "ballast"
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        # Cut in place: rewriting would free the whole disk for a moment, and somebody else would use it.
        os.truncate(ballast, ballast.stat().st_size - 8192)  # room for a line of the journal, none for a picture
        run = studio.submit("a fish", **large)
        with suppress(TimeoutError):  # its end is in the worker's memory when not even a line can be written
            run.wait(20)
        ballast.unlink()
        assert run.wait(60).status == "failed"
        assert "No space left on device" in run.error
        bird = studio.generate("a bird", **large)
        assert bird.status == "succeeded", bird.error
        assert studio.sql("SELECT max(attempt) AS n FROM runs").n.tolist() == [1]
