"""Which axes go where, and which cell stands in a place."""

import pytest

from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.rules import Rule
from studio_kernel.domain.sweep import AxisGroup, Sweep
from studio_kernel.errors import InvalidRequestError
from studio_kernel.grid.cells import GridCell
from studio_kernel.grid.grid import Grid
from studio_kernel.grid.layout import arrange

SEED = AxisGroup.of("seed", [1, 2])
GUIDANCE = AxisGroup.of("guidance_scale", [3, 5, 7])
ZIPPED = AxisGroup(("scheduler", "num_inference_steps"), (("euler", 20), ("ddim", 50)))
SPARSE = AxisGroup(("width", "height"), ((64, 64), (64, 32), (32, 64)))


def sweep_of(*groups, rules=()):
    base = GenerationRequest("procedural", parameters={"prompt": "a boat"})
    return Sweep(base, groups, tuple(Rule.of(rule) for rule in rules))


def grid_of(sweep, *names, **options):
    cells = {
        tuple(cell.coordinates[name] for name in sweep.axes): GridCell("planned", str(cell.index))
        for cell in sweep.cells()
    }
    return Grid(sweep, cells, arrange(sweep, *names, **options))


def test_the_last_group_goes_across_and_the_one_before_it_down():
    grid = grid_of(sweep_of(ZIPPED, GUIDANCE, SEED))
    assert grid.rows == ((3,), (5,), (7,))
    assert grid.columns == ((1,), (2,))
    assert grid.title == "a boat · scheduler euler · steps 20"


def test_an_axis_that_follows_from_a_placed_one_is_written_beside_it():
    grid = grid_of(sweep_of(ZIPPED, SEED), "scheduler", "seed")
    assert grid.rows == (("euler", 20), ("ddim", 50))
    assert grid.cell(("ddim", 50), 2).note == "3"
    assert grid.title == "a boat"


def test_sides_can_hold_several_axes_the_outermost_first():
    grid = grid_of(sweep_of(GUIDANCE, ZIPPED, SEED), ["seed", "guidance_scale"], "scheduler")
    assert grid.rows == ((1, 3), (1, 5), (1, 7), (2, 3), (2, 5), (2, 7))
    assert grid.columns == (("euler", 20), ("ddim", 50))
    assert grid.cell((2, 3), ("ddim", 50)).coordinates == {}
    assert grid.cell((2, 3), ("ddim", 50)).note == "3"


def test_a_place_that_has_no_point_says_so():
    grid = grid_of(sweep_of(SPARSE), "width", "height")
    assert grid.shape == (2, 2)
    assert grid.cell(64, 32).note == "1"
    assert grid.cell(32, 32).status == "no such point"


def test_only_values_that_occur_are_shown_along_a_side():
    grid = grid_of(sweep_of(SPARSE, SEED), ["width", "height"])
    assert grid.rows == ((64, 64), (64, 32), (32, 64))
    assert grid_of(sweep_of(SPARSE), "width", [], at={"height": 32}).rows == ((64,),)


def test_an_axis_that_is_neither_placed_nor_following_shows_its_first_value_that_occurs():
    grid = grid_of(sweep_of(SPARSE, SEED), "seed", [])
    assert grid.layout.fixed == {"width": 64, "height": 64}


def test_an_axis_that_follows_only_from_two_sides_is_told_to_differ():
    corners = AxisGroup(("a", "b", "c"), tuple((a, b, a ^ b) for a in (0, 1) for b in (0, 1)))
    grid = grid_of(sweep_of(corners), "a", "b")
    assert [grid.cell(a, b).note for a in (0, 1) for b in (0, 1)] == ["0", "1", "2", "3"]
    assert grid.title == "a boat · c differs"


def test_what_a_rule_leaves_out_names_the_rule():
    sweep = sweep_of(GUIDANCE, SEED, rules=["guidance_scale < 7 or seed == 1"])
    cell = grid_of(sweep).cell(7, 2)
    assert (cell.status, cell.note) == ("left out", "by the rule “guidance_scale < 7 or seed == 1”")


def test_a_facet_is_a_panel_of_its_own():
    grid = grid_of(sweep_of(GUIDANCE, ZIPPED, SEED), "scheduler", "seed", "guidance_scale")
    assert grid.facets == ((3,), (5,), (7,))
    assert grid.cell(("euler", 20), 2, 5).note == "5"
    assert [title for title, _ in grid.drawing().panels] == [f"guidance scale {n}" for n in (3, 5, 7)]


def test_a_sweep_without_axes_is_one_cell():
    grid = grid_of(sweep_of())
    assert grid.shape == (1, 1)
    assert grid.cell().note == "0"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": "steps"}, "'steps' is not an axis; there are width, height, seed"),
        ({"rows": "seed", "columns": "seed"}, "'seed' is placed twice"),
        ({"rows": "seed", "at": {"seed": 1}}, "'seed' is placed twice"),
        ({"at": {"seed": 9}}, "seed has no value 9; it has 1, 2"),
        ({"at": {"width": 32, "height": 32}}, "no point of the sweep has width 32, height 32"),
        ({"at": {"seed": object()}}, "seed has no value <object"),
    ],
)
def test_what_cannot_be_laid_out_is_refused(options, message):
    with pytest.raises(InvalidRequestError, match=message):
        arrange(sweep_of(SPARSE, SEED), **options)


def test_a_place_that_is_none_is_refused():
    with pytest.raises(InvalidRequestError, match="no place along the rows, which are guidance_scale"):
        grid_of(sweep_of(GUIDANCE, SEED)).cell((), 1)
