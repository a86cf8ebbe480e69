"""Many kernels and many dashboards on one home: ``python -m benchmarks.load [HOME] [--seconds 60]``.

Eight processes submit ten runs a second each (the procedural engine, one step, 32 × 32), twenty more look each second
as the gallery does: ask whether anything changed, then read the newest page. Afterwards every accepted run must be in
the log, once, in both DuckDB files, with its picture. ``HOME`` may be the one that `benchmarks.million_runs` has made.

A run is seen when a viewer's page has it; its age then, over all viewers, is reported, and it contains the second
between two looks. Appends are timed where the kernel calls them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import duckdb

import studio_kernel as sk
from benchmarks.report import failed, report
from studio_kernel.errors import RunLogError
from studio_kernel.runlog import RunLog
from studio_kernel.settings import Home
from studio_kernel.worker.launch import Launcher

KERNELS, RUNS_PER_S = 8, 10
VIEWERS, LOOK_S = 20, 1.0
SETTINGS = {"model": "procedural", "width": 32, "height": 32, "num_inference_steps": 1}
CHILD = "import sys; from benchmarks import load; getattr(load, sys.argv[1])(*sys.argv[2:])"


def open_kernel(home: str) -> sk.Studio:
    """Return the studio of one kernel."""
    return sk.open(home)


def kernel(home: str, seconds: str) -> None:
    """Submit runs at a steady pace; print the ids that were accepted and what each append took."""
    appends = time_appends()
    with open_kernel(home) as studio:
        studio.submit("a warm-up", seed=0, **SETTINGS).wait()
        appends.clear()
        wait_for_start()
        begun, accepted = time.monotonic(), []
        for number in range(int(float(seconds) * RUNS_PER_S)):
            time.sleep(max(0.0, begun + number / RUNS_PER_S - time.monotonic()))
            accepted.append(studio.submit("a boat", seed=os.getpid() * 10_000 % 2**31 + number, **SETTINGS))
        took = time.monotonic() - begun
        ended = [str(run.wait(progress_bar=False).status) for run in accepted]
    answer({"ids": [run.id for run in accepted], "status": ended, "appends_ms": appends, "took_s": took})


def viewer(home: str, seconds: str) -> None:
    """Look each second, as a gallery does; print when each look was answered, and how far its page reached."""
    looks: list[tuple[float, float]] = []
    reads: list[float] = []
    refused = 0
    with sk.open(home, mode="viewer") as studio:
        token = None
        studio.records()
        wait_for_start()
        time.sleep(random.uniform(0, LOOK_S))  # dashboards do not look all at the same moment
        begun = now = time.monotonic()
        while now < begun + float(seconds):
            try:
                found = studio.changed_since(token)
                if found != token:
                    page = studio.records()
                    token = found
                    reads.append((time.monotonic() - now) * 1e3)
                    looks.append((time.time(), page[0].created_at.timestamp() if page else 0.0))
            except RunLogError:  # a viewer keeps its page and looks again
                refused += 1
            next_look = begun + LOOK_S * (int((time.monotonic() - begun) / LOOK_S) + 1)
            time.sleep(max(0.0, next_look - time.monotonic()))
            now = time.monotonic()
    answer({"looks": looks, "reads_ms": reads, "refused": refused})


def ages(queued: Sequence[float], looks: Sequence[tuple[float, float]]) -> Iterator[float]:
    """Yield how old each run was when it was first seen by one viewer.

    A run is seen with the first look whose newest run is not older than it: a fold takes what is new in all journals
    together, so whatever is older is there too, though it may have left the page of 50 already. Runs that were queued
    before the first look or after the last one are left out.
    """
    seen = 1
    for at in sorted(queued):
        if looks and at > looks[0][0]:
            while seen < len(looks) and looks[seen][1] < at:
                seen += 1
            if seen < len(looks):
                yield looks[seen][0] - at


def queued_at(run_id: str) -> float:
    """Return the time in a UUID of version 7, in seconds since 1970."""
    return (UUID(run_id).int >> 80) / 1e3


def time_appends() -> list[float]:
    """Have every event that this process logs timed, on the thread that logs it."""
    times: list[float] = []

    def timed(call: Callable[..., None]) -> Callable[..., None]:
        def timing(*arguments: object, **options: object) -> None:
            begun = time.perf_counter()
            call(*arguments, **options)
            times.append((time.perf_counter() - begun) * 1e3)

        return timing

    for name in ("queued", "started", "finished"):
        setattr(RunLog, name, timed(getattr(RunLog, name)))
    return times


def wait_for_start() -> None:
    """Say that everything is loaded, and wait for the others."""
    print("ready", flush=True)
    sys.stdin.readline()


def answer(found: dict[str, object]) -> None:
    """Print what was found for the process that has started this one."""
    print(json.dumps(found), flush=True)


@dataclass(frozen=True)
class Found:
    """What kernels and viewers have found together."""

    accepted: list[str]
    status: list[str]
    appends_ms: list[float]
    took_s: float
    ages_s: list[float]
    reads_ms: list[float]
    refused: int


def put_under_load(home: Path, seconds: float, *, kernels: int = KERNELS, viewers: int = VIEWERS) -> Found:
    """Let kernels and viewers work on a home for so long; return what they have found."""
    roles = ["kernel"] * kernels + ["viewer"] * viewers
    processes = [_start(role, home, seconds) for role in roles]
    for process, role in zip(processes, roles, strict=True):
        assert process.stdout is not None
        if (line := process.stdout.readline()) != "ready\n":
            raise SystemExit(f"a {role} did not start: {line!r}")
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [json.loads(process.communicate()[0]) for process in processes]
    from_kernels, from_viewers = answers[:kernels], answers[kernels:]
    accepted = [run_id for found in from_kernels for run_id in found["ids"]]
    queued = [queued_at(run_id) for run_id in accepted]
    return Found(
        accepted,
        [status for found in from_kernels for status in found["status"]],
        [append for found in from_kernels for append in found["appends_ms"]],
        max(found["took_s"] for found in from_kernels),
        [age for found in from_viewers for age in ages(queued, found["looks"])],
        [read for found in from_viewers for read in found["reads_ms"]],
        sum(found["refused"] for found in from_viewers),
    )


def _start(role: str, home: Path, seconds: float) -> subprocess.Popen[str]:
    """Start a process of this benchmark; it says when it is ready."""
    command = [sys.executable, "-c", CHILD, role, str(home), str(seconds)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


FAULTS = """
WITH accepted AS (SELECT unnest($accepted::VARCHAR[])::UUID AS id),
  mine AS (SELECT id, finished_at FROM run_rows SEMI JOIN accepted USING (id)),
  pictures AS (SELECT run_id FROM assets WHERE run_id IN (SELECT id FROM accepted))
