"""How a picture becomes an array: sRGB values from 0 to 1, shape (height, width, 3).

All metrics read pictures through this module, so that they agree on what a picture is: greyscale becomes three equal
channels, 16 bits become the same range as 8, and what is transparent is laid on white, as most viewers show it.
Values stay gamma-encoded, as the metrics' papers have them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeAlias

from studio_kernel.errors import InvalidInputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Floats: TypeAlias = NDArray[np.float64]

Picture: TypeAlias = "Image | NDArray[np.generic] | str | os.PathLike[str]"
"""A PIL image, an array of shape (height, width[, 1, 3 or 4]), or the path of a file."""


def rgb(picture: Picture) -> Floats:
    """Return a picture as float64 of shape (height, width, 3), sRGB, 0 … 1.

    Parameters
    ----------
    picture : PIL image, array or path
        Arrays of integers are scaled by the largest value of their type, arrays of floats are taken as 0 … 1.

    Raises
    ------
    InvalidInputError
        When it cannot be read as a picture.
    """
    import numpy as np

    values = _with_channels(picture)
    if values.shape[2] == 4:
        alpha = values[..., 3:]
        values = values[..., :3] * alpha + (1.0 - alpha)
    return np.repeat(values, 3, axis=2) if values.shape[2] == 1 else values


def luma(picture: Picture) -> Floats:
    """Return the grey levels of a picture, shape (height, width), 0 … 1.

    Notes
    -----
    Y' = 0.299 R' + 0.587 G' + 0.114 B', ITU-R Recommendation BT.601-7 (2011), section 2.5.1; what Pillow's mode ``L``
    and most published metrics use.
    """
    import numpy as np

    grey: Floats = rgb(picture) @ np.array([0.299, 0.587, 0.114])
    return grey


def grey_levels(picture: Picture) -> NDArray[np.uint8]:
    """Return the grey levels of a picture, rounded to 0 … 255."""
    import numpy as np

    return np.rint(luma(picture) * 255).astype(np.uint8)


def scaled(values: Floats, width: int, height: int) -> Floats:
    """Return an array of shape (height, width, 3) in another size; area-averaged where it becomes smaller."""
    from skimage.transform import resize

    if values.shape[:2] == (height, width):
        return values
    smaller = height < values.shape[0] or width < values.shape[1]
    result: Floats = resize(values, (height, width, 3), order=1, anti_aliasing=smaller)
    return result


def cropped(values: Floats, width: int, height: int) -> Floats:
    """Return the middle of an array of shape (height, width, 3); it is as large or larger."""
    top, left = (values.shape[0] - height) // 2, (values.shape[1] - width) // 2
    return values[top : top + height, left : left + width]


def padded(values: Floats, width: int, height: int) -> Floats:
    """Return an array of shape (height, width, 3) with white around it; it is as large or smaller."""
    import numpy as np

    top, left = (height - values.shape[0]) // 2, (width - values.shape[1]) // 2
    result: Floats = np.ones((height, width, 3))
    result[top : top + values.shape[0], left : left + values.shape[1]] = values
    return result


def _with_channels(picture: Picture) -> Floats:
    import numpy as np

    given = _opened(picture)
    if not isinstance(given, np.ndarray):
        return _of_image(given)
    values = given[..., None] if given.ndim == 2 else given
    if values.ndim != 3 or values.shape[2] not in (1, 3, 4) or 0 in values.shape:
        raise InvalidInputError(f"an array of shape {given.shape} is no picture; (height, width[, 1, 3 or 4]) is one")
    if np.issubdtype(values.dtype, np.integer):
        largest = np.iinfo(str(values.dtype)).max
        return np.asarray(values, np.float64) / largest
    return np.asarray(values, np.float64)


def _opened(picture: Picture) -> Image | NDArray[np.generic]:
    from PIL import Image

    if not isinstance(picture, (str, os.PathLike)):
        return picture
    try:
        with Image.open(picture) as opened:
            opened.load()
            return opened
    except OSError as error:
        raise InvalidInputError(f"{os.fspath(picture)!r} cannot be read as a picture: {error}") from error


def _of_image(image: Image) -> Floats:
    import numpy as np

    try:
        if image.mode.startswith("I;16"):  # converting to RGB would clip at 255
            return np.asarray(image, np.float64)[..., None] / 65535
        transparent = "A" in image.getbands() or "transparency" in image.info
        return np.asarray(image.convert("RGBA" if transparent else "RGB"), np.float64) / 255
    except AttributeError:
        raise InvalidInputError(f"{type(image).__name__} is no picture; give a PIL image, an array or a path") from None
