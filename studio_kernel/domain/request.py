"""A request: everything that decides a result, and nothing else.

Immutable and hashable, with one JSON form and one digest. Two requests with the same digest ask for the same picture;
whether they get it is for provenance and replay to say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from immutabledict import immutabledict

from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import AssetRef, Json, Lora, Value, asset_refs, canonical, freeze, from_json, to_json


@dataclass(frozen=True)
class GenerationRequest:
    """What to generate.

    Attributes
    ----------
    model : str
        Catalog id.
    task : Task
        What the model is asked to do.
    parameters : immutabledict
        Name → frozen value; prompt, seed, input files and LoRAs are parameters like any other.
    """

    model: str
    task: Task = Task.TEXT_TO_IMAGE
    parameters: Mapping[str, Value] = field(default_factory=immutabledict)

    def __post_init__(self) -> None:
        """Freeze what was given."""
        object.__setattr__(self, "task", Task(self.task))
        frozen = immutabledict({name: freeze(value) for name, value in sorted(self.parameters.items())})
        object.__setattr__(self, "parameters", frozen)

    @classmethod
    def of_frozen(cls, model: str, task: Task, parameters: Mapping[str, Value]) -> GenerationRequest:
        """Return the request of values that are frozen already; for the many of a sweep, where freezing again costs."""
        request = object.__new__(cls)
        object.__setattr__(request, "model", model)
        object.__setattr__(request, "task", task)
        object.__setattr__(request, "parameters", immutabledict(sorted(parameters.items())))
        return request

    @property
    def prompt(self) -> str:
        """The prompt; empty when the task has none."""
        return str(self.parameters.get("prompt") or "")

    @property
    def seed(self) -> int | None:
        """The seed; `None` = the runner chooses one and records it."""
        seed = self.parameters.get("seed")
        return seed if isinstance(seed, int) else None

    @property
    def loras(self) -> tuple[Lora, ...]:
        """The adapters to apply."""
        value = self.parameters.get("loras")
        return tuple(item for item in value if isinstance(item, Lora)) if isinstance(value, tuple) else ()

    @property
    def inputs(self) -> dict[str, AssetRef]:
        """The input files by parameter; the files of a list are numbered ``name[0]``, ``name[1]`` …."""
        found: dict[str, AssetRef] = {}
        for name, value in self.parameters.items():
            if isinstance(value, AssetRef):
                found[name] = value
            elif isinstance(value, tuple):
                found |= {f"{name}[{i}]": item for i, item in enumerate(value) if isinstance(item, AssetRef)}
        return found

    @property
    def references(self) -> tuple[AssetRef, ...]:
        """Every stored file it names, wherever in its parameters."""
        return tuple(ref for value in self.parameters.values() for ref in asset_refs(value))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON form, 64 hexadecimal characters."""
        return hashlib.sha256(canonical(self.to_json()).encode("utf-8", "surrogatepass")).hexdigest()

    def replace(self, *, model: str | None = None, task: Task | None = None, **parameters: object) -> GenerationRequest:
        """Return a copy with some parameters changed; a value of `None` takes the parameter out."""
        merged = {**self.parameters, **{name: freeze(value) for name, value in parameters.items()}}
        kept = {name: value for name, value in merged.items() if value is not None}
        return GenerationRequest(model or self.model, task or self.task, kept)

    def to_json(self) -> dict[str, Json]:
        """Return the JSON form."""
        parameters: Json = {name: to_json(value) for name, value in self.parameters.items()}
        return {"model": self.model, "task": str(self.task), "parameters": parameters}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> GenerationRequest:
        """Return the request that `to_json` wrote."""
        parameters = data.get("parameters") or {}
        if not isinstance(parameters, Mapping):
            raise ValueError(f"parameters {parameters!r} is not an object")
        values = {str(name): from_json(value) for name, value in parameters.items()}
        return cls(str(data["model"]), Task(str(data.get("task", Task.TEXT_TO_IMAGE))), values)

    def __hash__(self) -> int:
        return hash(self.digest)
