"""Metrics of two pictures: how close one is to the other.

Both need the same size. Where sizes differ, `Sizes` says what is done: an error, which is the rule, or one of three
ways to align them. All of these metrics are symmetric: it does not matter which of the two is the reference.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

from studio_kernel.errors import InvalidInputError
from studio_kernel.metrics.arrays import Picture, cropped, grey_levels, padded, rgb, scaled

if TYPE_CHECKING:
    from studio_kernel.metrics.arrays import Floats

Sizes: TypeAlias = Literal["same", "scale", "crop", "pad"]
"""``same``: pictures of different sizes are refused. ``scale``: both become the smaller width and height. ``crop``: the
part in the middle that both have, pixel by pixel. ``pad``: both lie in the middle of the larger width and height, on
white, as transparent pictures do."""

SIZES: tuple[Sizes, ...] = ("same", "scale", "crop", "pad")

SSIM_WINDOW = 7
"""Pixels of a side of the window that SSIM moves over both pictures; the default of scikit-image."""
MS_SSIM_SIDE = 161
"""Pixels that MS-SSIM needs on each side: it halves pictures four times and moves a window of 11 pixels over the last,
so more than (11 - 1) × 2⁴."""
ROWS_AT_A_TIME = 64
"""Rows whose colours are compared together: at 1 MP strips take 0.6 of the time of the whole, and little memory."""


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
    _require_side("similarity", one, SSIM_WINDOW)
    return float(structural_similarity(one, other, channel_axis=2, data_range=1.0, win_size=SSIM_WINDOW))


def similarity_map(picture: Picture, reference: Picture, *, sizes: Sizes = "same") -> Floats:
    """Return the structural similarity (SSIM) around every pixel, shape (height, width), -1 … 1; see `similarity`.

    Raises
    ------
    InvalidInputError
        When the sizes differ, or a side is shorter than 7 pixels.
    """
    from skimage.metrics import structural_similarity

    one, other = matched(picture, reference, sizes)
    _require_side("similarity", one, SSIM_WINDOW)
    _mean, full = structural_similarity(one, other, channel_axis=2, data_range=1.0, win_size=SSIM_WINDOW, full=True)
    result: Floats = full.mean(axis=2)
    return result


def ms_ssim(picture: Picture, reference: Picture, *, sizes: Sizes = "same") -> float:
    """Return the multi-scale structural similarity (MS-SSIM) of two pictures: 1 = the same … 0 = nothing in common.

    Loads torch, which takes some seconds the first time.

    Raises
    ------
    InvalidInputError
        When the sizes differ, or a side is shorter than 161 pixels.

    Notes
    -----
    Z. Wang, E. P. Simoncelli, A. C. Bovik, "Multiscale structural similarity for image quality assessment", Asilomar
    Conference on Signals, Systems and Computers, 2003, doi:10.1109/ACSSC.2003.1292216; ``pytorch_msssim.ms_ssim`` with
    the paper's five scales and weights, values from 0 to 1, the mean over the three colour channels.
    """
    import numpy as np

    one, other = matched(picture, reference, sizes)
    _require_side("ms_ssim", one, MS_SSIM_SIDE)

    import torch
    from pytorch_msssim import ms_ssim as compared

    first, second = (
        torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1), np.float32))[None] for array in (one, other)
    )
    with torch.inference_mode():
        return float(compared(first, second, data_range=1.0))


def delta_e(picture: Picture, reference: Picture, *, sizes: Sizes = "same") -> float:
    """Return the mean colour difference CIEDE2000 over all pixels: 0 = the same, about 1 just visible, 100 the most.

    Raises
    ------
    InvalidInputError
        When the sizes differ.

    Notes
    -----
    As `delta_e_map`.
    """
    return float(delta_e_map(picture, reference, sizes=sizes).mean())


def delta_e_map(picture: Picture, reference: Picture, *, sizes: Sizes = "same") -> Floats:
    """Return the colour difference CIEDE2000 of every pixel, shape (height, width), 0 = the same colour.

    Raises
    ------
    InvalidInputError
        When the sizes differ.

    Notes
    -----
    ISO/CIE 11664-6:2022; G. Sharma, W. Wu, E. N. Dalal, "The CIEDE2000 color-difference formula", Color Research &
    Application 30(1), 2005, doi:10.1002/col.20070. ``skimage.color``: sRGB to CIELAB for illuminant D65 and the 2°
    observer, kL = kC = kH = 1, single precision. Black against white is 100; some saturated colours are further apart.
    """
    import numpy as np
    from skimage.color import deltaE_ciede2000, rgb2lab

    one, other = (array.astype(np.float32) for array in matched(picture, reference, sizes))
    strips = [slice(row, row + ROWS_AT_A_TIME) for row in range(0, one.shape[0], ROWS_AT_A_TIME)]
    result: Floats = np.concatenate([deltaE_ciede2000(rgb2lab(one[rows]), rgb2lab(other[rows])) for rows in strips])
    return result


def phash_distance(picture: Picture, reference: Picture, *, sizes: Sizes = "same") -> float:
    """Return in how many of 64 bits the perceptual hashes of two pictures differ; 0 = alike, about 32 unrelated.

    Raises
    ------
    InvalidInputError
        When the sizes differ and `sizes` is ``same``; the hash itself is of a picture scaled to 32 × 32.

    Notes
    -----
    C. Zauner, "Implementation and benchmarking of perceptual image hash functions", Upper Austria University of
    Applied Sciences, 2010: the signs of the 8 × 8 lowest frequencies of a cosine transform of the grey levels, against
    their median; ``imagehash.phash``.
    """
    from imagehash import phash
    from PIL import Image

    one, other = (Image.fromarray(grey_levels(array)) for array in matched(picture, reference, sizes))
    return float(phash(one) - phash(other))


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
        When the sizes differ and `sizes` is ``same``, or `sizes` is no way to align them.
    """
    if sizes not in SIZES:
        raise InvalidInputError(f"sizes {sizes!r} is none of {', '.join(SIZES)}")
    one, other = rgb(picture), rgb(reference)
    if one.shape == other.shape:
        return one, other
    if sizes == "same":
        shown = " and ".join(f"{array.shape[1]} × {array.shape[0]}" for array in (one, other))
        raise InvalidInputError(
            f"pictures of {shown} pixels cannot be compared; sizes='scale' scales them, sizes='crop' takes the middle "
            "that both have, sizes='pad' lays both on white"
        )
    choose = max if sizes == "pad" else min
    height, width = (choose(a, b) for a, b in zip(one.shape[:2], other.shape[:2], strict=True))
    align = {"scale": scaled, "crop": cropped, "pad": padded}[sizes]
    return align(one, width, height), align(other, width, height)


def _require_side(name: str, picture: Floats, side: int) -> None:
    if min(picture.shape[:2]) < side:
        width, height = picture.shape[1], picture.shape[0]
        raise InvalidInputError(f"{name} needs {side} pixels on each side, not {width} × {height}")
