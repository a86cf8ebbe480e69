"""What differs between the settings of some runs, ready to be shown as a table: a row a setting, a cell a run.

Only what differs is told. Numbers come with their distance from the first run's, texts with the words that were added
and taken away. What it looks like is for panels, notebooks and the command line to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal, TypeAlias

from studio_kernel.domain.conditions import compared, made_with, titles_of
from studio_kernel.domain.parameters import STANDARD, label_of
from studio_kernel.domain.runs import RunRecord
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import Lora, Value, canonical, describe, to_json

NOTHING = "–"
"""Stands for a setting that a run has not."""
LORA = "lora:"
"""Before the id of an adapter in the name of a row, as in the axes of sweeps."""
MOST_WORDS = 2000
"""Of longer texts only whether they differ is told: matching words takes the square of their number."""

Settings: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Words:
    """A piece of a text, against the first run's.

    Attributes
    ----------
    text : str
        With the blanks around it.
    change : {"same", "added", "removed"}
        In both; only here; only there.
    """

    text: str
    change: Literal["same", "added", "removed"] = "same"


@dataclass(frozen=True, slots=True)
class Cell:
    """What one run has for a setting.

    Attributes
    ----------
    value : Value
        Itself; `None` = it has none.
    text : str
        As people read it.
    delta : str
        How far a number is from the first run's, with its sign; empty when it is no number, or the same.
    words : tuple of Words
        A text word by word; empty for what is no text, and for the first run.
    """

    value: Value
    text: str
    delta: str = ""
    words: tuple[Words, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that is not the same in all runs.

    Attributes
    ----------
    name : str
        A parameter, ``model``, ``task``, or ``lora:ID``.
    label : str
        What people call it.
    cells : tuple of Cell
        One for each run, in their order.
    """

    name: str
    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """What differs between some runs, and how much does not.

    Attributes
    ----------
    differences : tuple of Difference
        In the order of forms, adapters last; of conditions in the order of their labels.
    same : int
        How many settings all of them have alike.
    """

    differences: tuple[Difference, ...] = ()
    same: int = 0


def compare(runs: Sequence[Settings], labels: Mapping[str, str] | None = None) -> Differences:
    """Return what differs between the settings of some runs; nothing, for fewer than two.

    Parameters
    ----------
    runs : sequence of mapping
        From `settings_of`, or conditions.
    labels : mapping, optional
        What names are called, in the order of rows; names of settings when left out.

    Examples
    --------
    >>> found = compare([{"prompt": "a red boat", "seed": 1}, {"prompt": "a red ship", "seed": 1}])
    >>> [word.text for word in found.differences[0].cells[1].words if word.change == "added"], found.same
    (['ship'], 1)
    """
    if len(runs) < 2:
        return Differences()
    rows = _rows(runs, labels or {})
    found = tuple(_row(name, (labels or {}).get(name) or _label(name), rows[name]) for name in _differing(rows))
    return Differences(found, len(rows) - len(found))


def differing(runs: Sequence[Settings]) -> tuple[str, ...]:
    """Return the names of the settings that differ between some runs, in the order of `compare`, without its words.

    Examples
    --------
    >>> differing([{"prompt": "a red boat", "seed": 1}, {"prompt": "a red ship", "seed": 1}])
    ('prompt',)
    """
    return tuple(_differing(_rows(runs, {})))


def compare_conditions(records: Sequence[RunRecord]) -> Differences:
    """Return what differs in what some runs were made with: versions, device, precision, batch, fallbacks, weights."""
    sides = [made_with(record.engine, record.provenance) for record in records]
    names = compared(sides)
    return compare([{name: side[name] for name in names if name in side} for side in sides], titles_of(names))


