"""What the states of all panels share: a studio, a lock, and errors that become text."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import traitlets

from studio_kernel.errors import StudioError
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.domain.assets import Asset
    from studio_kernel.domain.runs import RunRecord
    from studio_kernel.studio import Studio

NOTHING = (b"", "image/webp")
MOST_PLAYED_BYTES = 64 * 2**20
"""A video or sound goes to the page in one message, as no page may read files of the kernel's machine."""

TOO_MUCH = "That is more than can be said at once here; go on in a minute."


class PanelState(traitlets.HasTraits):
    """A panel without a screen.

    Parameters
    ----------
    workspace : Workspace or None
        Shared with other panels; one of its own when left out.

    Attributes
    ----------
    error : str
        What went wrong last, in words; empty when nothing did.
    workspace : Workspace
        What it shares with the panels beside it.
    lock : threading.RLock
        Held while traits change. Cells, callbacks of widgets and the threads that bring panels up to date may be
        different threads, and states observe each other: with one lock for all of them no two can wait for each other.

    Notes
    -----
    ``hold_trait_notifications`` of traitlets 5 is for one thread: a trait that another one sets at the moment when it
    ends may get its old value back, or be told to nobody. So each way of setting one waits for the lock.
    """

    lock = threading.RLock()
    error = traitlets.Unicode()

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None, **traits: object) -> None:
        super().__init__(**traits)
        self._studio = studio
        self._unread = ""  # why the last look failed
        self.workspace = workspace or Workspace()

    def __setattr__(self, name: str, value: object) -> None:
        if self.has_trait(name):
            with self.lock:
                super().__setattr__(name, value)
        else:
            super().__setattr__(name, value)

    def set_trait(self, name: str, value: object) -> None:
        """Set a trait, also one that is read-only for others."""
        with self.lock:
            super().set_trait(name, value)

    @contextmanager
    def hold_trait_notifications(self) -> Iterator[None]:
        """Tell of changes when all of them are made."""
        with self.lock, super().hold_trait_notifications():
            yield

    @property
    def can_change(self) -> bool:
        """Whether the studio lets people do more than look and mark."""
        return self._studio.mode == "editor"

    def found(self, run: str) -> RunRecord | None:
        """Return what is known of a run; `None` when there is none of that id, or it was deleted."""
        try:
            record = self._studio.record(run)
        except StudioError:
            return None
        return None if record.is_deleted else record

    def _say(self, *runs: str, **said: Any) -> None:
        """Mark runs, in the name of whoever works here.

        Raises
        ------
        StudioError
            When a viewer marks more at a time than people do.
        """
        if not self._may_say(len(runs)):
            raise StudioError(TOO_MUCH)
        self._studio.mark(*runs, by=self.workspace.who, **said)

    def _may_say(self, count: int = 1) -> bool:
        """Take so much from what a viewer may still say; return whether it was there."""
        return self.can_change or self.workspace.allowance.take(count)

    def _attempt(self, act: Callable[[], object]) -> None:
        """Do something that may be refused, and keep the reason."""
        try:
            act()
        except (StudioError, OSError) as error:
            self.error = str(error)
        else:
            self.error = ""

    def _glance(self, read: Callable[[], None]) -> None:
        """Read, and let what was said about the last act stay; what was said about an earlier look goes."""
        try:
            read()
        except (StudioError, OSError) as error:
            self._unread = self.error = str(error)
        else:
            self.error = "" if self.error == self._unread else self.error

    def _file_of(self, record: RunRecord | None, index: int) -> tuple[bytes, str]:
        """Return bytes and media type of a file of a run; nothing when there is none."""
        if record is None or index >= len(record.assets):
            return NOTHING
        asset = record.assets[index]
        if asset.size_bytes > MOST_PLAYED_BYTES and not asset.is_a("image"):
            return self._too_large(asset)
        try:
            return self._studio.store_of(asset).path(asset).read_bytes(), asset.media_type
        except (StudioError, OSError) as error:
            self.error = str(error)
            return NOTHING

    def _too_large(self, asset: Asset) -> tuple[bytes, str]:
        """Return a still in place of a file that would take too long to come to the page, and say where it is."""
        size = f"{asset.size_bytes / 2**20:.0f} MB are too many to play here"
        self._attempt(lambda: self._refuse(f"{size}; the file is {self._studio.store_of(asset).path(asset)}"))
        return self._thumbnail_of(asset), "image/webp"

    @staticmethod
    def _refuse(text: str) -> None:
        raise StudioError(text)

    def _thumbnails_of(self, record: RunRecord | None) -> list[bytes]:
        return [self._thumbnail_of(asset) for asset in record.assets] if record is not None else []

    def _thumbnail_of(self, asset: Asset) -> bytes:
        try:
            path = self._studio.thumbnail(asset)
            return path.read_bytes() if path else b""
        except (StudioError, OSError):
            return b""  # said when the file itself is shown


class LiveState(PanelState):
    """Shows what is logged, by whomever.

    Attributes
    ----------
    version : int
        Rises whenever what is shown may have changed.
    """

    version = traitlets.Int(0, read_only=True)

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None, **traits: object) -> None:
        super().__init__(studio, workspace=workspace, **traits)
        self._token: str | None = None

    def refresh(self) -> None:
        """Read again what there is."""
        self._attempt(self._read_all)

    def poll(self) -> None:
        """Refresh if something was logged since; cheap when nothing was. What was said about the last act stays."""
        self._glance(self._read_if_changed)

    @abstractmethod
    def _read(self) -> None:
        """Read what is shown and set the traits that show it; called with the lock held."""

    def _read_if_changed(self) -> None:
        if self._studio.changed_since(self._token) != self._token:
            self._read_all()

    def _read_all(self) -> None:
        with self.lock:
            self._token = self._studio.changed_since(self._token)
            with self.hold_trait_notifications():
                self._read()
                self.set_trait("version", self.version + 1)
