"""Earlier results to choose an input from, on a screen."""

from __future__ import annotations

import ipywidgets

from studio_widgets.frame import panel as parts
from studio_widgets.media.earlier import EarlierState
from studio_widgets.session.panel import SessionStrip
from studio_widgets.timing import Debounced


class EarlierView(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """A row of earlier results, and a search above it."""

    def __init__(self, state: EarlierState) -> None:
        self._state = state
        search = ipywidgets.Text(description="Search earlier results", placeholder="Words of the prompt")
        later = Debounced(lambda text: state.set_trait("text", text))
        search.observe(lambda change: later(change.new), "value")
        super().__init__([parts.field(search), SessionStrip(state, label="Earlier results")])
        parts.styled(self, "si-earlier")
