"""Garbage is collected again and again while another process generates: no run loses a file."""

import hashlib
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

import studio_kernel as sk
from pictures import LONG_AGO, png
from studio_kernel.gc import collect

ROOT = Path(__file__).parents[2]
RUNS = 300
WORK = """
import sys
import studio_kernel as sk
from pictures import png
with sk.open(sys.argv[1]) as studio:
    for number in range(int(sys.argv[2])):
        quick = dict(model="procedural", num_inference_steps=1, width=32, height=32, seed=number % 7)
        run = studio.generate("a boat", image=png(number % 5), progress=False, **quick)
        assert run.status == "succeeded", run.error
"""


def worker(home):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    command = [sys.executable, "-c", WORK, str(home), str(RUNS)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_no_run_loses_a_file_while_garbage_is_collected(home):
    removed = strays = collections = 0
    with sk.open(home) as studio, worker(home) as process:
        while process.poll() is None:
            stray = studio.assets.path(studio.assets.put(png(1000 + strays)))
            os.utime(stray, (LONG_AGO, LONG_AGO))
            strays += 1
            collected = collect(studio, grace=timedelta(0))
            removed += len(collected.removed["asset"])
            collections += 1
        assert process.returncode == 0, process.stderr.read()
        records = studio.records(limit=None)
        assert len(records) == RUNS
        for record in records:
            for ref in (*record.request.references, *(asset.ref for asset in record.assets)):
                assert hashlib.sha256(studio.assets.path(ref).read_bytes()).hexdigest() == ref.sha256
        assert collections > 5
        assert removed + len(collect(studio, grace=timedelta(0)).removed["asset"]) == strays
