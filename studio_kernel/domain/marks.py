"""What people say about runs, and how they order them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from immutabledict import immutabledict

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.judging import MAX_RATER_LENGTH
from studio_kernel.domain.values import Value

MAX_RATING = 5
MAX_TAGS = 32
MAX_TAG_LENGTH = 64
MAX_NOTE_LENGTH = 4000


@dataclass(frozen=True, slots=True)
class Mark:
    """A change to what people say about one run; `None` leaves a field as it is.

    Attributes
    ----------
    rating : int or None
        1 … 5 stars; 0 takes the rating away.
    favourite : bool or None
        In the gallery's favourites.
    tags : tuple of str or None
        All tags of the run; an empty tuple takes them away.
    note : str or None
        Free text; empty takes it away.
    by : str
        Who says it, by the name that they gave, at most `MAX_RATER_LENGTH` characters; may be empty.

    Raises
    ------
    ValueError
        For a value outside these limits.
    """

    rating: int | None = None
    favourite: bool | None = None
    tags: tuple[str, ...] | None = None
    note: str | None = None
    by: str = ""

    def __post_init__(self) -> None:
        """Refuse values that no form can make; marks also come from browsers."""
        if self.rating is not None and (type(self.rating) is not int or not 0 <= self.rating <= MAX_RATING):
            raise ValueError(f"rating {self.rating!r} is not a whole number 0 … {MAX_RATING}")
        if self.favourite is not None and not isinstance(self.favourite, bool):
            raise ValueError(f"favourite {self.favourite!r} is neither True nor False")
        if self.tags is not None:
            object.__setattr__(self, "tags", _checked_tags(self.tags))
        if self.note is not None and (not isinstance(self.note, str) or len(self.note) > MAX_NOTE_LENGTH):
            raise ValueError(f"a note is text of at most {MAX_NOTE_LENGTH} characters")
        if not isinstance(self.by, str) or len(self.by.strip()) > MAX_RATER_LENGTH:
            raise ValueError(f"who marks has a name of at most {MAX_RATER_LENGTH} characters; got {self.by!r:.120}")
        object.__setattr__(self, "by", self.by.strip())

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing."""
        return self.rating is None and self.favourite is None and self.tags is None and self.note is None


@dataclass(frozen=True, slots=True)
class Rating:
    """What the stars that people gave come to.

    Attributes
    ----------
    mean : float
        1 … 5.
    count : int
        Of how many runs; at least 1.
    """

    mean: float
    count: int


MARKS = ("rating", "favourite", "tags", "note")
"""What can be said of a run."""


def described(rating: object = None, favourite: object = None, tags: object = None, note: object = None) -> str:
    """Return what a mark says in words, such as ``4 stars, favourite, tags: red, calm``.

    Takes what a table has: whatever is no such value was left as it was.

    Examples
    --------
    >>> described(rating=1, favourite=False, tags=[])
    '1 star, no favourite, no tags'
    """
    said = []
    if isinstance(rating, int) and not isinstance(rating, bool):
        said.append(f"{rating} star{'s' * (rating != 1)}" if rating else "no stars")
    if isinstance(favourite, bool):
        said.append("favourite" if favourite else "no favourite")
    if isinstance(tags, (list, tuple)):
        said.append(f"tags: {', '.join(map(str, tags))}" if tags else "no tags")
    if isinstance(note, str):
        said.append(f"note: {note}" if note else "no note")
    return ", ".join(said)


def _checked_tags(tags: object) -> tuple[str, ...]:
    if isinstance(tags, str) or not isinstance(tags, (tuple, list)):
        raise ValueError(f"tags {tags!r} is not a list of words")
    if not all(isinstance(tag, str) and 0 < len(tag.strip()) <= MAX_TAG_LENGTH for tag in tags):
        raise ValueError(f"a tag has 1 … {MAX_TAG_LENGTH} characters; got {tags!r}")
    if len(tags) > MAX_TAGS:
        raise ValueError(f"{len(tags)} tags given, at most {MAX_TAGS} allowed")
    return tuple(dict.fromkeys(tag.strip() for tag in tags))


PROJECT_SETTINGS = ("model", "task", "preset")
"""What can be said of a project that a form begins with."""


@dataclass(frozen=True, slots=True)
class Project:
    """A named shelf for runs.

    Attributes
    ----------
    id : str
        Short name used in requests, such as ``harbour``.
    title : str
        What people see.
    settings : mapping
        What a form of this project begins with: ``model``, ``task``, ``preset``.
    changed_at : datetime.datetime or None
        When any of this was said last.
    """

    id: str
    title: str
    description: str = ""
    archived: bool = False
    created_at: datetime | None = None
    settings: Mapping[str, Value] = field(default_factory=immutabledict)
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProjectCard:
    """A project with what is in it.

    Attributes
    ----------
    project : Project
        One that only runs name has their name as its title, and no date.
    runs : int
        Runs in it, those deleted left out.
    files : int
        Files that they made.
    cost_usd : float
        What was charged, or expected where a service has not said, also for deleted runs.
    changed_at : datetime.datetime or None
        When it last got a run, one of its runs ended, or it was changed itself.
    covers : tuple of Asset
        The newest files that can be shown, at most four.
    """

    project: Project
    runs: int = 0
    files: int = 0
    cost_usd: float = 0.0
    changed_at: datetime | None = None
    covers: tuple[Asset, ...] = ()
