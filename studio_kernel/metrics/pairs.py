"""Metrics of two pictures: how close one is to the other.

Both need the same size. Where sizes differ, `Sizes` says what is done: an error, which is the rule, or both scaled to
the smaller width and the smaller height.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

from studio_kernel.errors import InvalidInputError
from studio_kernel.metrics.arrays import Picture, rgb, scaled

if TYPE_CHECKING:
    from studio_kernel.metrics.arrays import Floats

Sizes: TypeAlias = Literal["same", "scale"]
"""``same``: pictures of different sizes are refused. ``scale``: both become the smaller width and height."""

SSIM_WINDOW = 7
"""Pixels of a side of the window that SSIM moves over both pictures; the default of scikit-image."""


def similarity(picture: Picture, reference: Picture, *, sizes: Sizes = "same") -> float:
    """Return the structural similarity (SSIM) of two pictures: 1 = the same, about 0 = nothing in common; can be < 0.

    Raises
    ------
    InvalidInputError
        When the sizes differ, or a side is shorter than 7 pixels.

    Notes
    -----
    Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error visibility to
    structural similarity", IEEE Transactions on Image Processing 13(4), 2004, doi:10.1109/TIP.2003.819861;
    ``skimage.metrics.structural_similarity`` with its uniform 7 × 7 window, the mean over the three colour channels,
    values from 0 to 1. The paper's own Gaussian window gives slightly other numbers.
    """
    from skimage.metrics import structural_similarity

    one, other = matched(picture, reference, sizes)
    if min(one.shape[:2]) < SSIM_WINDOW:
        width, height = one.shape[1], one.shape[0]
        raise InvalidInputError(f"similarity needs {SSIM_WINDOW} pixels on each side, not {width} × {height}")
    return float(structural_similarity(one, other, channel_axis=2, data_range=1.0, win_size=SSIM_WINDOW))


def psnr(picture: Picture, reference: Picture, *, sizes: Sizes = "same") -> float:
    """Return the peak signal-to-noise ratio of two pictures; decibels, infinite when they are the same.

    Raises
    ------
    InvalidInputError
        When the sizes differ.

    Notes
    -----
    10 log10(1 / MSE) over all pixels and channels, values from 0 to 1.
    """
    import numpy as np

    one, other = matched(picture, reference, sizes)
    error = float(np.mean((one - other) ** 2))
    return math.inf if error == 0 else -10 * math.log10(error)


def pixel_difference(picture: Picture, reference: Picture, *, sizes: Sizes = "same") -> float:
    """Return the mean absolute difference over all pixels and channels; 0 = the same … 1 = black against white.

    Raises
    ------
    InvalidInputError
        When the sizes differ.
    """
    import numpy as np

    one, other = matched(picture, reference, sizes)
    return float(np.abs(one - other).mean())


def matched(picture: Picture, reference: Picture, sizes: Sizes = "same") -> tuple[Floats, Floats]:
    """Return two pictures as arrays of the same shape.

    Raises
    ------
    InvalidInputError
        When the sizes differ and `sizes` is ``same``.
    """
    one, other = rgb(picture), rgb(reference)
    if one.shape == other.shape:
        return one, other
    if sizes == "same":
        shown = " and ".join(f"{array.shape[1]} × {array.shape[0]}" for array in (one, other))
        raise InvalidInputError(f"pictures of {shown} pixels cannot be compared; sizes='scale' scales them")
    height, width = (min(a, b) for a, b in zip(one.shape[:2], other.shape[:2], strict=True))
    return scaled(one, width, height), scaled(other, width, height)
