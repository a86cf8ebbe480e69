"""The button that downloads a file of a run; see ``view.js``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import anywidget
import traitlets

from studio_widgets.gallery import intents
from studio_widgets.page.scripts import esm
from studio_widgets.saving.slices import Slice

_HERE = Path(__file__).parent
PARTS = _HERE / "parts.js"
Reader: TypeAlias = Callable[[str, int, int], Slice]
"""Run, place of the file, first byte → a part of the file."""


def answer(widget: anywidget.AnyWidget, part: intents.Part, read: Reader) -> None:
    """Send the part of a file that a page asked for."""
    found = read(part.run, part.file, part.start)
    said = {"kind": "part", "seq": part.seq, "start": part.start, "total": found.total}
    widget.send({**said, "media_type": found.media_type, "name": found.name}, buffers=[found.data])


class Download(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """A button that saves a file of a run.

    Parameters
    ----------
    read : callable
        Returns a part of it.

    Attributes
    ----------
    run : str
        Whose; empty = there is nothing to save.
    file : int
        Which of its files.
    name : str
        What it is saved as.
    """

    _esm = esm(PARTS, _HERE / "view.js")
    label = traitlets.Unicode("Download").tag(sync=True)
    run = traitlets.Unicode().tag(sync=True)
    file = traitlets.Int(0).tag(sync=True)
    name = traitlets.Unicode().tag(sync=True)

    def __init__(self, read: Reader) -> None:
        super().__init__()
        self._read = read
        self.on_msg(self._hear)

    def _hear(self, _widget: object, content: Mapping[str, Any], _buffers: object) -> None:
        match intents.read(content):
            case intents.Part() as part:
                answer(self, part, self._read)
