"""An engine with a model to run, for the suites of `contract` and `kernel/engines`."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from cards import SCHEDULERS, diffusers_card, procedural_card
from studio_kernel.domain.events import EngineEvent, Produced, Started
from studio_kernel.domain.model import LoraCard, ModelCard, ModelSource, SchedulerCard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import AssetRef
from studio_kernel.engines.base import CancelToken, Engine, EngineContext
from studio_kernel.engines.diffusers import DiffusersEngine
from studio_kernel.engines.procedural import ProceduralEngine


@dataclass
class Subject:
    """An engine, a model of it, and a directory of input files."""

    engine: Engine
    card: ModelCard
    files: Path
    side: int = 64
    schedulers: Mapping[str, SchedulerCard] = field(default_factory=lambda: SCHEDULERS)
    loras: Mapping[str, LoraCard] = field(default_factory=dict)

    def request(self, task: Task = Task.TEXT_TO_IMAGE, **values: object) -> GenerationRequest:
        """A complete request: what a studio would hand to the engine."""
        size = {"width": self.side, "height": self.side} if task is Task.TEXT_TO_IMAGE else {}
        given = {"prompt": "a red boat", "seed": 7, "num_inference_steps": 4, **size, **values}
        return GenerationRequest(self.card.id, task, self.card.check(task, given))

    def context(
        self, cancel: CancelToken | None = None, preview_due: Callable[[], bool] | None = None
    ) -> EngineContext:
        made = EngineContext(
            card=self.card,
            cancel=cancel or CancelToken(),
            read_asset=lambda ref: self.files / ref.sha256,
            schedulers=self.schedulers,
            loras=self.loras,
        )
        return replace(made, preview_due=preview_due) if preview_due else made

    def stream(self, request: GenerationRequest) -> Iterator[EngineEvent]:
        return self.engine.stream(request, self.context())

    def run(self, task: Task = Task.TEXT_TO_IMAGE, **values: object) -> list[EngineEvent]:
        """Check and run a request to its end."""
        request = self.request(task, **values)
        self.engine.check(request, self.context())
        return list(self.stream(request))

    def bytes(self, task: Task = Task.TEXT_TO_IMAGE, **values: object) -> bytes:
        """The first file of a run."""
        return files(self.run(task, **values))[0].data

    def picture(self, task: Task = Task.TEXT_TO_IMAGE, **values: object) -> Image.Image:
        return decoded(self.bytes(task, **values))

    def give(self, content: Image.Image | bytes) -> AssetRef:
        """Store an input file."""
        data = content if isinstance(content, bytes) else encoded(content)
        digest = hashlib.sha256(data).hexdigest()
        (self.files / digest).write_bytes(data)
        return AssetRef(digest, "image/png")


def procedural(files: Path) -> Subject:
    return Subject(ProceduralEngine(), procedural_card(), files)


def diffusers(model: Path, files: Path, side: int = 64, engine: DiffusersEngine | None = None) -> Subject:
    return Subject(engine or DiffusersEngine(), diffusers_card(ModelSource(path=str(model))), files, side)


def files(events: list[EngineEvent]) -> list[Produced]:
    return [event for event in events if isinstance(event, Produced)]


def started(events: list[EngineEvent]) -> Started:
    return next(event for event in events if isinstance(event, Started))


def decoded(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as opened:
        return opened.convert("RGB")


def encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def scene(width: int = 64, height: int = 64, tint: int = 0) -> Image.Image:
    """An input picture: gradients in red and green, `tint` in blue."""
    across = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (across, across.rotate(180), Image.new("L", (width, height), tint)))


def half_mask(width: int = 64, height: int = 64) -> Image.Image:
    """White, to be repainted, on the right half."""
    mask = Image.new("L", (width, height), 0)
    mask.paste(255, (width // 2, 0, width, height))
    return mask
