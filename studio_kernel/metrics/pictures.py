"""Metrics of one picture, and of the bytes it is stored in.

None of them says how good a picture is. They depend on the number of pixels too, so pictures of the same size are
compared; transparency and greyscale are handled as `studio_kernel.metrics.arrays` says.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

from studio_kernel.metrics.arrays import Picture, grey_levels, luma, rgb


def sharpness(picture: Picture) -> float:
    """Return the variance of the Laplacian of the grey levels; grey levels², 0 = one flat colour.

    Noise counts as sharpness.

    Notes
    -----
    The focus measure LAPV of J. L. Pech-Pacheco, G. Cristóbal, J. Chamorro-Martínez, J. Fernández-Valdivia, "Diatom
    autofocusing in brightfield microscopy: a comparative study", ICPR 2000, doi:10.1109/ICPR.2000.903548. Grey levels
    from 0 to 255, the kernel with -4 in its middle, edges mirrored, as OpenCV's ``Laplacian(grey, CV_64F).var()``.
    """
    from scipy.ndimage import laplace

    return float(laplace(luma(picture) * 255, mode="mirror").var())


def contrast(picture: Picture) -> float:
    """Return the RMS contrast: the standard deviation of the grey levels; 0 … 0.5.

    Notes
    -----
    E. Peli, "Contrast in complex images", Journal of the Optical Society of America A 7(10), 1990,
    doi:10.1364/JOSAA.7.002032. Grey levels from 0 to 1.
    """
    return float(luma(picture).std())


def colourfulness(picture: Picture) -> float:
    """Return the colourfulness M³; 0 = grey, about 15 slightly, 45 quite, 109 extremely colourful.

    Notes
    -----
    D. Hasler, S. Süsstrunk, "Measuring colourfulness in natural images", Human Vision and Electronic Imaging VIII,
    2003, doi:10.1117/12.477378: with rg = R - G and yb = (R + G) / 2 - B of values from 0 to 255,
    M = sqrt(σ²rg + σ²yb) + 0.3 sqrt(μ²rg + μ²yb).
    """
    import numpy as np

    red, green, blue = np.moveaxis(rgb(picture) * 255, 2, 0)
    rg, yb = red - green, (red + green) / 2 - blue
    return math.hypot(rg.std(), yb.std()) + 0.3 * math.hypot(rg.mean(), yb.mean())


def entropy(picture: Picture) -> float:
    """Return the Shannon entropy of the histogram of grey levels; bits per pixel, 0 … 8.

    Notes
    -----
    C. E. Shannon, "A mathematical theory of communication", 1948; ``skimage.measure.shannon_entropy`` on 256 levels.
    """
    from skimage.measure import shannon_entropy

    return abs(float(shannon_entropy(grey_levels(picture))))  # one level gives -0.0


def brightness(picture: Picture) -> float:
    """Return the mean of the grey levels; 0 = black … 1 = white."""
    return float(luma(picture).mean())


def file_entropy(path: str | os.PathLike[str]) -> float:
    """Return the Shannon entropy of the bytes of a stored file; bits per byte, 0 … 8.

    Of the bytes as they lie on disk, with everything beside the pixels. Compressed formats come near 8 whatever they
    show; `file_bits_per_pixel` tells pictures apart better.

    Raises
    ------
    OSError
        When the file cannot be read.
    """
    import numpy as np

    counts = np.bincount(np.fromfile(path, np.uint8), minlength=256)
    shares = counts[counts > 0] / counts.sum()
    return abs(float((shares * np.log2(shares)).sum()))


def file_bits_per_pixel(path: str | os.PathLike[str]) -> float:
    """Return the length of a stored picture over its pixels; bits per pixel, how far its compression could shrink it.

    Only files of one format and one way of compressing can be compared. Text in the file counts, which matters for
    small pictures.

    Raises
    ------
    OSError
        When the file cannot be read.
    """
    from PIL import Image

    with Image.open(path) as picture:
        pixels = picture.width * picture.height
    return Path(path).stat().st_size * 8 / pixels
