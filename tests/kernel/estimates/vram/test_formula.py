"""The rule of thumb and its stated properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_kernel.domain.estimate import Confidence, MemoryBasis, Setup
from studio_kernel.estimates.vram.formula import Base, base_of_weights, estimate, scaled_bytes

GIB = 1 << 30
sides = st.integers(1, 8192)
frames = st.integers(1, 1000)
bases = st.builds(Base, st.integers(1, 200 * GIB), sides, sides, frames)


@pytest.mark.parametrize(
    ("width", "height", "num_frames", "factor"),
    [
        (1024, 1024, 10, 1.0),
        (2048, 1024, 10, 1.3),
        (2048, 2048, 10, 1.9),
        (1024, 1024, 20, 1.2),
        (2048, 1024, 20, 1.56),
        (512, 512, 10, 0.775),
        (1024, 1024, 5, 0.9),
    ],
)
def test_the_rule_is_the_stated_one(width, height, num_frames, factor):
    base = Base(10 * GIB, 1024, 1024, 10)
    assert scaled_bytes(base, width, height, num_frames) == round(10 * GIB * factor)


@given(base=bases)
def test_at_its_own_size_a_base_is_itself(base):
    assert scaled_bytes(base, base.width, base.height, base.num_frames) == base.vram_bytes


@given(base=bases, width=sides, height=sides, num_frames=frames)
def test_more_pixels_or_frames_never_take_less(base, width, height, num_frames):
    less = scaled_bytes(base, width, height, num_frames)
    assert less <= scaled_bytes(base, width + 1, height, num_frames)
    assert less <= scaled_bytes(base, width, height, num_frames + 1)


@given(base=bases, width=sides, height=sides, num_frames=frames)
def test_below_the_base_something_is_left(base, width, height, num_frames):
    # at no pixels and no frames at all the factors are 0.7 and 0.8
    assert scaled_bytes(base, width, height, num_frames) >= 0.56 * base.vram_bytes - 1


@given(base=bases, width=sides, height=sides)
def test_only_the_number_of_pixels_matters(base, width, height):
    assert scaled_bytes(base, width, height) == scaled_bytes(base, height, width)


@given(base=bases, weights=st.dictionaries(st.text(), st.integers(0, 100 * GIB)), images=st.integers(1, 64))
def test_an_estimate_is_never_below_the_weights(base, weights, images):
    found = estimate(base, Setup(device="cuda"), 64, 64, weights=weights, num_images=images)
    assert found.vram_bytes >= sum(weights.values())
    assert found.device_bytes > found.vram_bytes


def test_each_picture_counts_with_its_pixels():
    base = Base(GIB, 512, 512)
    assert estimate(base, Setup(), 512, 512, num_images=4).vram_bytes == scaled_bytes(base, 1024, 1024)


def test_it_says_that_it_is_a_rule_of_thumb():
    found = estimate(base_of_weights(2 * GIB, 512, 512), Setup(), 512, 512)
    assert (found.basis, found.confidence) == (MemoryBasis.FORMULA, Confidence.LOW)
    assert "rule of thumb" in found.warnings[0]
    assert "weights" in found.warnings[0]


def test_it_says_that_it_knows_no_offloading():
    found = estimate(Base(GIB, 512, 512), Setup(offload="model"), 512, 512)
    assert any("offloading" in warning for warning in found.warnings)


def test_a_base_of_nothing_is_refused():
    with pytest.raises(ValueError, match="below 1"):
        Base(0, 512, 512)
