import hashlib
import io
import json

import numpy as np
import pytest
from PIL import Image

from studio_kernel.assets import AssetStore
from studio_kernel.assets.embed import embed, read
from studio_kernel.domain.provenance import Provenance
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import AssetRef, Lora
from studio_kernel.errors import HomeError, InvalidInputError


def picture_bytes(kind="PNG", size=(48, 32), color=(200, 30, 30)):
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def store(tmp_path):
    return AssetStore(tmp_path / "assets")


def test_a_file_is_named_by_its_digest_and_described_from_its_bytes(store):
    data = picture_bytes()
    asset = store.put(data, index=2, seed=7)
    assert asset.sha256 == hashlib.sha256(data).hexdigest()
    assert (asset.media_type, asset.width, asset.height, asset.size_bytes) == ("image/png", 48, 32, len(data))
    assert (asset.index, asset.seed) == (2, 7)
    assert store.path(asset).read_bytes() == data
    assert store.path(asset).parent.name == asset.sha256[:2]


def test_the_same_bytes_are_one_file(store):
    first, second = store.put(picture_bytes()), store.put(picture_bytes(), index=1)
    assert first.sha256 == second.sha256
    assert list(store.digests()) == [first.sha256]


@pytest.mark.parametrize(("kind", "media_type"), [("JPEG", "image/jpeg"), ("WEBP", "image/webp"), ("GIF", "image/gif")])
def test_the_bytes_say_the_media_type(store, kind, media_type):
    assert store.put(picture_bytes(kind)).media_type == media_type


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (bytes.fromhex("0000001c667479706d703432000000006d70343269736f6d"), "video/mp4"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav"),
        (b"fLaC\0\0\0\x22", "audio/flac"),
        (b"OggS\0\x02", "audio/ogg"),
    ],
)
def test_video_and_sound_are_known_by_their_bytes(store, head, media_type):
    assert store.put(head + bytes(64)).media_type == media_type


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html></html>", b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_no_known_media_is_refused(store, data):
    with pytest.raises(InvalidInputError):
        store.put(data)
    assert list(store.digests()) == []


def test_a_thumbnail_is_small_webp_and_made_once(store):
    asset = store.put(picture_bytes(size=(1000, 500)))
    path = store.thumbnail(asset)
    with Image.open(path) as small:
        assert (small.format, small.size) == ("WEBP", (192, 96))
    stamp = path.stat().st_mtime_ns
    assert store.thumbnail(asset).stat().st_mtime_ns == stamp


def test_video_has_no_thumbnail(store):
    asset = store.put(b"RIFF\x24\0\0\0WAVEfmt " + bytes(64))
    assert store.thumbnail(asset) is None


def test_inputs_may_be_paths_bytes_pictures_arrays_and_stored_files(store, tmp_path):
    path = tmp_path / "in.png"
    path.write_bytes(picture_bytes())
    from_path = store.take(path)
    assert from_path == store.take(str(path)) == store.take(picture_bytes()) == store.take(from_path)
    array = np.zeros((8, 9, 3), np.uint8)
    assert store.image(store.take(array)).size == (9, 8)
    assert store.take(Image.fromarray(array)) == store.take(array)


@pytest.mark.parametrize("source", ["/no/such/file.png", b"nothing", 3.5, picture_bytes()[:-30]])
def test_an_unreadable_input_names_the_parameter_and_the_reason(store, source):
    with pytest.raises(InvalidInputError, match=r"^mask_image "):
        store.take(source, "mask_image")


@pytest.mark.parametrize("digest", ["../../etc/passwd", "ab", "A" * 64, "g" * 64])
def test_a_reference_that_is_no_digest_is_refused(store, digest):
    with pytest.raises(InvalidInputError):
        store.path(AssetRef(digest, "image/png"))


def test_a_failed_write_leaves_nothing_behind(store, monkeypatch):
    def full(_fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(HomeError, match="No space left"):
        store.put(picture_bytes())
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


PROVENANCE = Provenance(
    GenerationRequest(
        "studio-tiny",
        Task.TEXT_TO_IMAGE,
        {
            "prompt": "a red boat",
            "negative_prompt": "blurry",
            "seed": 7,
            "num_inference_steps": 20,
            "guidance_scale": 5.0,
            "width": 128,
            "height": 96,
            "scheduler": "ddim",
            "loras": [Lora("styles/blueprint.safetensors", 0.8)],
        },
    ),
    "diffusers",
    {"torch": "2.13.0"},
)


def test_provenance_round_trips_through_the_png_and_leaves_the_pixels(store):
    plain = picture_bytes()
    marked = embed(plain, PROVENANCE, "DDIM")
    assert read(marked) == PROVENANCE
    assert Image.open(io.BytesIO(marked)).tobytes() == Image.open(io.BytesIO(plain)).tobytes()
    assert embed(plain, PROVENANCE, "DDIM") == marked


def test_the_parameters_text_is_what_other_programs_read(store):
    text = Image.open(io.BytesIO(embed(picture_bytes(), PROVENANCE, "DDIM"))).text["parameters"]
    assert text.splitlines() == [
        "a red boat <lora:blueprint:0.8>",
        "Negative prompt: blurry",
        "Steps: 20, Sampler: DDIM, CFG scale: 5, Seed: 7, Size: 128x96, Model: studio-tiny",
    ]


def test_any_language_survives_in_the_file(store):
    provenance = Provenance(GenerationRequest("m", parameters={"prompt": "赤い船 ⛵"}), "procedural")
    marked = embed(picture_bytes(), provenance)
    assert read(marked) == provenance
    assert Image.open(io.BytesIO(marked)).text["parameters"].startswith("赤い船 ⛵")


def test_a_picture_of_others_has_no_provenance_of_ours(store):
    assert read(picture_bytes()) is None
    assert read(picture_bytes("JPEG")) is None


def test_provenance_holds_no_times_and_no_paths():
    assert set(json.loads(PROVENANCE.to_text())) == {"studio", "request", "engine", "environment", "index"}
