"""What the front page says about a notebook: its title, a sentence, and the pages that can be opened directly.

A notebook says it itself, in its metadata (``title``; ``studio.description``; ``studio.pages``: page → title) or,
without that, in its first cell of text. What it says is shown as text, cut to a length; a notebook that cannot be read
is listed by its name.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio_kernel.dashboards.options import START_PAGE

MAX_NOTEBOOK_BYTES = 4 * 2**20
MAX_TITLE, MAX_DESCRIPTION, MAX_PAGES = 80, 240, 24


@dataclass(frozen=True, slots=True)
class Card:
    """One notebook on the front page.

    Attributes
    ----------
    path : str
        Relative to what is served, with ``/``.
    pages : tuple of (str, str)
        Name in the address and title.
    """

    path: str
    title: str
    description: str = ""
    pages: tuple[tuple[str, str], ...] = ()


def cards(directory: Path) -> list[Card]:
    """Return the notebooks of a directory: the one with everything first, then by title."""
    found = [card(path, directory) for path in directory.glob("*.ipynb") if not path.name.startswith(".")]
    return sorted(found, key=lambda one: (one.path != START_PAGE, one.title.lower()))


def card(path: Path, directory: Path) -> Card:
    """Return what a notebook says about itself."""
    name = path.relative_to(directory).as_posix()
    document = _read(path)
    metadata = _mapping(document.get("metadata"))
    told = _mapping(metadata.get("studio"))
    heading, first = _first_text(document)
    title = _line(metadata.get("title"), MAX_TITLE) or heading
    return Card(
        name,
        title or path.stem.replace("_", " ").replace("-", " ").capitalize(),
        _line(told.get("description"), MAX_DESCRIPTION) or first,
        tuple(_pages(told.get("pages"))),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_NOTEBOOK_BYTES:
            return {}
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _first_text(document: dict[str, Any]) -> tuple[str, str]:
    """Return heading and first paragraph of the first cell of text."""
    cells = document.get("cells")
    for cell in cells if isinstance(cells, list) else []:
        if isinstance(cell, dict) and cell.get("cell_type") == "markdown":
            source = cell.get("source", "")
            text = "".join(map(str, source)) if isinstance(source, list) else str(source)
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            heading = next((line.lstrip("# ") for line in lines if line.startswith("#")), "")
            said = next((line for line in lines if not line.startswith("#")), "")
            return _line(heading, MAX_TITLE), _line(said, MAX_DESCRIPTION)
    return "", ""


def _line(text: object, longest: int) -> str:
    line = re.sub(r"\s+", " ", text).strip() if isinstance(text, str) else ""
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _pages(told: object) -> list[tuple[str, str]]:
    pages = told.items() if isinstance(told, dict) else ()
    named = [(name, _line(title, MAX_TITLE)) for name, title in pages if re.fullmatch(r"[a-z]{1,20}", str(name))]
    return [(name, title) for name, title in named if title][:MAX_PAGES]
