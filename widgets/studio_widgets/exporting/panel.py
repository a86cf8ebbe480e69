"""Export on a screen: what leaves, as what, and a button that keeps it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

import ipywidgets

from studio_widgets.choice import Choice
from studio_widgets.exporting.state import FORMATS, KINDS, TABLES, ExportState
from studio_widgets.exporting.view import ZipButton
from studio_widgets.frame import panel as parts
from studio_widgets.snippet.link import DashboardLink
from studio_widgets.wording import counted
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

ABOUT = {
    "files": "A table of their settings is added.",
    "sheet": "Small pictures under each other, each with the settings that tell it from the others.",
    "page": "A ZIP with a gallery, its filters and settings: unpack it and open index.html, no server is needed.",
    "comparison": "A ZIP with the runs side by side, a slider and what differs: unpack it and open index.html.",
}


class ExportPanel(parts.PanelBox):
    """Runs as one download: their files, a contact sheet, or a page that opens without a server.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.
    runs : iterable of str
        Ids of runs; `ExportState.select` chooses others.
    workspace : Workspace or None
        Shared with other panels.

    Attributes
    ----------
    state : ExportState
        Everything it shows and does.

    Examples
    --------
    >>> ExportPanel(studio, [run.id])  # doctest: +SKIP
    """

    def __init__(self, studio: Studio, runs: Iterable[str] = (), *, workspace: Workspace | None = None) -> None:
        self.state = ExportState(studio, runs, workspace=workspace)
        head, self._beside = parts.head("Export")
        super().__init__("Export", head, parts.card(ExportView(self.state)), closing=self.state.close)
        self.state.observe(lambda _change: self._show(), "runs")
        self._show()

    def _show(self) -> None:
        self._beside.value = counted(len(self.state.runs), "run")


class ExportView(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The panel without a frame, to be put beside what runs are chosen in."""

    def __init__(self, state: ExportState) -> None:
        self._state = state
        self._kind = Choice(state, "kind", "Make", lambda: list(KINDS))
        self._preset = Choice(state, "preset", "As", lambda: list(state.presets), follow=["presets"])
        self._format = Choice(state, "format", "Format", lambda: list(FORMATS))
        self._table = Choice(state, "table", "Table", lambda: list(TABLES))
        self._title = ipywidgets.Text(description="Title", placeholder="Above it", continuous_update=False)
        ipywidgets.link((state, "title"), (self._title, "value"))
        fields = (self._kind, self._preset, self._format, self._table, self._title)
        self._about = parts.styled(ipywidgets.HTML(), "sz-about")
        self._message = ipywidgets.HTML()
        self._told = ipywidgets.HTML()
        line = parts.styled(parts.row(*map(parts.field, fields), ZipButton(state, primary=True)), "sz-line")
        self._link = DashboardLink("Or send a link")
        super().__init__([line, self._about, self._message, self._told, self._link])
        parts.styled(self, "sz-export")
        watched = ["runs", "preset", "kind", "summary", "notes", "link", "is_busy", "error", "told"]
        state.observe(lambda _change: self._show(), watched)
        self._show()

    def _show(self) -> None:
        state = self._state
        parts.place(self._preset, state.kind in ("files", "sheet"))
        parts.place(self._format, state.kind == "sheet")
        parts.place(self._table, state.kind == "files")
        parts.place(self._title, state.kind != "files")
        about = state.chosen.description if state.chosen is not None and state.kind == "files" else ""
        lines = [about, f"{state.summary}. {ABOUT[state.kind]}" if state.runs else state.summary]
        notes = "".join(f"<li>{escape(note)}</li>" for note in state.notes)
        told = "".join(f'<div class="st-sub">{escape(line)}</div>' for line in lines if line)
        self._about.value = told + (f'<ul class="sz-notes">{notes}</ul>' if notes else "")
        self._link.show(state.link)
        parts.fill(self._message, parts.alert(state.error))
        said = "Preparing the file…" if state.is_busy else state.told
        self._told.value = f'<div class="sz-told" role="status">{escape(said)}</div>'
