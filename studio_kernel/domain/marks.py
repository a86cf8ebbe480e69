"""What people say about runs, and how they order them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

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

    Raises
    ------
    ValueError
        For a value outside these limits.
    """

    rating: int | None = None
    favourite: bool | None = None
    tags: tuple[str, ...] | None = None
    note: str | None = None

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

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing."""
        return self.rating is None and self.favourite is None and self.tags is None and self.note is None


def _checked_tags(tags: object) -> tuple[str, ...]:
    if isinstance(tags, str) or not isinstance(tags, (tuple, list)):
        raise ValueError(f"tags {tags!r} is not a list of words")
    if not all(isinstance(tag, str) and 0 < len(tag.strip()) <= MAX_TAG_LENGTH for tag in tags):
        raise ValueError(f"a tag has 1 … {MAX_TAG_LENGTH} characters; got {tags!r}")
    if len(tags) > MAX_TAGS:
        raise ValueError(f"{len(tags)} tags given, at most {MAX_TAGS} allowed")
    return tuple(dict.fromkeys(tag.strip() for tag in tags))


@dataclass(frozen=True, slots=True)
class Project:
    """A named shelf for runs.

    Attributes
    ----------
    id : str
        Short name used in requests, such as ``harbour``.
    title : str
        What people see.
    """

    id: str
    title: str
    description: str = ""
    archived: bool = False
    created_at: datetime | None = None
