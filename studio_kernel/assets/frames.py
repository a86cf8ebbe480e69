"""Frames of a stored video by their time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from studio_kernel.errors import InvalidInputError

if TYPE_CHECKING:
    from PIL.Image import Image


def frames_at(path: Path, times: Sequence[float]) -> list[Image]:
    """Return what a video shows at some times.

    Parameters
    ----------
    times : sequence of float
        Seconds from its first frame, rising. After its end its last frame is shown.

    Raises
    ------
    InvalidInputError
        When it cannot be decoded.
    """
    import av

    shown: list[Image] = []
    try:
        with av.open(str(path)) as film:
            film.streams.video[0].thread_type = "AUTO"
            before, start = None, None
            for frame in film.decode(video=0):
                time = float(frame.time or 0.0)
                start = time if start is None else start
                while before is not None and len(shown) < len(times) and times[len(shown)] < time - start:
                    shown.append(before.to_image())  # type: ignore[no-untyped-call]
                before = frame
                if len(shown) == len(times):
                    break
            if before is None:
                raise InvalidInputError("the video has no frame")
            shown += [before.to_image() for _ in times[len(shown) :]]  # type: ignore[no-untyped-call]
    except (av.FFmpegError, OSError, IndexError) as error:
        raise InvalidInputError(f"the video cannot be decoded: {error}") from error
    return [picture.rotate(before.rotation, expand=True) for picture in shown] if before.rotation else shown
