"""A finer sweep around a winner."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_kernel.domain.parameters import STANDARD, Parameter
from studio_kernel.domain.ranges import linspace, logspace
from studio_kernel.domain.refining import refined
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.rules import Rule
from studio_kernel.domain.sampling import latin_hypercube, random_samples, span, zipped
from studio_kernel.domain.sweep import AxisGroup, Computed, Sweep

BASE = GenerationRequest("procedural", parameters={"prompt": "a boat", "seed": 1})


def sweep(*groups, rules=()):
    return Sweep(BASE, groups, tuple(map(Rule.of, rules)))


def axis(name, values):
    return AxisGroup.of(name, list(values))


def finer(made, around, points=5, **more):
    return refined(made, around, STANDARD.get, points=points, **more).axes


def test_an_axis_of_numbers_closes_in_between_the_neighbours():
    made = sweep(axis("guidance_scale", [1.0, 3.0, 5.0, 9.0]))
    assert finer(made, {"guidance_scale": 5.0})["guidance_scale"] == (3.0, 4.0, 5.0, 7.0, 9.0)


def test_whole_numbers_stay_whole_and_stand_once():
    made = sweep(axis("num_inference_steps", [10, 12, 13]))
    assert finer(made, {"num_inference_steps": 12}, 9)["num_inference_steps"] == (10, 11, 12, 13)


def test_the_step_of_a_parameter_is_kept():
    made = sweep(axis("width", [256, 512, 768]))
    values = finer(made, {"width": 512}, 7)["width"]
    assert len(values) == 7
    assert all(value % 8 == 0 for value in values)


def test_a_winner_at_an_end_is_looked_at_from_both_sides_within_the_bounds():
    made = sweep(axis("guidance_scale", [2.0, 4.0]))
    assert finer(made, {"guidance_scale": 4.0})["guidance_scale"] == (2.0, 3.0, 4.0, 5.0, 6.0)
    made = sweep(axis("guidance_scale", [0.0, 4.0]))
    assert finer(made, {"guidance_scale": 0.0})["guidance_scale"] == (0.0, 1.0, 2.0, 3.0, 4.0)


def test_a_logarithmic_axis_stays_logarithmic():
    made = sweep(axis("x", logspace(1, 10_000, 5)))
    assert finer(made, {"x": 100.0})["x"] == pytest.approx((10, 10**1.5, 100, 10**2.5, 1000))
    assert finer(made, {"x": 10_000.0}, 3)["x"] == (1000.0, 10_000.0, 100_000.0)


hundredths = st.integers(0, 3000).map(lambda number: number / 100)


@given(st.lists(hundredths, min_size=2, max_size=8, unique=True), st.integers(3, 12), st.data())
def test_the_winner_and_its_neighbours_are_found_again_and_nothing_leaves_the_bounds(values, points, data):
    values = sorted(values)
    place = data.draw(st.integers(0, len(values) - 1))
    made = finer(sweep(axis("guidance_scale", values)), {"guidance_scale": values[place]}, points)["guidance_scale"]
    assert set(values[max(place - 1, 0) : place + 2]) <= set(made)
    assert len(made) == points
    assert all(0 <= value <= 30 for value in made)
    assert list(made) == sorted(made)


def test_numbers_with_many_digits_are_found_again_exactly():
    values = [1 / 3, 2 / 3, 1.0, 5 / 3]
    made = finer(sweep(axis("guidance_scale", values)), {"guidance_scale": 2 / 3})["guidance_scale"]
    assert {1 / 3, 2 / 3, 1.0} <= set(made)


def test_other_axes_are_held_and_seeds_stay():
    made = sweep(
        axis("scheduler", ["euler", "ddim"]), axis("guidance_scale", linspace(1, 9, 5)), axis("seed", [1, 2, 3])
    )
    found = finer(made, {"scheduler": "ddim", "guidance_scale": 5.0, "seed": 2}, 3)
    assert found == {"scheduler": ("ddim",), "guidance_scale": (3.0, 5.0, 7.0), "seed": (1, 2, 3)}


def test_a_zipped_group_is_held_at_the_winners_point():
    made = sweep(zipped(scheduler=["euler", "ddim"], num_inference_steps=[20, 50]), axis("guidance_scale", [1.0, 5.0]))
    found = refined(made, {"scheduler": "ddim", "guidance_scale": 5.0}, STANDARD.get)
    assert found.groups[0].points == (("ddim", 50),)


def test_a_function_is_held_as_a_function():
    steps = Computed("double", lambda _values: 20)
    made = sweep(axis("num_inference_steps", [steps, 10]), axis("guidance_scale", [1.0, 5.0]))
    found = refined(made, {"num_inference_steps": "double", "guidance_scale": 5.0}, STANDARD.get)
    [(held,)] = found.groups[0].points
    assert held.function is steps.function


@pytest.mark.parametrize("draw", [random_samples, latin_hypercube])
def test_samples_become_a_smaller_hypercube_around_the_winner(draw):
    group = draw(16, guidance_scale=(0.0, 16.0), num_inference_steps=(10, 90), scheduler=["euler", "ddim"])
    winner = dict(zip(group.names, group.points[0], strict=True))
    [found] = refined(sweep(group), winner, STANDARD.get, points=6).groups
    assert found.points[0] == group.points[0]
    assert len(found.points) == 6
    for guidance, steps, scheduler in found.points:
        assert abs(guidance - winner["guidance_scale"]) <= 16 / 4
        assert abs(steps - winner["num_inference_steps"]) <= 80 / 4
        assert isinstance(steps, int)
        assert scheduler == winner["scheduler"]
    assert refined(sweep(group), winner, STANDARD.get, points=6, seed=1).groups != (found,)


def test_samples_that_look_logarithmic_are_drawn_so_again():
    group = latin_hypercube(25, a=span(1.0, 10_000.0, log=True), b=(0.0, 1.0))
    winner = next(point for point in sorted(group.points) if point[0] > 90)
    [found] = refined(sweep(group), {"a": winner[0]}, STANDARD.get, points=20).groups
    assert all(winner[0] / 6.4 < a < winner[0] * 6.4 for a, _ in found.points)  # 10,000 to the power of 1 / 5
    assert min(a for a, _ in found.points) < winner[0] / 2 < winner[0] * 2 < max(a for a, _ in found.points)


def test_rules_stay():
    made = sweep(axis("guidance_scale", [1.0, 5.0, 9.0]), rules=["guidance_scale < 6"])
    assert refined(made, {"guidance_scale": 5.0}, STANDARD.get).size == 3


@pytest.mark.parametrize(
    ("around", "points", "told"),
    [
        ({"guidance_scale": 4.0}, 5, "no cell at guidance_scale 4"),
        ({}, 5, "winner on guidance_scale is missing"),
        ({"guidance_scale": 5.0}, 1, "at least 2"),
    ],
)
def test_what_cannot_be_refined_is_said(around, points, told):
    made = sweep(axis("guidance_scale", [1.0, 5.0]))
    with pytest.raises(ValueError, match=told):
        refined(made, around, STANDARD.get, points=points)


def test_a_sweep_without_numbers_has_nothing_to_refine():
    made = sweep(axis("scheduler", ["euler", "ddim"]), axis("seed", [1, 2]))
    with pytest.raises(ValueError, match="nothing to refine in scheduler, seed"):
        refined(made, {"scheduler": "euler"}, STANDARD.get)


def test_bounds_are_those_of_the_parameter_that_is_asked_for():
    made = sweep(axis("lora:ink", [0.5, 1.0]))
    weight = Parameter("lora:ink", "number", min=-4, max=1.25)
    found = refined(made, {"lora:ink": 1.0}, {"lora:ink": weight}.get, points=3)
    assert found.axes["lora:ink"] == (0.5, 1.0, 1.25)
