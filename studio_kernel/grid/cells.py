"""What stands in one place of a grid: pictures, or why there are none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from immutabledict import immutabledict

from studio_kernel.domain.values import Value

if TYPE_CHECKING:
    from PIL.Image import Image

THUMBNAIL_SUFFICES_PX = 160
"""Up to this size a large picture is drawn from its thumbnail, which is four to a hundred times faster to read."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One file of a cell.

    Attributes
    ----------
    path : pathlib.Path
        The file itself.
    media_type : str
        Such as ``image/png``; of a video a figure shows a still, of a sound it says that it is one.
    thumbnail : pathlib.Path or None
        A small picture of it.
    width, height : int or None
        Pixels.
    still : callable or None
        Makes a picture of a video.
    """

    path: Path
    media_type: str = "image/png"
    thumbnail: Path | None = None
    width: int | None = None
    height: int | None = None
    still: Callable[[], Image] | None = None

    @property
    def is_image(self) -> bool:
        """Whether it is a picture itself."""
        return self.media_type.startswith("image/")

    @property
    def is_shown(self) -> bool:
        """Whether it can be drawn: it is a picture, or a video of which there is one."""
        return self.is_image or self.thumbnail is not None

    def image(self, px: int | None = None) -> Image:
        """Return the picture, decoded; not larger than `px` pixels where that is given.

        Raises
        ------
        OSError
            When the file cannot be read.
        """
        from PIL import Image

        small = px is not None and px <= THUMBNAIL_SUFFICES_PX and max(self.width or 0, self.height or 0) > px
        if self.is_image or small or self.still is None:
            with Image.open(self.thumbnail if self.thumbnail and (small or not self.is_image) else self.path) as opened:
                opened.load()
                picture: Image.Image = opened
        else:
            picture = self.still()
        if px is not None and max(picture.size) > px:
            picture = picture.convert("RGBA" if "A" in picture.getbands() else "RGB")
            picture.thumbnail((px, px), Image.Resampling.LANCZOS)
        return picture


@dataclass(frozen=True, slots=True)
class GridCell:
    """One cell of a sweep, as a grid shows it.

    Attributes
    ----------
    status : str
        ``succeeded``, ``failed``, ``cancelled``, ``running``, ``queued``, ``planned``, ``invalid``, ``left out`` (by
        a rule) or ``no such point`` (in axes that do not have every combination).
    note : str
        More about it, such as the error or the rule.
    pictures : tuple of Picture
        What its run made.
    run_id : str or None
        Its run.
    coordinates : mapping
        Axis name → value.
    """

    status: str
    note: str = ""
    pictures: tuple[Picture, ...] = ()
    run_id: str | None = None
    coordinates: Mapping[str, Value] = field(default_factory=immutabledict)

    @property
    def image(self) -> Image | None:
        """The first picture, or a still of the first video, decoded; `None` when there is none."""
        return next((picture.image() for picture in self.pictures if picture.is_shown), None)

    @property
    def reason(self) -> str:
        """What stands in the place of a picture: the status, and what is known beyond it."""
        return f"{self.status}: {self.note}" if self.note else self.status
