"""A studio that is killed without warning: what it had told its user is there when the home is opened again."""

import hashlib
import random
import subprocess
import sys
from contextlib import suppress

import pytest

import studio_kernel as sk

KILLS = 6
WORK = """
import sys
import studio_kernel as sk
studio = sk.open(sys.argv[1])
for seed in range(10_000):
    run = studio.generate("a boat", model="procedural", num_inference_steps=1, width=32, height=32, seed=seed)
    print(run.id, run.first_asset.sha256, flush=True)
"""


@pytest.mark.slow
def test_no_finished_run_and_no_picture_is_lost_by_kill_9(home):
    told, chance = {}, random.Random(7)
    for _ in range(KILLS):
        command = [sys.executable, "-c", WORK, str(home)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
            for _ in range(chance.randint(1, 25)):
                run_id, digest = worker.stdout.readline().split()
                told[run_id] = digest
            worker.kill()
            told |= dict(line.split() for line in worker.stdout.read().splitlines() if line.count(" ") == 1)
    with sk.open(home) as studio:
        assert not studio.health().quarantined
        for run_id, digest in told.items():
            run = studio.run(run_id)
            assert run.status == "succeeded"
            data = studio.assets.path(run.first_asset).read_bytes()
            assert hashlib.sha256(data).hexdigest() == digest
        ids = list(studio.runs(limit=None)["id"])
        assert len(ids) == len(set(ids))
        assert studio.generate("a boat", model="procedural").status == "succeeded"


def fill(path):
    """Write a file until the disk is full."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_a_full_disk_fails_a_run_in_words_and_the_next_one_works_when_there_is_room(small_disk):
    quick = {"model": "procedural", "num_inference_steps": 1, "width": 512, "height": 512}
    with sk.open(small_disk / "home") as studio:
        studio.generate("a boat", **quick)
        ballast = small_disk / "ballast"
        fill(ballast)
        run = studio.generate("a fish", **quick)
        assert run.status == "failed"
        assert "No space left on device" in run.error
        ballast.unlink()
        assert studio.generate("a bird", **quick).status == "succeeded"
    with sk.open(small_disk / "home") as again:
        runs = again.runs(limit=None)
        assert list(zip(runs["prompt"], runs["status"], strict=True)) == [
            ("a bird", "succeeded"),
            ("a fish", "failed"),
            ("a boat", "succeeded"),
        ]
