"""A part of a panel that is made when it is shown first: a page waits for every widget that there is."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets
import traitlets

from studio_widgets.frame.panel import place


class Lazily(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """A part that is made when it is shown first, and then only hidden.

    Attributes
    ----------
    is_shown : bool
        Whether it is on the screen.
    """

    is_shown = traitlets.Bool(False)

    def __init__(self, make: Callable[[], ipywidgets.Widget]) -> None:
        super().__init__()
        self._make = make
        self._is_made = False
        place(self, is_there=False)
        self.observe(lambda _change: self._show(), "is_shown")

    def _show(self) -> None:
        if self.is_shown and not self._is_made:
            self.children, self._is_made = [self._make()], True
        place(self, self.is_shown)
