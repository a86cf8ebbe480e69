"""The box of the gallery that brings files in: dropped, pasted or chosen, one after the other."""

from __future__ import annotations

from studio_kernel.domain.parameters import Parameter
from studio_widgets.gallery.state import GalleryState
from studio_widgets.media.giving import Giving
from studio_widgets.media.state import MediaState
from studio_widgets.media.view import MediaView

ANY_FILE = Parameter(
    "files",
    "image",
    label="Files",
    description="Pictures, videos and sounds, with the settings that they carry",
    multiple=True,
)
ACCEPTED = "image/*,video/*,audio/*"


class BringingState(MediaState):
    """Takes files of any kind that the studio knows, each as a run of its own.

    Parameters
    ----------
    gallery : GalleryState
        Brings them in, and says what came of it.
    """

    def __init__(self, gallery: GalleryState) -> None:
        super().__init__(ANY_FILE, Giving(gallery.bring_in))
        self._gallery = gallery

    def _give(self, data: bytes, name: str) -> None:
        self._gallery.bring_in(data, name)


def import_box(gallery: GalleryState) -> MediaView:
    """Return the box, which says itself why a file is refused."""
    state = BringingState(gallery)
    view = MediaView(state, label=ANY_FILE.label, help=ANY_FILE.description, accept=ACCEPTED, multiple=True)
    state.observe(lambda change: view.set_trait("error", change.new), "error")
    return view
