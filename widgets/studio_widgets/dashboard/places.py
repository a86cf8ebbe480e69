"""Where somebody is in a dashboard, as the query of its address: ``?page=gallery&project=boats&run=0192…``.

Anybody can write an address, so nothing in it is trusted: what is not understood is left out and told. What a place
names need not exist; the page that goes there says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Literal, get_args
from urllib.parse import parse_qsl, quote, urlencode

PageName = Literal["home", "gallery", "run", "sweep", "compare", "judge", "costs", "models"]
PAGES: Mapping[PageName, str] = {
    "home": "Home",
    "gallery": "Gallery",
    "run": "Run",
    "sweep": "Sweeps",
    "compare": "Compare",
    "judge": "Blind vote",
    "costs": "Costs",
    "models": "Models",
}
"""Page → what people call it, in the order of the tabs."""
MAX_QUERY = 2000
MAX_TEXT = 200
MAX_NAME = 80
MAX_RUNS = 24

_ID = re.compile(r"[0-9A-Fa-f][0-9A-Fa-f-]{3,35}")
_BY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")
_OTHERS = ("token", "_xsrf", "reset")
"""Names that the server of the page may put into an address; they are no business of ours."""


@dataclass(frozen=True, slots=True)
class Place:
    """A page, and what it shows.

    Attributes
    ----------
    page : str
        Key of `PAGES`.
    project, run, sweep : str
        Ids; empty = none.
    runs : tuple of str
        Ids of the runs that are compared.
    board : str
        Id or name of the board that is compared.
    ballot : str
        What is asked of those who vote.
    text : str
        What is searched for.
    by : str
        What a page groups or sorts by.
    problems : tuple of str
        What of an address was not understood, in words; no part of the place itself.

    Examples
    --------
    >>> Place.parse("?page=gallery&project=boats")
    Place(page='gallery', project='boats')
    >>> Place("compare", runs=("0192a", "0192b")).query()
    '?page=compare&runs=0192a,0192b'
    >>> Place.parse("?page=nowhere").problems
    ("there is no page 'nowhere'",)
    """

    page: PageName = "home"
    project: str = ""
    run: str = ""
    runs: tuple[str, ...] = ()
    sweep: str = ""
    board: str = ""
    ballot: str = ""
    text: str = ""
    by: str = ""
    problems: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def parse(cls, query: str) -> Place:
        """Return the place that the query of an address names; raises nothing, whatever it is given."""
        if len(query) > MAX_QUERY:
            return cls(problems=(f"the address has {len(query):,} characters; {MAX_QUERY:,} are the most",))
        found: dict[str, object] = {}
        problems: list[str] = []
        for name, text in parse_qsl(query.removeprefix("?"), keep_blank_values=True, errors="replace"):
            if name in _OTHERS or not text:
                continue
            read = _READ.get(name)
            value = read(text) if read is not None else None
            if value is None or name in found:
                problems.append(_problem(name, text, is_known=read is not None, is_twice=name in found))
            else:
                found[name] = value
        return cls(**found, problems=tuple(problems))  # type: ignore[arg-type]  # `_READ` returns what each field takes

    def query(self) -> str:
        """Return the query that names this place, with its question mark; empty for the first page."""
        said = {
            name: ",".join(value) if isinstance(value, tuple) else value
            for name in _READ
            if (value := getattr(self, name))
        }
        if self.page == "home":
            del said["page"]
        return f"?{urlencode(said, quote_via=quote, safe=',')}" if said else ""

    def __repr__(self) -> str:
        """Return only what it says."""
        said = (f"{each.name}={value!r}" for each in fields(self) if (value := getattr(self, each.name)))
        return f"Place({', '.join(said)})"


def _page(text: str) -> str | None:
    return text if text in get_args(PageName) else None


def _id(text: str) -> str | None:
    return text if _ID.fullmatch(text) else None


def _ids(text: str) -> tuple[str, ...] | None:
    ids = tuple(dict.fromkeys(text.split(",")))
    return ids if len(ids) <= MAX_RUNS and all(map(_id, ids)) else None


def _words(most: int) -> Callable[[str], str | None]:
    """Return what takes a text of at most so many characters, all of which can be seen."""
    return lambda text: text if len(text) <= most and text.isprintable() and "\ufffd" not in text else None


def _by(text: str) -> str | None:
    return text if _BY.fullmatch(text) else None


_READ: Mapping[str, Callable[[str], object]] = {
    "page": _page,
    "project": _words(MAX_TEXT),
    "run": _id,
    "runs": _ids,
    "sweep": _id,
    "board": _words(MAX_NAME),
    "ballot": _words(MAX_NAME),
    "text": _words(MAX_TEXT),
    "by": _by,
}


def _problem(name: str, text: str, *, is_known: bool, is_twice: bool) -> str:
    if is_twice:
        return f"{_short(name)} stands in the address twice; the first counts"
    if name == "page":
        return f"there is no page {_short(text)}"
    return f"{name} cannot be {_short(text)}" if is_known else f"{_short(name)} says nothing here"


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
