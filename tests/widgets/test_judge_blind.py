"""Files without what tells how they were made."""

import io

import av
import numpy as np
import pytest
from PIL import Image, ImageCms

import media
from studio_kernel.assets.embed import embed, read
from studio_kernel.domain.provenance import Provenance
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.errors import InvalidInputError
from studio_widgets.judge.blind import without_facts

REQUEST = GenerationRequest("secret-model", parameters={"prompt": "secret words", "seed": 4711})
PROVENANCE = Provenance(request=REQUEST, engine="secret-engine")


def pixels(data):
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGBA"))


def saved(picture, kind="PNG", **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", media.PICTURES)
def test_a_picture_keeps_its_pixels_and_nothing_else(kind):
    told = embed(media.picture(kind), PROVENANCE)
    assert read(told) == PROVENANCE
    blind = without_facts(told, f"image/{kind}")
    assert np.array_equal(pixels(blind), pixels(told))
    assert read(blind) is None
    assert b"secret" not in blind
    with Image.open(io.BytesIO(blind)) as picture:
        assert (picture.format, set(picture.info) - {"loop", "background", "duration"}) == ("WEBP", set())


@pytest.mark.parametrize("kind", media.FILMS + media.SOUNDS)
def test_a_film_or_sound_keeps_its_frames_and_no_tag(kind):
    told = embed(media.file(kind), PROVENANCE)
    assert read(told) == PROVENANCE
    blind = without_facts(told, "video/x" if kind in media.FILMS else "audio/x")
    assert media.frames(blind) == media.frames(told)
    assert read(blind) is None
    with av.open(io.BytesIO(blind)) as opened:
        assert "4711" not in str(opened.metadata)
        assert not {"comment", "title", "description"} & set(opened.metadata)


def test_a_cover_does_not_come_along_with_a_sound():
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3") as made:
        sound = made.add_stream("libmp3lame", rate=48000, layout="mono")
        cover = made.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 16, 16, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        for packet in cover.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8))):
            made.mux(packet)
        made.mux(cover.encode())
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1152), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        made.mux(sound.encode(frame))
        made.mux(sound.encode())
    told = buffer.getvalue()
    with av.open(io.BytesIO(told)) as opened:
        assert len(opened.streams) == 2
    with av.open(io.BytesIO(without_facts(told, "audio/mpeg"))) as opened:
        assert [stream.type for stream in opened.streams] == ["audio"]


def test_a_picture_is_turned_the_right_way_up():
    turned = Image.Exif()
    turned[0x0112] = 6
    data = saved(Image.new("RGB", (20, 10), "red"), "JPEG", exif=turned)
    assert pixels(without_facts(data, "image/jpeg")).shape[:2] == (20, 10)


def test_colours_of_a_profile_become_those_of_every_screen():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    plain = saved(Image.new("RGB", (4, 4), (200, 30, 90)))
    odd = saved(Image.new("RGB", (4, 4), (200, 30, 90)), icc_profile=profile)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = saved(Image.new("RGB", (4, 4), (200, 30, 90)), icc_profile=srgb)
    assert without_facts(same, "image/png") == without_facts(plain, "image/png")
    assert without_facts(odd, "image/png") == without_facts(plain, "image/png"), "a profile of another space"


def test_an_animation_goes_on_moving():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=40, loop=0)
    with Image.open(io.BytesIO(without_facts(data, "image/gif"))) as picture:
        picture.load()
        assert (picture.n_frames, picture.info["duration"]) == (3, 40)


def test_what_cannot_be_read_is_refused_without_saying_what_it_is():
    for media_type in ("image/png", "video/mp4"):
        with pytest.raises(InvalidInputError, match="cannot be read"):
            without_facts(b"secret", media_type)
