"""The files of a model on this machine: where they are, and how much room they take.

Whether they are complete is what the engine says (``studio.models.status``); here they are only found and measured.
Nothing is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio_kernel.domain.model import ModelCard
from studio_kernel.engines.diffusers import checkpoint
from studio_kernel.errors import StudioError


@dataclass(frozen=True, slots=True)
class Weights:
    """What is on the disk of a model.

    Attributes
    ----------
    place : str
        A file, a directory, or what a hub calls it; empty = its entry names none.
    size_bytes : int or None
        Of all files that are there; `None` when there are none.
    """

    place: str = ""
    size_bytes: int | None = None


def weights_of(card: ModelCard) -> Weights:
    """Return what is on the disk of a model."""
    source = card.source
    try:
        files = list(_files(card))
    except (StudioError, OSError):
        files = []
    sizes = [size for path in files if (size := _size(path)) is not None]
    return Weights(_place(card, files) or source.hub, sum(sizes) if sizes else None)


def _files(card: ModelCard) -> list[Path]:
    directory = checkpoint.configuration(card)
    beside = [path for path in sorted(directory.rglob("*")) if path.is_file()] if directory.is_dir() else []
    return [Path(card.source.file), *beside] if card.source.file else beside


def _place(card: ModelCard, files: list[Path]) -> str:
    source = card.source
    if source.hub and files:
        return str(checkpoint.configuration(card))
    return source.file or source.path


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
