"""Stills and thumbnails of videos; sides of what is stored."""

import time

import numpy as np
import pytest
from PIL import Image

import media
from servers.fal_media import video as fal_video
from studio_kernel.assets import AssetStore


@pytest.fixture
def store(tmp_path):
    return AssetStore(tmp_path / "assets")


@pytest.mark.parametrize("kind", media.FILMS)
def test_a_video_has_sides_and_a_thumbnail(store, kind):
    asset = store.put(media.film(kind, size=(640, 360)))
    assert (asset.width, asset.height) == (640, 360)
    with Image.open(store.thumbnail(asset)) as small:
        assert (small.format, small.size) == ("WEBP", (192, 108))


def test_a_film_of_a_service_has_them_too(store):
    asset = store.put(fal_video(3))
    assert (asset.media_type, asset.width, asset.height) == ("video/mp4", 64, 48)
    assert store.thumbnail(asset).is_file()


def test_a_still_is_no_black_frame(store):
    still = np.asarray(store.still(store.put(media.film("webm", dark=7))))
    assert still.shape == (48, 64, 3)
    assert still[:, :20].mean(axis=(0, 1)) == pytest.approx((250, 190, 60), abs=25)


def test_a_video_that_is_black_throughout_shows_that(store):
    asset = store.put(media.film("webm", dark=12))
    assert np.asarray(store.still(asset)).max() < 20
    assert store.thumbnail(asset).is_file()


def test_a_long_black_beginning_is_not_searched_for_ever(store):
    asset = store.put(media.film("webm", dark=2000, frames=2400))
    begun = time.process_time()
    store.thumbnail(asset)
    assert time.process_time() - begun < 1.0


def test_a_sound_has_neither(store):
    asset = store.put(media.sound("mp3"))
    assert (asset.width, asset.height) == (None, None)
    assert store.thumbnail(asset) is None


ODD = [media.film("mp4")[:200], media.film("webm")[:300], media.picture("jpg")[:-20], b"\0\0\0\x18ftypmp42" + bytes(99)]


@pytest.mark.parametrize("data", ODD)
def test_a_file_that_cannot_be_decoded_is_stored_without_a_thumbnail(store, data):
    asset = store.put(data)
    assert store.path(asset).read_bytes() == data
    assert store.thumbnail(asset) is None
