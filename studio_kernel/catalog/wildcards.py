"""Wildcard files: ``wildcards/<name>.txt``, a text a line, that ``__name__`` in a prompt stands for.

Files in folders are called by their path: ``wildcards/style/painter.txt`` is ``__style/painter__``. Blank lines and
lines that begin with ``#`` are left out. A line that names a wildcard that there is not costs itself, a file that
cannot be read the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from immutabledict import immutabledict

from studio_kernel.catalog.mistakes import Mistake
from studio_kernel.errors import Problem
from studio_kernel.prompts.template import is_wildcard_name, unknown_wildcard, wildcards_in

FOLDER = "wildcards"


@dataclass(frozen=True, slots=True)
class WildcardFile:
    """One file as it was read.

    Attributes
    ----------
    name : str
        What prompts call it.
    file : str
        As problems name it.
    shipped : bool
        Part of this version, and not the user's own.
    lines : mapping
        Line number, from 1 → text.
    mistakes : tuple of Mistake
        Why there are none.
    """

    name: str
    file: str
    shipped: bool
    lines: Mapping[int, str]
    mistakes: tuple[Mistake, ...] = ()


def read_wildcards(directory: Path, *, shipped: bool) -> list[WildcardFile]:
    """Return the wildcard files of a catalog directory, which need not have any."""
    folder = directory / FOLDER
    return [_read(path, path.relative_to(folder), shipped) for path in wildcard_paths(directory)]


def wildcard_paths(directory: Path) -> list[Path]:
    """Return the wildcard files of a catalog directory, in order."""
    return sorted((directory / FOLDER).rglob("*.txt"))


def assemble(files: list[WildcardFile]) -> tuple[Mapping[str, tuple[str, ...]], list[tuple[WildcardFile, Problem]]]:
    """Return name → texts, the later of two files of one name alone, and what is wrong with which file."""
    good = {file.name: file for file in files if not file.mistakes}
    wildcards = {
        name: tuple(text for number, text in file.lines.items() if not list(_unknown(text, good, number)))
        for name, file in good.items()
    }
    problems = [(file, problem) for file in files for problem in _problems(file, good)]
    return immutabledict(wildcards), problems


def _problems(file: WildcardFile, good: Mapping[str, WildcardFile]) -> Iterator[Problem]:
    yield from (mistake.at(file.file) for mistake in file.mistakes)
    for number, text in file.lines.items():
        yield from (mistake.at(file.file) for mistake in _unknown(text, good, number))


def _unknown(text: str, good: Mapping[str, WildcardFile], number: int) -> Iterator[Mistake]:
    for name in wildcards_in(text):
        if name not in good:
            yield Mistake(f"line {number}", unknown_wildcard(name, good))


def _read(path: Path, relative: Path, shipped: bool) -> WildcardFile:
    name, file = relative.with_suffix("").as_posix(), f"{FOLDER}/{relative.as_posix()}"
    lines: dict[int, str] = {}
    mistakes: list[Mistake] = []
    if not is_wildcard_name(name):
        mistakes.append(Mistake("", f"{name!r} is no name of a wildcard; letters, digits, - and single _ are allowed"))
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        mistakes.append(Mistake("", f"is not text in UTF-8: {error.reason} at byte {error.start}"))
    except OSError as error:
        mistakes.append(Mistake("", f"cannot be read: {error.strerror or error}"))
    else:
        stripped = ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1))
        lines = {number: line for number, line in stripped if line and not line.startswith("#")}
        if not lines:
            mistakes.append(Mistake("", "has no lines; a wildcard needs at least one text"))
    return WildcardFile(name, file, shipped, immutabledict() if mistakes else immutabledict(lines), tuple(mistakes))
