"""The table of cells in the page: the kernel's side of ``view.js``."""

from __future__ import annotations

import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import anywidget

from studio_widgets.cells import intents
from studio_widgets.cells.shown import ShownCells
from studio_widgets.cells.table import Table, Tile
from studio_widgets.page.scripts import esm

_HERE = Path(__file__).parent

MOST_PICTURES = 40
"""Pictures that go out with one message without being asked for: those of cells that have just been done."""


class Cells(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Shows the table of a `ShownCells`.

    A new table goes to the page whole; of one with the same labels only the cells that have changed go there, and those
    once more with the next message, because a busy page may have lost one. Pictures of cells that were just done come
    with them, others when the page asks for them.
    """

    _esm = esm(_HERE / "view.js")
    _css = _HERE / "view.css"

    def __init__(self, state: ShownCells) -> None:
        super().__init__()
        self._state = state
        self._sent: Table | None = None
        self._lately: set[int] = set()
        self._number = 0
        self._sending = threading.Lock()
        state.observe(lambda _change: self._tell(), "version")
        state.observe(lambda _change: self.send(self._choice()), ["chosen", "selected", "selecting", "fill"])
        self.on_msg(self._hear)

    def download(self, name: str, data: bytes, media_type: str) -> None:
        """Have the page save a file."""
        self.send({"kind": "file", "name": name, "type": media_type}, buffers=[data])

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        match intents.read(content):
            case intents.Here(number):
                self._tell(everything=number != self._number or not number)
            case intents.Thumbnails(runs):
                self._send_pictures(runs)
            case intents.Choose(run):
                self._state.choose(run)
            case intents.Select(run, on):
                self._state.select(run, on=on)

    def _choice(self) -> dict[str, Any]:
        state = self._state
        told = {"run": state.chosen, "selected": list(state.selected), "selecting": state.selecting}
        return {"kind": "chosen", "fill": state.fill, **told}

    def _tell(self, *, everything: bool = False) -> None:
        with self._sending:
            table, before = self._state.table, self._sent
            self._sent = table
            if everything or before is None or table is None or _labels(before) != _labels(table):
                self._lately = set()
                self._number += 1
                self.send({"kind": "table", "table": asdict(table) if table else None, "number": self._number})
                self.send(self._choice())
                return
            changed = _changed(before, table)
            again, self._lately = changed | self._lately, changed
            if again:
                self._number += 1
                cells = [[place, asdict(table.tiles[place])] for place in sorted(again)]
                scale = asdict(table.scale) if table.scale else None
                self.send({"kind": "cells", "cells": cells, "scale": scale, "number": self._number})
            new = [table.tiles[place].run for place in sorted(again) if table.tiles[place].key]
            if new:
                self._send_pictures(tuple(new[:MOST_PICTURES]))

    def _send_pictures(self, runs: tuple[str, ...]) -> None:
        pictures = {run: data for run in runs if (data := self._state.thumbnail(run))}
        self.send({"kind": "thumbnails", "runs": list(pictures)}, buffers=list(pictures.values()))


def _labels(table: Table) -> tuple[object, ...]:
    colours = table.scale.label if table.scale else ""
    return table.across, table.down, table.columns, table.rows, table.too_many, len(table.tiles), table.flows, colours


def _changed(before: Table, now: Table) -> set[int]:
    pairs: list[tuple[Tile, Tile]] = list(zip(before.tiles, now.tiles, strict=True))
    return {place for place, (old, new) in enumerate(pairs) if old != new}
