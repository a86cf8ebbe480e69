"""24 pictures of 4 megapixels in the comparison, in a browser: ``python -m benchmarks.compare [--home HOME]``.

The home is made once and kept. JupyterLab is started on it, Chromium (on the path, or named by STUDIO_CHROMIUM) shows
the panel, and the page itself measures: from running the cell until every slot shows its picture, until every slot has
all pixels of it, and how long frames take while all of them are zoomed and moved together.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.browsing import notebook
from benchmarks.report import failed, report
from studio_kernel.assets import AssetStore
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunStatus
from studio_kernel.runlog import RunLog, new_run_id
from studio_kernel.settings import Home

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from playwright.sync_api import Page

PICTURES = 24
SIDE_PX = 2048
OPENING = """import studio_kernel as sk
from studio_widgets import ComparePanel
studio = sk.open({home!r}, mode="viewer")
runs = [record.id for record in studio.records(limit=None)]
panel = ComparePanel(studio)
len(runs)"""
SHOWING = """panel.state.workspace.compared = tuple(runs)
panel"""
BOUNDS = {"open": 2000.0, "frame": 50.0}
WATCHING = """
window.seen = (isWhole) => {
    const all = [...document.querySelectorAll('.sc-grid .sc-media')];
    return all.length === PICTURES && all.every((media) =>
        media.complete && media.naturalWidth >= (isWhole ? SIDE : 1));
};
window.moving = async (frames, act) => {
    const view = document.querySelector('.sc-grid .sc-view'), box = view.getBoundingClientRect();
    const [x, y] = [box.left + box.width / 3, box.top + box.height / 3], taken = [];
    const pointer = (name, dx) => view.dispatchEvent(new PointerEvent(name,
        { bubbles: true, pointerId: 1, button: 0, clientX: x + dx, clientY: y + dx / 2 }));
    view.setPointerCapture = () => {};
    if (act === 'move') pointer('pointerdown', 0);
    let last = await new Promise(requestAnimationFrame);
    for (let frame = 0; frame < frames; frame += 1) {
        if (act === 'move') pointer('pointermove', 40 * Math.sin(frame / 6));
        else view.dispatchEvent(new WheelEvent('wheel', { bubbles: true, cancelable: true, ctrlKey: true,
            clientX: x, clientY: y, deltaY: frame < frames / 2 ? -24 : 24 }));
        const now = await new Promise(requestAnimationFrame);
        taken.push(now - last);
        last = now;
    }
    if (act === 'move') pointer('pointerup', 0);
    taken.sort((a, b) => a - b);
    const at = (part) => taken[Math.floor((taken.length - 1) * part)];
    return { median: at(0.5), slow: at(0.95), worst: at(1) };
};
"""
OPENED = """async () => {
    const begun = performance.now();
    jupyterapp.commands.execute('notebook:run-cell-and-select-next');
    while (!window.seen(false)) await new Promise(requestAnimationFrame);
    const shown = performance.now() - begun;
    while (!window.seen(true)) await new Promise(requestAnimationFrame);
    return [shown, performance.now() - begun];
}"""


def make_home(home: Path) -> None:
    """Store the pictures and log a run for each; done already, it returns at once."""
    place = Home.at(home)
    place.prepare()
    complete = place.runlog / "complete-compare"
    if complete.exists():
        return
    store = AssetStore(place.assets)
    with RunLog(place.runlog) as log:
        for number in range(PICTURES):
            asset = store.put(picture(number))
            store.thumbnail(asset)
            request = GenerationRequest(
                "studio-tiny", parameters={"prompt": f"a boat, number {number}", "seed": number}
            )
            run_id = new_run_id()
            log.queued(run_id, request, engine="diffusers")
            log.finished(run_id, RunStatus.SUCCEEDED, assets=[asset], seed=number, elapsed_s=2.0)
    complete.touch()


def picture(number: int) -> bytes:
    """Return a picture as a PNG of about the size that photographs have: large shapes, and grain."""
    import numpy as np
    from PIL import Image

    chance = np.random.default_rng(number)
    coarse: NDArray[np.uint8] = chance.integers(0, 255, (9, 9, 3), np.uint8)
    large = np.asarray(Image.fromarray(coarse).resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC), np.int16)
    grain = chance.normal(0, 3, large.shape).astype(np.int16)
    buffer = io.BytesIO()
    Image.fromarray(np.clip(large + grain, 0, 255).astype(np.uint8)).save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def measure(page: Page) -> None:
    """Report what the page measures."""
    page.evaluate(f"() => {{ const PICTURES = {PICTURES}, SIDE = {SIDE_PX}; {WATCHING} }}")
    shown, whole = page.evaluate(OPENED)
    report(f"{PICTURES} pictures of 4 MP: every slot shows its picture", shown, BOUNDS["open"], "ms")
    print(f"    every slot has all pixels after {whole:.0f} ms", flush=True)
    for name, act in (("zooming", "zoom"), ("moving", "move")):
        if act == "move":
            page.get_by_role("button", name="One pixel of the first").click()
        said = page.evaluate("([frames, act]) => window.moving(frames, act)", [120, act])
        print(f"    {1000 / said['median']:.0f} frames a second, the longest {said['worst']:.0f} ms", flush=True)
        report(f"{name} all of them together: 95 % of frames within", said["slow"], BOUNDS["frame"], "ms")


def main() -> None:
    """Make the home if need be, and print all figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare")
    parser.add_argument("--home", type=Path)
    options, _names = parser.parse_known_args()
    home = options.home or Path(tempfile.gettempdir()) / "studio-compare"
    begun = time.perf_counter()
    make_home(home)
    print(f"  home ready after {time.perf_counter() - begun:.0f} s", flush=True)
    opening = OPENING.format(home=str(home))
    with tempfile.TemporaryDirectory() as folder, notebook(Path(folder), opening, SHOWING) as page:
        measure(page)
    print(f"  load average at the end {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "")


if __name__ == "__main__":
    main()
    sys.exit(1 if failed() else 0)
