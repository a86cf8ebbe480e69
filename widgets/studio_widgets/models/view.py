"""The table widget: the kernel's side of ``view.js``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from studio_widgets.models import intents
from studio_widgets.models.rows import COLUMNS, Row
from studio_widgets.models.state import ModelsState
from studio_widgets.page.scripts import esm
from studio_widgets.picker.cards import rating_badge

_HERE = Path(__file__).parent


class ModelTable(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Shows the rows of a `ModelsState`, of which only the visible ones exist in the page."""

    _esm = esm(_HERE / "view.js")
    _css = _HERE / "view.css"
    page: traitlets.Dict[str, object] = traitlets.Dict().tag(sync=True)

    def __init__(self, state: ModelsState) -> None:
        super().__init__()
        self._state = state
        self.on_msg(self._hear)
        state.observe(lambda _change: self._show(), ["version", "looked_at"])
        self._show()

    def _show(self) -> None:
        state = self._state
        with state.lock:
            self.page = {
                "version": state.version,
                "total": state.total,
                "columns": list(COLUMNS.items()),
                "sort": state.sort,
                "descending": state.is_descending,
                "looked_at": state.looked_at,
            }

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        match intents.read(content):
            case intents.Rows(first, last, version):
                rows = [_plain(row) for row in self._state.rows(first, last)]
                self.send({"kind": "rows", "first": first, "version": version, "rows": rows})
            case intents.Sort(column):
                self._state.sort_by(column)
            case intents.Look(model):
                self._state.look(model)


def _plain(row: Row) -> dict[str, object]:
    entry, rated = row.entry, rating_badge(row.entry)
    return {
        "id": entry.id,
        "creator": entry.card.creator,
        "own": bool(entry.own),
        "standing": entry.standing,
        "reason": entry.status.reason,
        "rated": asdict(rated) if rated else None,
        "cells": row.cells(),
    }
