"""The gallery on a screen: a bar of filters, the grid, and the details of one run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import ipywidgets
import traitlets

from studio_widgets.choice import Choice
from studio_widgets.facts import badges_of, facts_of, title_of
from studio_widgets.frame import panel as parts
from studio_widgets.gallery.state import GalleryState
from studio_widgets.gallery.view import Grid
from studio_widgets.marks.view import Marks
from studio_widgets.picture.view import Picture
from studio_widgets.strip.view import Strip
from studio_widgets.timing import Debounced, Pulse

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

NOTHING_YET = "Nothing here yet.\nRuns appear as soon as they are made, wherever they are made."
NO_MATCH = "No run fits these filters."


class GalleryPanel(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """Every run of a home, newest first.

    Parameters
    ----------
    studio : Studio
        Editor or viewer; both can look and mark.

    Attributes
    ----------
    state : GalleryState
        Everything the panel shows and does.

    Examples
    --------
    >>> GalleryPanel(studio)  # doctest: +SKIP
    """

    def __init__(self, studio: Studio) -> None:
        self.state = GalleryState(studio)
        self._pulse = Pulse(self.state.poll)
        head, self._count = parts.head("Gallery")
        self._message = ipywidgets.HTML()
        self._grid = Grid(self.state)
        self._details = Details(self.state)
        main = parts.styled(ipywidgets.HBox([self._grid, self._details]), "sg-main")
        super().__init__([parts.panel("Gallery", head, _filters(self.state), self._message, main, on_beat=self._beat)])
        self.state.observe(lambda _change: self._show(), ["version", "details", "error"])
        self._show()

    def _beat(self) -> None:
        self.state.poll()
        self._pulse.beat()

    def _show(self) -> None:
        state = self.state
        filtered = bool(state.text or state.model or state.favourite)
        with self._grid.hold_sync():
            self._grid.total, self._grid.version = state.total, state.version
            self._grid.selected = state.details.id if state.details else ""
            self._grid.empty = NO_MATCH if filtered else NOTHING_YET
        self._count.value = f'<span role="status">{_counted(state.total)}</span>'
        self._message.value = parts.alert(state.error)
        self._message.layout.display = None if state.error else "none"


def _filters(state: GalleryState) -> ipywidgets.HBox:
    """Return the bar of filters, joined to the state."""
    text = ipywidgets.Text(value=state.text, description="Search", placeholder="Words of the prompt")
    search = Debounced(lambda words: state.set_trait("text", words))
    text.observe(lambda change: search(change.new), "value")
    model = Choice(state, "model", "Model", partial(_model_options, state), follow=["models"])
    favourite = ipywidgets.ToggleButton(value=state.favourite, description="♥ Favourites", tooltip="Only favourites")
    traitlets.link((state, "favourite"), (favourite, "value"))
    return parts.styled(parts.row(parts.field(text), parts.field(model), favourite), "sg-filters")


def _model_options(state: GalleryState) -> list[tuple[str, str]]:
    return [("All models", ""), *((f"{model} ({count:,})", model) for model, count in state.models)]


def _counted(total: int) -> str:
    return "1 run" if total == 1 else f"{total:,} runs"


class Details(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """One run in full: picture, marks, prompt, settings."""

    def __init__(self, state: GalleryState) -> None:
        self._state = state
        self._badges = parts.styled(ipywidgets.HTML(), "sg-badges")
        close = parts.styled(ipywidgets.Button(description="Close", tooltip="Close the details"), "st-quiet")
        close.on_click(lambda _button: state.close())
        self._picture = Picture(placeholder="This run has no picture.")
        self._strip = Strip(lambda place: state.set_trait("shown", place))
        self._marks = Marks(on_star=state.star, on_rate=state.rate)
        self._text = ipywidgets.HTML()
        top = parts.styled(parts.row(self._badges, close), "sg-top")
        super().__init__([parts.card(top, self._picture, self._strip, self._marks, self._text)])
        parts.styled(self, "sg-details")
        state.observe(lambda _change: self._show(), ["details", "shown"])
        self._show()

    def _show(self) -> None:
        record = self._state.details
        self.layout.display = None if record else "none"
        if record is None:
            return
        self._picture.show(*self._state.file(), alt=title_of(record))
        self._strip.show(self._state.thumbnails() if len(record.assets) > 1 else (), self._state.shown)
        self._marks.favourite, self._marks.rating = record.favourite, record.rating or 0
        self._badges.value = badges_of(record)
        self._text.value = facts_of(record)
