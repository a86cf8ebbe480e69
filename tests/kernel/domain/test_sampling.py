"""Groups of points that are not a full product."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_kernel.domain.sampling import Span, cells, latin_hypercube, random_samples, span, zipped

seeds = st.integers(0, 2**32 - 1)
counts = st.integers(1, 30)


def test_zipped_axes_move_together():
    group = zipped({"prompt:red": ["red", "blue"]}, num_inference_steps=[20, 50])
    assert group.names == ("prompt:red", "num_inference_steps")
    assert group.points == (("red", 20), ("blue", 50))


@pytest.mark.parametrize(
    ("axes", "told"),
    [
        ({}, "needs axes"),
        ({"a": [1, 2], "b": [1]}, "a has 2, b has 1"),
        ({"a": "1-5"}, "'1-5'; give a list"),
        ({"a": 3}, "give a list"),
        ({"a": []}, "has no values"),
    ],
)
def test_what_cannot_be_zipped_is_said(axes, told):
    with pytest.raises(ValueError, match=told):
        zipped(axes)


def test_a_name_that_is_missing_in_a_cell_is_as_in_the_base():
    group = cells([{"guidance_scale": 3.0}, {"scheduler": "euler", "guidance_scale": 7.0}])
    assert group.names == ("guidance_scale", "scheduler")
    assert group.points == ((3.0, None), (7.0, "euler"))


@pytest.mark.parametrize("points", [[], [{}]])
def test_cells_without_settings_are_refused(points):
    with pytest.raises(ValueError, match="at least one cell"):
        cells(points)


@given(counts, seeds)
def test_random_samples_are_as_many_as_asked_all_different_within_their_spans(count, seed):
    group = random_samples(count, seed=seed, guidance=(1.0, 9.0), steps=(10, 50), scheduler=["euler", "ddim"])
    assert len(set(group.points)) == len(group.points) == count
    for guidance, steps, scheduler in group.points:
        assert isinstance(guidance, float)
        assert 1 <= guidance <= 9
        assert isinstance(steps, int)
        assert 10 <= steps <= 50
        assert scheduler in ("euler", "ddim")


@pytest.mark.parametrize("draw", [random_samples, latin_hypercube])
@given(count=counts, seed=seeds)
def test_the_same_seed_draws_the_same_points_and_another_one_others(draw, count, seed):
    assert draw(count, seed=seed, a=(0.0, 1.0)) == draw(count, seed=seed, a=(0.0, 1.0))
    assert draw(count, seed=seed, a=(0.0, 1.0)) != draw(count, seed=seed + 1, a=(0.0, 1.0))


def test_all_of_a_small_space_can_be_drawn_and_no_more():
    assert {point for (point,) in random_samples(4, {"seed": (1, 4)}).points} == {1, 2, 3, 4}
    with pytest.raises(ValueError, match="only 8 different points of seed, scheduler, not 9"):
        random_samples(9, {"seed": (1, 4)}, scheduler=["euler", "ddim"])


def test_a_span_too_narrow_for_so_many_points_ends_in_words_and_not_in_a_loop():
    with pytest.raises(ValueError, match="too many"):
        random_samples(200_000 // 100, a=span(1.0, 1.001, log=True))


@given(counts, seeds)
def test_a_latin_hypercube_has_a_point_in_each_part_of_every_axis(count, seed):
    group = latin_hypercube(count, seed=seed, a=(0.0, 1.0), b=span(1.0, 100.0, log=True))
    tolerance = 1e-3  # numbers are shortened to be read
    for place, share in [(0, lambda a: a), (1, lambda b: math.log(b, 100))]:
        shares = sorted(share(point[place]) for point in group.points)
        for part, at in enumerate(shares):
            assert part / count - tolerance <= at <= (part + 1) / count + tolerance


def test_a_latin_hypercube_uses_every_choice_and_whole_number_alike():
    group = latin_hypercube(12, steps=(1, 4), scheduler=["euler", "ddim", "heun"])
    assert len(group.points) == 12
    assert [[point[0] for point in group.points].count(steps) for steps in (1, 2, 3, 4)] == [3, 3, 3, 3]
    assert [[point[1] for point in group.points].count(name) for name in ("euler", "ddim", "heun")] == [4, 4, 4]


def test_a_latin_hypercube_drops_points_that_must_meet():
    assert len(set(latin_hypercube(10, a=(1, 3)).points)) == len(latin_hypercube(10, a=(1, 3)).points) == 3


@given(st.integers(1, 1000), st.integers(1, 1000), st.booleans(), st.floats(0, 1, exclude_max=True))
def test_a_span_of_whole_numbers_stays_whole_and_inside(low, width, log, share):
    number = span(low, low + width, log=log).at(share)
    assert isinstance(number, int)
    assert low <= number <= low + width


def test_a_logarithmic_span_has_as_many_samples_in_each_decade():
    values = [value for (value,) in random_samples(600, a=span(1.0, 1000.0, log=True)).points]
    for low in (1, 10, 100):
        assert 150 < sum(low <= value < 10 * low for value in values) < 250


@pytest.mark.parametrize(
    ("low", "high", "log", "told"),
    [(2, 1, False, "lower end comes first"), (1, 1, False, "empty"), (0, 1, True, "above 0"), ("a", 1, False, "'a'")],
)
def test_an_empty_span_is_refused(low, high, log, told):
    with pytest.raises(ValueError, match=told):
        Span(low, high, log)


def test_pairs_of_numbers_are_spans_and_other_tuples_and_lists_are_choices():
    assert {value for (value,) in random_samples(2, a=[1, 9]).points} == {1, 9}
    assert {value for (value,) in random_samples(2, a=("x", "y")).points} == {"x", "y"}
    assert len(random_samples(5, a=(1, 9)).points) == 5


@pytest.mark.parametrize("draw", [random_samples, latin_hypercube])
def test_samples_of_nothing_are_refused(draw):
    with pytest.raises(ValueError, match="count 0"):
        draw(0, a=(1, 2))
    with pytest.raises(ValueError, match="samples need axes"):
        draw(3)
