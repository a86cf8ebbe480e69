"""What the states of all panels share: a studio, a lock, and errors that become text."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.errors import StudioError

if TYPE_CHECKING:
    from studio_kernel.domain.assets import Asset
    from studio_kernel.domain.runs import RunRecord
    from studio_kernel.studio import Studio

NOTHING = (b"", "image/webp")
MOST_PLAYED_BYTES = 64 * 2**20
"""A video or sound goes to the page in one message, as no page may read files of the kernel's machine."""


class PanelState(traitlets.HasTraits):
    """A panel without a screen.

    Attributes
    ----------
    error : str
        What went wrong last, in words; empty when nothing did.
    """

    error = traitlets.Unicode()

    def __init__(self, studio: Studio, **traits: object) -> None:
        super().__init__(**traits)
        self._studio = studio
        # Callbacks of widgets may run in another thread than cells do.
        self._lock = threading.RLock()

    def _attempt(self, act: Callable[[], object]) -> None:
        """Do something that may be refused, and keep the reason."""
        try:
            act()
        except (StudioError, OSError) as error:
            self.error = str(error)
        else:
            self.error = ""

    def _file_of(self, record: RunRecord | None, index: int) -> tuple[bytes, str]:
        """Return bytes and media type of a file of a run; nothing when there is none."""
        if record is None or index >= len(record.assets):
            return NOTHING
        asset = record.assets[index]
        if asset.size_bytes > MOST_PLAYED_BYTES and not asset.is_a("image"):
            return self._too_large(asset)
        try:
            return self._studio.assets.path(asset).read_bytes(), asset.media_type
        except (StudioError, OSError) as error:
            self.error = str(error)
            return NOTHING

    def _too_large(self, asset: Asset) -> tuple[bytes, str]:
        """Return a still in place of a file that would take too long to come to the page, and say where it is."""
        size = f"{asset.size_bytes / 2**20:.0f} MB are too many to play here"
        self._attempt(lambda: self._refuse(f"{size}; the file is {self._studio.assets.path(asset)}"))
        return self._thumbnail_of(asset), "image/webp"

    @staticmethod
    def _refuse(text: str) -> None:
        raise StudioError(text)

    def _thumbnails_of(self, record: RunRecord | None) -> list[bytes]:
        return [self._thumbnail_of(asset) for asset in record.assets] if record is not None else []

    def _thumbnail_of(self, asset: Asset) -> bytes:
        try:
            path = self._studio.assets.thumbnail(asset)
            return path.read_bytes() if path else b""
        except (StudioError, OSError):
            return b""  # said when the file itself is shown
