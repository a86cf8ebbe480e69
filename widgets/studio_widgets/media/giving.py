"""What a control for files needs of the one who asks for it: where files go, and where what is given can be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from studio_kernel.assets import AssetStore
from studio_kernel.domain.values import AssetRef
from studio_widgets.media.earlier import EarlierState


def nothing_given() -> AssetRef | None:
    """Return no picture."""
    return None


@dataclass(frozen=True, slots=True)
class Giving:
    """Where a file goes that somebody gives.

    Attributes
    ----------
    tell : callable
        Takes the bytes of a file and its name; one more where several are taken, else in place of the one before. No
        bytes take away what was given.
    take_run : callable or None
        Takes the id of a run whose result is to be given; `None` = runs cannot be given.
    take_away : callable or None
        Takes the place of one of several files, which is to be taken away.
    from_gallery : callable or None
        Takes what is to be called with the id of a run, and returns earlier results to choose one of; `None` = that is
        not offered.
    picture : callable
        Returns the picture that a mask is for, if there is one.
    assets : AssetStore or None
        Has what is given; without it, only names are shown.
    """

    tell: Callable[[bytes, str], object]
    take_run: Callable[[str], object] | None = None
    take_away: Callable[[int], object] | None = None
    from_gallery: Callable[[Callable[[str], object]], EarlierState] | None = None
    picture: Callable[[], AssetRef | None] = nothing_given
    assets: AssetStore | None = None
