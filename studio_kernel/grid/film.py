"""A film of a grid: a frame for each value of an axis, as GIF or MP4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, cast

from studio_kernel.errors import HomeError, InvalidRequestError, Problem
from studio_kernel.grid import drawing
from studio_kernel.grid.drawing import Canvas, Drawing

if TYPE_CHECKING:
    import numpy as np
    from av.video.stream import VideoStream
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from numpy.typing import NDArray

    Frame = NDArray[np.uint8]

FILM = Canvas(dpi=120.0, max_px=1920 * 1920, max_side_px=1920)
ENDINGS = (".gif", ".mp4")
CRF = "18"
"""Constant rate factor of x264, where 17 to 18 is called visually lossless (FFmpeg wiki, H.264, May 2025)."""


def write_film(frames: Iterable[Drawing], path: Path, fps: float) -> Path:
    """Write drawings one after the other and return the path.

    All frames have the size of a figure with the most lines of title, at most 1,920 pixels on a side, both even.

    Raises
    ------
    InvalidRequestError
        For an ending other than ``.gif`` and ``.mp4``, or a rate that is not above 0.
    HomeError
        When it cannot be written.
    """
    require_film(path)
    if not fps > 0:
        raise InvalidRequestError([Problem("fps", f"{fps!r} frames a second is not above 0")], "film")
    drawings = list(frames)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        (_write_gif if path.suffix.lower() == ".gif" else _write_mp4)(_drawn(drawings), path, fps)
    except OSError as error:
        raise HomeError(f"cannot write the film to {str(path)!r}: {error.strerror or error}") from error
    return path


def require_film(path: Path) -> None:
    """Refuse a path that does not end as a film does, with `InvalidRequestError`."""
    if path.suffix.lower() not in ENDINGS:
        raise InvalidRequestError([Problem("path", f"{path.name!r} is no film; use .gif or .mp4")], "film")


def _drawn(drawings: Sequence[Drawing]) -> Iterator[Frame]:
    """Yield the frames as arrays of shape (height, width, 3), all of the same even size."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    aspect = drawing.median_aspect(*drawings)
    same = [replace(given, aspect=aspect) for given in drawings]
    lines = max(len(drawing.sheet(given, FILM).title) for given in same)
    for given in same:
        canvas = FigureCanvasAgg(drawing.figure(replace(given, title_lines=lines), FILM))
        canvas.draw()  # type: ignore[no-untyped-call]
        yield _even(canvas)


def _even(canvas: FigureCanvasAgg) -> Frame:
    """Return what was drawn on a canvas, without a last odd row or column: video halves the resolution of colour."""
    import numpy as np

    drawn: Frame = np.asarray(canvas.buffer_rgba())[..., :3]  # type: ignore[no-untyped-call]
    height, width = drawn.shape[:2]
    return np.ascontiguousarray(drawn[: height - height % 2, : width - width % 2])


def _write_gif(frames: Iterator[Frame], path: Path, fps: float) -> None:
    from PIL import Image

    first, *rest = (Image.fromarray(frame).quantize(256, dither=Image.Dither.FLOYDSTEINBERG) for frame in frames)
    # a GIF counts in hundredths of a second, and viewers slow down what is shorter than two of them
    duration = max(20, round(100 / fps) * 10)
    first.save(path, save_all=True, append_images=rest, duration=duration, loop=0, disposal=1)


def _write_mp4(frames: Iterator[Frame], path: Path, fps: float) -> None:
    import av

    first = next(frames)
    codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as film:
        stream = cast("VideoStream", film.add_stream(codec, rate=Fraction(fps).limit_denominator(1000)))
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": CRF} if codec == "libx264" else {"qscale": "2"}
        for frame in chain([first], frames):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        film.mux(stream.encode(None))
