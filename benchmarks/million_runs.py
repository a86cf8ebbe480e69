"""A home of a million runs, and what its questions take: ``python -m benchmarks.million_runs [HOME] [--runs N]``.

The home is made once and kept: journals of the real line format, archived as processes that have ended leave them, and
folded by the run log's own code. Without ``HOME`` it lies in the directory for temporary files. Questions go through
the public API of a studio; each is asked some times beforehand, and the median of the warm ones is the figure.
"""

from __future__ import annotations

import argparse
import gzip
import os
import random
import resource
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count as counting
from pathlib import Path
from statistics import median

import studio_kernel as sk
from benchmarks.report import failed, report
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.marks import Mark
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import Origin, RunStatus
from studio_kernel.runlog import Cursor, RunFilter, events
from studio_kernel.runlog.fold import Folder
from studio_kernel.runlog.sources import ARCHIVE_SUFFIX
from studio_kernel.settings import Home

RUNS = 1_000_000
BOUND_MS = 150.0
REPORT_MS = 500.0  # what reads every run for a page of numbers, which nobody types into
WARM, ROUNDS = 3, 9
PER_JOURNAL = 6000  # about 8 MB, where a journal is followed by a new one
FIRST_TS = 1_735_689_600_000_000  # 2025-01-01; the runs are spread over the year that follows
YEAR_US = 31_536_000_000_000
RARE = "quetzalcoatl"
SUBJECTS = (
    "castle dragon neon city rain portrait woman man cat dog robot forest river mountain sunset ocean cyberpunk "
    "watercolor oil painting photo macro lens bokeh cinematic light studio vintage film grain anime manga sketch "
    "concept art isometric voxel clay paper cut glass marble bronze statue ruin temple desert snow storm cloud moon "
    "star galaxy nebula"
)
WORDS = SUBJECTS.split()
MODELS = [f"model-{number}" for number in range(40)]
SCHEDULERS = ("euler", "dpm-multistep", "ddim", "unipc")
PROJECTS = [f"project-{number}" for number in range(20)]


def make_home(home: Path, runs: int) -> None:
    """Write the journals of `runs` runs and fold them into both DuckDB files; done already, it returns at once."""
    complete = home / f"complete-{runs}"
    if complete.exists():
        return
    done = home / "journal" / "done"
    done.mkdir(parents=True)
    begun = time.perf_counter()
    with ProcessPoolExecutor() as pool:
        list(pool.map(write_archive, [done] * runs, range(0, runs, PER_JOURNAL), [runs] * runs))
    print(f"  {runs:,} runs written in {time.perf_counter() - begun:.0f} s", flush=True)
    fold(home)
    complete.touch()


def fold(home: Path) -> None:
    """Make both DuckDB files of the journals."""
    live, public = home / "live.duckdb", home / "runs.duckdb"
    for path, sibling in ((live, public), (public, live)):
        begun = time.perf_counter()
        folder = Folder(home, path, sibling=sibling, wait_s=1.0, keeps_bad_lines=False)
        if not folder.catch_up(pause_s=0.0, limit_s=3600.0):
            raise SystemExit(f"{path.name} could not be made: {folder.error}")
        size = path.stat().st_size / 1e6
        print(f"  {path.name} made in {time.perf_counter() - begun:.0f} s, {size:.0f} MB", flush=True)


