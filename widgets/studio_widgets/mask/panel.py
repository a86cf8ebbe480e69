"""The control of a form for a mask: a file, or painted on the input image."""

from __future__ import annotations

import hashlib

import ipywidgets

from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.values import AssetRef
from studio_kernel.errors import StudioError
from studio_widgets.frame.panel import styled
from studio_widgets.mask.state import MaskState
from studio_widgets.mask.view import MaskEditor
from studio_widgets.media.giving import Giving
from studio_widgets.media.panel import MediaInput


class MaskInput:
    """Takes a mask as a file; once there is an input image, it is also painted, or painted over.

    Parameters
    ----------
    parameter : Parameter
        Of type mask.
    value : object
        The mask that is given now.
    giving : Giving
        Where it goes, and the picture that it is for.

    Attributes
    ----------
    widget : ipywidgets.VBox
        What stands in the form.
    state : MaskState
        The mask.
    """

    def __init__(self, parameter: Parameter, value: object, giving: Giving) -> None:
        self._giving = giving
        self._file = MediaInput(parameter, None, giving)
        self.state = MaskState(self._tell)
        self.editor = MaskEditor(self.state)
        self._picture: AssetRef | None = None
        self._known = ""  # digest of the mask that both the form and the editor have
        self.widget = styled(ipywidgets.VBox([self._file.widget, self.editor]), "sk-input", f"st-p-{parameter.name}")
        self.show(value)

    def show(self, value: object) -> None:
        """Show a value, on the picture that there is now, without telling of it."""
        self._file.show(value)
        ref = value if isinstance(value, AssetRef) else None
        digest = ref.sha256 if ref else ""
        if self._look_at(self._giving.picture()) and digest and digest == self._known:
            self._known = ""
            self._giving.tell(b"", "")  # it was for the picture before
        else:
            self._take(ref)

    def disable(self, reason: str) -> None:
        """Refuse changes for a reason; an empty one allows them again."""
        self._file.disable(reason)
        self.editor.reason = reason

    def _look_at(self, picture: AssetRef | None) -> bool:
        """Take another picture; return whether it is in place of one of another size."""
        if picture == self._picture or self._giving.assets is None:
            return False
        from studio_kernel.engines.pictures import read_picture

        self._picture = picture
        before = self.state.size
        try:
            self.state.see(read_picture(self._giving.assets.path(picture), "image") if picture else None)
        except (StudioError, OSError) as error:
            self.state.see(None)
            self.state.error = str(error)
        self.editor.show_picture()
        if (0, 0) in (before, self.state.size):
            self._known = ""  # the editor has none now: the next picture gets the one that the form has
            return False
        return self.state.size != before

    def _take(self, ref: AssetRef | None) -> None:
        """Bring the mask of the form into the editor, unless it came from there."""
        digest = ref.sha256 if ref else ""
        if digest == self._known or self.state.size == (0, 0) or self._giving.assets is None:
            return
        self._known = digest
        try:
            self.state.show(self._giving.assets.path(ref).read_bytes() if ref else b"")
        except (StudioError, OSError) as error:
            self.state.error = str(error)

    def _tell(self, data: bytes) -> None:
        self._known = hashlib.sha256(data).hexdigest() if data else ""
        self._file.state.give(data, "painted mask") if data else self._giving.tell(b"", "")
