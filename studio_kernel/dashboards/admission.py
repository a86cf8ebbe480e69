"""Who may have a kernel: so many at once, so many for one viewer and for one address; closed pages make room first.

Pure, without a server: `Seats` is told what happens and answers who goes and who may come.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

PER_VIEWER = 8
"""Pages that one browser may have open."""

UNOPENED_S = 20.0
"""How long a page may take from being served to speaking with its kernel before others may have its place."""

LEFT_S = 5.0
"""How long a page that lost its connection keeps its place against others: a phone that changes cells comes back."""


class RefusedError(Exception):
    """No kernel for this visit; the message is for the viewer."""


@dataclass(slots=True, eq=False)
class Seat:
    """One kernel and who has it.

    Attributes
    ----------
    viewer, address : str
        The browser by its cookie; where it comes from.
    since : float
        When it was served, or when its last connection ended; infinity until the page is made.
    kernel : str
        Id; empty while it starts.
    pages : int
        Connections.
    """

    viewer: str
    address: str
    since: float = math.inf
    kernel: str = ""
    pages: int = 0
    was_opened: bool = False

    def is_empty(self, now: float) -> bool:
        """Whether nobody is there any more."""
        patience = LEFT_S if self.was_opened else UNOPENED_S
        return bool(self.kernel) and not self.pages and now - self.since > patience


@dataclass(slots=True)
class Seats:
    """The kernels of viewers.

    Attributes
    ----------
    most : int
        At the same time.
    per_viewer, per_address : int
        For one browser; for all browsers behind one address.
    """

    most: int
    per_viewer: int = PER_VIEWER
    per_address: int = 0
    taken: list[Seat] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Leave a quarter of the places to others than the busiest address, unless told otherwise."""
        self.per_address = self.per_address or max(self.per_viewer, self.most * 3 // 4)

    def admit(self, viewer: str, address: str, now: float) -> tuple[Seat, list[Seat]]:
        """Return a seat for a visit, and the seats of closed pages that end for it.

        Raises
        ------
        RefusedError
            When nothing is free for this viewer.
        """
        gone: list[Seat] = []
        checks = (
            (self._of_viewer(viewer), self.per_viewer, f"You have {self.per_viewer} pages open; close one of them."),
            (self._of_address(address), self.per_address, "Too many pages are open where you are; close one of them."),
            (self.taken, self.most, "All places are taken."),
        )
        for seats, most, why in checks:
            left = [seat for seat in seats if seat not in gone]
            if len(left) >= most:
                empty = [seat for seat in left if seat.is_empty(now)]
                if not empty:
                    raise RefusedError(why)
                gone.append(min(empty, key=lambda seat: seat.since))
        for seat in gone:
            self.taken.remove(seat)
        self.taken.append(seat := Seat(viewer, address))
        return seat, gone

    def give_up(self, seat: Seat) -> None:
        """Free a seat whose kernel did not start."""
        if seat in self.taken:
            self.taken.remove(seat)

    def of(self, kernel: str) -> Seat | None:
        """Return the seat of a kernel."""
        return next((seat for seat in self.taken if seat.kernel == kernel), None)

    def joined(self, kernel: str) -> None:
        """Note that a page has connected."""
        if seat := self.of(kernel):
            seat.pages += 1
            seat.was_opened = True

    def left(self, kernel: str, now: float) -> None:
        """Note that a page has gone."""
        if seat := self.of(kernel):
            seat.pages = max(0, seat.pages - 1)
            seat.since = now

    def freed(self, kernel: str) -> None:
        """Note that a kernel has ended."""
        if seat := self.of(kernel):
            self.taken.remove(seat)

    def _of_viewer(self, viewer: str) -> list[Seat]:
        return [seat for seat in self.taken if seat.viewer == viewer]

    def _of_address(self, address: str) -> list[Seat]:
        return [seat for seat in self.taken if seat.address == address]
