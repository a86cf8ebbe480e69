"""How alike two requests are: a number from 0, the same settings, to 1, nothing in common.

Each setting that either of them has counts alike, only the prompt three times. Numbers differ by their share of the
range that they can have, prompts by the words that only one of them has (the Jaccard distance: 1 - shared words / all
words), anything else is the same or not. A seed says nothing about what was asked for and does not count; the model
counts like a setting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunRecord
from studio_kernel.domain.values import Value

UNCOUNTED = frozenset({"seed"})
_PROMPT_WEIGHT = 3.0
"""What the prompt says shapes a picture more than any single number does."""
_WORD = re.compile(r"\w+")
Ranges = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Similar:
    """A run whose settings are like those of another.

    Attributes
    ----------
    record : RunRecord
        The run.
    distance : float
        0 = the same settings … 1 = nothing in common.
    differs : tuple of str
        The settings that differ, those that differ most first; ``model`` may be one.
    """

    record: RunRecord
    distance: float
    differs: tuple[str, ...]


def nearest(
    request: GenerationRequest, records: Iterable[RunRecord], ranges: Ranges, limit: int | None
) -> list[Similar]:
    """Return the records whose requests are most like `request`, nearest first; equally near ones stay in order.

    Parameters
    ----------
    ranges : mapping
        Smallest and largest value of numbers; where it has none, those that occur count.
    """
    listed = list(records)
    known = {**_occurring([request, *(record.request for record in listed)]), **ranges}
    found = [Similar(record, *distance(request, record.request, known)) for record in listed]
    return sorted(found, key=lambda similar: similar.distance)[:limit]


def distance(one: GenerationRequest, other: GenerationRequest, ranges: Ranges) -> tuple[float, tuple[str, ...]]:
    """Return how far two requests are from each other, and which settings differ, most first."""
    names = (one.parameters.keys() | other.parameters.keys()) - UNCOUNTED
    parts = {name: _part(name, one.parameters.get(name), other.parameters.get(name), ranges) for name in names}
    parts["model"] = float(one.model != other.model)
    weights = {name: _PROMPT_WEIGHT if name == "prompt" else 1.0 for name in parts}
    total = sum(part * weights[name] for name, part in parts.items()) / sum(weights.values())
    differs = sorted((name for name, part in parts.items() if part), key=lambda name: (-parts[name], name))
    return total, tuple(differs)


def _part(name: str, one: Value, other: Value, ranges: Ranges) -> float:
    if one == other:
        return 0.0
    if _is_number(one) and _is_number(other):
        low, high = ranges.get(name, (0.0, 0.0))
        return min(1.0, abs(float(one) - float(other)) / (high - low)) if high > low else 1.0  # type: ignore[arg-type]
    if isinstance(one, str) and isinstance(other, str) and name.endswith("prompt"):
        return _words_apart(one, other)
    return 1.0


def _words_apart(one: str, other: str) -> float:
    """Return the share of words that only one has; a difference in order or punctuation alone is a small one."""
    a, b = (frozenset(_WORD.findall(text.casefold())) for text in (one, other))
    return max(1 - len(a & b) / len(a | b), 0.01) if a | b else 0.01


def _occurring(requests: Iterable[GenerationRequest]) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    for request in requests:
        for name, value in request.parameters.items():
            if _is_number(value):
                number = float(value)  # type: ignore[arg-type]
                low, high = found.get(name, (number, number))
                found[name] = (min(low, number), max(high, number))
    return found


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
