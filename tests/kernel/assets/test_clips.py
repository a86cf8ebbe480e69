"""Where the frames of clips are in time, on files made here."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from media import FILMS, PICTURES, film, picture
from studio_kernel.assets.clips import clip_of
from studio_kernel.assets.media import MEDIA_TYPES

THIRDS = Fraction(30000, 1001)


def uneven():
    """Return a clip whose frames begin at 0, 0.1, 0.5 and 0.6 s."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="webm") as made:
        stream = made.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 10)
        for place in (0, 1, 5, 6):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), place * 30, np.uint8))
            frame.pts, frame.time_base = place, Fraction(1, 10)
            made.mux(stream.encode(frame))
        made.mux(stream.encode())
    return buffer.getvalue()


def animation(kind):
    pictures = [Image.new("RGB", (16, 8), (shade, 0, 0)) for shade in (0, 120, 240)]
    buffer = io.BytesIO()
    pictures[0].save(buffer, kind, save_all=True, append_images=pictures[1:], duration=[100, 200, 300])
    return buffer.getvalue()


@pytest.mark.parametrize("kind", FILMS)
@pytest.mark.parametrize("rate", [8, 24, THIRDS, 120])
def test_the_frames_of_a_film_come_evenly(kind, rate):
    found = clip_of(film(kind, frames=30, rate=rate), MEDIA_TYPES[kind])
    assert (found.width, found.height, found.frames, found.times) == (64, 48, 30, ())
    assert found.rate == pytest.approx(float(rate), abs=0.001)
    assert found.seconds == pytest.approx(30 / rate, abs=0.001)


def test_frames_that_come_unevenly_have_times():
    found = clip_of(uneven(), "video/webm")
    assert found.times == pytest.approx((0, 0.1, 0.5, 0.6), abs=0.002)
    assert found.frames == 4
    assert found.seconds == pytest.approx(0.7, abs=0.05)


def test_frames_are_counted_in_the_order_in_which_they_are_shown():
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as made:
        stream = made.add_stream("mpeg4", rate=25, options={"bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for shade in range(20):
            made.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), shade * 9, np.uint8))))
        made.mux(stream.encode())
    found = clip_of(buffer.getvalue(), "video/mp4")
    assert (found.frames, found.rate, found.times) == (20, 25, ())


def test_one_frame_has_a_length_too():
    assert clip_of(film(frames=1), "video/webm").seconds > 0


def test_a_film_says_whether_it_has_sound():
    assert clip_of(film(has_sound=True), "video/webm").has_sound
    assert not clip_of(film(), "video/webm").has_sound


@pytest.mark.parametrize("kind", ["gif", "webp", "png"])
def test_a_picture_that_moves_is_a_clip(kind):
    found = clip_of(animation(kind), MEDIA_TYPES[kind])
    assert (found.width, found.height, found.frames, found.rate) == (16, 8, 3, None)


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_that_stands_still_is_none(kind):
    assert clip_of(picture(kind), MEDIA_TYPES[kind]) is None


@pytest.mark.parametrize("media_type", ["video/mp4", "image/gif", "audio/wav", "text/html"])
def test_what_cannot_be_read_is_none(media_type):
    assert clip_of(b"junk", media_type) is None
