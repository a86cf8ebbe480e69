"""Batches on a screen: how many, from which seeds, what it takes, and the pictures as they come."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING

import ipywidgets
import traitlets

from studio_kernel.domain.estimate import MANY_IMAGES
from studio_widgets.batch.state import MOST, BatchState
from studio_widgets.cells.following import FollowingPanel
from studio_widgets.cells.panel import Controls, Numbering, Share, Standing, Wishes
from studio_widgets.cells.view import Cells
from studio_widgets.frame import panel as parts
from studio_widgets.wording import counted

if TYPE_CHECKING:
    pass


class BatchView(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """Batches of a form: size, number, seeds, plan, results."""

    def __init__(self, state: BatchState) -> None:
        self._state = state
        self._size = _slider("Pictures in a batch")
        self._batches = _slider("Batches")
        traitlets.link((state, "batch_size"), (self._size, "value"))
        traitlets.link((state, "batches"), (self._batches, "value"))
        self._total = parts.styled(ipywidgets.HTML(), "sb-total")
        self._seeds = parts.styled(ipywidgets.HBox(), "sb-seeds")
        fresh = parts.button("New seeds", state.new_seeds, "Choose another seed for every batch")
        seeds = parts.styled(parts.row(self._seeds, fresh), "sb-seed-row")
        self._fields: list[ipywidgets.BoundedIntText] = []
        self._is_showing = False
        again = parts.button("Run again, new seeds", state.again, "The same settings with other seeds")
        self._cells = Cells(state)
        super().__init__(
            [
                parts.card(self._size, self._batches, self._total, seeds, Controls(state, "Run batches", again)),
                parts.card(Standing(state), self._cells, Wishes(state), Numbering(state), Share(state)),
            ]
        )
        parts.styled(self, "st-column", "sb-batch")
        state.observe(lambda _change: self._show(), ["seeds", "batch_size", "batches"])
        state.form.observe(lambda _change: self._show_total(), ["values", "parameters"])
        self._show()

    def _show(self) -> None:
        seeds = self._state.seeds
        if len(self._fields) != len(seeds):
            self._fields = [self._field(number) for number in range(len(seeds))]
            self._seeds.children = self._fields
        self._is_showing = True
        try:
            for field, seed in zip(self._fields, seeds, strict=True):
                field.value = seed
        finally:
            self._is_showing = False
        self._show_total()

    def _field(self, number: int) -> ipywidgets.BoundedIntText:
        field = ipywidgets.BoundedIntText(description=f"Seed {number + 1}", min=0, max=2**32 - 1)
        field.observe(partial(self._set_seed, number), "value")
        return parts.field(field)

    def _set_seed(self, number: int, change: traitlets.Bunch) -> None:
        if not self._is_showing:
            self._state.set_seed(number, change.new)

    def _show_total(self) -> None:
        state = self._state
        parts_of = f"{state.batches} × {state.batch_size}" + (f" × {state.images}" if state.images > 1 else "")
        pictures = counted(state.total, "picture")
        many = f", more than {MANY_IMAGES}" if state.total > MANY_IMAGES else ""
        self._total.value = f'<b>{escape(pictures)}</b> <span class="st-sub">{escape(parts_of + many)}</span>'


class BatchPanel(FollowingPanel):
    """Makes many pictures of one form; takes what `FollowingPanel` takes.

    Attributes
    ----------
    state : BatchState
        Everything the panel shows and does.

    Examples
    --------
    >>> BatchPanel(studio, form=GenerationPanel(studio).state)  # doctest: +SKIP
    """

    NAME, STATE, VIEW = "Batches", BatchState, BatchView
    state: BatchState


def _slider(label: str) -> ipywidgets.IntSlider:
    return ipywidgets.IntSlider(description=label, min=1, max=MOST, continuous_update=False)
