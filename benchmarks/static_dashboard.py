"""An exported gallery of 5,000 runs in a browser: ``python -m benchmarks.static_dashboard [--runs N]``.

A home is filled with so many runs of some hundred pictures, exported, and opened from disk in Chromium (on the path, or
named by STUDIO_CHROMIUM), in a fresh context each time. The page itself measures: from the start of the navigation
until every card in view has its picture, until all rows are there to be filtered, what a filter takes until its cards
are drawn, and how many elements there are. Each figure is the worst of five.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import studio_kernel as sk
from benchmarks.browsing import chromium
from benchmarks.gallery import PICTURES, picture
from benchmarks.report import failed, report
from studio_kernel.assets import AssetStore
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunStatus
from studio_kernel.runlog import RunLog, new_run_id
from studio_kernel.settings import Home

if TYPE_CHECKING:
    from playwright.sync_api import Browser

RUNS = 5000
TIMES = 5
COLOURS = ("red", "green", "blue", "gold", "grey")
PROMPT = "a {colour} boat number {number} on a calm sea at dawn, soft light, long exposure, 35 mm, film grain"
BOUNDS = {"first view": 2000.0, "all rows": 3000.0, "filter": 300.0, "elements": 800.0}
FIRST_VIEW = """new Promise((done) => {
    const look = () => {
        const cards = [...document.querySelectorAll('.card img')];
        const isSeen = (image) => image.getBoundingClientRect().top < innerHeight;
        const isThere = cards.length > 0 && cards.filter(isSeen).every((image) => image.complete && image.naturalWidth);
        isThere ? done(performance.now()) : requestAnimationFrame(look);
    };
    look();
})"""
ALL_ROWS = """new Promise((done) => {
    const look = () => ('ready' in document.documentElement.dataset ? done(performance.now()) : setTimeout(look, 1));
    look();
})"""
FILTER = """new Promise((done) => {
    const begun = performance.now(), field = document.getElementById('text');
    field.value = 'gold number 4';
    field.dispatchEvent(new Event('input', { bubbles: true }));
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun)));
})"""
ELEMENTS = "document.querySelectorAll('*').length"


def fill(home: Path, runs: int) -> None:
    """Log runs that succeeded, each with one of the pictures."""
    place = Home.at(home)
    place.prepare()
    store = AssetStore(place.assets)
    assets = [store.put(picture(number)) for number in range(PICTURES)]
    with RunLog(place.runlog) as log:
        for number in range(runs):
            run_id = new_run_id()
            prompt = PROMPT.format(colour=COLOURS[number % len(COLOURS)], number=number)
            values = {"prompt": prompt, "seed": number, "num_inference_steps": 20, "guidance_scale": 5.0}
            log.queued(run_id, GenerationRequest("studio-tiny", parameters=values), engine="diffusers")
            asset = assets[number % PICTURES]
            log.finished(run_id, RunStatus.SUCCEEDED, assets=[asset], seed=number, elapsed_s=0.5)


def measure(browser: Browser, address: str) -> dict[str, float]:
    """Open the page in a fresh context and return what it measures, in milliseconds."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.goto(address, wait_until="commit")
    found = {"first view": page.evaluate(FIRST_VIEW), "all rows": page.evaluate(ALL_ROWS)}
    found |= {"elements": page.evaluate(ELEMENTS), "filter": page.evaluate(FILTER)}
    context.close()
    return {name: float(value) for name, value in found.items()}


def main() -> int:
    """Print a line a figure; 1 when one is beyond its bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        home, out = Path(folder) / "home", Path(folder) / "out"
        fill(home, runs)
        with sk.open(home, mode="viewer") as studio:
            studio.count()
            begun = time.perf_counter()
            page = studio.export_dashboard("gallery", out, progress=False)
            exported_s = time.perf_counter() - begun
        with chromium() as browser:
            found = [measure(browser, page.as_uri()) for _ in range(TIMES)]
    report(f"export of {runs:,} runs", exported_s, runs / 100, "s")
    for name, bound in BOUNDS.items():
        unit = "" if name == "elements" else "ms"
        report(f"exported gallery of {runs:,} runs: {name}", max(each[name] for each in found), bound, unit)
    return int(failed())


if __name__ == "__main__":
    sys.exit(main())
