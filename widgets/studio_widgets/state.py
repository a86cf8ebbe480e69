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
        try:
            return self._studio.assets.path(asset).read_bytes(), asset.media_type
        except (StudioError, OSError) as error:
            self.error = str(error)
            return NOTHING

    def _thumbnails_of(self, record: RunRecord | None) -> list[bytes]:
        return [self._thumbnail_of(asset) for asset in record.assets] if record is not None else []

    def _thumbnail_of(self, asset: Asset) -> bytes:
        try:
            path = self._studio.assets.thumbnail(asset)
            return path.read_bytes() if path else b""
        except (StudioError, OSError):
            return b""  # said when the file itself is shown
