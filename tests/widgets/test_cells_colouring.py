"""Numbers on cells: their colours, their order and their words."""

import math

import pytest
from matplotlib import colormaps
from matplotlib.colors import to_hex

from studio_kernel.metrics import registry
from studio_kernel.settings import Home
from studio_widgets.cells import colouring
from studio_widgets.cells.table import Table, Tile

NUMBERS = {"a": 2.0, "b": 4.0, "c": math.inf, "d": math.nan}


def table(*runs):
    tiles = tuple(Tile(run, "succeeded", f"seed {run}") for run in runs)
    return Table("seed", "", tuple(runs), ("",), tiles)


def test_the_colours_are_those_of_cividis_without_its_darkest_tenth():
    stops = len(colouring.COLOURS)
    expected = [to_hex(colormaps["cividis"](0.1 + 0.9 * stop / (stops - 1))) for stop in range(stops)]
    assert list(colouring.COLOURS) == expected


def test_shades_lie_between_the_smallest_and_the_largest_number_that_is_finite():
    found = colouring.coloured(table("a", "b", "c", "d", "e"), "psnr", NUMBERS)
    assert [tile.shade for tile in found.tiles] == [0.0, 1.0, 1.0, None, None]
    assert [tile.number for tile in found.tiles] == ["2 dB", "4 dB", "∞ dB", "no number", ""]
    assert (found.scale.label, found.scale.low, found.scale.high) == ("PSNR (dB)", "2", "4")


def test_without_numbers_there_is_no_scale():
    assert colouring.coloured(table("a"), "psnr", {}).scale is None


def test_what_the_others_are_compared_with_says_so():
    assert colouring.coloured(table("a", "b"), "psnr", NUMBERS, against="a").tiles[0].number == "reference"


@pytest.mark.parametrize(("order", "expected"), [("highest", "cbade"), ("lowest", "abcde"), ("", "dabce")])
def test_cells_without_a_number_come_last_either_way(order, expected):
    given = "dabce" if not order else "adbce"
    found = colouring.ordered(table(*given), order, NUMBERS)
    assert "".join(tile.run for tile in found.tiles) == expected
    assert found.flows is bool(order)


def test_places_without_a_cell_are_no_part_of_an_order():
    given = Table("seed", "", ("1", "2"), ("",), (Tile("", "left out", "seed 1"), Tile("a", "succeeded", "seed 2")))
    assert [tile.run for tile in colouring.ordered(given, "highest", NUMBERS).tiles] == ["a"]


def test_units_that_would_not_fit_on_a_cell_are_said_beside_the_scale():
    assert colouring.words_of("sharpness", 1.234) == "1.23"
    found = colouring.coloured(table("a", "b"), "sharpness", NUMBERS)
    assert found.scale.label == "Sharpness (grey levels²)"


def test_a_metric_of_a_package_that_does_not_work_is_not_offered(home, tmp_path, monkeypatch):
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\nbeauty = no_such_module:BEAUTY\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry._installed.cache_clear()
    try:
        assert "beauty" in registry.metric_names()
        assert "beauty" not in [name for _label, name in colouring.offered(Home.at(home))]
    finally:
        registry._installed.cache_clear()
