"""The models of a home on a screen: a table, and everything about one model beside it."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

import ipywidgets
import traitlets

from studio_widgets.frame import panel as parts
from studio_widgets.frame.still import Still
from studio_widgets.models.rows import details
from studio_widgets.models.state import WHERE, ModelsState
from studio_widgets.models.view import ModelTable
from studio_widgets.timing import Debounced
from studio_widgets.wording import counted
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio


class ModelsPanel(parts.PanelBox):
    """Every model of the catalog, with what is on the disk and how it was used.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.
    workspace : Workspace or None
        Shared with other panels.
    on_use : callable or None
        Called with the catalog id of a model that somebody wants to use.

    Attributes
    ----------
    state : ModelsState
        Everything the panel shows and does.

    Examples
    --------
    >>> ModelsPanel(studio)  # doctest: +SKIP
    """

    def __init__(
        self,
        studio: Studio,
        *,
        workspace: Workspace | None = None,
        on_use: Callable[[str], None] | None = None,
    ) -> None:
        self.state = ModelsState(studio, workspace=workspace, on_use=on_use)
        head, self._count = parts.head("Models")
        super().__init__("Models", head, ModelsView(self.state), tick=self.state.poll)
        self.state.observe(lambda _change: self._show(), "total")
        self._show()

    def still(self) -> Still:
        """Return how many models there are."""
        return Still(counted(self.state.total, "model"))

    def _show(self) -> None:
        self._count.value = f'<span role="status">{counted(self.state.total, "model")}</span>'


class ModelsView(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The table without a frame, to be put into a panel."""

    def __init__(self, state: ModelsState) -> None:
        self._state = state
        self._problems, self._error = ipywidgets.HTML(), ipywidgets.HTML()
        main = parts.styled(ipywidgets.HBox([ModelTable(state), ModelDetails(state)]), "sm-main")
        super().__init__([_filters(state), self._error, self._problems, main])
        parts.styled(self, "sm-view")
        state.observe(lambda _change: self._show(), ["problems", "error"])
        self._show()

    def _show(self) -> None:
        parts.fill(self._error, parts.alert(self._state.error))
        parts.fill(self._problems, _mistakes(self._state.problems))


def _filters(state: ModelsState) -> ipywidgets.HBox:
    text = ipywidgets.Text(value=state.text, description="Search", placeholder="Name, creator, description or id")
    search = Debounced(lambda words: state.set_trait("text", words))
    text.observe(lambda change: search(change.new), "value")
    where = ipywidgets.Dropdown(
        value=state.where, options=[(label, key) for key, label in WHERE.items()], description="Show"
    )
    traitlets.link((state, "where"), (where, "value"))
    return parts.styled(parts.row(parts.field(text), parts.field(where)), "sm-filters")


def _mistakes(problems: tuple[str, ...]) -> str:
    if not problems:
        return ""
    listed = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
    title = "Mistakes in your catalog files; the entries they stand in are left out:"
    return f'<div class="st-alert warn" role="alert">{title}<ul>{listed}</ul></div>'


class ModelDetails(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """One model in full."""

    def __init__(self, state: ModelsState) -> None:
        self._state = state
        self._title = parts.styled(ipywidgets.HTML(), "sm-title")
        self._use = parts.button("Use", state.use, "Put this model into the form", "st-primary")
        close = parts.button("Close", lambda: state.look(""), "Close the details", "st-quiet")
        self._text = ipywidgets.HTML()
        top = parts.styled(parts.row(self._title, self._use, close), "sm-top")
        super().__init__([parts.card(top, self._text)])
        parts.styled(self, "sm-details")
        state.observe(lambda _change: self._show(), ["looked_at", "version"])
        self._show()

    def _show(self) -> None:
        row = self._state.details
        parts.place(self, row is not None)
        if row is None:
            return
        card = row.entry.card
        self._title.value = f'<span role="heading" aria-level="3">{escape(card.name or card.id)}</span>'
        parts.place(self._use, self._state.can_use)
        html = (f"<p>{escape(card.description)}</p>" if card.description else "") + details(row)
        if html != self._text.value:
            self._text.value = html
