"""A mask without a screen: paint, invert, feather, clear, undo, and hand it on as a PNG.

The mask lives here and not in the browser, which only shows it and sends what was painted: so it outlives the page, and
a picture of 16 million pixels needs one canvas there and no copies for taking back.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.errors import InvalidInputError, StudioError
from studio_widgets.mask.history import Box, History

if TYPE_CHECKING:
    from PIL import Image

MAX_FEATHER = 256
MAX_STROKE_BYTES = 8 * 2**20
_FAST = 1  # compression of PNG: of 4000 x 4000 painted pixels 0.14 s and 0.1 MB


@dataclass(frozen=True, slots=True)
class Patch:
    """A part of the mask that has changed.

    Attributes
    ----------
    version : int
        Rises with every change.
    box : tuple of int
        Left, top, right, bottom.
    by : str
        The view that painted it and shows it already; empty = none does.
    png : bytes
        What that view painted; empty = see `MaskState.region`.
    """

    version: int
    box: Box
    by: str = ""
    png: bytes = b""


class MaskState(traitlets.HasTraits):
    """The mask of one picture. It belongs to the kernel's loop, as all that changes it comes from there.

    Parameters
    ----------
    tell : callable
        Takes the mask as a PNG (grey, white = repainted) when `settle` is called after a change; no bytes when nothing
        is to be repainted.

    Attributes
    ----------
    size : tuple of int
        Width and height of picture and mask in pixels; (0, 0) while there is no picture.
    patch : Patch
        What changed last.
    coverage : float
        How much is repainted, 0 … 1.
    can_undo, can_redo : bool
        Whether there is a change to take back, or to make again.
    error : str
        What went wrong last.

    Examples
    --------
    >>> from PIL import Image
    >>> state = MaskState(print)
    >>> state.see(Image.new("RGB", (64, 48)))
    >>> state.invert()
    >>> state.coverage
    1.0
    """

    size = traitlets.Tuple((0, 0), read_only=True)
    patch = traitlets.Instance(Patch, args=(0, (0, 0, 0, 0)), read_only=True)
    coverage = traitlets.Float(0.0, read_only=True)
    can_undo = traitlets.Bool(False, read_only=True)
    can_redo = traitlets.Bool(False, read_only=True)
    error = traitlets.Unicode()

    def __init__(self, tell: Callable[[bytes], object]) -> None:
        super().__init__()
        self._tell = tell
        self._picture: Image.Image | None = None
        self._mask: Image.Image | None = None
        self._history = History()
        self._is_stale = False

    # The picture

    def see(self, picture: Image.Image | None) -> None:
        """Take the picture that the mask is for. One of another size begins with an empty mask."""
        size = picture.size if picture is not None else (0, 0)
        self._picture = picture
        if size != self.size:
            self._begin(size)

    def preview(self, longest: int) -> bytes:
        """Return the picture as a JPEG whose sides are no longer than `longest`; no bytes without a picture."""
        if self._picture is None:
            return b""
        small = self._picture.convert("RGB")
        small.thumbnail((longest, longest))
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=90)
        return buffer.getvalue()

    def _begin(self, size: tuple[int, int]) -> None:
        from PIL import Image

        self._mask = Image.new("L", size) if size != (0, 0) else None
        self._history = History()
        self._is_stale = False
        with self.hold_trait_notifications():
            self.set_trait("size", size)
            self._changed((0, 0, 0, 0))  # views begin anew with the size

    # The mask

    @property
    def is_empty(self) -> bool:
        """Whether nothing is repainted."""
        return self._mask is None or self._mask.getbbox() is None

    @property
    def mask(self) -> Image.Image | None:
        """A copy of the mask: mode L, white = repainted; `None` without a picture."""
        return self._mask.copy() if self._mask is not None else None

    def png(self) -> bytes:
        """Return the mask as a PNG of its picture's size; no bytes when nothing is repainted."""
        return _png(self._mask) if self._mask is not None and not self.is_empty else b""

    def region(self, box: Box) -> bytes:
        """Return a part of the mask as a PNG whose transparency is the mask: opaque = repainted."""
        from PIL import Image

        if self._mask is None:
            return b""
        part = self._mask.crop(box)
        return _png(Image.merge("LA", (part, part)))

    def show(self, data: bytes) -> None:
        """Take a mask that the form has already; no bytes = none. It can be taken back."""
        self._attempt(lambda: self._replace(self._read(data)))
        self._is_stale = False

    def load(self, data: bytes) -> None:
        """Take a mask from a file: white is repainted, and it is brought to the size of the picture."""
        self._attempt(lambda: self._replace(self._read(data)))

    def paint(self, data: bytes, left: int, top: int, by: str = "") -> None:
        """Take what was painted: a PNG that replaces the part of the mask from (`left`, `top`); opaque = repainted."""
        self._attempt(lambda: self._paint(data, left, top, by))

    def invert(self) -> None:
        """Repaint what was kept, and keep what was to be repainted."""
        from PIL import ImageChops

        if self._mask is not None:
            self._replace(ImageChops.invert(self._mask))

    def feather(self, px: float) -> None:
        """Make the edge soft over about `px` pixels on either side.

        Notes
        -----
        A Gaussian blur whose standard deviation is half of `px`: 95 % of the change lies within `px` of the edge.
        """
        from PIL import ImageFilter

        if not 0 < px <= MAX_FEATHER:
            self.error = f"{px!r} pixels of feather are not between 0 and {MAX_FEATHER}"
        elif self._mask is not None:
            self._replace(self._mask.filter(ImageFilter.GaussianBlur(px / 2)))

    def clear(self) -> None:
        """Repaint nothing."""
        if not self.is_empty:
            self._replace(self._read(b""))

    def undo(self) -> None:
        """Take back the last change; the last twenty are kept."""
        self._step(self._history.undo)

    def redo(self) -> None:
        """Make again what was taken back last."""
        self._step(self._history.redo)

    def settle(self) -> None:
        """Hand the mask on, if it has changed since."""
        if self._is_stale:
            self._is_stale = False
            self._attempt(lambda: self._tell(self.png()))

    # Changing it

    def _paint(self, data: bytes, left: int, top: int, by: str) -> None:
        if self._mask is None:
            raise InvalidInputError("there is no picture to paint a mask on")
        part = _painted(data, self._mask.width - left, self._mask.height - top)
        box = (left, top, left + part.width, top + part.height)
        self._history.keep(self._mask, box)
        self._mask.paste(part, (left, top))
        self._is_stale = True
        self._changed(box, by, data)

    def _replace(self, mask: Image.Image) -> None:
        if self._mask is None:
            raise InvalidInputError("there is no picture that the mask could be for")
        box = (0, 0, *self._mask.size)
        self._history.keep(self._mask, box)
        self._mask = mask
        self._is_stale = True
        self.error = ""
        self._changed(box)

    def _step(self, take: Callable[[Image.Image], Box | None]) -> None:
        box = take(self._mask) if self._mask is not None else None
        if box is not None:
            self._is_stale = True
            self._changed(box)

    def _read(self, data: bytes) -> Image.Image:
        from PIL import Image

        if not data:
            return Image.new("L", self.size)
        mask = _picture_in(data).convert("L")
        return mask if mask.size == self.size else mask.resize(self.size)

    def _changed(self, box: Box, by: str = "", png: bytes = b"") -> None:
        with self.hold_trait_notifications():
            self.set_trait("coverage", _coverage(self._mask))
            self.set_trait("can_undo", self._history.can_undo)
            self.set_trait("can_redo", self._history.can_redo)
            self.set_trait("patch", Patch(self.patch.version + 1, box, by, png))

    def _attempt(self, act: Callable[[], object]) -> None:
        """Do something that may be refused, and keep the reason."""
        try:
            act()
        except (StudioError, OSError) as error:
            self.error = str(error)
        else:
            self.error = ""


def _picture_in(data: bytes) -> Image.Image:
    from studio_kernel.engines.pictures import read_picture

    return read_picture(io.BytesIO(data), "mask")


def _painted(data: bytes, widest: int, highest: int) -> Image.Image:
    """Return the transparency of a PNG that fits; its size is looked at before it is decoded."""
    from PIL import Image, UnidentifiedImageError

    bombs = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    if len(data) > MAX_STROKE_BYTES:
        raise InvalidInputError("a stroke is larger than any can be")
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as part:
            if part.mode not in ("RGBA", "LA") or part.width > widest or part.height > highest:
                raise InvalidInputError(f"a stroke of {part.width} × {part.height} pixels does not fit its mask")
            return part.getchannel("A")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, *bombs) as error:
        raise InvalidInputError(f"a stroke cannot be read: {error}") from error


def _coverage(mask: Image.Image | None) -> float:
    if mask is None:
        return 0.0
    counts = mask.histogram()
    return sum(light * count for light, count in enumerate(counts)) / (255 * mask.width * mask.height)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=_FAST)
    return buffer.getvalue()
