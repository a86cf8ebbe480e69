"""The gallery of 100,000 runs in a browser: ``python -m benchmarks.gallery [HOME] [--runs N]``.

The home is made once and kept, as in `benchmarks.million_runs`, but every run has a stored file, one of some
hundred pictures.
JupyterLab is started on it, Chromium (on the path, or named by STUDIO_CHROMIUM) shows the panel, and the page itself
measures: from running the cell until every cell in view has its picture, how long any of them stays empty while it is
in view, and how many elements there are.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import random
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from benchmarks.browsing import notebook
from benchmarks.million_runs import FIRST_TS, MODELS, PER_JOURNAL, YEAR_US, fold, prompt_of
from benchmarks.report import failed, report
from studio_kernel.assets import AssetStore
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.marks import Mark
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import Origin, RunStatus
from studio_kernel.domain.values import Value
from studio_kernel.runlog import events
from studio_kernel.runlog.sources import ARCHIVE_SUFFIX
from studio_kernel.settings import Home

if TYPE_CHECKING:
    from playwright.sync_api import Page

RUNS = 100_000
PICTURES = 400
PICTURE_PX = 256
OPENING = """import studio_kernel as sk
from studio_widgets import GalleryPanel
studio = sk.open({home!r}, mode="viewer")
studio.count()"""
SHOWING = "GalleryPanel(studio)"

BOUNDS = {"first view": 1000.0, "elements": 300.0, "longest empty": 300.0}
# Emptiness counts from the frame in which a cell came into view without its picture.
WATCHING = """
window.filled = () => {
    const edge = document.querySelector('.sg-grid')?.getBoundingClientRect();
    const cells = edge ? [...document.querySelectorAll('.sg-cell')] : [];
    return cells.length > 0 && cells.every((cell) => !window.isEmpty(cell, edge));
};
window.isEmpty = (cell, edge) => {
    const at = cell.getBoundingClientRect();
    const isSeen = at.bottom > edge.top && at.top < edge.bottom;
    if (!isSeen) return false;
    return !cell.dataset.status || (cell.dataset.status === 'succeeded' && !cell.querySelector('img')?.complete);
};
window.scrolling = async (steps, px) => {
    const box = document.querySelector('.sg-grid'), since = new Map(), frames = [];
    let worst = 0, most = 0, last = performance.now();
    const look = () => {
        const edge = box.getBoundingClientRect(), now = performance.now();
        frames.push(now - last);
        last = now;
        most = Math.max(most, document.querySelectorAll('.sg-root *').length);
        const cells = new Set(document.querySelectorAll('.sg-cell'));
        for (const cell of since.keys()) if (!cells.has(cell)) since.delete(cell);
        for (const cell of cells) {
            if (!window.isEmpty(cell, edge)) since.delete(cell);
            else if (!since.has(cell)) since.set(cell, now);
            else worst = Math.max(worst, now - since.get(cell));
        }
    };
    for (let step = 0; step < steps; step += 1) {
        box.scrollTop += px;
        await new Promise(requestAnimationFrame);
        look();
    }
    const ended = performance.now();
    while (!window.filled() && performance.now() - ended < 20000) {
        await new Promise(requestAnimationFrame);
        look();
    }
    frames.sort((a, b) => a - b);
    return { worst, most, settled: performance.now() - ended, frame: frames[Math.floor(frames.length * 0.95)] };
};
"""
FIRST_VIEW = """async () => {
    const begun = performance.now();
    jupyterapp.commands.execute('notebook:run-cell-and-select-next');
    while (!window.filled()) await new Promise(requestAnimationFrame);
    return performance.now() - begun;
}"""


def make_home(home: Path, runs: int) -> None:
    """Store the pictures, write the journals and fold them; done already, it returns at once."""
    place = Home.at(home)
    place.prepare()
    complete = place.runlog / f"complete-{runs}"
    if complete.exists():
        return
    store = AssetStore(place.assets)
    assets = [store.put(picture(number)) for number in range(PICTURES)]
    for asset in assets:
        store.thumbnail(asset)
    done = place.runlog / "journal" / "done"
    done.mkdir(parents=True, exist_ok=True)
    for first in range(0, runs, PER_JOURNAL):
        write_archive(done, first, runs, assets)
    fold(place.runlog)
    complete.touch()


def picture(number: int) -> bytes:
    """Return a picture that no other number has, of about the size that photographs have."""
    chance = random.Random(number)
    image = Image.effect_noise((PICTURE_PX, PICTURE_PX), 40).convert("RGB")
    draw = ImageDraw.Draw(image, "RGBA")
    for _ in range(12):
        x, y, r = (chance.randrange(PICTURE_PX) for _ in range(3))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(*(chance.randrange(256) for _ in range(3)), 110))
    draw.text((8, 8), str(number), fill="white")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def write_archive(done: Path, first: int, runs: int, assets: list[Asset]) -> None:
    """Write the journal of one process that has ended, with the runs from number `first` on."""
    chance = random.Random(first)
    last = min(first + PER_JOURNAL, runs)
    lines = b"".join(line for number in range(first, last) for line in lines_of(number, runs, chance, assets))
    ms = (FIRST_TS + first * (YEAR_US // runs)) // 1000
    (done / f"{ms:013d}-{first:012x}-{len(lines)}{ARCHIVE_SUFFIX}").write_bytes(gzip.compress(lines, 1))


def lines_of(number: int, runs: int, chance: random.Random, assets: list[Asset]) -> Iterator[bytes]:
    """Yield the journal lines of run `number`."""
    ts = FIRST_TS + number * (YEAR_US // runs)
    run_id = str(
        uuid.UUID(int=(ts // 1000) << 80 | 0x7 << 76 | number % 4096 << 64 | 0b10 << 62 | chance.getrandbits(62))
    )
    failed_run, seed = chance.random() < 0.02, chance.getrandbits(32)
    parameters: dict[str, Value] = {"prompt": prompt_of(int(chance.random() * max(100, runs // 8))), "seed": seed}
    request = GenerationRequest(MODELS[int(40 * chance.random() ** 2.5)], parameters=parameters)
    yield events.encode(events.queued(run_id, request, "diffusers", Origin()), ts)
    end = events.finished(
        run_id,
        RunStatus.FAILED if failed_run else RunStatus.SUCCEEDED,
        assets=() if failed_run else (chance.choice(assets),),
        seed=seed,
        elapsed_s=chance.uniform(0.5, 60),
        cost_usd=None,
        error="CUDA out of memory" if failed_run else None,
        outcome={},
    )
    yield events.encode(end, ts + 2)
    if chance.random() < 0.17:
        mark = Mark(rating=chance.randint(1, 5), favourite=chance.random() < 0.5 or None, tags=("keep",))
        yield events.encode(events.mark(run_id, mark), ts + 3)


def measure(page: Page) -> None:
    """Report what the page measures."""
    page.evaluate(f"() => {{ {WATCHING} }}")
    report("first view: from running the cell to every picture", page.evaluate(FIRST_VIEW), BOUNDS["first view"], "ms")
    for layout in ("Grid", "List"):
        page.get_by_role("button", name=layout, exact=True).click()
        page.wait_for_function("window.filled()")
        for name, steps, px in (("scroll, 240 steps of 40 px", 240, 40), ("fling, 120 steps of 1,400 px", 120, 1400)):
            said = page.evaluate("([steps, px]) => window.scrolling(steps, px)", [steps, px])
            print(f"    95 % of frames within {said['frame']:.0f} ms", flush=True)
            report(f"{layout.lower()}, {name}: longest empty", said["worst"], BOUNDS["longest empty"], "ms")
            report(f"{layout.lower()}, {name}: filled after", said["settled"], BOUNDS["longest empty"], "ms")
            report(f"{layout.lower()}, {name}: elements", said["most"], BOUNDS["elements"], "")


def main() -> None:
    """Make the home if need be, and print all figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gallery")
    parser.add_argument("home", nargs="?", type=Path)
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args()
    home = options.home or Path(tempfile.gettempdir()) / f"studio-gallery-{options.runs}"
    begun = time.perf_counter()
    make_home(home, options.runs)
    print(f"  home ready after {time.perf_counter() - begun:.0f} s", flush=True)
    opening = OPENING.format(home=str(home))
    with tempfile.TemporaryDirectory() as folder, notebook(Path(folder), opening, SHOWING) as page:
        measure(page)
    print(f"  load average at the end {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "")


if __name__ == "__main__":
    main()
    sys.exit(1 if failed() else 0)
