"""A studio in memory with as many runs as a test wants: what panels use of the facade, and nothing behind it."""

from __future__ import annotations

import hashlib
import io
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

from PIL import Image

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.parameters import standard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunProgress, RunRecord, RunStatus
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import AssetRef
from studio_kernel.errors import InvalidInputError, ModelUnavailableError, ReadOnlyError, UnknownRunError

COLOURS = ("red", "green", "blue", "gold")
THINGS = ("boat on the sea", "house in a meadow", "star in the night sky")
MODELS = ("studio-tiny", "procedural")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class FakeModels(dict):
    """Two models: one that does everything, one for text only."""

    def __init__(self):
        names = (
            "prompt",
            "negative_prompt",
            "num_inference_steps",
            "guidance_scale",
            "seed",
            "clip_skip",
            "loras",
            "eta",
        )
        schedulers = {"choices": ("ddim", "euler"), "choice_labels": ("DDIM", "Euler"), "default": "ddim"}
        inputs = (standard("image"), standard("mask_image"), standard("strength"))
        tiny = (*map(standard, names), standard("scheduler", **schedulers), *inputs)
        quick = (standard("prompt"), standard("num_inference_steps", default=4, max=8), standard("seed"))
        tasks = (Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINTING)
        cards = (
            ModelCard("studio-tiny", "Studio Tiny", "Tests", "fake", tasks, tiny),
            ModelCard("quick", "Quick", "Tests", "fake", tasks[:1], quick),
            ModelCard("cloudy", "Cloudy", "Tests", "cloud", tasks[:1], quick),
        )
        super().__init__({card.id: card for card in cards})

    def for_task(self, task):
        return [card for card in self.values() if Task(task) in card.tasks]

    def status(self, card):
        return SimpleNamespace(selectable=card.engine == "fake", reason="needs the cloud engine")


class FakeRun:
    """A run the test moves by `FakeStudio.tell`, or that works by itself when the studio has a `step_s`."""

    def __init__(self, studio, record):
        self._studio, self.record, self.id, self.request = studio, record, record.id, record.request
        self._cancelled = threading.Event()

    def cancel(self):
        self._cancelled.set()
        if not self._studio.step_s:
            self._studio.tell(self, RunProgress(RunStatus.CANCELLED))

    def work(self):
        total = self.request.parameters["num_inference_steps"]
        for step in range(1, total + 1):
            if self._cancelled.wait(self._studio.step_s):
                return self._studio.tell(self, RunProgress(RunStatus.CANCELLED, step, total))
            if "break" in self.request.prompt and step > total // 2:
                error = "the device ran out of memory"
                return self._studio.tell(self, RunProgress(RunStatus.FAILED, step, total, error=error))
            preview = self._studio._files[step % 4].read_bytes()
            self._studio.tell(self, RunProgress(RunStatus.RUNNING, step, total, "denoising", step / 8, preview))
        return self._studio.tell(self, RunProgress(RunStatus.SUCCEEDED, total, total))


class FakeStudio:
    """Runs in memory, newest first; every picture is one of four."""

    def __init__(self, count: int, directory: Path, mode: str = "editor") -> None:
        self.mode = mode
        self.calls: list[str] = []
        self.broken = ""
        self._changes = 0
        self.models = FakeModels()
        self.catalog = SimpleNamespace(loras={"ink": SimpleNamespace(id="ink", name="Ink")})
        self.step_s = 0.0
        self._watches: dict[str, list] = {}
        self._files = [_picture(directory / f"{colour}.png", colour) for colour in COLOURS]
        self._records = [self._made(number) for number in reversed(range(count))]
        self.assets = SimpleNamespace(path=self._path, thumbnail=self._path, take=self._take)

    def add(self, **changes: object) -> RunRecord:
        """Log one more run."""
        record = replace(self._made(len(self._records)), **changes)
        self._records.insert(0, record)
        self._changes += 1
        return record

    def records(self, where, *, limit, offset=0):
        self.calls.append("records")
        return self._matching(where)[offset : offset + limit]

    def facets(self, where):
        self.calls.append("facets")
        if self.broken:
            raise InvalidInputError(self.broken)
        found = self._matching(where)
        counts = {model: sum(record.request.model == model for record in found) for model in MODELS}
        return SimpleNamespace(total=len(found), model={model: n for model, n in counts.items() if n})

    def record(self, run_id):
        for record in self._records:
            if record.id == run_id:
                return record
        raise UnknownRunError(f"no run {run_id!r}")

    def mark(self, run, **changes):
        if self.mode == "locked":
            raise ReadOnlyError("marks are off")
        record = self.record(run)
        said = {name: value for name, value in changes.items() if value is not None}
        self._records[self._records.index(record)] = replace(record, **said)
        self._changes += 1

    def changed_since(self, token=None):
        return token if token == self._changes else self._changes

    def submit(self, prompt=None, *, model, task, **parameters):
        if self.broken:
            raise ModelUnavailableError(self.broken)
        card = self.models[model]
        values = card.check(task, {"prompt": prompt, **parameters} if prompt else parameters)
        request = GenerationRequest(model, task, {"seed": 4242, **values})
        run = FakeRun(
            self, replace(self._made(len(self._records)), request=request, status=RunStatus.QUEUED, assets=())
        )
        if self.step_s:
            threading.Thread(target=run.work, daemon=True).start()
        return run

    def watch(self, run, callback):
        self._watches.setdefault(run.id, []).append(callback)
        return lambda: self._watches[run.id].remove(callback)

    def tell(self, run, progress):
        """Let a run show `progress`, and end when that is final."""
        if progress.status.is_final:
            made = self._made(len(self._records))
            assets = made.assets if progress.status is RunStatus.SUCCEEDED else ()
            run.record = replace(run.record, status=progress.status, error=progress.error, assets=assets)
            self._records.insert(0, run.record)
            self._changes += 1
        for callback in list(self._watches.get(run.id, ())):
            callback(progress)

    def _take(self, data, what):
        if not data.startswith(b"\x89PNG"):
            raise InvalidInputError(f"{what}: not a picture")
        return AssetRef(hashlib.sha256(data).hexdigest(), "image/png")

    def _matching(self, where):
        if where == type(where)():
            return self._records
        return [
            record
            for record in self._records
            if (where.model is None or record.request.model == where.model)
            and (where.favourite is None or record.favourite == where.favourite)
            and all(word.lower() in record.request.prompt for word in where.text.split())
        ]

    def _made(self, number: int) -> RunRecord:
        prompt = f"a {COLOURS[number % 4]} {THINGS[number % 3]}"
        request = GenerationRequest(MODELS[number % 2], parameters={"prompt": prompt, "seed": number})
        file = self._files[number % 4]
        return RunRecord(
            id=f"run-{number:06d}",
            request=request,
            engine="fake",
            status=RunStatus.SUCCEEDED,
            created_at=BEGIN + timedelta(seconds=number),
            seed=number,
            elapsed_s=0.5,
            assets=(Asset(f"{number % 4}{_digest(number)[1:]}", "image/png", file.stat().st_size, 96, 96),),
        )

    def _path(self, asset: Asset) -> Path:
        return self._files[int(asset.sha256[0])]


def _digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def _picture(path: Path, colour: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    Image.radial_gradient("L").resize((96, 96)).convert("RGB").save(buffer, "WEBP")
    picture = Image.blend(Image.open(buffer).convert("RGB"), Image.new("RGB", (96, 96), colour), 0.55)
    picture.save(path)
    return path
