"""What a slot says of the run in it: a letter, a picture's name and size, and a few facts in words."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from studio_kernel.assets.thumbnails import can_be_shown
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.captions import facts_of, letter_of, where_of
from studio_kernel.domain.runs import RunRecord, RunStatus

GONE = "This run is no longer there."
COLUMNS_FOR = (2, 2, 2, 3, 2, 3, 3, 4, 4)
"""Columns of the automatic arrangement, by the number of runs; for more it is six, then four rows of as many."""
ASSUMED_SIDE = 512
"""Of pictures whose size nobody knows, such as those that are still made."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A run that is compared, as a view shows it.

    Attributes
    ----------
    run : str
        Its id.
    letter : str
        What it is called in the comparison: ``A``, ``B`` ….
    title : str
        The prompt, or the task when there is none.
    model, where : str
        Which, and where it worked: ``here`` or ``at SERVICE``.
    facts : tuple of (str, str)
        Names and words: time, peak memory, price, seed, size.
    status : str
        How the run stands; ``gone`` when there is no such run.
    note : str
        What is shown in place of a picture.
    key, media_type : str
        Digest and type of the file that is shown; empty when there is none.
    width, height : int
        Of that file, in pixels; 0 = not known.
    index, files : int
        Which file of the run it is, and of how many.
    place : int
        Of the run in the comparison, from 0, however slots are sorted.
    """

    run: str
    letter: str
    title: str
    model: str = ""
    where: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    status: str = ""
    note: str = ""
    key: str = ""
    media_type: str = ""
    width: int = 0
    height: int = 0
    index: int = 0
    files: int = 0
    place: int = 0

    @property
    def kind(self) -> str:
        """``image``, ``video``, ``audio``, or empty."""
        return self.media_type.split("/")[0]


def slot_of(record: RunRecord, place: int, index: int, *, endpoint: str = "") -> Slot:
    """Return what a slot says of a run.

    Parameters
    ----------
    index : int
        Which of its files is shown.
    endpoint : str
        Of its model, when a service runs that.
    """
    files = shown_files(record)
    asset = files[index] if index < len(files) else None
    return Slot(
        run=record.id,
        letter=letter_of(place),
        title=record.request.prompt or record.request.task.label,
        model=record.request.model,
        where=where_of(record, endpoint),
        facts=tuple(facts_of(record, asset)),
        status=str(record.status),
        note="" if asset else _note(record),
        key=asset.sha256 if asset else "",
        media_type=asset.media_type if asset else "",
        width=(asset.width or 0) if asset else 0,
        height=(asset.height or 0) if asset else 0,
        index=index,
        files=len(files),
        place=place,
    )


def gone(run: str, place: int) -> Slot:
    """Return the slot of a run that is not in the log."""
    return Slot(run, letter_of(place), "Gone", status="gone", note=GONE, place=place)


def shown_files(record: RunRecord) -> list[Asset]:
    """Return the files of a run that a slot can show or play."""
    return [asset for asset in record.assets if can_be_shown(asset.media_type) or asset.is_a("audio")]


ALIGNED = {
    "scale": "Each is fitted to its slot, so places are linked, not pixels.",
    "crop": "Of each is shown what all have, around its middle: pixels are linked.",
    "pad": "All are drawn to the same scale, around their middles: pixels are linked.",
}


def sizes_in_words(slots: tuple[Slot, ...], sizes: str = "scale") -> str:
    """Return that pictures have different sizes, which, and what is done; empty when they have the same."""
    measured = [slot for slot in slots if slot.width and slot.height]
    by_size = groupby(sorted(measured, key=_size), key=_size)
    groups = [f"{', '.join(slot.letter for slot in same)} {w} × {h}" for (w, h), same in by_size]
    if len(groups) < 2:
        return ""
    return f"The pictures have different sizes: {'; '.join(groups)}. {ALIGNED[sizes]}"


def _size(slot: Slot) -> tuple[int, int]:
    return slot.width, slot.height


def _note(record: RunRecord) -> str:
    if record.status is RunStatus.SUCCEEDED:
        return "This run has nothing to look at."
    return f"{record.status}: {record.error}" if record.error else f"This run is {record.status}."
