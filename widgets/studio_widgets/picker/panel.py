"""The model picker on a screen: in full, or as the card of the chosen model with the list folded away below it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import ipywidgets
import traitlets

from studio_widgets.frame import panel as parts
from studio_widgets.frame.still import Still
from studio_widgets.picker.cards import PickerCard
from studio_widgets.picker.state import PickerState
from studio_widgets.picker.view import ModelList
from studio_widgets.wording import counted
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio


class ModelPicker(parts.PanelBox):
    """Finds a model among hundreds.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.
    workspace : Workspace or None
        Shared with other panels.
    task, model : str
        What it begins with; see `PickerState`.

    Attributes
    ----------
    state : PickerState
        Everything the panel shows and does.

    Examples
    --------
    >>> picker = ModelPicker(studio, task="text-to-image")  # doctest: +SKIP
    >>> picker.state.chosen  # doctest: +SKIP
    """

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None, task: str = "", model: str = "") -> None:
        self.state = PickerState(studio, workspace=workspace, task=task, model=model)
        head, self._count = parts.head("Choose a model")
        super().__init__("Picker", head, PickerView(self.state), tick=self.state.poll, closing=self.state.close)
        self.state.observe(lambda _change: self._show(), "total")
        self._show()

    def still(self) -> Still:
        """Return what is chosen."""
        card = self.state.chosen_card
        return Still(f"Chosen: {card.name}" if card else "No model is chosen.")

    def _show(self) -> None:
        self._count.value = counted(self.state.total, "model")


class PickerView(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The list without a frame, to be put into a panel."""

    def __init__(self, state: PickerState) -> None:
        super().__init__([ModelList(state)])
        parts.styled(self, "sp-view")


class PickerButton(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The card of the chosen model, and a button that unfolds the list below it.

    Parameters
    ----------
    state : PickerState
        Link its `chosen` with the model of a form, and bring it up to date with `poll` as the form is.

    Attributes
    ----------
    is_open : bool
        Whether the list is unfolded; it is made when it is for the first time.

    Examples
    --------
    >>> picker = PickerState(studio)  # doctest: +SKIP
    >>> traitlets.link((form, "model"), (picker, "chosen"))  # doctest: +SKIP
    >>> traitlets.dlink((form, "task"), (picker, "task"))  # doctest: +SKIP
    >>> button = PickerButton(picker)  # doctest: +SKIP
    """

    is_open = traitlets.Bool(False)

    def __init__(self, state: PickerState) -> None:
        self._state = state
        self._card = parts.styled(ipywidgets.HTML(), "sp-chosen")
        self._change = ipywidgets.ToggleButton(description="Change…", tooltip="Choose another model")
        traitlets.link((self, "is_open"), (self._change, "value"))
        top = parts.styled(ipywidgets.HBox([self._card, self._change]), "sp-top")
        self._fold = ipywidgets.VBox()
        self._list: ModelList | None = None
        super().__init__([top, self._fold])
        parts.styled(self, "sp-button")
        self.observe(lambda _change: self._unfold(), "is_open")
        state.observe(lambda _change: self._show(), ["chosen", "task", "version"])
        self._unfold()
        self._show()

    def close_list(self) -> None:
        """Fold the list away, and go back to the button."""
        self.is_open = False
        self._change.focus()

    def _unfold(self) -> None:
        parts.place(self._fold, self.is_open)
        if self.is_open:
            if self._list is None:
                self._list = ModelList(self._state, self.close_list)
                self._fold.children = [self._list]
            self._list.take_focus()

    def _show(self) -> None:
        card = self._state.chosen_card
        html = card_html(card) if card else _nothing(self._state.chosen)
        if html != self._card.value:
            self._card.value = html


def card_html(card: PickerCard) -> str:
    """Return a card as HTML, escaped."""
    badges = "".join(
        f'<span class="st-badge {each.kind}" title="{escape(each.title)}">{escape(each.text)}</span>'
        for each in card.badges
    )
    creator = f'<span class="sp-by">{escape(card.creator)}</span>' if card.creator else ""
    line = f'<div class="sp-line">{escape(card.line)}</div>'
    return f'<div class="sp-name"><b>{escape(card.name)}</b> {creator}</div>{line}<div class="sp-badges">{badges}</div>'


def _nothing(chosen: str) -> str:
    said = f"There is no model {chosen!r} in the catalog." if chosen else "No model is chosen."
    return f'<div class="sp-line">{escape(said)}</div>'
