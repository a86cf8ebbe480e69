"""The main job, end to end, without a screen: pictures, an edit, a repair, a sweep, the log in SQL, a gallery.

``make demo`` runs it; it needs no key, no network and no GPU. Its runs go to the usual home, in a project of their own,
so that the panels and the dashboard show them; what it exports goes to a folder beside.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from studio_kernel import studio as studio_module
from studio_kernel.run import Run
from studio_kernel.settings import checkout_dir
from studio_kernel.studio import Studio

if TYPE_CHECKING:
    from PIL.Image import Image

PROJECT = "demo"
PROMPT = "a red house in a meadow"
SEEDS = [1, 2, 3, 4]
GUIDANCE_SCALES = [1.0, 3.0, 7.0]
QUESTION = """
SELECT task, count(*) AS runs, round(avg(elapsed_s), 2) AS seconds_each
FROM runs WHERE status = 'succeeded' AND project = ? GROUP BY task ORDER BY task
"""


@click.command()
@click.option("--home", type=click.Path(path_type=Path), help="The home to use; the usual one when left out.")
@click.option("--out", type=click.Path(path_type=Path), default=checkout_dir() / "data" / "demo", show_default=True)
def main(home: Path | None, out: Path) -> None:
    """Run the main job once and say where everything is."""
    begun = time.perf_counter()
    with studio_module.open(home) as studio:
        studio.create_project("Demo", id=PROJECT, description="What `make demo` made.")
        pictures = _pictures(studio)
        grid = _sweep(studio, out / "grid.png")
        click.echo("\nthe run log, asked in SQL:\n" + studio.sql(QUESTION, [PROJECT]).to_string(index=False))
        page = studio.export_gallery(out / "gallery", title="Gallery of the demo", project=PROJECT)
        files = [(run.request.task.label, studio.assets.path(run.first_asset)) for run in pictures]
        log = studio.home.root / "runs.duckdb"
        stays = studio.runner == "worker"
    click.echo(f"\ndone in {time.perf_counter() - begun:.1f} s; the files:")
    for what, path in [*files, ("Sweep grid", grid), ("Gallery", page), ("Run log", log)]:
        click.echo(f"  {what:<16} {path}")
    if stays:
        click.echo(
            "\na worker keeps the model warm for the next run and ends by itself; studio worker stop ends it now"
        )


def _pictures(studio: Studio) -> list[Run]:
    """Make a picture, then change it in two ways."""
    first = studio.generate(PROMPT, seed=7, project=PROJECT)
    other = f"a watercolor painting of {PROMPT}"
    style = studio.generate(other, image=first, strength=0.5, seed=7, project=PROJECT)
    other, mask = "a green tree in a meadow", _mask(first)
    repair = studio.generate(other, image=first, mask_image=mask, strength=1.0, seed=7, project=PROJECT)
    for run in (first, style, repair):
        click.echo(f"{run.request.task.label}: {run!r}")
    return [first, style, repair]


def _mask(run: Run) -> Image:
    """Return a mask over the middle of a picture: white where it is repainted."""
    from PIL import Image, ImageDraw

    width, height = run.image.size
    mask = Image.new("L", (width, height))
    ImageDraw.Draw(mask).rectangle([width // 6, height // 6, width * 5 // 6, height * 11 // 12], fill=255)
    return mask


def _sweep(studio: Studio, path: Path) -> Path:
    axes: dict[str, Sequence[object]] = {"guidance_scale": GUIDANCE_SCALES, "seed": SEEDS}
    sweep = studio.sweep("a boat at sunset", axes=axes, project=PROJECT, start=False)
    plan = sweep.plan()
    click.echo(f"a sweep of {plan.size} cells ({len(plan.done)} already done)")
    return sweep.start().wait().grid(rows="guidance_scale", columns="seed").save(path)


if __name__ == "__main__":
    main()
