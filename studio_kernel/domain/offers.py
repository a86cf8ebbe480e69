"""One model at several services: how a request of it becomes one of theirs.

A card with offers has parameters of its own, in the studio's words; each offer says which card of a service it stands
for and what differs there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from immutabledict import immutabledict

from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import Value, describe
from studio_kernel.errors import InvalidRequestError, Problem

if TYPE_CHECKING:
    from studio_kernel.domain.model import ModelCard

Choice = Literal["order", "price"]


@dataclass(frozen=True, slots=True)
class Offer:
    """A service that has the model.

    Attributes
    ----------
    model : str
        Catalog id of its card.
    names : mapping
        Parameter here → its name there; two that have the same name there, such as width and height, are a pair, in
        that order.
    values : mapping
        Parameter here → {value here, as text: value there}.
    fixed : mapping
        Parameter there → what it always is.
    """

    model: str
    names: Mapping[str, str] = field(default_factory=immutabledict)
    values: Mapping[str, Mapping[str, Value]] = field(default_factory=immutabledict)
    fixed: Mapping[str, Value] = field(default_factory=immutabledict)

    def here(self, name: str) -> tuple[str, ...]:
        """Return what the service's parameter `name` is called here: one, or the two of a pair."""
        return tuple(ours for ours, theirs in self.names.items() if theirs == name) or (name,)

    def request(self, asked: GenerationRequest, here: ModelCard, there: ModelCard) -> GenerationRequest:
        """Return the request of the service's card that does what `asked` does.

        A parameter that the service does not know is left out while it has its default.

        Raises
        ------
        InvalidRequestError
            When the service cannot do it.
        """
        known = {parameter.name for parameter in there.parameters_for(asked.task)}
        defaults = {parameter.name: parameter.default for parameter in here.parameters_for(asked.task)}
        given: dict[str, dict[str, Value]] = {}
        problems: list[Problem] = []
        for name, value in asked.parameters.items():
            theirs = self.names.get(name, name)
            if theirs in known:
                given.setdefault(theirs, {})[name] = self._value(name, value)
            elif name not in defaults or value != defaults[name]:
                problems.append(Problem(name, f"{there.id!r} has no such parameter"))
        if problems:
            raise InvalidRequestError(problems, f"model {there.id!r} ({asked.task})")
        values = {name: self._joined(found) for name, found in given.items()}
        return GenerationRequest(there.id, asked.task, there.check(asked.task, {**values, **self.fixed}))

    def _joined(self, found: Mapping[str, Value]) -> Value:
        """Return the value of a parameter there; a pair stands in the order of `names`."""
        values = [found[name] for name in self.names if name in found] or list(found.values())
        return tuple(values) if len(values) > 1 else values[0]

    def _value(self, name: str, value: Value) -> Value:
        return self.values.get(name, {}).get(describe(value), value)