def write_archive(done: Path, first: int, runs: int) -> None:
    """Write the journal of one process that has ended, with the runs from number `first` on."""
    chance = random.Random(first)
    lines = b"".join(
        line for number in range(first, min(first + PER_JOURNAL, runs)) for line in lines_of(number, runs, chance)
    )
    ms = (FIRST_TS + first * (YEAR_US // runs)) // 1000
    path = done / f"{ms:013d}-{first:012x}-{len(lines)}{ARCHIVE_SUFFIX}"
    path.write_bytes(gzip.compress(lines, 1))


def lines_of(number: int, runs: int, chance: random.Random) -> Iterator[bytes]:
    """Yield the journal lines of run `number`."""
    ts = FIRST_TS + number * (YEAR_US // runs)
    run_id = str(
        uuid.UUID(int=(ts // 1000) << 80 | 0x7 << 76 | number % 4096 << 64 | 0b10 << 62 | chance.getrandbits(62))
    )
    failed_run, elapsed_s = chance.random() < 0.02, chance.uniform(0.5, 60)
    width, height = chance.choice((512, 768, 1024, 1344)), chance.choice((512, 768, 1024))
    seed = chance.getrandbits(32)
    parameters = {
        "prompt": prompt_of(int(chance.random() * max(100, runs // 8))),
        "seed": seed,
        "width": width,
        "height": height,
        "num_inference_steps": chance.choice((10, 20, 30, 40, 50)),
        "guidance_scale": 1 + chance.randrange(16) / 2,
        "scheduler": chance.choice(SCHEDULERS),
        "clip_skip": chance.randrange(3),
    }
    if chance.random() < 0.33:
        parameters["negative_prompt"] = "blurry, low quality, watermark"
    request = GenerationRequest(MODELS[int(40 * chance.random() ** 2.5)], parameters=parameters)
    project = chance.choice(PROJECTS) if chance.random() < 0.5 else None
    provenance = {"device": "cuda", "versions": {"torch": "2.13.0", "diffusers": "0.42.0"}, "weights": f"{seed:040x}"}
    asset = Asset(f"{chance.getrandbits(256):064x}", "image/png", chance.randrange(200_000, 2_000_000), width, height)
    end = events.finished(
        run_id,
        RunStatus.FAILED if failed_run else RunStatus.SUCCEEDED,
        assets=() if failed_run else (asset,),
        seed=seed,
        elapsed_s=elapsed_s,
        cost_usd=None,
        error="CUDA out of memory" if failed_run else None,
        outcome={"denoising_s": elapsed_s * 0.9, "decoding_s": elapsed_s * 0.1},
    )
    yield events.encode(events.queued(run_id, request, "diffusers", Origin(project=project)), ts)
    yield events.encode(events.started(run_id, provenance), ts + 1)
    yield events.encode(end, ts + 2)
    if chance.random() < 0.17:
        tags = (f"tag-{chance.randrange(50)}", "keep") if chance.random() < 0.5 else None
        mark = Mark(rating=chance.randint(1, 5), favourite=chance.random() < 0.5 or None, tags=tags)
        yield events.encode(events.mark(run_id, mark), ts + 3)


def prompt_of(number: int) -> str:
    """Return prompt `number`; one in two thousand has the rare word."""
    chance = random.Random(number)
    words = chance.choices(WORDS, k=chance.randint(8, 21))
    return " ".join([*words, RARE] if number % 2000 == 7 else words)


def measure(studio: sk.Studio) -> None:
    """Ask everything that panels and people ask, and report what each takes."""
    newest = studio.records(limit=50)
    deep = studio.count() * 6 // 10
    middle = Cursor.after(studio.records(limit=1, offset=deep)[0])
    model, asked = newest[0].request.model, newest[0].request.prompt
    by_seed = (
        "SELECT id, seed, rating, elapsed_s FROM runs WHERE model = ? AND prompt_hash = md5_number_lower(?) "
        "ORDER BY created_at DESC, id DESC LIMIT 50"
    )
    effect = "SELECT {0}, count(*), avg(rating), avg(elapsed_s) FROM runs WHERE {1} GROUP BY {0} ORDER BY {0}"
    several = RunFilter(model=model, favourite=True, text="castle")
    questions: dict[str, Callable[[], object]] = {
        "newest page": studio.records,
        "page: model, favourite and a word": lambda: studio.records(several),
        "page: status and project": lambda: studio.records(RunFilter(status="failed", project=PROJECTS[3])),
        "page: tag and rating": lambda: studio.records(RunFilter(tag="tag-7", min_rating=4)),
        "page: a rare word": lambda: studio.records(RunFilter(text=RARE)),
        "page: a word that nobody wrote": lambda: studio.records(RunFilter(text="wombat")),
        "count of the filtered page": lambda: studio.count(model=model, favourite=True, text="castle"),
        "facets": studio.facets,
        "facets under a text filter": lambda: studio.facets(RunFilter(text="castle dragon")),
        "facets under a model": lambda: studio.facets(RunFilter(model=model)),
        "seeds of one prompt and model": lambda: studio.sql(by_seed, [model, asked]),
        "effect of guidance_scale, one model": lambda: studio.sql(
            effect.format("guidance_scale", "model = ?"), [model]
        ),
        "effect of guidance_scale, all": lambda: studio.sql(effect.format("guidance_scale", "true")),
        "effect of scheduler and steps, all": lambda: studio.sql(
            effect.format("scheduler, num_inference_steps", "true")
        ),
        f"deep page by offset {deep:,}": lambda: studio.records(offset=deep),
        "deep page by cursor": lambda: studio.records(before=middle),
        "deep page by cursor, filtered": lambda: studio.records(RunFilter(model=model), before=middle),
        "runs(where='guidance_scale > 5 AND rating >= 4')": lambda: studio.runs(
            where="guidance_scale > 5 AND rating >= 4"
        ),
        "one run": lambda: studio.record(newest[7].id),
        "who marked last": studio.marks,
        "who marked one run": lambda: studio.marks(newest[7].id),
        "unfinished runs": lambda: studio.sql("SELECT id FROM run_rows WHERE finished_at IS NULL"),
    }
    for name, ask in questions.items():
        ask_often(name, ask)
    reports: dict[str, Callable[[], object]] = {
        "usage by day": studio.usage,
        "usage by model": lambda: studio.usage(by="model"),
        "usage of a project by day": lambda: studio.usage(project=PROJECTS[3]),
        "report of models": studio.model_report,
        "ratings of models": studio.model_ratings,
    }
    for name, ask in reports.items():
        ask_often(name, ask, REPORT_MS)
    stars, target = counting(), middle.id

    def mark_and_see() -> None:
        rating = next(stars) % 5 + 1
        studio.mark(target, rating=rating)
        assert studio.record(target).rating == rating

    ask_often("mark of an old run, until it is seen", mark_and_see)


def ask_often(name: str, ask: Callable[[], object], bound_ms: float = BOUND_MS) -> None:
    """Report the median of the warm answers, and show the CPU time beside it."""
    walls, cpus = [], []
    for round_ in range(WARM + ROUNDS):
        wall, cpu = time.perf_counter(), time.process_time()
        ask()
        if round_ >= WARM:
            walls.append((time.perf_counter() - wall) * 1e3)
            cpus.append((time.process_time() - cpu) * 1e3)
    print(f"    cpu {median(cpus):6.1f} ms, slowest {max(walls):6.1f} ms", end="  ")
    report(name, median(walls), bound_ms, "ms")


def main() -> None:
    """Make the home if need be, and print all figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.million_runs")
    parser.add_argument("home", nargs="?", type=Path)
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args()
    home = options.home or Path(tempfile.gettempdir()) / f"studio-{options.runs}-runs"
    make_home(Home.at(home).runlog, options.runs)
    with sk.open(home) as studio:
        print(f"  {studio.count():,} runs in {str(home)!r}")
        measure(studio)
    if sys.platform != "win32":
        unit = 1 if sys.platform == "darwin" else 1024
        print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6:.0f} MB")
    print(f"  load average at the end {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "")


if __name__ == "__main__":
    main()
    sys.exit(1 if failed() else 0)
