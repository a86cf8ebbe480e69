"""What the metrics say of pictures whose answer is known."""

import math

import numpy as np
import pytest
from PIL import Image

from studio_kernel.errors import InvalidInputError, InvalidRequestError
from studio_kernel.metrics.arrays import rgb
from studio_kernel.metrics.pairs import pixel_difference, psnr, similarity
from studio_kernel.metrics.pictures import (
    brightness,
    colourfulness,
    contrast,
    entropy,
    file_bits_per_pixel,
    file_entropy,
    sharpness,
)
from studio_kernel.metrics.registry import METRICS, metric_of

NOISE = np.random.default_rng(1).integers(0, 256, (32, 48, 3), np.uint8)
FLAT = Image.new("RGB", (16, 16), (90, 90, 90))
CHECKS = Image.fromarray(np.kron(np.indices((8, 8)).sum(0) % 2, np.ones((4, 4))).astype(np.uint8) * 255)


@pytest.mark.parametrize("metric", [sharpness, contrast, colourfulness, entropy])
def test_a_flat_grey_has_nothing(metric):
    assert metric(FLAT) == pytest.approx(0, abs=1e-9)
    assert not math.copysign(1, metric(FLAT)) < 0


def test_sharpness_is_the_variance_of_the_laplacian():
    ramp_with_a_dot = np.zeros((5, 5), np.uint8)
    ramp_with_a_dot[2, 2] = 10
    expected = np.zeros((5, 5))
    expected[2, 2] = -40
    expected[[1, 3, 2, 2], [2, 2, 1, 3]] = 10
    assert sharpness(ramp_with_a_dot) == pytest.approx(expected.var())


def test_blurring_takes_sharpness_away():
    from PIL import ImageFilter

    assert sharpness(CHECKS.filter(ImageFilter.GaussianBlur(2))) < sharpness(CHECKS) / 2


def test_black_and_white_in_equal_parts_is_the_most_contrast_and_one_bit():
    assert contrast(CHECKS) == pytest.approx(0.5)
    assert entropy(CHECKS) == pytest.approx(1.0)
    assert brightness(CHECKS) == pytest.approx(0.5)


def test_colourfulness_follows_its_formula():
    half = np.zeros((2, 2, 3), np.uint8)
    half[0] = (255, 0, 0)  # rg is 255 and 0, yb is 127.5 and 0
    expected = math.hypot(127.5, 63.75) + 0.3 * math.hypot(127.5, 63.75)
    assert colourfulness(half) == pytest.approx(expected)


def test_what_is_transparent_lies_on_white():
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    assert brightness(clear) == pytest.approx(1.0)
    half = Image.new("RGBA", (4, 4), (0, 0, 0, 51))
    assert brightness(half) == pytest.approx(0.8)


def test_greyscale_palettes_sixteen_bits_and_arrays_read_the_same():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    same = [
        Image.fromarray(grey),
        Image.fromarray(grey).convert("P"),
        Image.fromarray(grey.astype(np.uint16) * 257),
        grey,
        grey / 255.0,
    ]
    for picture in same:
        np.testing.assert_allclose(rgb(picture)[..., 1] * 255, grey, atol=1e-9)


@pytest.mark.parametrize("wrong", [np.zeros((2, 3, 5)), np.zeros(4), object(), "no-such-file.png"])
def test_what_is_no_picture_is_refused(wrong):
    with pytest.raises(InvalidInputError):
        rgb(wrong)


def test_a_picture_is_wholly_similar_to_itself():
    assert similarity(NOISE, NOISE) == pytest.approx(1.0)
    assert psnr(NOISE, NOISE) == math.inf
    assert pixel_difference(NOISE, NOISE) == 0


def test_similarity_falls_with_noise_and_colour_counts():
    little = np.clip(NOISE.astype(int) + np.random.default_rng(2).integers(-9, 10, NOISE.shape), 0, 255)
    other = np.random.default_rng(3).integers(0, 256, NOISE.shape, np.uint8)
    assert 1 > similarity(NOISE, little.astype(np.uint8)) > 0.9 > 0.2 > similarity(NOISE, other)
    swapped = NOISE[..., ::-1].copy()
    assert similarity(NOISE, swapped) < 0.9


def test_psnr_and_difference_of_a_known_step():
    black, grey = np.zeros((9, 9, 3)), np.full((9, 9, 3), 0.1)
    assert psnr(black, grey) == pytest.approx(20.0)
    assert pixel_difference(black, grey) == pytest.approx(0.1)


@pytest.mark.parametrize("metric", [similarity, psnr, pixel_difference])
def test_other_sizes_are_refused_unless_they_are_to_be_scaled(metric):
    small = FLAT.resize((8, 12))
    with pytest.raises(InvalidInputError, match=r"8 × 12 and 16 × 16.*sizes='scale'"):
        metric(small, FLAT)
    assert metric(small, FLAT, sizes="scale") == pytest.approx(metric(FLAT, FLAT), abs=1e-9)


def test_similarity_of_tiny_pictures_is_refused_with_the_reason():
    with pytest.raises(InvalidInputError, match="7 pixels"):
        similarity(np.zeros((6, 20, 3)), np.zeros((6, 20, 3)))


def test_file_metrics_read_the_bytes(tmp_path):
    path = tmp_path / "bytes"
    path.write_bytes(bytes(range(256)) * 3)
    assert file_entropy(path) == pytest.approx(8.0)
    path.write_bytes(b"aabb")
    assert file_entropy(path) == pytest.approx(1.0)
    picture = tmp_path / "flat.bmp"
    FLAT.save(picture)
    assert file_bits_per_pixel(picture) == picture.stat().st_size * 8 / 256


def test_every_metric_says_what_it_is():
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.summary.startswith("Return ")


def test_an_unknown_metric_is_refused_with_the_names():
    with pytest.raises(InvalidRequestError, match="'sharpnes' is no metric; there are sharpness"):
        metric_of("sharpnes")
