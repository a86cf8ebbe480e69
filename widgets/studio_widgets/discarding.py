"""Closing widgets that are shown no more: the kernel and the page would keep them for as long as they live."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import ipywidgets


def discard(widgets: Iterable[ipywidgets.Widget], kept: Collection[ipywidgets.Widget] = ()) -> None:
    """Close widgets, what is in them, and what says how they look; those that are kept stay, wherever they are."""
    for widget in widgets:
        if widget not in kept:
            discard(getattr(widget, "children", ()), kept)
            for name in ("layout", "style"):
                if isinstance(part := getattr(widget, name, None), ipywidgets.Widget):
                    part.close()
            widget.close()
