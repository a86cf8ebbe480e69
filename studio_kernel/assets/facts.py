"""What a stored file tells of itself without being decoded: pixels, seconds, frames, as far as its head says."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from studio_kernel.domain.quantities import FileFacts


def file_facts(file: Path | BinaryIO, media_type: str) -> FileFacts:
    """Return what the head of a file says; nothing for one that cannot be read."""
    try:
        return _picture(file) if media_type.startswith("image/") else _clip(file)
    except OSError:  # Pillow's and PyAV's errors about files are of that kind
        return FileFacts()


def _picture(file: Path | BinaryIO) -> FileFacts:
    from PIL import Image

    with Image.open(file) as picture:
        return FileFacts(width=picture.width, height=picture.height)


def _clip(file: Path | BinaryIO) -> FileFacts:
    import av

    try:
        with av.open(str(file) if isinstance(file, Path) else file, "r") as clip:
            seconds = clip.duration / av.time_base if clip.duration else None
            if not clip.streams.video:
                return FileFacts(seconds=seconds)
            video = clip.streams.video[0]
            frames = video.frames or (round(seconds * video.average_rate) if seconds and video.average_rate else None)
            return FileFacts(video.width, video.height, seconds, frames)
    except av.FFmpegError as error:
        raise OSError(str(error)) from error
