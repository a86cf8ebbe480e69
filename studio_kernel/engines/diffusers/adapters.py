"""LoRAs on a loaded model: found, put on, and taken off again without a trace.

The files stay loaded as long as consecutive runs use the same ones, so a sweep over weights reads them once. A run
without LoRAs finds the model as it was loaded, byte for byte: adapters are unloaded, never fused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from immutabledict import immutabledict

from studio_kernel.domain.model import LoraCard, ModelCard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import Value
from studio_kernel.engines.diffusers.checkpoint import file_digest, inspect_safetensors
from studio_kernel.engines.diffusers.refusal import refusal
from studio_kernel.errors import EngineError, closest


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA file and its weight in a run."""

    id: str
    path: Path
    weight: float

    @property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return file_digest(self.path)


def find(request: GenerationRequest, model: ModelCard, cards: Mapping[str, LoraCard]) -> list[Adapter]:
    """Return the adapters of `request`, each a complete safetensors file.

    Raises
    ------
    InvalidRequestError
        When one is neither in the catalog nor a file, or is made for another model family.
    ModelUnavailableError, UnsafeFileError
        When a file is damaged, or could run code.
    """
    adapters = []
    for lora in request.loras:
        card = cards.get(lora.id)
        path = Path(card.file if card else lora.id).expanduser()
        if card is None and not path.is_file():
            near = closest(lora.id, cards)
            hint = f"did you mean {near[0]!r}?" if near else "give a catalog id or a .safetensors file"
            raise refusal(request, "loras", f"there is no LoRA {lora.id!r}; {hint}")
        if card and card.family and model.family and card.family != model.family:
            message = f"{lora.id!r} is made for {card.family}, this model is of the family {model.family}"
            raise refusal(request, "loras", message)
        inspect_safetensors(path)
        adapters.append(Adapter(lora.id, path, lora.weight))
    return adapters


def described(adapters: list[Adapter]) -> tuple[Value, ...]:
    """Return the digest and weight of each adapter, for provenance."""
    return tuple(immutabledict({"sha256": adapter.digest, "weight": adapter.weight}) for adapter in adapters)


class AdapterRack:
    """The adapters that are on one loaded model.

    Parameters
    ----------
    pipe : diffusers.DiffusionPipeline
        Any pipeline of the model; pipelines of other tasks share its networks.
    """

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self._loaded: tuple[str, ...] = ()

    def has_on(self, adapters: list[Adapter]) -> bool:
        """Whether the files of `adapters`, and no others, are loaded."""
        return self._loaded == tuple(adapter.digest for adapter in adapters)

    def wear(self, adapters: list[Adapter]) -> None:
        """Make `adapters` the ones that act, at their weights; none = the bare model."""
        wanted = tuple(adapter.digest for adapter in adapters)
        if wanted != self._loaded:
            self._take_off()
            self._put_on(adapters, wanted)
        if adapters:
            self._pipe.set_adapters(_names(adapters), [adapter.weight for adapter in adapters])

    def _put_on(self, adapters: list[Adapter], digests: tuple[str, ...]) -> None:
        if adapters and not hasattr(self._pipe, "load_lora_weights"):
            raise EngineError(f"{type(self._pipe).__name__} takes no LoRAs")
        try:
            for name, adapter in zip(_names(adapters), adapters, strict=True):
                self._load(name, adapter)
        except BaseException:
            self._pipe.unload_lora_weights()
            raise
        self._loaded = digests

    def _load(self, name: str, adapter: Adapter) -> None:
        try:
            self._pipe.load_lora_weights(
                str(adapter.path), adapter_name=name, use_safetensors=True, local_files_only=True
            )
        except (ValueError, KeyError, RuntimeError) as error:
            raise EngineError(f"the LoRA {adapter.id!r} does not fit this model: {error}") from error
        if not any(name in names for names in self._pipe.get_list_adapters().values()):
            raise EngineError(f"the LoRA {adapter.id!r} does not fit this model: it has no weights for its networks")

    def _take_off(self) -> None:
        if self._loaded:
            self._pipe.unload_lora_weights()
            self._loaded = ()


def _names(adapters: list[Adapter]) -> list[str]:
    return [f"studio_{index}" for index in range(len(adapters))]
