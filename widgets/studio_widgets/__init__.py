"""Panels of the studio workbench for JupyterLab and Voila.

Every panel is a headless state and a thin view of it: ``GalleryPanel(studio)`` shows itself in a cell, and
``panel.state`` does in code whatever a click can do. Panels load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio_widgets.estimate.panel import EstimateMeter
    from studio_widgets.gallery.panel import GalleryPanel
    from studio_widgets.generation.panel import GenerationPanel

__all__ = ["EstimateMeter", "GalleryPanel", "GenerationPanel"]

_HOMES = {
    "EstimateMeter": "studio_widgets.estimate.panel",
    "GalleryPanel": "studio_widgets.gallery.panel",
    "GenerationPanel": "studio_widgets.generation.panel",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
