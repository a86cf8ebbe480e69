"""A model as a card of a list: name, creator, a line of description, badges; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from studio_kernel.domain import words
from studio_kernel.domain.estimate import MemoryEstimate
from studio_kernel.domain.tasks import Task
from studio_widgets.estimate.texts import verdict
from studio_widgets.picker.entries import STANDINGS, Entry, engine_words
from studio_widgets.picker.filters import is_recommended
from studio_widgets.wording import counted

Kind = Literal["", "good", "warn", "bad"]
MOST_TASKS = 2
TOO_LARGE = "more than this device has"
USES = {
    "allowed": "commercial use allowed",
    "limited": "commercial use under conditions",
    "refused": "no commercial use",
    "": "commercial use not said",
}


@dataclass(frozen=True, slots=True)
class Badge:
    """A small label.

    Attributes
    ----------
    title : str
        More about it.
    """

    text: str
    kind: Kind = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class PickerCard:
    """What a card shows.

    Attributes
    ----------
    line : str
        One line of description; the catalog id where there is none.
    is_retired : bool
        It is shown and cannot be chosen.
    reason : str
        Why it cannot be used now; empty when it can.
    alternative : str
        Catalog id of the nearest living model, of a retired one.
    """

    id: str
    name: str
    creator: str
    line: str
    badges: tuple[Badge, ...]
    is_retired: bool = False
    reason: str = ""
    alternative: str = ""


def card_of(entry: Entry, task: str = "", memory: MemoryEstimate | None = None) -> PickerCard:
    """Return the card of a model.

    Parameters
    ----------
    task : str
        What it is wanted for; decides whether it counts as recommended.
    memory : MemoryEstimate or None
        What it takes here, when that was asked.
    """
    return PickerCard(
        entry.id,
        entry.card.name or entry.id,
        entry.card.creator,
        entry.card.description or entry.id,
        tuple(_badges(entry, task, memory)),
        entry.standing == "retired",
        entry.status.reason,
        entry.status.alternative or "",
    )


def facts_of(entry: Entry, memory: MemoryEstimate | str | None = None) -> list[tuple[str, str]]:
    """Return what is known of a model beside its badges, as names and words; what is not known is left out."""
    found = [
        ("Id", entry.id),
        ("Cannot be used now", entry.status.reason),
        ("Price", f"{entry.price.text}; {entry.price.detail}".rstrip("; .")),
        ("Licence", f"{entry.licence} ({USES[entry.use]})" if entry.licence else "not in the catalog"),
        ("Rating", rating_words(entry)),
        ("Memory", _memory_words(memory) or _published(entry)),
        ("Retirement", f"announced for {entry.card.retired_on}" if is_leaving(entry) else ""),
        ("Note", entry.card.note),
        ("As of", entry.card.as_of),
    ]
    return [(name, text) for name, text in found if text]


def rating_badge(entry: Entry) -> Badge | None:
    """Return how people of this home rated what was made with a model; `None` where nobody has.

    It says what was said here and by how many, and nothing of how good the model is: no published figure is known.
    """
    if entry.rating is None:
        return None
    mean, count = entry.rating.mean, entry.rating.count
    said = f"mean of {counted(count, 'rating')} of what was made with it in this home"
    return Badge(f"★ {mean:.1f} ({count:,})", "", said)


def rating_words(entry: Entry) -> str:
    """Return the same as a sentence; empty where nobody has rated."""
    badge = rating_badge(entry)
    return f"{badge.text}; {badge.title}" if badge else ""


def is_leaving(entry: Entry) -> bool:
    """Whether it can still be used, but its end is known."""
    return entry.card.retired_on is not None and entry.standing != "retired"


def _badges(entry: Entry, task: str, memory: MemoryEstimate | None) -> Iterator[Badge]:
    if entry.standing == "retired":
        yield Badge(f"retired {entry.card.retired_on}", "bad", entry.status.reason)
    elif is_recommended(entry, task):
        yield Badge("recommended", "good", "The catalog calls it a good first choice")
    if (rated := rating_badge(entry)) is not None:
        yield rated
    if entry.own:
        yield Badge("own", "", f"From {entry.own} of this home")
    yield from _tasks(entry, task)
    yield Badge(engine_words(entry.card.engine), "", "Where it is computed")
    yield Badge(entry.price.text, "good" if entry.price.kind == "free" else "", entry.price.detail)
    yield from _memory(entry, memory)
    if entry.standing not in ("ready", "retired"):
        yield Badge(STANDINGS[entry.standing].lower(), "warn", entry.status.reason)
    if is_leaving(entry):
        yield Badge(f"ends {entry.card.retired_on}", "warn", "Its service has announced the end")


def _tasks(entry: Entry, task: str) -> Iterator[Badge]:
    """Yield the tasks of a model, the one that is wanted first, a few at most."""
    ordered = sorted(entry.card.tasks, key=lambda each: each != task)
    for each in ordered[:MOST_TASKS]:
        yield Badge(Task(each).label)
    if more := ordered[MOST_TASKS:]:
        yield Badge(f"+{len(more)}", "", ", ".join(Task(each).label for each in more))


def _memory(entry: Entry, memory: MemoryEstimate | None) -> Iterator[Badge]:
    if memory is not None:
        said = verdict(memory)
        kind: Kind = "good" if said == "fits" else "warn" if said == "tight" else "bad" if said else ""
        yield Badge(f"{words.size(memory.vram_bytes)}{f', {said}' if said else ''}", kind, "Memory of a usual run here")
    elif entry.is_local and entry.tips and entry.tips.vram:
        yield Badge(f"{entry.tips.vram.gib:.1f} GiB published", "", _published(entry))


def _published(entry: Entry) -> str:
    """Return the published figure for a model that is computed here; nothing when there is none."""
    if not entry.is_local or entry.tips is None or entry.tips.vram is None:
        return ""
    figure = entry.tips.vram
    frames = f", {figure.frames} frames" if figure.frames else ""
    held = f", {figure.dtype}" if figure.dtype else ""
    return f"{figure.gib:.1f} GiB published for {figure.width} × {figure.height}{frames}{held}"


def _memory_words(memory: MemoryEstimate | str | None) -> str:
    if memory is None or isinstance(memory, str):
        return memory or ""
    said = verdict(memory)
    where = f" on {memory.fit.device.name}" if memory.fit else ""
    return f"{words.size(memory.vram_bytes)} for a usual run{where}{f': {said}' if said else ''}"
