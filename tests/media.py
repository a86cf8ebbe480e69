"""Small real files of every kind, made here."""

from __future__ import annotations

import io
from functools import lru_cache

import av
import numpy as np
from PIL import Image

PICTURES = ("png", "jpg", "webp", "gif", "avif")
FILMS = ("mp4", "mov", "webm")
SOUNDS = ("wav", "mp3", "flac", "ogg", "opus")
_CODECS = {"mp4": "mpeg4", "mov": "mpeg4", "webm": "libvpx", "wav": "pcm_s16le", "mp3": "libmp3lame", "flac": "flac"}
_CODECS |= {"ogg": "vorbis", "opus": "libopus"}


@lru_cache(maxsize=16)
def picture(kind="png", size=(48, 32), mode="RGB"):
    """Return a picture with a gradient in it."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(buffer, {"jpg": "JPEG"}.get(kind, kind.upper()))
    return buffer.getvalue()


@lru_cache(maxsize=16)
def film(kind="webm", dark=0, frames=12, size=(64, 48), rate=24, has_sound=False):
    """Return a film of half a second at 24 frames a second, of which the first `dark` frames are black.

    In the frame at a place the yellow bar is ``1 + width * place // frames`` pixels wide.
    """
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind, container_options={"fflags": "bitexact"}) as made:  # no random ids
        stream = made.add_stream(_CODECS[kind], rate=rate)
        noise = made.add_stream("libopus", rate=48000, layout="mono") if has_sound else None
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for place in range(frames):
            pixels = np.zeros((size[1], size[0], 3), np.uint8)
            if place >= dark:
                pixels[:] = 30, 120, 200
                pixels[:, : 1 + size[0] * place // frames] = 250, 190, 60
            made.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        made.mux(stream.encode())
        if noise is not None:
            _hum(made, noise, "mono", frames / rate)
    return buffer.getvalue()


@lru_cache(maxsize=16)
def sound(kind="wav"):
    """Return half a second of a tone."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="ogg" if kind == "opus" else kind) as made:
        layout = "stereo" if kind == "ogg" else "mono"
        stream = made.add_stream(_CODECS[kind], rate=48000, layout=layout, options={"strict": "experimental"})
        _hum(made, stream, layout, 0.5)
    return buffer.getvalue()


def _hum(made, stream, layout, seconds):
    """Write a tone into a file that is made."""
    tone = (np.sin(np.arange(int(48000 * seconds)) * 0.06) * 9000).astype("<i2").reshape(1, -1)
    resampler = av.AudioResampler(stream.format, layout, 48000, stream.codec_context.frame_size or 1024)
    frame = av.AudioFrame.from_ndarray(tone, "s16", "mono")
    frame.sample_rate = 48000
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        made.mux(stream.encode(part))
    made.mux(stream.encode())


def file(kind):
    """Return a small file of any of these kinds."""
    make = picture if kind in PICTURES else film if kind in FILMS else sound
    return make(kind)


def frames(data):
    """Return every frame of a film or sound, decoded, with its time."""
    with av.open(io.BytesIO(data)) as opened:
        return [(frame.time, frame.to_ndarray().tobytes()) for frame in opened.decode(opened.streams[0])]
