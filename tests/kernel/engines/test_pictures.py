import io
import zlib
from pathlib import Path

import pytest
from PIL import Image

from engine_subjects import encoded, scene
from studio_kernel.engines import pictures
from studio_kernel.errors import InvalidInputError


def test_a_picture_turned_by_its_camera_comes_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn by 90 degrees
    scene(80, 40).save(tmp_path / "turned.jpg", exif=exif)

    assert pictures.read_picture(tmp_path / "turned.jpg", "image").size == (40, 80)


@pytest.mark.parametrize("side", [9_000, 20_000])
def test_a_picture_that_would_fill_the_memory_is_refused_unread(tmp_path: Path, side: int) -> None:
    file = tmp_path / "bomb.png"
    data = bytearray(encoded(Image.new("1", (8, 8))))
    data[16:24] = side.to_bytes(4) * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4)
    file.write_bytes(data)

    with pytest.raises(InvalidInputError, match="at most 64 million pixels"):
        pictures.read_picture(file, "image")


def test_a_picture_is_cut_to_a_shape_never_distorted() -> None:
    wide = Image.new("RGB", (90, 30), "red")
    wide.paste("blue", (30, 0, 60, 30))

    inner = pictures.fit(wide, (20, 20)).crop((4, 4, 16, 16))

    assert inner.getcolors() == [(12 * 12, (0, 0, 255))]


def test_previews_are_never_enlarged() -> None:
    with Image.open(io.BytesIO(pictures.encode_preview(scene(40, 20)))) as preview:
        assert preview.size == (40, 20)
