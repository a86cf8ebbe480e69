"""Pictures as export presets want them."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from studio_kernel.assets.embed import embed, read
from studio_kernel.domain.presets import ExportPreset
from studio_kernel.domain.provenance import Provenance
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.errors import InvalidInputError
from studio_kernel.export.pictures import framed, is_animated, press

MADE_BY = Provenance(GenerationRequest("studio-tiny", parameters={"prompt": "a café", "seed": 7}), "procedural")


def preset(**fields):
    return ExportPreset("p", "P", **{"format": "png", **fields})


def encoded(picture, kind="PNG", **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def opened(pressed):
    return Image.open(io.BytesIO(pressed.data))


@pytest.mark.parametrize(
    ("size", "fields", "result", "resized"),
    [
        ((400, 200), {"width": 100, "height": 100}, (100, 50), (100, 50)),
        ((40, 20), {"width": 100, "height": 100}, (40, 20), (40, 20)),
        ((40, 20), {"width": 100, "height": 100, "enlarge": True}, (100, 50), (100, 50)),
        ((400, 200), {"width": 100}, (100, 50), (100, 50)),
        ((400, 200), {}, (400, 200), (400, 200)),
        ((400, 200), {"width": 100, "height": 100, "fit": "cover"}, (100, 100), (200, 100)),
        ((40, 20), {"width": 100, "height": 100, "fit": "cover"}, (20, 20), (40, 20)),
        ((40, 20), {"width": 100, "height": 100, "fit": "cover", "enlarge": True}, (100, 100), (200, 100)),
        ((400, 200), {"width": 100, "height": 100, "fit": "pad"}, (100, 100), (100, 50)),
        ((40, 20), {"width": 100, "height": 100, "fit": "pad"}, (40, 40), (40, 20)),
        ((400, 200), {"width": 60, "height": 80, "fit": "cover", "turns": True}, (80, 60), (120, 60)),
        ((200, 400), {"width": 60, "height": 80, "fit": "cover", "turns": True}, (60, 80), (60, 120)),
    ],
)
def test_a_picture_is_laid_into_its_frame(size, fields, result, resized):
    frame = framed(size, preset(**fields))
    assert (frame.width, frame.height) == result
    assert frame.picture == resized
    assert opened(press(encoded(Image.new("RGB", size)), preset(**fields))).size == result


@given(
    st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
    st.integers(1, 5000),
    st.integers(1, 5000),
    st.sampled_from(["inside", "cover", "pad"]),
    st.booleans(),
)
def test_no_picture_is_enlarged_unless_the_preset_says_so(size, width, height, fit, turns):
    frame = framed(size, preset(width=width, height=height, fit=fit, turns=turns))
    assert frame.picture[0] <= size[0]
    assert frame.picture[1] <= size[1]
    most = max(width, height) if turns else width
    assert frame.width <= most
    if fit == "cover":
        assert frame.width <= frame.picture[0]
        assert frame.height <= frame.picture[1]
    else:
        assert frame.width >= frame.picture[0]
        assert frame.height >= frame.picture[1]


def test_the_dots_per_inch_are_written_and_fall_with_a_smaller_picture():
    fields = {"width": 400, "height": 600, "fit": "cover", "dpi": 300}
    whole = press(encoded(Image.new("RGB", (800, 1200))), preset(format="jpeg", **fields))
    assert opened(whole).info["dpi"] == (300, 300)
    assert whole.note == ""
    half = press(encoded(Image.new("RGB", (200, 300))), preset(format="tiff", **fields))
    assert opened(half).info["dpi"] == (150, 150)
    assert "150 dpi, not 300" in half.note


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "tiff"])
def test_provenance_goes_into_the_file_only_when_the_preset_says_so(kind):
    notes = PngImagePlugin.PngInfo()
    notes.add_text("parameters", "a café, secret words")
    data = embed(encoded(Image.new("RGB", (32, 32)), pnginfo=notes), MADE_BY)
    kept = press(data, preset(format=kind), MADE_BY, "Euler")
    if kind == "tiff":
        assert "a caf" in opened(kept).tag_v2[270]
    else:
        assert read(kept.data) == MADE_BY
    stripped = press(data, preset(format=kind, metadata=False), MADE_BY, "Euler")
    assert read(stripped.data) is None
    for words in (b"caf", b"secret", b"studio-tiny"):
        assert words not in stripped.data
    assert not set(opened(stripped).info) & {"parameters", "studio", "comment", "exif", "xmp"}


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_what_another_program_wrote_into_the_file_is_stripped_too(kind):
    exif = Image.Exif()
    exif[0x010E] = "secret words"
    data = encoded(Image.new("RGB", (32, 32)), kind, exif=exif, **({"comment": "secret"} if kind == "JPEG" else {}))
    assert b"secret" in data
    for to in ("png", "jpeg", "webp", "tiff"):
        assert b"secret" not in press(data, preset(format=to, metadata=False)).data


def test_a_picture_that_is_turned_by_a_note_is_turned_for_real():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    data = encoded(Image.new("RGB", (40, 20)), "JPEG", exif=exif)
    assert opened(press(data, preset())).size == (20, 40)


def test_transparency_is_kept_where_the_format_has_it_and_filled_where_not():
    data = encoded(Image.new("RGBA", (8, 8), (255, 0, 0, 0)))
    assert opened(press(data, preset(format="webp"))).convert("RGBA").getpixel((4, 4))[3] == 0
    filled = opened(press(data, preset(format="jpeg", background="#00ff00"))).getpixel((4, 4))
    assert filled[1] > 240
    assert filled[0] < 20


def test_the_padding_has_the_colour_of_the_preset():
    data = encoded(Image.new("RGB", (100, 50), "red"))
    picture = opened(press(data, preset(width=100, height=100, fit="pad", background="#0000ff")))
    assert picture.getpixel((50, 2)) == (0, 0, 255)
    assert picture.getpixel((50, 50)) == (255, 0, 0)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_picture_can_be_exported(mode):
    data = encoded(Image.new(mode, (64, 64)), "TIFF" if mode in ("CMYK", "I;16", "LA") else "PNG")
    for kind in ("png", "jpeg", "webp", "tiff"):
        assert opened(press(data, preset(format=kind, width=32))).size == (32, 32)


def test_sixteen_bits_become_eight_without_turning_white():
    data = encoded(Image.new("I;16", (8, 8), 32768), "TIFF")
    assert opened(press(data, preset())).getpixel((0, 0)) == pytest.approx(128, abs=1)


def test_a_colour_profile_is_kept():
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(Image.new("RGB", (64, 64)), icc_profile=profile)
    for kind in ("png", "jpeg", "webp", "tiff"):
        assert opened(press(data, preset(format=kind, width=32))).info["icc_profile"] == profile


def test_a_moving_picture_is_told_from_a_still_one():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    assert is_animated(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert not is_animated(encoded(frames[0]))


@pytest.mark.parametrize("data", [b"", b"no picture", encoded(Image.new("RGB", (64, 64)))[:60]])
def test_what_cannot_be_read_is_told(data):
    with pytest.raises(InvalidInputError, match="cannot be exported"):
        press(data, preset())


def test_a_picture_too_large_for_webp_is_refused_in_words():
    with pytest.raises(InvalidInputError, match="WebP holds at most"):
        press(encoded(Image.new("L", (16_400, 2))), preset(format="webp"))


def test_a_picture_that_unpacks_to_too_much_is_refused_in_words(monkeypatch):
    data = encoded(Image.new("L", (300, 300)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    for act in (lambda: is_animated(data), lambda: press(data, preset())):
        with pytest.raises(InvalidInputError, match="cannot be"):
            act()
