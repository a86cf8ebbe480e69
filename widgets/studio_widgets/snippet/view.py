"""The snippet widget; see ``view.js``."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets

_HERE = Path(__file__).parent


class Snippet(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Shows code, with a button that copies it.

    Attributes
    ----------
    code : str
        The text; plain, whatever is in it.
    label : str
        What it is, for screen readers.
    """

    _esm = _HERE / "view.js"
    _css = _HERE / "view.css"
    code = traitlets.Unicode().tag(sync=True)
    label = traitlets.Unicode("Python").tag(sync=True)
