"""Telling a page once more what it shows, for what was told while the page was coming up may be lost.

A page that opens asks the kernel for the state of all widgets and makes its models of it. What threads change in the
meantime goes to models that do not exist yet, or is overwritten by the older state (ipywidgets 8.1,
``_loadFromKernel`` of the widget manager). So a panel that comes to the screen is told its state again.
"""

from __future__ import annotations

from collections.abc import Iterator

import anywidget
import ipywidgets

PEOPLE_SET = {"value", "index"}
"""Of controls: what somebody may be changing just now is not overwritten."""
WRITTEN = (ipywidgets.HTML, ipywidgets.Label)
CONSTANT = ("_model_", "_view_", "_esm", "_css", "_anywidget_id")
OTHERS = {"layout", "style", "tabbable"}
"""Names of models, or of what no thread changes."""


def resend(root: ipywidgets.Widget) -> None:
    """Send again what `root`, and every widget in it, shows; what people set in controls stays as they have it."""
    for widget in _family(root):
        if widget.comm is not None:
            widget.send_state(_shown_keys(widget))
            widget.layout.send_state("display")


def _family(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from _family(child)


def _shown_keys(widget: ipywidgets.Widget) -> set[str]:
    keys = {key for key in widget.keys if not key.startswith(CONSTANT)} - OTHERS
    return keys if isinstance(widget, (anywidget.AnyWidget, *WRITTEN)) else keys - PEOPLE_SET
