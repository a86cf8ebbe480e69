"""The view of a comparison, in JavaScript that needs no kernel: panels show it, and so do exported pages.

What a panel gets from its kernel (the bytes of files, heat maps, numbers) comes through a model; a page without one has
a model of its own, whose ``lacks`` names what it cannot do.
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent
STYLE = _HERE / "view.css"
_NAMES = (
    "elements", "zooming", "showing", "clip", "frame_difference", "clips", "heat", "numbers", "slot", "stage",
    "blending", "view",
)  # fmt: skip
SCRIPTS = tuple(_HERE / f"{name}.js" for name in _NAMES)
"""Subjects of the view, in the order in which they become one module; a class ``Files`` has to stand before them."""
ZOOMING = _HERE / "zooming.js"
"""The subject that other views of pictures have as well; it needs a function ``on`` before it."""
