"""What files tell of themselves, on files made here."""

import wave
from fractions import Fraction

import av
import numpy as np
import pytest

from studio_kernel.assets.facts import file_facts
from studio_kernel.domain.quantities import FileFacts


@pytest.fixture
def clip(tmp_path):
    """Two seconds of 64 x 48 at 12 frames a second."""
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as film:
        stream = film.add_stream("mpeg4", rate=12)
        stream.width, stream.height, stream.time_base = 64, 48, Fraction(1, 12)
        for shade in range(24):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), shade * 10, np.uint8))
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
    return path


def test_a_picture_tells_its_sides(tmp_path, picture):
    (tmp_path / "p.png").write_bytes(picture)
    assert file_facts(tmp_path / "p.png", "image/png") == FileFacts(width=48, height=32)


def test_a_clip_tells_its_sides_and_how_long_it_is(clip):
    found = file_facts(clip, "video/mp4")
    assert (found.width, found.height, found.frames) == (64, 48, 24)
    assert found.seconds == pytest.approx(2.0, abs=0.01)


def test_a_sound_tells_how_long_it_is(tmp_path):
    with wave.open(str(tmp_path / "s.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(2 * 8000 * 3))
    assert file_facts(tmp_path / "s.wav", "audio/wav") == FileFacts(seconds=3.0)


@pytest.mark.parametrize("media_type", ["image/png", "video/mp4", "audio/wav"])
def test_a_file_that_cannot_be_read_tells_nothing(tmp_path, media_type):
    (tmp_path / "junk").write_bytes(b"junk")
    assert file_facts(tmp_path / "junk", media_type) == FileFacts()
    assert file_facts(tmp_path / "gone", media_type) == FileFacts()
