"""Whether two files show the same, and how far they are apart where they do not.

The bytes are compared first. Files that differ in bytes, for instance in what they say of themselves, are decoded:
pictures to their pixels, also of each frame; videos to their frames and their sound; sounds to their samples.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from studio_kernel.domain.values import Json
from studio_kernel.errors import InvalidInputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Pixels = NDArray[np.float64]

LEVELS = 255
"""Differences are told in levels of eight bits, whatever the depth of the file."""


@dataclass(frozen=True, slots=True)
class Sameness:
    """How far two results are apart.

    Attributes
    ----------
    same_bytes : bool
        The files are equal byte for byte.
    psnr_db : float
        Peak signal-to-noise ratio over all pixels and frames, decibels; infinite when they are the same.
    largest : float
        Largest difference of a channel, 0 … 255.
    share : float
        Share of the pixels that differ, 0 … 1; of a sound, of its samples.
    note : str
        What else differs, such as the size, in words; empty = nothing.
    """

    same_bytes: bool
    psnr_db: float = math.inf
    largest: float = 0.0
    share: float = 0.0
    note: str = ""

    @property
    def is_same(self) -> bool:
        """Whether both show the same, to the last digit."""
        return self.same_bytes or (self.share == 0 and not self.note)

    def to_json(self) -> dict[str, Json]:
        """Return the JSON form; an infinite ratio is `None`."""
        return {
            "same_bytes": self.same_bytes,
            "psnr_db": self.psnr_db if math.isfinite(self.psnr_db) else None,
            "largest": self.largest,
            "share": self.share,
            "note": self.note,
        }


def sameness(one: bytes, other: bytes, media_type: str) -> Sameness:
    """Return how far `other` is from `one`, files of that kind.

    Raises
    ------
    InvalidInputError
        When one of them cannot be decoded.
    """
    if one == other:
        return Sameness(same_bytes=True)
    if media_type.startswith("audio/"):
        return _sounds(one, other)
    if media_type.startswith("video/"):
        seen = _frames_apart(_film(one), _film(other))
        return seen if seen.note or _sounds(one, other).is_same else _noted(seen, "the sound differs")
    return _frames_apart(_pictures(one), _pictures(other))


def worst(found: Iterable[Sameness]) -> Sameness:
    """Return the largest differences of several pairs."""
    pairs = list(found)
    return Sameness(
        all(each.same_bytes for each in pairs),
        min((each.psnr_db for each in pairs), default=math.inf),
        max((each.largest for each in pairs), default=0.0),
        max((each.share for each in pairs), default=0.0),
        "; ".join(dict.fromkeys(each.note for each in pairs if each.note)),
    )


def _frames_apart(ones: Iterator[Pixels], others: Iterator[Pixels]) -> Sameness:
    """Return how far frames are apart that come in step; the numbers are over those that both have."""
    squares, largest, differing, values, pixels = 0.0, 0.0, 0, 0, 0
    notes: dict[str, None] = {}
    for one, other in zip_longest(ones, others):
        if one is None or other is None:
            notes["one has more frames than the other"] = None
            break
        one, other, note = _matched(one, other)
        notes |= {note: None} if note else {}
        apart = abs(one - other)
        squares += float((apart**2).sum())
        largest = max(largest, float(apart.max()))
        differing += int((apart > 0).any(axis=2).sum())
        values, pixels = values + apart.size, pixels + apart.shape[0] * apart.shape[1]
    psnr = math.inf if squares == 0 else 10 * math.log10(values / squares)
    return Sameness(False, psnr, round(largest * LEVELS, 2), differing / max(1, pixels), "; ".join(notes))


def _matched(one: Pixels, other: Pixels) -> tuple[Pixels, Pixels, str]:
    """Return two pictures in one shape, the smaller sides of both, and what is to be said of that."""
    from skimage.transform import resize

    one, other = _with_channels_of(other, one), _with_channels_of(one, other)
    if one.shape == other.shape:
        return one, other, ""
    shown = " and ".join(f"{each.shape[1]} × {each.shape[0]}" for each in (one, other))
    smaller = tuple(min(sides) for sides in zip(one.shape, other.shape, strict=True))
    scaled = [each if each.shape == smaller else resize(each, smaller, anti_aliasing=True) for each in (one, other)]
    return scaled[0], scaled[1], f"they are {shown} pixels, compared in the smaller size"


def _with_channels_of(model: Pixels, picture: Pixels) -> Pixels:
    """Return `picture` with an opaque fourth channel where `model` has one."""
    import numpy as np

    missing = model.shape[2] - picture.shape[2]
    return np.concatenate([picture, np.ones((*picture.shape[:2], 1))], axis=2) if missing > 0 else picture


def _pictures(data: bytes) -> Iterator[Pixels]:
    from PIL import Image, ImageSequence

    try:
        with Image.open(io.BytesIO(data)) as opened:
            for frame in ImageSequence.Iterator(opened):
                yield _pixels(frame)
    except (OSError, SyntaxError, ValueError) as error:
        raise InvalidInputError(f"the picture cannot be decoded: {error}") from error


def _pixels(frame: Image) -> Pixels:
    """Return three channels, 0 … 1, or four where something is transparent."""
    import numpy as np

    if frame.mode.startswith("I;16"):
        return np.repeat(np.asarray(frame, np.float64)[..., None] / 65535, 3, axis=2)
    transparent = "A" in frame.getbands() or "transparency" in frame.info
    return np.asarray(frame.convert("RGBA" if transparent else "RGB"), np.float64) / LEVELS


def _film(data: bytes) -> Iterator[Pixels]:
    import av
    import numpy as np

    try:
        with av.open(io.BytesIO(data), "r") as film:
            for frame in film.decode(video=0):
                yield np.asarray(frame.to_ndarray(format="rgb24"), np.float64) / LEVELS
    except (av.FFmpegError, OSError, ValueError, IndexError) as error:
        raise InvalidInputError(f"the video cannot be decoded: {error}") from error


def _sounds(one: bytes, other: bytes) -> Sameness:
    import numpy as np

    first, second = _samples(one), _samples(other)
    if first.shape != second.shape:
        return Sameness(same_bytes=False, share=1.0, note="one sound is longer than the other")
    share = float(np.mean(first != second)) if first.size else 0.0
    return Sameness(same_bytes=False, share=share)


def _samples(data: bytes) -> NDArray[np.generic]:
    """Return the samples of a sound; none, for a video without one."""
    import av
    import numpy as np

    try:
        with av.open(io.BytesIO(data), "r") as sound:
            if not sound.streams.audio:
                return np.zeros(0)
            return np.concatenate([frame.to_ndarray().ravel() for frame in sound.decode(audio=0)] or [np.zeros(0)])
    except (av.FFmpegError, OSError, ValueError, IndexError) as error:
        raise InvalidInputError(f"the sound cannot be decoded: {error}") from error


def _noted(found: Sameness, note: str) -> Sameness:
    return Sameness(found.same_bytes, found.psnr_db, found.largest, found.share, note)
