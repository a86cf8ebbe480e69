"""Sweeps on a screen: axes above, the plan and its button, and below the grid with its axes anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from typing import TYPE_CHECKING

import ipywidgets
import traitlets

from studio_kernel.grid.labels import axis_label
from studio_widgets import plans
from studio_widgets.cells.following import FollowingPanel
from studio_widgets.cells.panel import Controls, Numbering, Places, Selected, Share, Standing, Wishes
from studio_widgets.cells.view import Cells
from studio_widgets.frame import panel as parts
from studio_widgets.sweep.axes import TEXTS, Axis
from studio_widgets.sweep.state import MOST_SEEDS, SweepState
from studio_widgets.timing import Debounced

if TYPE_CHECKING:
    pass

ROWS_OF_NUMBERS = "1-5, 0.1-0.9[5], 1-100[3 log] or 3, 7, 9"
MOST_TICKED = 24
"""Values of a closed set that are boxes to tick; more are a text."""
GROUPS = [("alone", 0), *((f"with group {letter}", number) for number, letter in enumerate("ABC", start=1))]


class AxisRow(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """One axis: its values, whom it moves together with, and what is wrong."""

    def __init__(self, state: SweepState, axis: Axis) -> None:
        self._state, self.name = state, axis.name
        name = axis_label(axis.name)
        self._values = self._control(axis)
        self._group = ipywidgets.Dropdown(description="Moves", options=GROUPS, value=axis.group)
        self._group.observe(lambda change: state.zip(self.name, change.new), "value")
        title = ipywidgets.HTML(f'<b class="sw-axis-name">{escape(name[:1].upper() + name[1:])}</b>')
        up = parts.button("↑", partial(state.move_axis, self.name, -1), f"Put {name} further out", "sw-small")
        down = parts.button("↓", partial(state.move_axis, self.name, 1), f"Put {name} further in", "sw-small")
        away = parts.button("Remove", partial(state.remove, self.name), f"Remove the axis {name}", "st-quiet")
        self._words = parts.styled(ipywidgets.HTML(), "st-wrong-words")
        top = parts.styled(
            ipywidgets.HBox([title, parts.styled(self._group, "sw-group"), up, down, away]), "sw-axis-top"
        )
        super().__init__([top, self._values, self._words])
        parts.styled(self, "sw-axis")

    def _control(self, axis: Axis) -> ipywidgets.Widget:
        state = self._state
        choices = state.choices(axis.name)
        if 0 < len(choices) <= MOST_TICKED:
            return Ticks(choices, state.chosen_values(axis.name), partial(state.choose_values, axis.name))
        hint = (
            "one prompt a line"
            if axis.name in TEXTS
            else 'red, blue, "dark green"'
            if ":" in axis.name
            else ROWS_OF_NUMBERS
        )
        kind = ipywidgets.Textarea if axis.name in TEXTS else ipywidgets.Text
        text = kind(value=axis.text, description=f"Values of {axis_label(axis.name)}", placeholder=hint)
        tell = Debounced(partial(state.write, axis.name))
        text.observe(lambda change: tell(change.new), "value")
        return parts.field(text)

    def show(self, axis: Axis, wrong: str) -> None:
        """Show what the state has of the axis."""
        self._group.value = axis.group
        if isinstance(self._values, Ticks):
            self._values.show(self._state.chosen_values(axis.name))
        elif self._values.value.strip() != axis.text.strip():
            self._values.value = axis.text
        parts.fill(self._words, escape(wrong))
        self.add_class("st-wrong") if wrong else self.remove_class("st-wrong")


class Ticks(ipywidgets.HBox):  # type: ignore[misc]  # untyped base
    """A box to tick for every value of a closed set."""

    def __init__(
        self, choices: list[tuple[str, str]], chosen: tuple[str, ...], choose: Callable[[list[str]], None]
    ) -> None:
        self._texts = [text for _label, text in choices]
        self._choose = choose
        self._is_showing = False
        self._boxes = [ipywidgets.Checkbox(description=label, indent=False) for label, _text in choices]
        for box in self._boxes:
            box.observe(lambda _change: self._tell(), "value")
        super().__init__(self._boxes)
        parts.styled(self, "sw-ticks")
        self.show(chosen)

    def show(self, chosen: tuple[str, ...]) -> None:
        """Tick what is chosen."""
        self._is_showing = True
        try:
            for text, box in zip(self._texts, self._boxes, strict=True):
                box.value = text in chosen
        finally:
            self._is_showing = False

    def _tell(self) -> None:
        if not self._is_showing:
            self._choose([text for text, box in zip(self._texts, self._boxes, strict=True) if box.value])


class Builder(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """Axes, rules, seeds, plan."""

    def __init__(self, state: SweepState) -> None:
        self._state = state
        self._rows: dict[str, AxisRow] = {}
        self._pick = ipywidgets.Dropdown(description="Add an axis")
        self._pick.observe(self._add, "value")
        self._words = ipywidgets.Text(description="Words of the prompt", placeholder="such as boat")
        words = parts.button("Vary them", self._add_words, "Other words take their place in the prompt")
        self._axes = parts.styled(ipywidgets.VBox(), "sw-axes")
        self._where = ipywidgets.Textarea(
            description="Rules", rows=2, placeholder="guidance_scale < 5 or num_inference_steps >= 20"
        )
        tell = Debounced(lambda text: state.set_trait("where", text))
        self._where.observe(lambda change: tell(change.new), "value")
        self._seeds = ipywidgets.BoundedIntText(description="Seeds for every cell", min=0, max=MOST_SEEDS)
        traitlets.link((state, "seeds"), (self._seeds, "value"))
        exact = ipywidgets.Checkbox(
            description="Exact: every cell alone", indent=False, tooltip="The very bytes that the form makes; slower"
        )
        traitlets.link((state, "exact"), (exact, "value"))
        picking = parts.styled(parts.row(parts.field(self._pick), parts.field(self._words), words), "sw-pick")
        more = parts.styled(parts.row(parts.field(self._where), parts.field(self._seeds), exact), "sw-more")
        super().__init__([picking, self._axes, more, Controls(state, "Run sweep")])
        parts.styled(self, "st-column")
        state.observe(lambda _change: self._show(), ["axes", "wrong"])
        state.form.observe(lambda _change: self._show_offer(), ["parameters", "model"])
        self._show()

    def _show(self) -> None:
        state = self._state
        names = [axis.name for axis in state.axes]
        self._rows = {axis.name: self._rows.get(axis.name) or AxisRow(state, axis) for axis in state.axes}
        if [row.name for row in self._axes.children] != names:
            self._axes.children = [self._rows[name] for name in names]
        for axis in state.axes:
            self._rows[axis.name].show(axis, state.wrong.get(axis.name, ""))
        parts.place(self._axes, bool(names))
        self._show_offer()

    def _show_offer(self) -> None:
        options = [("Choose …", ""), *self._state.offered()]
        if list(self._pick.options) != options:
            self._pick.options = options
            self._pick.value = ""  # new options may leave nothing chosen, and then nothing is shown

    def _add(self, change: traitlets.Bunch) -> None:
        if change.new:
            self._state.add(change.new)
            self._pick.value = ""

    def _add_words(self) -> None:
        self._state.add_words(self._words.value.strip())
        if not self._state.error:
            self._words.value = ""


class Reader(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The grid of a sweep, and where its axes are."""

    def __init__(self, state: SweepState) -> None:
        self._state = state
        self._is_showing = False
        self._known = ipywidgets.Dropdown(description="Sweep")
        self._known.observe(self._open, "value")
        self._cells = Cells(state)
        grid = parts.button("Download grid", self._download, "The grid as it is laid out, as a PNG picture")
        refine = parts.button("Refine around it", state.refine, "Plan a finer sweep around the cell that was chosen")
        self._finer = ipywidgets.HTML()
        self._run_finer = parts.button("Run the finer sweep", state.run_finer, "", "st-primary")
        finer = parts.styled(ipywidgets.HBox([self._finer, self._run_finer]), "sw-finer")
        super().__init__(
            [
                parts.field(self._known), Standing(state), Places(state), Numbering(state), Selected(state),
                self._cells, Share(state, grid), Wishes(state, refine), finer,
            ]
        )  # fmt: skip
        self._finer_box = finer
        parts.styled(self, "st-column")
        state.observe(lambda _change: self._show_known(), ["known", "opened"])
        state.observe(lambda _change: self._show_finer(), "finer")
        self._show_known()
        self._show_finer()

    def _show_known(self) -> None:
        state = self._state
        options = [("–", ""), *((each.words, each.id) for each in state.known)]
        if state.opened and state.opened not in {each.id for each in state.known}:
            options.append((state.caption, state.opened))
        self._quietly(lambda: self._offer(self._known, options, state.opened))

    def _open(self, change: traitlets.Bunch) -> None:
        if not self._is_showing and change.new is not None:
            self._state.open(change.new)

    @staticmethod
    def _offer(choice: ipywidgets.Dropdown, options: Sequence[tuple[str, object]], value: object) -> None:
        if list(choice.options) != list(options):
            choice.options = list(options)
        if options and choice.value != value:
            choice.value = value

    def _quietly(self, show: Callable[[], None]) -> None:
        """Show something without taking it for a wish."""
        before, self._is_showing = self._is_showing, True
        try:
            show()
        finally:
            self._is_showing = before

    def _show_finer(self) -> None:
        finer = self._state.finer
        parts.fill(self._finer, plans.line(finer, is_stale=False) if finer else "")
        parts.place(self._finer_box, finer is not None)

    def _download(self) -> None:
        self._state.download(lambda name, data: self._cells.download(name, data, "image/png"))


class SweepView(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """Builds sweeps and reads their grids."""

    def __init__(self, state: SweepState) -> None:
        super().__init__([*([parts.card(Builder(state))] if state.can_change else []), parts.card(Reader(state))])
        parts.styled(self, "st-column")


class SweepPanel(FollowingPanel):
    """Sweeps over what a form says; takes what `FollowingPanel` takes.

    Attributes
    ----------
    state : SweepState
        Everything the panel shows and does.

    Examples
    --------
    >>> SweepPanel(studio, form=GenerationPanel(studio).state)  # doctest: +SKIP
    """

    NAME, STATE, VIEW = "Sweeps", SweepState, SweepView
    state: SweepState
