"""The control of a form for a parameter that takes a file."""

from __future__ import annotations

from dataclasses import asdict

import ipywidgets

from studio_kernel.domain.parameters import Parameter
from studio_widgets.discarding import discard
from studio_widgets.frame import panel as parts
from studio_widgets.media.checks import kind_of
from studio_widgets.media.choosing import EarlierView
from studio_widgets.media.giving import Giving
from studio_widgets.media.state import MediaState
from studio_widgets.media.view import MediaView


class MediaInput:
    """Takes a file, or several: chosen, dropped, pasted, or the result of a run.

    Parameters
    ----------
    parameter : Parameter
        Of type image, mask, video or audio.
    value : object
        What is given now.
    giving : Giving
        Where files go.

    Attributes
    ----------
    view : MediaView
        Takes files and shows what is given.
    widget : ipywidgets.DOMWidget
        What stands in the form: the view, and below it earlier results while one of them is chosen.
    state : MediaState
        Everything it does.
    """

    def __init__(self, parameter: Parameter, value: object, giving: Giving) -> None:
        self.state = MediaState(parameter, giving)
        self.view = MediaView(
            self.state,
            label=parameter.title,
            help=parameter.description,
            accept=f"{kind_of(parameter)}/*",
            multiple=parameter.multiple,
            gallery=self.state.can_ask_gallery,
            runs=self.state.can_take_runs,
        )
        self.widget = WithEarlier(self.state, self.view) if self.state.can_ask_gallery else self.view
        self.widget.add_class(f"st-p-{parameter.name}")
        self.state.observe(lambda _change: self._show(), ["given", "error"])
        self.show(value)

    def show(self, value: object) -> None:
        """Show a value without telling of it."""
        self.state.show(value)

    def disable(self, reason: str) -> None:
        """Refuse changes for a reason; an empty one allows them again."""
        self.view.reason = reason
        if reason:
            self.state.close_gallery()

    def _show(self) -> None:
        with self.view.hold_sync():
            self.view.given = [asdict(each) for each in self.state.given]
            self.view.has_room = self.state.has_room
            self.view.error = self.state.error


class WithEarlier(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """A file input, and below it earlier results to choose one of, while that is wished."""

    def __init__(self, state: MediaState, view: MediaView) -> None:
        self._state, self._view = state, view
        self._unfolded: list[EarlierView] = []
        super().__init__([view])
        parts.styled(self, "si-with-earlier")
        state.observe(lambda _change: self._unfold(), "earlier")

    def close(self) -> None:
        """Take it off the screen, for good."""
        self._state.close_gallery()
        super().close()

    def _unfold(self) -> None:
        earlier, before = self._state.earlier, self._unfolded
        self._unfolded = [EarlierView(earlier)] if earlier is not None else []
        self._view.choosing = earlier is not None
        self.children = [self._view, *self._unfolded]
        discard(before)
