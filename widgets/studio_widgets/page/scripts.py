"""The scripts of a view as one module: a module in a widget cannot import its siblings."""

from __future__ import annotations

from pathlib import Path

BASICS = Path(__file__).parent / "basics.js"


def esm(*files: Path) -> str:
    """Return the basics of all views and then these files as one module."""
    return joined(BASICS, *files)


def joined(*files: Path) -> str:
    """Return several files of JavaScript as one module."""
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
