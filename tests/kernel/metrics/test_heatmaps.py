"""Heat maps: their values, the scale of their colours, what they refuse."""

import numpy as np
import pytest

from studio_kernel.errors import InvalidInputError
from studio_kernel.metrics.heatmaps import heat_map
from studio_kernel.metrics.pairs import delta_e, pixel_difference, similarity

ONE, OTHER = np.random.default_rng(1).random((2, 24, 40, 3))


def with_a_dot():
    flat = np.full((20, 30, 3), 0.5)
    dotted = flat.copy()
    dotted[4, 7] = (1.0, 0.5, 0.5)
    return flat, dotted


@pytest.mark.parametrize("kind", ["absolute", "delta_e", "structure"])
def test_only_where_pictures_differ_there_is_heat(kind):
    heat = heat_map(*with_a_dot(), kind)
    assert heat.values.shape == (20, 30)
    assert heat.values.dtype == np.float32
    assert heat.values[4, 7] == heat.worst > 0.1
    assert heat.values[12:, 15:].max() == pytest.approx(0, abs=1e-5)


def test_the_mean_is_the_metric_of_the_same_pictures():
    assert heat_map(ONE, OTHER).mean == pytest.approx(pixel_difference(ONE, OTHER), rel=1e-5)
    assert heat_map(ONE, OTHER, "delta_e").mean == pytest.approx(delta_e(ONE, OTHER), rel=1e-5)


def test_structure_is_one_minus_the_similarity_around_a_pixel():
    noisy = np.clip(ONE + np.random.default_rng(2).normal(0, 0.02, ONE.shape), 0, 1)
    assert 1 - heat_map(ONE, noisy, "structure").mean == pytest.approx(similarity(ONE, noisy), abs=0.02)


def test_opposite_patterns_are_at_the_end_of_the_scale():
    assert heat_map(ONE, 1 - ONE, "structure").worst == 1


def test_the_scale_does_not_depend_on_the_pictures():
    faint, strong = heat_map(ONE, ONE + 0.001), heat_map(ONE, OTHER)
    assert (faint.low, faint.high) == (strong.low, strong.high) == (0, 1)
    assert heat_map(ONE, OTHER, "delta_e").high == 50
    assert heat_map(ONE, OTHER, "delta_e").unit == "ΔE2000"


def test_the_picture_has_the_first_colour_where_nothing_differs_and_the_last_beyond_the_scale():
    import matplotlib

    first, last = (tuple(round(part * 255) for part in matplotlib.colormaps["magma"](end)[:3]) for end in (0, 255))
    heat = heat_map(*with_a_dot())
    assert heat.picture().getpixel((20, 15)) == first
    assert heat.picture(high=0.1).getpixel((7, 4)) == last
    assert heat.picture().getpixel((7, 4)) not in (first, last)
    assert heat.picture().size == (30, 20)


def test_pictures_of_other_sizes_are_aligned_by_choice():
    with pytest.raises(InvalidInputError, match="cannot be compared"):
        heat_map(ONE, OTHER[:12])
    assert heat_map(ONE, OTHER[:12], sizes="crop").values.shape == (12, 40)
    assert heat_map(ONE, OTHER[:12], sizes="pad").values.shape == (24, 40)


def test_what_means_nothing_is_refused_with_what_there_is():
    heat = heat_map(ONE, OTHER)
    with pytest.raises(InvalidInputError, match="absolute, delta_e, structure"):
        heat_map(ONE, OTHER, "edges")
    with pytest.raises(InvalidInputError, match="no colormap 'lava'"):
        heat.picture("lava")
    with pytest.raises(InvalidInputError, match="no length"):
        heat.picture(high=0)


def test_the_figure_shows_the_scale_with_its_unit():
    figure = heat_map(ONE, OTHER, "delta_e").figure()
    _picture, scale = figure.axes
    assert scale.get_ylabel() == "ΔE2000"
    assert scale.get_ylim() == (0, 50)
    assert figure._repr_png_().startswith(b"\x89PNG")
