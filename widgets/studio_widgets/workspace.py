"""What the panels of one page share: the project they work in, who works there, and what they hand to each other.

A panel says what it can do with a run (`Workspace.take`); another one that shows runs offers exactly that and no more
(`Workspace.can`, `Workspace.ask`). So each panel works alone, and in company it gains buttons.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import traitlets

from studio_kernel.domain.judging import MAX_RATER_LENGTH
from studio_kernel.errors import StudioError
from studio_widgets.allowance import Allowance

Wish: TypeAlias = Literal["load", "show", "compare", "input", "details"]
"""Put the settings of a run into the form; show it in the gallery; compare it; use its picture as an input; show
everything that is known of it."""
MARKS_AT_ONCE, MARKS_PER_S = 600, 5.0
"""Runs that somebody who may only look and mark can mark at a stroke, and in the long run."""


class Workspace(traitlets.HasTraits):
    """The company that a panel is in.

    Attributes
    ----------
    project : str
        Id of the project that is worked in; empty = all of them.
    compared : tuple of str
        Ids of the runs that are compared, in order.
    who : str
        Who works here, by their own word: the name goes with what they say about runs. Empty = nobody has said.
    allowance : Allowance
        What a viewer may still mark.
    can_do : frozenset of str
        The wishes that some panel takes.

    Examples
    --------
    >>> workspace = Workspace()
    >>> workspace.take("load", print)
    >>> workspace.ask("load", "0192")
    0192
    """

    project = traitlets.Unicode()
    compared = traitlets.Tuple()
    who = traitlets.Unicode()
    can_do = traitlets.Instance(frozenset, args=(), read_only=True)

    def __init__(self, **traits: object) -> None:
        super().__init__(**traits)
        self._acts: dict[Wish, Callable[[str], None]] = {}
        self.allowance = Allowance(MARKS_AT_ONCE, MARKS_PER_S)

    @traitlets.validate("who")
    def _name(self, proposal: traitlets.Bunch) -> str:
        return tidy_name(proposal["value"])

    def take(self, wish: Wish, act: Callable[[str], None]) -> None:
        """Say that `act` fulfils a wish about a run; the last one who says so does it."""
        self._acts[wish] = act
        self.set_trait("can_do", frozenset(self._acts))

    def can(self, wish: Wish) -> bool:
        """Whether there is somebody to ask."""
        return wish in self._acts

    def ask(self, wish: Wish, run: str) -> None:
        """Hand a run to whoever takes it; nobody there, nothing happens."""
        if wish in self._acts:
            self._acts[wish](run)


def tidy_name(text: str) -> str:
    """Return the name that somebody gives themselves, as it can stand beside what they say: in one line, not too long.

    Raises
    ------
    StudioError
        When it is too long or has what cannot be seen.
    """
    tidy = " ".join(text.split())
    if len(tidy) > MAX_RATER_LENGTH or not tidy.isprintable():
        raise StudioError(f"A name has at most {MAX_RATER_LENGTH} characters, all of which can be seen.")
    return tidy
