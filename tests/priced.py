"""Requests to priced models of the catalog, with a stand-in for what a model cannot do without."""

from typing import Any

from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import AssetRef

STAND_INS: dict[str, Any] = {
    "text": "a red boat on the sea",
    "image": AssetRef("a" * 64, "image/png"),
    "mask": AssetRef("b" * 64, "image/png"),
    "video": AssetRef("c" * 64, "video/mp4"),
    "audio": AssetRef("d" * 64, "audio/wav"),
    "size": (1024, 1024),
    "object": {"image_url": "x"},
}


def request_for(card: ModelCard, **values: Any) -> GenerationRequest:
    """Return a request of a card's first task: its defaults, `values`, and stand-ins for what is required."""
    needed = {p.name: stand_in(p) for p in card.parameters_for(card.default_task) if p.required or p.name == "prompt"}
    return GenerationRequest(card.id, card.default_task, card.check(card.default_task, needed | values))


def stand_in(parameter: Parameter) -> Any:
    """Return a value that a parameter takes."""
    value = parameter.choices[0] if parameter.choices else STAND_INS.get(parameter.type, parameter.min or 1)
    return [value] if parameter.multiple else value
