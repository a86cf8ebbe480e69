"""What batches and sweeps show alike: the plan and its button, how it stands, what can be done with cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from html import escape

import ipywidgets
import traitlets

from studio_kernel.domain.estimate import MANY_IMAGES
from studio_widgets import plans
from studio_widgets.cells.arranged import ArrangedCells, Side
from studio_widgets.cells.sharing import SharedCells
from studio_widgets.cells.shown import ShownCells
from studio_widgets.cells.state import CellsState
from studio_widgets.cells.table import counted
from studio_widgets.choice import Choice
from studio_widgets.frame import panel as parts
from studio_widgets.snippet.link import DashboardLink
from studio_widgets.workspace import Wish

CONSENT = "Run without knowing the price"
WISHES: tuple[tuple[Wish, str, str], ...] = (
    ("show", "Show in gallery", "Open this result in the gallery"),
    ("load", "Load settings", "Put the settings of this result into the form"),
    ("compare", "Compare", "Add this result to the comparison"),
    ("input", "Use as input", "Use this result as an input picture"),
)
SIDES: tuple[tuple[str, Side], ...] = (
    ("Rows", "rows"),
    ("Columns", "columns"),
    ("Pages", "pages"),
    ("One value", "one"),
)
ORDERS = (("As the axes say", ""), ("Highest first", "highest"), ("Lowest first", "lowest"))
FILLS = (("Pictures", "pictures"), ("Colours alone", "colours"))


class Controls(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The plan in a line, what must be agreed to, and the button that runs it."""

    def __init__(self, state: CellsState, label: str, *more: ipywidgets.Widget) -> None:
        self._state = state
        self._line, self._problem = ipywidgets.HTML(), ipywidgets.HTML()
        self._reasons, self._error = ipywidgets.HTML(), ipywidgets.HTML()
        self._agree = ipywidgets.Checkbox(indent=False)
        traitlets.link((state, "agreed"), (self._agree, "value"))
        self._consent = ipywidgets.Checkbox(description=CONSENT, indent=False)
        traitlets.link((state.form, "accept_unknown_price"), (self._consent, "value"))
        self._run = parts.button(label, state.run, "", "st-primary")
        self._more = more
        actions = parts.styled(ipywidgets.HBox([self._run, *more]), "st-actions")
        shown = [self._line, self._problem, self._reasons, self._agree, self._consent, actions, self._error]
        super().__init__(shown)
        parts.styled(self, "se-meter")
        state.observe(lambda _change: self._show(), ["plan", "problem", "is_stale", "agreed", "doing", "error"])
        self._show()

    def _show(self) -> None:
        state, plan = self._state, self._state.plan
        parts.fill(self._line, plans.line(plan, is_stale=state.is_stale) if plan or state.is_stale else "")
        parts.fill(
            self._problem, f'<span class="st-sub" role="status">{escape(state.problem)}</span>' * bool(state.problem)
        )
        parts.fill(self._reasons, parts.listed("Cells that cannot run", plan.problems if plan else ()))
        parts.fill(self._error, parts.alert(state.error))
        parts.place(self._agree, plan is not None and plan.is_many)
        if plan is not None and plan.is_many:
            self._agree.description = f"Make {plan.images:,} pictures, more than {MANY_IMAGES}"
        parts.place(self._consent, state.needs_consent)
        for each in (self._run, *self._more):
            each.disabled = not state.can_run


