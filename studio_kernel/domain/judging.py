"""What people say when two runs are put before them: which one is better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

Choice = Literal["left", "right", "tie", "skip"]
CHOICES: tuple[Choice, ...] = get_args(Choice)
MAX_RATER_LENGTH = 64
MAX_BALLOT_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Vote:
    """What one person said about two runs.

    Attributes
    ----------
    id : str
        UUID of version 7.
    created_at : datetime.datetime
        When; aware, UTC.
    rater : str
        Who, by the name that they gave; 1 … `MAX_RATER_LENGTH` characters.
    left, right : str
        Ids of the runs, by the sides they were shown on.
    choice : {"left", "right", "tie", "skip"}
        The better one; ``tie`` = neither is; ``skip`` = it was not said, and counts for nothing.
    ballot : str
        The question or occasion that it belongs to, such as ``which is sharper``; may be empty.
    seconds : float or None
        How long it took; `None` = not measured.

    Raises
    ------
    ValueError
        For a value outside these limits.
    """

    id: str
    created_at: datetime
    rater: str
    left: str
    right: str
    choice: Choice
    ballot: str = ""
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no form can make; votes also come from browsers."""
        object.__setattr__(self, "rater", _checked("the name of a rater", self.rater, MAX_RATER_LENGTH))
        object.__setattr__(self, "ballot", _checked("the name of a ballot", self.ballot, MAX_BALLOT_LENGTH, least=0))
        if self.choice not in CHOICES:
            raise ValueError(f"choice {self.choice!r} is none of {', '.join(CHOICES)}")
        if UUID(self.left) == UUID(self.right):
            raise ValueError(f"run {self.left} cannot be judged against itself")
        if self.seconds is not None and not (_is_number(self.seconds) and 0 <= self.seconds < math.inf):
            raise ValueError(f"seconds {self.seconds!r} is no time that something takes")

    @property
    def winner(self) -> str | None:
        """The run that was preferred; `None` for a tie and for one that was skipped."""
        return {"left": self.left, "right": self.right}.get(self.choice)

    @property
    def counts(self) -> bool:
        """Whether something was said, be it that neither is better."""
        return self.choice != "skip"

    @property
    def pair(self) -> frozenset[str]:
        """The two runs, whichever side each was on."""
        return frozenset((self.left, self.right))


def _checked(what: str, text: object, most: int, least: int = 1) -> str:
    if not isinstance(text, str) or not least <= len(text.strip()) <= most:
        raise ValueError(f"{what} has {least} … {most} characters; got {text!r}")
    return text.strip()


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
