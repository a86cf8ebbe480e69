import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from servers.connections import KEYS
from servers.replicate import Replicate
from studio_kernel.domain.model import ModelCard, ModelSource
from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import AssetRef
from studio_kernel.engines.base import CancelToken, EngineContext
from studio_kernel.engines.remote.job import Patience
from studio_kernel.engines.replicate import ReplicateEngine
from studio_kernel.settings import ServiceSettings

PARAMETERS = (
    Parameter("prompt", "text"),
    Parameter("seed", "integer"),
    Parameter("num_images", "integer", sent_as="num_outputs"),
    Parameter("aspect_ratio", "text"),
    Parameter("image", "image", sent_as="input_image"),
    Parameter("references", "image", multiple=True),
)


def card(endpoint="black-forest-labs/flux-schnell", **fields) -> ModelCard:
    source = ModelSource(endpoint=endpoint)
    fields = {"output": {"kind": "images"}} | fields
    return ModelCard("replicate/a", "A", "B", "replicate", (Task.TEXT_TO_IMAGE,), PARAMETERS, source, **fields)


@dataclass
class Bench:
    """An engine of Replicate, its service, and what a run is given."""

    site: Replicate
    net: object
    files: Path
    card: ModelCard = field(default_factory=card)
    engine: ReplicateEngine = field(
        default_factory=lambda: ReplicateEngine(
            settled_s=0.3,
            patience=Patience(outage_s=3, unsent_s=0.6, file_s=1, first_s=0.05, polling=lambda _: 0.02),
        )
    )

    def request(self, **values) -> GenerationRequest:
        return GenerationRequest(self.card.id, Task.TEXT_TO_IMAGE, {"prompt": "a red boat", "seed": 7, **values})

    def context(self, **fields) -> EngineContext:
        context = EngineContext(self.card, CancelToken(), lambda ref: self.files / ref.sha256, cache=self.files)
        return replace(context, **fields)

    def stream(self, context=None, **values):
        return self.engine.stream(self.request(**values), context or self.context())

    def run(self, context=None, **values):
        return list(self.stream(context, **values))

    def give(self, data: bytes) -> AssetRef:
        digest = hashlib.sha256(data).hexdigest()
        (self.files / digest).write_bytes(data)
        return AssetRef(digest, "image/png")


@pytest.fixture
def bench(internet, monkeypatch, tmp_path):
    monkeypatch.setenv("REPLICATE_API_TOKEN", KEYS["REPLICATE_API_TOKEN"])
    site = Replicate()
    bench = Bench(site, internet(site), tmp_path)
    bench.engine.configure(ServiceSettings(lookup_s=2))
    yield bench
    bench.engine.close()
