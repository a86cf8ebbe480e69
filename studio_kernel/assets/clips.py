"""Where the frames of a clip are in time: what players need to go from one frame to the next.

The packets of a video are read, not decoded, so that this takes milliseconds; `assets.facts` reads even less. What
frames look like is nobody's business here.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

ANIMATED = frozenset({"image/gif", "image/webp", "image/png", "image/avif"})
"""Kinds of pictures that may move."""
UNEVEN = 0.25
"""By how much of a frame's length a frame may be early or late before its time is told. Containers round: WebM to
milliseconds (Matroska's default TimestampScale, RFC 9559 section 11), which is a ninth of a frame at 120 a second."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A video or an animated picture.

    Attributes
    ----------
    width, height : int
        Pixels.
    frames : int
        How many pictures it has.
    rate : float or None
        Frames a second; on the average where they come unevenly. `None` = an animated picture: its frames say how
        long each of them stays only when they are decoded.
    seconds : float or None
        From the first frame to the end of the last.
    times : tuple of float
        When each frame begins, in seconds after the first; empty where they come evenly.
    has_sound : bool
        Whether there is something to hear.
    """

    width: int
    height: int
    frames: int
    rate: float | None = None
    seconds: float | None = None
    times: tuple[float, ...] = ()
    has_sound: bool = False


def clip_of(data: bytes, media_type: str) -> Clip | None:
    """Return where the frames of a clip are.

    Parameters
    ----------
    data : bytes
        The whole file.
    media_type : str
        What it is.

    Returns
    -------
    Clip or None
        Nothing when it does not move, or cannot be read.
    """
    try:
        if media_type.startswith("video/"):
            return _video(data)
        return _animation(data) if media_type in ANIMATED else None
    except (OSError, SyntaxError, ValueError):  # what Pillow and PyAV say of files that they cannot read
        return None


def _animation(data: bytes) -> Clip | None:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        frames: int = getattr(picture, "n_frames", 1)
        return Clip(picture.width, picture.height, frames) if frames > 1 else None


def _video(data: bytes) -> Clip | None:
    import av

    try:
        with av.open(io.BytesIO(data), "r") as opened:
            return _clip(opened) if opened.streams.video else None
    except av.FFmpegError as error:
        raise OSError(str(error)) from error


def _clip(opened: InputContainer) -> Clip | None:
    stream = opened.streams.video[0]
    packets = [each for each in opened.demux(stream) if each.pts is not None and not each.is_discard]
    if not packets:
        return None
    packets.sort(key=lambda each: each.pts or 0)  # they come in the order of decoding
    begun = [_seconds(each, each.pts) for each in packets]
    times = [each - begun[0] for each in begun]
    rate = _rate(stream, times)
    seconds = times[-1] + (_seconds(packets[-1], packets[-1].duration) or 1 / rate)
    is_even = all(abs(time * rate - place) < UNEVEN for place, time in enumerate(times))
    return Clip(
        stream.width,
        stream.height,
        len(times),
        round(rate, 3),
        len(times) / rate if is_even else seconds,
        () if is_even else tuple(round(time, 4) for time in times),
        has_sound=bool(opened.streams.audio),
    )


def _seconds(packet: av.Packet[av.VideoStream], ticks: int | None) -> float:
    return float((ticks or 0) * packet.time_base)


def _rate(stream: av.VideoStream, times: list[float]) -> float:
    """Return the rate that the file claims where its frames keep to it, and otherwise that of the frames themselves."""
    measured = (len(times) - 1) / times[-1] if times[-1] else 0.0
    claimed = float(stream.average_rate or stream.guessed_rate or 0)
    if claimed and (not measured or abs(measured / claimed - 1) * len(times) < UNEVEN):
        return claimed
    return measured or claimed or 1.0