SELECT len($accepted::VARCHAR[]) - count(DISTINCT id) AS lost, count(*) - count(DISTINCT id) AS doubled,
  count(*) - count(finished_at) + abs(count(*) - (SELECT count(*) FROM pictures)) AS incomplete
FROM mine
"""


def faults(home: Path, accepted: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield, for both files, how many accepted runs are lost, doubled, or without their end or picture."""
    with RunLog(home) as log:
        log.sync()
        live = log.sql(FAULTS, {"accepted": list(accepted)})
    with duckdb.connect(str(home / "runs.duckdb"), read_only=True) as connection:  # as a user would
        public = connection.execute(FAULTS, {"accepted": list(accepted)}).df()
    for name, found in (("live.duckdb", live), ("runs.duckdb", public)):
        for fault in found.columns:
            yield f"{name}: accepted runs {fault}", int(found[fault][0])


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the sorted values lie."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def show(home: Path, seconds: float) -> None:
    """Load a home and print the figures."""
    with sk.open(home) as studio:
        print(f"  {studio.count():,} runs in the home at the start")
    found = put_under_load(home, seconds)
    accepted = len(found.accepted)
    print(f"  {accepted:,} runs accepted, {accepted / found.took_s:.1f} a second; {len(found.reads_ms):,} reads")
    report("runs not accepted", KERNELS * int(seconds * RUNS_PER_S) - accepted, 0, "")
    report("runs that did not succeed", accepted - found.status.count("succeeded"), 0, "")
    for what, count in faults(home, found.accepted):
        report(what, count, 0, "")
    report("a run is seen by a viewer after: median", quantile(found.ages_s, 0.5), 1.0, "s")
    report("a run is seen by a viewer after: 99th percentile", quantile(found.ages_s, 0.99), 2.0, "s")
    report("append: median", quantile(found.appends_ms, 0.5), 0.3, "ms")
    report("append: 99th percentile (1 ms is for an idle machine)", quantile(found.appends_ms, 0.99), 50.0, "ms")
    report("read: median", quantile(found.reads_ms, 0.5), 150.0, "ms")
    report("read: 99th percentile", quantile(found.reads_ms, 0.99), 1000.0, "ms")
    report("reads refused, of a hundred", 100 * found.refused / max(1, len(found.reads_ms)), 2.0, "%")


def end_worker(home: Path) -> None:
    """Let the worker that did the runs end, before its home goes."""
    with RunLog(home) as log:
        Launcher(Home.at(home), log).stop(at_once=True)


def main() -> None:
    """Load the home that is named, or an empty one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load")
    parser.add_argument("home", nargs="?", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    if hasattr(os, "getloadavg"):
        print(f"  load average before {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as fresh:
        home = (options.home or Path(fresh)).absolute()
        show(home, options.seconds)
        end_worker(home)


if __name__ == "__main__":
    main()
    sys.exit(1 if failed() else 0)
