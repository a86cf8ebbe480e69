"""Runs beside each other: tables of what differs, what they took, and what a notebook shows."""

import pytest

import studio_kernel as sk
from studio_kernel.errors import InvalidInputError, InvalidRequestError, UnknownRunError

SMALL = {"model": "procedural", "num_inference_steps": 1, "width": 32, "height": 32, "progress": False}


@pytest.fixture
def studio(home):
    with sk.open(home, runner="inline") as studio:
        yield studio


@pytest.fixture
def three(studio):
    """Three runs that differ in prompt, seed and guidance."""
    asked = [("a red boat", 1, 5.0), ("a big red boat", 2, 7.5), ("a red boat", 1, 4.0)]
    return [studio.generate(text, seed=seed, guidance_scale=scale, **SMALL) for text, seed, scale in asked]


def test_the_table_of_settings_has_only_what_differs_a_row_a_run(studio, three):
    table = studio.compare(*three).parameters
    assert list(table.index) == ["A", "B", "C"]
    assert list(table.columns) == ["prompt", "guidance_scale", "guidance_scale_delta", "seed", "seed_delta"]


def test_numbers_keep_their_type_and_come_with_their_distance_from_the_first(studio, three):
    table = studio.compare(*three).parameters
    assert list(table["guidance_scale_delta"]) == [0, 2.5, -1.0]
    assert str(table["seed"].dtype) == "Int64"
    assert str(table["prompt"].dtype) == "str"


def test_a_setting_that_one_run_has_not_is_empty(studio, three):
    other = studio.generate("a red boat", seed=1, guidance_scale=5.0, negative_prompt="fog", **SMALL)
    table = studio.compare(three[0], other).parameters
    assert list(table["negative_prompt"].isna()) == [True, False]


def test_runs_are_named_by_themselves_or_by_a_part_of_their_id(studio, three):
    comparison = studio.compare(three[0], three[1].id)
    assert [record.id for record in comparison.records] == [three[0].id, three[1].id]
    with pytest.raises(UnknownRunError):
        studio.compare(three[0], "no-such-run")


def test_one_run_is_nothing_to_compare(studio, three):
    with pytest.raises(InvalidRequestError, match="at least 2"):
        studio.compare(three[0])


def test_captions_say_what_each_run_took(studio, three):
    table = studio.compare(*three).captions
    assert list(table["id"]) == [run.id for run in three]
    assert list(table["elapsed_s"]) == [run.elapsed_s for run in three]
    assert list(table["where"]) == ["here"] * 3
    assert table["cost_usd"].isna().all()
    assert list(table["width"]) == [32] * 3


def test_what_two_runs_of_the_same_engine_were_made_with_is_the_same(studio, three):
    comparison = studio.compare(*three)
    assert comparison.provenance.columns.empty
    assert comparison.conditions.same > 0


def test_a_notebook_shows_pictures_and_what_differs(studio, three):
    html = studio.compare(*three)._repr_html_()
    assert html.count("<img") == 3
    assert "big" in html.partition("<ins>")[2].partition("</ins>")[0]
    assert "Nothing in what they were made with differs" in html


def test_what_people_wrote_is_escaped(studio):
    runs = [studio.generate(text, seed=1, **SMALL) for text in ("<b>boat</b>", "<script>x</script>")]
    assert "<script" not in studio.compare(*runs)._repr_html_()


def test_pictures_are_measured_against_the_first(studio, three):
    table = studio.compare(*three).metrics
    assert list(table.index) == ["A", "B", "C"]
    assert table["pixel_difference"]["A"] == 0
    assert table["pixel_difference"]["B"] > 0
    assert list(table["id"]) == [run.id for run in three]


def test_a_heat_map_is_of_the_two_runs_that_are_named(studio, three):
    comparison = studio.compare(*three)
    assert comparison.heatmap(1, 1).worst == 0
    assert comparison.heatmap().mean == pytest.approx(comparison.metrics["pixel_difference"]["B"])
    with pytest.raises(InvalidInputError, match="0 to 2"):
        comparison.heatmap(3)


def test_different_sizes_are_scaled_unless_they_are_to_be_the_same(studio, three):
    other = studio.generate("a red boat", seed=1, **{**SMALL, "width": 64})
    assert studio.compare(three[0], other).heatmap().values.shape == (32, 32)
    assert studio.compare(three[0], other, sizes="pad").heatmap().values.shape == (32, 64)
    with pytest.raises(InvalidInputError):
        studio.compare(three[0], other, sizes="same").heatmap()


def test_a_figure_shows_pictures_captions_and_heat_maps_with_a_scale(studio, three):
    figure = studio.compare(*three).figure("delta_e")
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[0].startswith("A · procedural")
    assert titles[4].startswith("B against A, mean ")
    assert "ΔE" in figure.axes[-1].get_ylabel()
