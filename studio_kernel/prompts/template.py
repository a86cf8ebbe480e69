r"""Templates: texts with marks that stand for other texts.

=============== ============================================================================
``{red|blue}``  one of the texts; they may be empty and hold alternatives and wildcards again
``__animal__``  a line of the wildcard ``animal``, which may hold both as well
``\{ \} \| \__`` those characters themselves
=============== ============================================================================

Braces without ``|`` between them are text, so that a prompt in JSON stays as it is. `resolve` lets a seed choose,
`alternatives` lists all texts of each pair of braces, for a sweep to go through.

What a seed chooses depends on the seed, on the mark itself and on how many marks like it stand before it: the same
everywhere and always, independent between two marks, and a change elsewhere in the prompt leaves it as it is.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from studio_kernel.errors import closest

MAX_TEXTS = 100_000
"""Alternatives that stand for more texts are refused before they are made."""

MAX_DEPTH = 20
"""How deep alternatives may be nested, and wildcards name each other."""

_TOKENS = re.compile(r"\\(?:[{}|]|__)|__(?P<name>[\w/-]+?)__|[{}|]|[^\\{}|_]+|.", re.DOTALL)
_ESCAPED = re.compile(r"\\([{}|]|__)")
_NAME = re.compile(r"(?!_)(?:(?!__)[\w/-])+(?<!_)")

Wildcards: TypeAlias = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class _Text:
    source: str


@dataclass(frozen=True, slots=True)
class _Wildcard:
    source: str
    name: str


@dataclass(frozen=True, slots=True)
class _Choice:
    source: str
    options: tuple[_Parts, ...]


_Part: TypeAlias = "_Text | _Wildcard | _Choice"
_Parts: TypeAlias = "tuple[_Part, ...]"


def is_wildcard_name(name: str) -> bool:
    """Whether a wildcard may be called `name`: letters, digits, ``-``, ``/`` and single ``_`` inside."""
    return _NAME.fullmatch(name) is not None


def escape(text: str) -> str:
    r"""Return the template that stands for `text` alone.

    Examples
    --------
    >>> escape("{a|b}")
    '\\{a\\|b\\}'
    """
    return re.sub(r"[{}|]|__", lambda found: "\\" + found[0], text)


def may_have_marks(text: str) -> bool:
    """Whether `text` has a character that marks begin with; quick, and asked of every prompt of a sweep."""
    return "{" in text or "__" in text or "\\" in text


def has_marks(text: str) -> bool:
    """Whether `text` is a template, and not the text that it stands for."""
    if not may_have_marks(text):
        return False
    return any(not isinstance(part, _Text) for part in _parse(text)) or _ESCAPED.search(text) is not None


def resolve(text: str, seed: int, wildcards: Wildcards, place: str = "") -> str:
    """Return the text that a seed chooses.

    Parameters
    ----------
    seed : int
        The same seed chooses the same.
    wildcards : mapping
        Name → texts.
    place : str
        What the text is for, such as ``negative_prompt``; choices differ between places.

    Raises
    ------
    ValueError
        For a wildcard that there is not, wildcards that name each other in a circle, and more than `MAX_DEPTH`
        levels.

    Examples
    --------
    >>> resolve("a {red|blue} __animal__", 7, {"animal": ["cat", "fish"]})
    'a blue fish'
    """
    for name in dict.fromkeys(_named(_parse(text))):
        _require_sound(name, wildcards, ())
    return _chosen(_parse(text), f"{seed}/{place}", wildcards)


def alternatives(text: str) -> dict[str, tuple[str, ...]]:
    """Return every outermost pair of braces with alternatives, and the templates it stands for, each once.

    Those hold no alternatives any more; wildcards stay in them.

    Raises
    ------
    ValueError
        For more than `MAX_TEXTS` texts, or more than `MAX_DEPTH` levels.

    Examples
    --------
    >>> alternatives("a {red|{dark |}blue} boat")
    {'{red|{dark |}blue}': ('red', 'dark blue', 'blue')}
    """
    found = {part.source: part for part in _parse(text) if isinstance(part, _Choice)}
    for part in found.values():
        if (count := _count((part,))) > MAX_TEXTS:
            raise ValueError(f"{_short(part.source)!r} stands for {count:,} texts; at most {MAX_TEXTS:,} are allowed")
    return {source: tuple(dict.fromkeys(_texts((part,)))) for source, part in found.items()}


def wildcards_in(text: str) -> tuple[str, ...]:
    """Return the names of the wildcards in a template, each once."""
    return tuple(dict.fromkeys(_named(_parse(text)))) if "__" in text else ()


@lru_cache(maxsize=4096)
def _parse(text: str) -> _Parts:
    """Return the parts of a template; braces that are not closed, or hold no ``|``, are text."""
    open_braces: list[int] = []
    levels: list[list[list[_Part]]] = [[[]]]
    for token in _TOKENS.finditer(text):
        mark = token[0]
        if mark == "{":
            if len(levels) > MAX_DEPTH:
                raise ValueError(f"{_short(text)!r} has braces more than {MAX_DEPTH} levels deep")
            open_braces.append(token.start())
            levels.append([[]])
        elif mark == "|" and open_braces:
            levels[-1].append([])
        elif mark == "}" and open_braces:
            source = text[open_braces.pop() : token.end()]
            options = levels.pop()
            levels[-1][-1] += _closed(source, options)
        elif token["name"] and is_wildcard_name(token["name"]):
            levels[-1][-1].append(_Wildcard(mark, token["name"]))
        else:
            levels[-1][-1].append(_Text(mark))
    while open_braces:
        open_braces.pop()
        options = levels.pop()
        levels[-1][-1] += [_Text("{"), *_joined(options)]
    return tuple(levels[0][0])


def _closed(source: str, options: list[list[_Part]]) -> list[_Part]:
    if len(options) > 1:
        return [_Choice(source, tuple(map(tuple, options)))]
    return [_Text("{"), *options[0], _Text("}")]


def _joined(options: list[list[_Part]]) -> Iterator[_Part]:
    for place, option in enumerate(options):
        if place:
            yield _Text("|")
        yield from option


def _chosen(parts: _Parts, place: str, wildcards: Wildcards) -> str:
    seen: dict[str, int] = {}
    texts = []
    for part in parts:
        if isinstance(part, _Text):
            texts.append(_ESCAPED.sub(r"\1", part.source))
            continue
        earlier = seen[part.source] = seen.get(part.source, -1) + 1
        here = f"{place}/{part.source}/{earlier}"
        options = part.options if isinstance(part, _Choice) else wildcards[part.name]
        option = options[int(_share(here) * len(options))]
        texts.append(_chosen(_parse(option) if isinstance(option, str) else option, here, wildcards))
    return "".join(texts)


def _share(place: str) -> float:
    """Return a number, 0 ≤ share < 1, that follows from `place` alone.

    Python promises the same numbers in every version and process for a text as the seed and for `random()`, not for
    its other methods.
    """
    return random.Random(place).random()


def _texts(parts: _Parts) -> list[str]:
    texts = [""]
    for part in parts:
        options = part.options if isinstance(part, _Choice) else ()
        more = [text for option in options for text in _texts(option)] if options else [part.source]
        texts = [text + each for text in texts for each in more]
    return texts


def _count(parts: _Parts) -> int:
    count = 1
    for part in parts:
        if isinstance(part, _Choice):
            count *= sum(map(_count, part.options))
    return count


def _named(parts: _Parts) -> Iterator[str]:
    for part in parts:
        if isinstance(part, _Wildcard):
            yield part.name
        elif isinstance(part, _Choice):
            for option in part.options:
                yield from _named(option)


def _require_sound(name: str, wildcards: Wildcards, above: tuple[str, ...]) -> None:
    """Refuse a name that there is not, and a circle, whichever the seed would choose."""
    if name in above:
        raise ValueError(f"wildcards name each other in a circle: {' → '.join((*above, name))}")
    if name not in wildcards:
        raise ValueError(unknown_wildcard(name, wildcards))
    if len(above) >= MAX_DEPTH:
        raise ValueError(f"wildcards name each other more than {MAX_DEPTH} levels deep: {' → '.join(above)}")
    for inner in _inside(tuple(wildcards[name])):
        _require_sound(inner, wildcards, (*above, name))


@lru_cache(maxsize=256)
def _inside(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for line in lines for name in wildcards_in(line)))


def unknown_wildcard(name: str, known: Iterable[str]) -> str:
    """Return the sentence about a wildcard that there is not."""
    names = sorted(known)
    close = closest(name, names)
    there_is = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
    return (
        f"{name!r} is not a wildcard; {there_is}there are {', '.join(names) or 'none'}; "
        rf"write \__{name}__ for the text itself"
    )


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"
