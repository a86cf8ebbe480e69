"""Enough to make a result again, in two forms: our own JSON and the text other programs read.

Provenance holds the request and what else decided the pixels (engine, versions, device, weights). It holds no times,
run ids, paths or keys, so that the same request on the same machine gives the same file, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from immutabledict import immutabledict

from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import Json, Lora, Value, canonical, describe, from_json, to_json

VERSION = 1


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made one file.

    Attributes
    ----------
    request : GenerationRequest
        Complete, with the seed really used.
    engine : str
        Name of the engine.
    environment : mapping
        What the engine reported when it started: versions, device, dtype, weights digest.
    index : int
        Which file of the run, from 0.
    """

    request: GenerationRequest
    engine: str
    environment: Mapping[str, Value] = field(default_factory=immutabledict)
    index: int = 0

    def to_json(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {
            "studio": VERSION,
            "request": self.request.to_json(),
            "engine": self.engine,
            "environment": {name: to_json(value) for name, value in sorted(self.environment.items())},
            "index": self.index,
        }

    def to_text(self) -> str:
        """Return the JSON form as one canonical line."""
        return canonical(self.to_json())

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Provenance:
        """Return the provenance that `to_json` wrote."""
        request, environment, index = data["request"], data.get("environment") or {}, data.get("index", 0)
        if not isinstance(request, Mapping) or not isinstance(environment, Mapping) or not isinstance(index, int):
            raise ValueError("not a provenance record of the studio")
        frozen = immutabledict({str(name): from_json(value) for name, value in environment.items()})
        return cls(GenerationRequest.from_json(request), str(data["engine"]), frozen, index)


_A1111_NAMES = {
    "num_inference_steps": "Steps",
    "scheduler": "Sampler",
    "guidance_scale": "CFG scale",
    "seed": "Seed",
    "size": "Size",
    "model": "Model",
    "strength": "Denoising strength",
    "clip_skip": "Clip skip",
}


def parameters_text(request: GenerationRequest, scheduler_name: str = "") -> str:
    """Return the ``parameters`` text that A1111 and most galleries read from a PNG.

    Parameters
    ----------
    request : GenerationRequest
        Complete, with its seed.
    scheduler_name : str
        The scheduler as people call it; its catalog id when empty.

    Notes
    -----
    Three parts, each on lines of its own: the prompt, ``Negative prompt: …`` when there is one, and one line of
    ``Key: value`` pairs that begins with ``Steps``. LoRAs stand in the prompt as ``<lora:name:weight>``. After the
    format of the A1111 web UI 1.10.
    """
    values = dict(request.parameters)
    prompt = " ".join([request.prompt, *(f"<lora:{_stem(lora)}:{lora.weight:g}>" for lora in request.loras)]).strip()
    negative = values.get("negative_prompt")
    fields: dict[str, Value] = {name: values[name] for name in _A1111_NAMES if name in values}
    if scheduler_name:
        fields["scheduler"] = scheduler_name
    if "width" in values and "height" in values:
        fields["size"] = f"{values['width']}x{values['height']}"
    fields["model"] = request.model
    pairs = [f"{label}: {_quoted(describe(fields[name]))}" for name, label in _A1111_NAMES.items() if name in fields]
    lines = [prompt, *([f"Negative prompt: {negative}"] if negative else []), ", ".join(pairs)]
    return "\n".join(lines)


def _stem(lora: Lora) -> str:
    return lora.id.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".safetensors")


def _quoted(text: str) -> str:
    return f'"{text}"' if any(mark in text for mark in ",:\n") else text
