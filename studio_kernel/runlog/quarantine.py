"""What happens to journal lines that cannot be folded: they are kept in ``journal/bad/``, and the log goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from studio_kernel.runlog import events

Item = TypeVar("Item")

_MAX_CULPRITS = 16


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a journal and where it was found."""

    journal: str
    position: int
    data: bytes

    @property
    def text(self) -> str:
        """The line as text; bytes that are none are replaced."""
        return self.data.decode("utf-8", "replace")


def culprits(items: Sequence[Item], fails: Callable[[Sequence[Item]], bool]) -> list[Item]:
    """Return the items that make a batch fail, found by halving it.

    Empty when no single item is to blame, or so many that the fault must lie elsewhere; then nothing may be dropped.
    """
    found = _search(items, fails)
    return found if len(found) <= _MAX_CULPRITS else []


def _search(items: Sequence[Item], fails: Callable[[Sequence[Item]], bool]) -> list[Item]:
    if not items or not fails(items):
        return []
    if len(items) == 1:
        return [items[0]]
    middle = len(items) // 2
    found = _search(items[:middle], fails)
    return found if len(found) > _MAX_CULPRITS else found + _search(items[middle:], fails)


def keep(directory: Path, lines: Iterable[Line]) -> None:
    """Write lines to `directory`; writing the same ones again changes nothing."""
    by_journal: dict[str, list[Line]] = {}
    for line in lines:
        by_journal.setdefault(line.journal, []).append(line)
    for journal, found in by_journal.items():
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{journal}-{found[0].position}.jsonl"
        path.write_bytes(b"".join(line.data + b"\n" for line in found))


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was put aside: where it is, and why."""

    path: Path
    number: int
    fault: str


def listed(directory: Path) -> list[BadLine]:
    """Return the lines that were put aside, each with what is wrong with it."""
    return [
        BadLine(path, number, events.fault(data))
        for path in sorted(directory.glob("*.jsonl"))
        for number, data in enumerate(path.read_bytes().split(b"\n")[:-1], start=1)
    ]


def count(directory: Path) -> int:
    """Return how many lines were put aside."""
    return sum(path.read_bytes().count(b"\n") for path in directory.glob("*.jsonl"))
