"""A table whose columns can be sorted: the kernel's side of ``view.js``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from studio_widgets.page.scripts import esm

_HERE = Path(__file__).parent


class SortableTable(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Rows of texts below headings that sort them; the sorting itself is the kernel's.

    Parameters
    ----------
    caption : str
        What it is a table of.
    columns : sequence of (str, str)
        Key and heading; the first names the row.
    on_sort : callable
        Called with the key of a column, once it has been checked.
    nothing : str
        What it says without rows.
    on_pick : callable or None
        Called with the name of a row that was chosen, or chosen again to let go; rows cannot be chosen when left out.

    Attributes
    ----------
    chosen : str
        Name of the row that is.
    """

    _esm = esm(_HERE / "view.js")
    _css = _HERE / "view.css"
    caption = traitlets.Unicode().tag(sync=True)
    columns: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    rows: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    shares: traitlets.List[float] = traitlets.List().tag(sync=True)
    sort = traitlets.Unicode().tag(sync=True)
    is_descending = traitlets.Bool().tag(sync=True)
    nothing = traitlets.Unicode().tag(sync=True)
    can_pick = traitlets.Bool(False).tag(sync=True)
    chosen = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        caption: str,
        columns: Sequence[tuple[str, str]],
        on_sort: Callable[[str], object],
        *,
        nothing: str = "Nothing that cost money.",
        on_pick: Callable[[str], object] | None = None,
    ) -> None:
        shown = [list(column) for column in columns]
        super().__init__(caption=caption, columns=shown, nothing=nothing, can_pick=on_pick is not None)
        self._on_sort, self._on_pick = on_sort, on_pick
        self.on_msg(self._hear)

    def show(self, rows: Sequence[Sequence[str]], shares: Sequence[float], sort: str, *, is_descending: bool) -> None:
        """Show rows, each with a bar as long as its share (0 … 1) of the largest."""
        with self.hold_sync():
            self.rows, self.shares = [list(row) for row in rows], list(shares)
            self.sort, self.is_descending = sort, is_descending

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        match content:
            case {"kind": "sort", "column": str(column)} if column in [key for key, _heading in self.columns]:
                self._on_sort(column)
            case {"kind": "pick", "row": str(name)} if self._on_pick and name in [row[0] for row in self.rows]:
                self._on_pick(name)
