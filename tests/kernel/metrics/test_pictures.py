"""What the metrics say of pictures whose answer is known."""

import math

import numpy as np
import pytest
from PIL import Image

from studio_kernel.errors import InvalidInputError, InvalidRequestError
from studio_kernel.metrics.arrays import rgb
from studio_kernel.metrics.pairs import (
    delta_e,
    matched,
    ms_ssim,
    phash_distance,
    pixel_difference,
    psnr,
    similarity,
)
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


def test_cropping_compares_the_middle_pixel_by_pixel():
    one, other = matched(NOISE, NOISE[4:-4, 8:-8], "crop")
    np.testing.assert_array_equal(one, other)
    assert one.shape == (24, 32, 3)


def test_padding_lays_the_smaller_one_in_the_middle_on_white():
    tall, wide = np.zeros((4, 2, 3)), np.zeros((2, 4, 3))
    one, other = matched(tall, wide, "pad")
    assert one.shape == other.shape == (4, 4, 3)
    assert one[:, 1:3].max() == 0
    assert one[:, [0, 3]].min() == 1
    assert other[1:3].max() == 0
    assert other[[0, 3]].min() == 1


def test_an_unknown_way_to_align_is_refused_also_where_sizes_are_the_same():
    with pytest.raises(InvalidInputError, match="'stretch' is none of same, scale, crop, pad"):
        psnr(FLAT, FLAT, sizes="stretch")


def test_colour_differences_are_those_of_published_test_data():
    from skimage.color import lab2rgb

    # G. Sharma, W. Wu, E. N. Dalal 2005, table 1: pairs 25 and 28, of which sRGB has the colours.
    pairs = [
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ]
    for one, other, expected in pairs:
        pictures = [lab2rgb(np.array([[colour]])) for colour in (one, other)]
        assert delta_e(*pictures) == pytest.approx(expected, abs=0.01)
    assert delta_e(np.ones((3, 3, 3)), np.zeros((3, 3, 3))) == pytest.approx(100, abs=0.01)


def test_colour_difference_is_the_mean_over_all_strips():
    left = np.zeros((130, 2, 3))
    right = left.copy()
    right[-1] = 1
    assert delta_e(left, right) == pytest.approx(100 / 130, abs=1e-3)


def test_a_perceptual_hash_stands_small_changes_and_tells_pictures_apart():
    smooth = np.random.default_rng(5).random((4, 4, 3))
    from studio_kernel.metrics.arrays import scaled

    picture, other = scaled(smooth, 128, 128), scaled(smooth[::-1, ::-1], 128, 128)
    assert phash_distance(picture, picture) == 0
    assert phash_distance(picture, np.clip(picture + 0.02, 0, 1)) <= 4
    assert phash_distance(picture, other) >= 16


def test_ms_ssim_falls_with_noise():
    picture = np.random.default_rng(6).random((168, 176, 3))
    noisy = np.clip(picture + np.random.default_rng(7).normal(0, 0.1, picture.shape), 0, 1)
    assert ms_ssim(picture, picture) == pytest.approx(1)
    assert 0.5 < ms_ssim(picture, noisy) < 0.999


def test_ms_ssim_of_small_pictures_is_refused_with_the_side_it_needs():
    with pytest.raises(InvalidInputError, match="161 pixels on each side, not 200 × 160"):
        ms_ssim(np.zeros((160, 200, 3)), np.zeros((160, 200, 3)))
    assert ms_ssim(np.zeros((161, 161, 3)), np.zeros((161, 161, 3))) == pytest.approx(1)


PAIRS = [metric.name for metric in METRICS.values() if metric.kind == "pair" and not metric.needs]


@pytest.mark.parametrize("name", PAIRS)
def test_it_does_not_matter_which_picture_of_a_pair_is_the_reference(name):
    one, other = np.random.default_rng(8).random((2, 168, 176, 3))
    compare = METRICS[name].function
    assert compare(one, other) == pytest.approx(compare(other, one), rel=1e-5)


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
