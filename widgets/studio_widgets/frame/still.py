"""What a notebook shows of a panel when no kernel is there: a picture that was written into it while one was.

The panel is shown with a second output, HTML behind it. A style sheet in that output hides whichever of the two is
not wanted: the picture while the panel lives, the panel's empty box when it does not. A viewer that knows no widgets
(a repository's page, an exported notebook) shows the picture alone.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from IPython.display import DisplayHandle, display

REST_S = 5.0
"""Seconds between two changes of the picture: each makes the notebook one that wants to be saved."""
MOST_PICTURES = 12
HINT = "This is a picture of the panel as it was. Run the cell to use it."
STYLE = """<style>
.jp-OutputArea-child:has(.studio) + .jp-OutputArea-child:has(.studio-still),
.jp-OutputArea-child:not(:has(.studio)):not(:has(.studio-still)):has(+ .jp-OutputArea-child .studio-still) {
  display: none;
}
</style>"""


@dataclass(frozen=True, slots=True)
class Still:
    """What is worth keeping of a panel.

    Attributes
    ----------
    text : str
        Such as the prompt.
    pictures : sequence of bytes
        WebP thumbnails.
    """

    text: str = ""
    pictures: Sequence[bytes] = ()


class StillOutput:
    """The output behind a panel, once it has been shown.

    Parameters
    ----------
    title : str
        Name of the panel.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._shown = ""
        self._changed_at = 0.0
        self._handle: DisplayHandle | None = None

    def show(self, still: Still) -> None:
        """Show it below what was shown last; not in a dashboard, which is never opened without a kernel."""
        if os.environ.get("SERVER_SOFTWARE", "").startswith("voila"):
            return
        self._shown = html_of(self._title, still)
        output = {"text/html": self._shown, "text/plain": ""}
        self._handle = display(output, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def update(self, still: Callable[[], Still]) -> None:
        """Show what is new, if anything is and the last change is long enough ago."""
        if self._handle is None or time.monotonic() - self._changed_at < REST_S:
            return
        self._changed_at = time.monotonic()
        html = html_of(self._title, still())
        if html != self._shown:
            self._shown = html
            self._handle.update({"text/html": html, "text/plain": ""}, raw=True)  # type: ignore[no-untyped-call]


def html_of(title: str, still: Still) -> str:
    """Return a panel's picture as HTML that needs nothing else."""
    pictures = "".join(map(_picture, still.pictures[:MOST_PICTURES]))
    text = f"<p>{escape(still.text)}</p>" if still.text else ""
    return f'{STYLE}<div class="studio-still"><h3>{escape(title)}</h3>{text}{pictures}<p><em>{HINT}</em></p></div>'


def _picture(data: bytes) -> str:
    source = f"data:image/webp;base64,{base64.b64encode(data).decode()}"
    return f'<img src="{source}" alt="" width="160" style="display: inline-block; margin: 0 8px 8px 0">'