def settings_of(record: RunRecord) -> dict[str, Value]:
    """Return everything that was set for a run, each adapter by itself, and the seed that was really used."""
    request = record.request
    found: dict[str, Value] = {"model": request.model, "task": str(request.task)}
    found |= {name: value for name, value in request.parameters.items() if name != "loras"}
    if record.seed is not None:
        found["seed"] = record.seed
    return found | _weights(request.loras)


def _rows(runs: Sequence[Settings], labels: Mapping[str, str]) -> dict[str, list[Value]]:
    """Return what any of the runs has, in the order of rows, and what each has for it."""
    places = {name: place for place, name in enumerate(labels)} or _ORDER
    named = {name for run in runs for name in run if not _is_empty(run[name])}
    names = sorted(named, key=lambda name: _place(name, places))
    return {name: [run.get(name) for run in runs] for name in names}


def _differing(rows: Mapping[str, Sequence[Value]]) -> list[str]:
    return [name for name, values in rows.items() if len(set(map(_key, values))) > 1]


def _weights(loras: Iterable[Lora]) -> dict[str, Value]:
    """Return the weight of each adapter; one that is named twice acts with both."""
    found: dict[str, float] = {}
    for lora in loras:
        found[LORA + lora.id] = found.get(LORA + lora.id, 0.0) + lora.weight
    return {**found}


def _row(name: str, label: str, values: Sequence[Value]) -> Difference:
    first, *others = values
    cells = [Cell(first, _text(name, first)), *(_cell(name, first, value) for value in others)]
    return Difference(name, label, tuple(cells))


def _cell(name: str, first: Value, value: Value) -> Cell:
    return Cell(value, _text(name, value), _delta(first, value), _words(first, value) if _is_prose(name) else ())


def _text(name: str, value: Value) -> str:
    if _is_empty(value):
        return NOTHING
    return Task(value).label if name == "task" and isinstance(value, str) and value in set(Task) else describe(value)


def _delta(first: Value, value: Value) -> str:
    if not (_is_number(first) and _is_number(value)) or first == value:
        return ""
    return f"{float(value) - float(first):+.6g}".replace("-", "−")  # type: ignore[arg-type]  # as just asked


def _words(first: Value, value: Value) -> tuple[Words, ...]:
    """Return `value` with what was added to the words of `first`, and what was taken from them."""
    before, after = _split(first), _split(value)
    if max(len(before), len(after)) > MOST_WORDS:
        return ()
    found: list[Words] = []
    for change, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if change == "equal":
            found.append(Words("".join(after[j1:j2])))
            continue
        found += [Words("".join(before[i1:i2]), "removed")] if i1 < i2 else []
        found += [Words("".join(after[j1:j2]), "added")] if j1 < j2 else []
    return tuple(found)


def _split(value: Value) -> list[str]:
    """Return words, marks and blanks of a text, each by itself, so that nothing is lost when they are joined."""
    return re.findall(r"\w+|\s+|[^\w\s]", value) if isinstance(value, str) else []


def _is_prose(name: str) -> bool:
    """Whether a setting is a text that people write, of which single words are worth showing."""
    return name.endswith("prompt")


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_empty(value: Value) -> bool:
    """Whether nothing is set: a run that leaves a setting out is like one that has none, no text or an empty list."""
    return value is None or value == "" or (isinstance(value, tuple) and not value)


def _key(value: Value) -> str:
    """Return what is the same for values that mean the same; 5 and 5.0 do, 1 and true do not."""
    if _is_empty(value):
        return ""
    return repr(float(value)) if _is_number(value) else canonical(to_json(value))  # type: ignore[arg-type]


def _label(name: str) -> str:
    return f"LoRA {name.removeprefix(LORA)}" if name.startswith(LORA) else label_of(name)


_ORDER = {name: place for place, name in enumerate(("model", "task", *STANDARD))}


def _place(name: str, places: Mapping[str, int]) -> tuple[int, str]:
    """Return where forms have a setting; those of one model alone come behind, adapters last."""
    return (len(places) + 1 if name.startswith(LORA) else places.get(name, len(places))), name
