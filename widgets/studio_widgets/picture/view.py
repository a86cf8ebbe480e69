"""The picture widget; see ``view.js``."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets

_HERE = Path(__file__).parent


class Picture(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Shows one file.

    Attributes
    ----------
    data : bytes
        The encoded file; empty = the placeholder is shown.
    media_type : str
        Such as ``image/png``; images, video and audio can be shown.
    alt : str
        What it shows, in words.
    placeholder : str
        Text in its place while there is nothing.
    preview : bool
        It is not the final picture.
    """

    _esm = _HERE / "view.js"
    _css = _HERE / "view.css"
    data = traitlets.Bytes().tag(sync=True)
    media_type = traitlets.Unicode("image/webp").tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)
    placeholder = traitlets.Unicode().tag(sync=True)
    preview = traitlets.Bool(False).tag(sync=True)

    def show(self, data: bytes, media_type: str, alt: str, *, preview: bool = False) -> None:
        """Show a file; empty `data` shows the placeholder."""
        if (data, media_type, alt, preview) == (self.data, self.media_type, self.alt, self.preview):
            return
        with self.hold_sync():
            self.media_type, self.alt, self.preview = media_type, alt, preview
            self.data = data
