"""What services reported of earlier runs and other runs may be given, such as the id of a clip to remix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import overload

_LONGEST = 48


@dataclass(frozen=True, slots=True)
class Reported:
    """What the service reported of one run.

    Attributes
    ----------
    value : str
        What a parameter takes.
    run_id, model, prompt : str
        Of the run.
    created_at : datetime.datetime
        When the run was asked for; aware.
    seconds : float or None
        How long its clip is; `None` = not known.
    """

    value: str
    run_id: str
    model: str
    prompt: str
    created_at: datetime
    seconds: float | None = None

    @property
    def label(self) -> str:
        """The run as people know it: its prompt, when it was made, how long it is."""
        prompt = self.prompt if len(self.prompt) <= _LONGEST else f"{self.prompt[: _LONGEST - 1]}…"
        when = f"{self.created_at.astimezone():%Y-%m-%d %H:%M}"
        length = f"{self.seconds:.3g} s" if self.seconds is not None else ""
        return " · ".join(filter(None, [prompt, when, length]))


@dataclass(frozen=True, slots=True)
class ReportedChoices(Sequence[Reported]):
    """What a parameter that takes a value of an earlier run can be given, newest first.

    Attributes
    ----------
    values : tuple of Reported
        What there is.
    advice : str
        Why there is nothing, and how to change that; empty when there is something.
    """

    values: tuple[Reported, ...] = ()
    advice: str = ""

    @overload
    def __getitem__(self, index: int) -> Reported: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Reported]: ...
    def __getitem__(self, index: int | slice) -> Reported | Sequence[Reported]:
        return self.values[index]

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Reported]:
        return iter(self.values)

    def __str__(self) -> str:
        return self.advice or "\n".join(f"{each.value}: {each.label}" for each in self.values)
