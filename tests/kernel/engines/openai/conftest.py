import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from servers.connections import KEYS
from servers.openai import OpenAI
from studio_kernel.domain.model import ModelCard, ModelSource
from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.price import Price, TokenPrices
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import AssetRef
from studio_kernel.engines.base import CancelToken, EngineContext
from studio_kernel.engines.openai import OpenAIEngine
from studio_kernel.engines.remote.job import Patience

EDITS = (Task.IMAGE_TO_IMAGE, Task.INPAINTING)
PARAMETERS = (
    Parameter("prompt", "text"),
    Parameter("num_images", "integer", sent_as="n"),
    Parameter("image_size", "size", sent_as="size", choices=("auto", "1024x1024")),
    Parameter("quality", "text"),
    Parameter("output_format", "text"),
    Parameter("partial_images", "integer"),
    Parameter("image", "image", multiple=True, tasks=EDITS),
    Parameter("mask_image", "mask", sent_as="mask", tasks=EDITS),
)
PRICE = Price("image", None, "2026-11", "test", tokens=TokenPrices(5.0, 8.0, 30.0))
CARD = ModelCard(
    "openai/a", "A", "B", "openai", (Task.TEXT_TO_IMAGE, *EDITS), PARAMETERS, ModelSource(endpoint="gpt-image-2"),
    price=PRICE,
)  # fmt: skip


@dataclass
class Bench:
    """An engine of OpenAI, its service, and what a run is given."""

    site: OpenAI
    net: object
    files: Path
    card: ModelCard = CARD
    engine: OpenAIEngine = field(default_factory=lambda: OpenAIEngine(Patience(unsent_s=0.6, first_s=0.05)))

    def request(self, task=Task.TEXT_TO_IMAGE, **values) -> GenerationRequest:
        return GenerationRequest(self.card.id, task, {"prompt": "a red boat", **values})

    def context(self, **fields) -> EngineContext:
        return replace(EngineContext(self.card, CancelToken(), lambda ref: self.files / ref.sha256), **fields)

    def stream(self, context=None, task=Task.TEXT_TO_IMAGE, **values):
        return self.engine.stream(self.request(task, **values), context or self.context())

    def run(self, context=None, task=Task.TEXT_TO_IMAGE, **values):
        return list(self.stream(context, task, **values))

    def give(self, data: bytes, media_type="image/png") -> AssetRef:
        digest = hashlib.sha256(data).hexdigest()
        (self.files / digest).write_bytes(data)
        return AssetRef(digest, media_type)


@pytest.fixture
def site():
    return OpenAI()


@pytest.fixture
def bench(internet, monkeypatch, tmp_path, site):
    monkeypatch.setenv("OPENAI_API_KEY", KEYS["OPENAI_API_KEY"])
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    return Bench(site, internet(site), tmp_path)
