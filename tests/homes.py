"""Homes with many runs, filled through the real log and the real store: thousands of runs in about a second."""

from __future__ import annotations

import atexit
import io
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from PIL import Image

import studio_kernel as sk
from studio_kernel.assets import AssetStore
from studio_kernel.domain.marks import Mark
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunStatus
from studio_kernel.runlog import RunLog, new_run_id
from studio_kernel.settings import Home

COLOURS = ("red", "green", "blue", "gold")
THINGS = ("boat on the sea", "house in a meadow", "star in the night sky")
MODELS = ("studio-tiny", "procedural")


def fill(home: Path, count: int) -> list[str]:
    """Log `count` runs that succeeded and return their ids, the oldest first; every picture is one of four.

    A new home is a copy of the first of its size in this process: that takes a twentieth of the time.
    """
    if home.exists():
        return _log(home, count)
    template, ids = _template(count)
    shutil.copytree(template, home)
    return list(ids)


@cache
def _template(count: int) -> tuple[Path, tuple[str, ...]]:
    home = Path(mkdtemp()) / "home"
    atexit.register(shutil.rmtree, home.parent, ignore_errors=True)
    return home, tuple(_log(home, count))


def _log(home: Path, count: int) -> list[str]:
    place = Home.at(home)
    place.prepare()
    store = AssetStore(place.assets)
    assets = [store.put(_picture(colour)) for colour in COLOURS]
    ids = []
    with RunLog(place.runlog) as log:
        for number in range(count):
            run_id = new_run_id()
            prompt = f"a {COLOURS[number % 4]} {THINGS[number % 3]}"
            request = GenerationRequest(MODELS[number % 2], parameters={"prompt": prompt, "seed": number})
            log.queued(run_id, request, engine="procedural")
            log.finished(run_id, RunStatus.SUCCEEDED, assets=[assets[number % 4]], seed=number, elapsed_s=0.5)
            ids.append(run_id)
    return ids


def rate(home: Path, model: str, *stars: int) -> list[str]:
    """Log a run of a model, whose weights need not be here, for each rating, and return their ids."""
    with RunLog(Home.at(home).runlog) as log:
        ids = [new_run_id() for _ in stars]
        for run_id, rating in zip(ids, stars, strict=True):
            log.queued(run_id, GenerationRequest(model, parameters={"prompt": "a boat"}), engine="procedural")
            log.finished(run_id, RunStatus.SUCCEEDED, assets=[], seed=1, elapsed_s=0.5)
            log.mark(run_id, Mark(rating=rating))
    return ids


def filled(home: str | Path, count: int) -> sk.Studio:
    """Return an editor on a home of `count` runs."""
    fill(Path(home), count)
    return sk.open(home)


@cache
def _picture(colour: str) -> bytes:
    ground = Image.radial_gradient("L").resize((96, 96)).convert("RGB")
    buffer = io.BytesIO()
    Image.blend(ground, Image.new("RGB", ground.size, colour), 0.55).save(buffer, "PNG")
    return buffer.getvalue()