class Places(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """Where each axis of a sweep goes, which value or page is shown, and a button that swaps rows and columns."""

    def __init__(self, state: ArrangedCells) -> None:
        self._state = state
        self._is_showing = False
        self._axes = parts.styled(ipywidgets.HBox(), "sc-places")
        self._page = parts.field(ipywidgets.Dropdown(description="Page"))
        self._page.observe(self._turn, "value")
        swap = parts.button("Swap rows and columns", state.swap, "What goes down goes across")
        self._row = parts.styled(parts.row(self._page, swap), "sc-reading")
        super().__init__([self._axes, self._row])
        parts.styled(self, "sc-arranging")
        state.observe(lambda _change: self._show(), ["opened", "rows", "columns", "pages", "at", "page_labels", "page"])
        self._show()

    def _show(self) -> None:
        state = self._state
        before, self._is_showing = self._is_showing, True  # what is shown is no wish
        try:
            self._axes.children = [part for axis in state.titles for part in self._axis(axis)]
            labels = [(label or "all", number) for number, label in enumerate(state.page_labels)]
            self._offer(self._page, labels, state.page)
        finally:
            self._is_showing = before
        parts.place(self._page, len(state.page_labels) > 1)
        parts.place(self, bool(state.opened))

    def _axis(self, axis: str) -> list[ipywidgets.Widget]:
        state, title = self._state, self._state.titles[axis]
        side = ipywidgets.Dropdown(description=title, options=SIDES, value=state.side_of(axis))
        side.observe(lambda change: self._unless_showing(lambda: state.place(axis, change.new)), "value")
        made = [parts.field(side)]
        if state.side_of(axis) == "one" and len(state.values_of(axis)) > 1:
            values, shown = state.values_of(axis), state.value_of(axis)
            value = ipywidgets.Dropdown(description=f"Value of {title}", options=values, value=shown)
            value.observe(lambda change: self._unless_showing(lambda: state.show_value(axis, change.new)), "value")
            made.append(parts.field(value))
        return made

    def _turn(self, change: traitlets.Bunch) -> None:
        if change.new is not None:
            self._unless_showing(lambda: self._state.set_trait("page", change.new))

    def _unless_showing(self, act: Callable[[], None]) -> None:
        if not self._is_showing:
            act()

    @staticmethod
    def _offer(choice: ipywidgets.Dropdown, options: Sequence[tuple[str, object]], value: object) -> None:
        if list(choice.options) != list(options):
            choice.options = list(options)
        if options and choice.value != value:
            choice.value = value


class Numbering(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """Which number colours and sorts the cells, how far it is measured, and what it compares with."""

    def __init__(self, state: ShownCells) -> None:
        self._state = state
        metric = Choice(state, "metric", "Number on cells", lambda: [("No number", ""), *state.metrics()])
        self._order = parts.field(Choice(state, "order", "Order", lambda: ORDERS))
        self._fill = parts.field(Choice(state, "fill", "Cells show", lambda: FILLS))
        self._against = parts.button(
            "Compare with chosen cell", state.compare_with_chosen, "The numbers are against this cell from now on"
        )
        self._said = parts.styled(ipywidgets.HTML(), "st-sub")
        self._rest = parts.button("Measure the rest", state.measure_rest, "In the background, until all is measured")
        self._stop = parts.button("Stop", state.stop_measuring, "What is measured stays", "st-quiet")
        row = parts.row(parts.field(metric), self._order, self._fill, self._against)
        self._told = parts.styled(parts.row(self._said, self._rest, self._stop), "sc-measured")
        super().__init__([parts.styled(row, "sc-reading"), self._told])
        parts.styled(self, "sc-arranging")
        state.observe(lambda _change: self._show(), ["opened", "metric", "chosen", "measured", "version"])
        self._show()

    def _show(self) -> None:
        state = self._state
        parts.place(self, bool(state.opened))
        for each in (self._order, self._fill):
            parts.place(each, bool(state.metric))
        parts.place(self._against, state.needs_reference and bool(state.chosen) and state.chosen != state.against)
        told = state.measured
        parts.place(self._told, bool(told))
        self._said.value = f'<span role="status">{escape(told[:1].upper() + told[1:])}</span>'
        parts.place(self._rest, state.can_change and state.is_incomplete)
        parts.place(self._stop, state.is_measuring)


class Standing(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """How the cells that are shown stand, and what can be done about those that have no result."""

    def __init__(self, state: CellsState) -> None:
        self._state = state
        self._caption, self._bar, self._said = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self._pause = parts.button("Pause", state.pause, "What is at work is finished, no other cell is begun")
        self._resume = parts.button("Resume", state.resume, "Begin the cells that have no result")
        self._cancel = parts.button("Cancel", state.cancel, "Stop every cell that has not ended")
        top = parts.styled(parts.row(self._caption, self._pause, self._resume, self._cancel), "sc-top")
        super().__init__([top, self._bar, self._said])
        parts.styled(self, "sc-standing")
        state.observe(lambda _change: self._show(), ["counts", "standing", "caption", "doing", "opened"])
        self._show()

    def _show(self) -> None:
        state = self._state
        standing = state.standing
        is_idle = not state.doing
        self._caption.value = f'<span class="st-prompt">{escape(state.caption or "Nothing was run here yet")}</span>'
        parts.place(self._pause, standing == "running" and state.can_change)
        parts.place(self._resume, standing in ("paused", "failed") and state.can_change)
        parts.place(self._cancel, standing in ("running", "pausing") and state.can_change)
        for each in (self._pause, self._resume, self._cancel):
            each.disabled = not is_idle
        total = sum(state.counts.values())
        done = sum(number for status, number in state.counts.items() if status in ("succeeded", "invalid"))
        bar = f'<progress class="st-progress" max="{total}" value="{done}" aria-label="Cells that are done"></progress>'
        parts.fill(self._bar, bar if total else "")
        told = ", ".join(filter(None, [state.doing and f"{state.doing} …", _WORDS[standing], counted(state.counts)]))
        parts.fill(self._said, f'<span class="st-sub" role="status">{escape(told)}</span>' if told else "")


_WORDS = {
    "": "",
    "running": "",
    "pausing": "pausing: what is at work is finished",
    "paused": "paused",
    "failed": "ended, some have failed",
    "done": "",
}


class Selected(ipywidgets.HBox):  # type: ignore[misc]  # untyped base
    """Which cells are to be compared."""

    def __init__(self, state: ShownCells) -> None:
        self._state = state
        selecting = ipywidgets.ToggleButton(description="Select cells", tooltip="A click selects cells to compare")
        traitlets.link((state, "selecting"), (selecting, "value"))
        self._count = parts.styled(ipywidgets.HTML(), "st-sub")
        self._beside = parts.button("Compare", state.compare_selected, "Put them side by side")
        self._clear = parts.button("Select none", state.select_none, "", "st-quiet")
        super().__init__([selecting, self._count, self._beside, self._clear])
        parts.styled(self, "st-row", "sc-measured")
        state.observe(lambda _change: self._show(), ["selected", "opened"])
        state.workspace.observe(lambda _change: self._show(), "can_do")
        self._show()

    def _show(self) -> None:
        state = self._state
        count = len(state.selected)
        parts.place(self, bool(state.opened) and state.workspace.can("compare"))
        self._count.value = f'<span role="status">{count} selected</span>' if count else ""
        parts.place(self._clear, count > 0)
        parts.place(self._beside, count > 0)


class Share(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """What is shown, for people elsewhere: a link, a folder, and more buttons beside them."""

    def __init__(self, state: SharedCells, *more: ipywidgets.Widget) -> None:
        self._state = state
        link = parts.button("Link", state.make_link, "The address of this in the dashboards, to be copied and sent")
        self._save = parts.button(
            "Save as folder", state.save_folder, "A page with all cells and their files, to be opened without a server"
        )
        self._link = DashboardLink("A link to send")
        self._told, self._trouble = ipywidgets.HTML(), ipywidgets.HTML()
        buttons = parts.row(ipywidgets.HTML('<span class="st-sub">Share</span>'), link, self._save, *more)
        super().__init__([parts.styled(buttons, "sc-measured"), self._trouble, self._told, self._link])
        parts.styled(self, "sc-share")
        state.observe(lambda _change: self._show(), ["opened", "link", "folder", "doing", "error"])
        self._show()

    def _show(self) -> None:
        state = self._state
        parts.place(self, bool(state.opened))
        parts.place(self._save, state.can_change)
        self._save.disabled = bool(state.doing)
        self._link.show(state.link)
        said = f"The folder is {state.folder} – open index.html in it." if state.folder else ""
        parts.fill(self._told, f'<span class="st-sub" role="status">{escape(said)}</span>' if said else "")
        # an editor reads what went wrong beside the plan
        parts.fill(self._trouble, "" if state.can_change else parts.alert(state.error))


class Wishes(ipywidgets.HBox):  # type: ignore[misc]  # untyped base
    """What other panels can do with the cell that was chosen."""

    def __init__(self, state: ShownCells, *more: ipywidgets.Widget) -> None:
        self._state = state
        self._buttons = {wish: parts.button(text, partial(state.ask, wish), tip) for wish, text, tip in WISHES}
        super().__init__([*more, *self._buttons.values()])
        parts.styled(self, "st-row")
        self._more = more
        state.observe(lambda _change: self._show(), "chosen")
        state.workspace.observe(lambda _change: self._show(), "can_do")
        self._show()

    def _show(self) -> None:
        state = self._state
        for wish, button in self._buttons.items():
            parts.place(button, bool(state.chosen) and state.workspace.can(wish))
        parts.place(self, bool(state.chosen) and (bool(self._more) or bool(state.workspace.can_do)))
