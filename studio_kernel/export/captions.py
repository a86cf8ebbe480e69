"""What is written below a picture that leaves: the settings that somebody names, or those that differ.

A value is as short as it can be told apart from the others beside it, as in the labels of a grid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.budget import dollars
from studio_kernel.domain.difference import differing, settings_of
from studio_kernel.domain.runs import RunRecord
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import Value
from studio_kernel.domain.words import duration
from studio_kernel.errors import InvalidRequestError, Problem, closest
from studio_kernel.grid.labels import axis_label, value_labels

MOST = 6
"""Settings that are written when nobody names any: those with the most values, in the order of forms."""

FACTS: Mapping[str, Callable[[RunRecord], str]] = {
    "id": lambda record: record.id,
    "created_at": lambda record: f"{record.created_at:%Y-%m-%d %H:%M}",
    "engine": lambda record: record.engine,
    "project": lambda record: record.origin.project or "",
    "elapsed_s": lambda record: "" if record.elapsed_s is None else duration(record.elapsed_s),
    "cost_usd": lambda record: "" if record.cost_usd is None else dollars(record.cost_usd),
    "rating": lambda record: "★" * (record.rating or 0),
    "tags": lambda record: ", ".join(record.tags),
    "note": lambda record: record.note or "",
}
"""What can be written below a picture besides settings."""

_NAMELESS = ("model", "task", "prompt", *FACTS)
"""What needs no name in front of it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One file of a run, or a run without files.

    Attributes
    ----------
    record : RunRecord
        The run.
    asset : Asset or None
        The file.
    """

    record: RunRecord
    asset: Asset | None = None

    @property
    def settings(self) -> dict[str, Value]:
        """What was set for it, with the seed of this very file."""
        found = settings_of(self.record)
        return found if self.asset is None or self.asset.seed is None else {**found, "seed": self.asset.seed}

    @property
    def part(self) -> str:
        """Which of the files of its run it is; empty when there is one."""
        count = len(self.record.assets)
        return "" if count < 2 or self.asset is None else f"{self.record.assets.index(self.asset) + 1} of {count}"


def shown_of(records: Iterable[RunRecord]) -> list[Shown]:
    """Return every file of some runs; a run that has none stands for itself."""
    return [Shown(record, asset) for record in records for asset in record.assets or (None,)]


def captions_of(shown: Sequence[Shown], names: Iterable[str] | None = None) -> list[list[str]]:
    """Return the lines below each file.

    Parameters
    ----------
    names : iterable of str
        Names of settings, or of `FACTS`; left out, the `MOST` settings that differ most. What a file has not is left
        out.

    Raises
    ------
    InvalidRequestError
        For a name that none of the runs has.
    """
    settings = [each.settings for each in shown]
    wanted = _telling(settings) if names is None else list(dict.fromkeys(names))
    _require_known(wanted, settings)
    columns = [_column(name, shown, settings) for name in wanted]
    return [
        [*filter(None, (column[place] for column in columns)), *filter(None, (each.part,))]
        for place, each in enumerate(shown)
    ]


def _telling(settings: Sequence[Mapping[str, Value]]) -> list[str]:
    """Return the settings that tell the most files apart, in the order of forms."""
    names = differing(settings)
    values = {name: len({found.get(name) for found in settings}) for name in names}
    most = sorted(names, key=lambda name: -values[name])[:MOST]
    return [name for name in names if name in most]


def _column(name: str, shown: Sequence[Shown], settings: Sequence[Mapping[str, Value]]) -> list[str]:
    """Return the line of every file for one name; empty where there is nothing to say."""
    if name in FACTS:
        return [FACTS[name](each.record) for each in shown]
    values = list(dict.fromkeys(found[name] for found in settings if name in found))
    named = [Task(str(value)).label for value in values] if name == "task" else value_labels(values)
    head = "" if name in _NAMELESS else f"{axis_label(name)} "
    lines = {value: f"{head}{label}" for value, label in zip(values, named, strict=True)}
    return [lines[found[name]] if name in found else "" for found in settings]


def _require_known(names: Iterable[str], settings: Sequence[Mapping[str, Value]]) -> None:
    known = [*dict.fromkeys(name for found in settings for name in found), *FACTS]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InvalidRequestError([Problem("labels", _told(name, known)) for name in unknown], "export")


def _told(name: str, known: Sequence[str]) -> str:
    close = closest(name, known)
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"they have {', '.join(known)}"
    return f"none of these runs has {name!r}; {hint}"
