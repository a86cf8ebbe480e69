"""Effects, intervals and interactions, against data whose truth is known."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from studio_kernel.effects.estimates import effects, interactions
from studio_kernel.effects.influence import influence
from studio_kernel.effects.plots import plot_effects, plot_interaction
from studio_kernel.errors import InvalidRequestError

AXES = ["guidance_scale", "scheduler", "seed"]
TRUE = {"guidance_scale": {1.0: -2.0, 5.0: 0.5, 9.0: 1.5}, "scheduler": {"euler": 0.25, "ddim": -0.25}}


def additive(rng, *, seeds=12, noise=0.3):
    """Cells whose number is a sum of effects, a large offset of the seed, and noise."""
    offset = rng.normal(0, 5, seeds)
    rows = [
        (g, s, seed, 10 + TRUE["guidance_scale"][g] + TRUE["scheduler"][s] + offset[seed] + rng.normal(0, noise))
        for g, s, seed in itertools.product(TRUE["guidance_scale"], TRUE["scheduler"], range(seeds))
    ]
    return pd.DataFrame(rows, columns=[*AXES, "y"])


def of(table, axis):
    return table[table["axis"] == axis].set_index("value")


def test_true_effects_are_recovered_under_a_far_larger_spread_of_seeds():
    table = effects(additive(np.random.default_rng(1)), AXES, "y")
    for axis, true in TRUE.items():
        found = of(table, axis)
        assert dict(found["effect"]) == pytest.approx(true, abs=0.15)
        assert (found["low"] < found["effect"]).all()
        assert (found["effect"] < found["high"]).all()
        assert (found["high"] - found["low"]).max() < 0.5
    assert of(table, "guidance_scale")["p"].max() < 1e-3


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(itertools.product([1.0, 5.0, 9.0], range(6)), columns=["guidance_scale", "seed"])
    true = frame["guidance_scale"].map(TRUE["guidance_scale"]).to_numpy()
    held = []
    for _ in range(400):
        frame["y"] = true + np.tile(rng.normal(0, 5, 6), 3) + rng.normal(0, 0.3, 18)
        row = effects(frame, ["guidance_scale", "seed"], "y").iloc[1]
        held.append(row["low"] <= TRUE["guidance_scale"][5.0] <= row["high"])
    assert 0.92 < np.mean(held) < 0.98


def test_two_values_agree_with_the_paired_t_test():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"upscale": [False, True] * 9, "seed": np.repeat(range(9), 2), "y": rng.normal(size=18)})
    found = of(effects(frame, ["upscale", "seed"], "y"), "upscale")
    off, on = (frame[frame["upscale"] == value]["y"].to_numpy() for value in (False, True))
    test = stats.ttest_rel(on, off)
    interval = test.confidence_interval(0.95)
    row = found.iloc[1]
    assert found.index[1] is True
    assert row["p"] == pytest.approx(test.pvalue)
    assert (2 * row["low"], 2 * row["high"]) == pytest.approx((interval.low, interval.high))
    assert row["effect"] == pytest.approx((on - off).mean() / 2)


def test_only_complete_blocks_count_and_the_table_says_how_many():
    frame = additive(np.random.default_rng(4), seeds=5, noise=0)
    frame.loc[(frame["seed"] == 0) & (frame["scheduler"] == "ddim") & (frame["guidance_scale"] == 9), "y"] = np.nan
    frame.loc[(frame["seed"] == 1) & (frame["scheduler"] == "euler") & (frame["guidance_scale"] == 1), "y"] = np.inf
    frame = frame[frame["seed"] != 4].copy()
    table = effects(frame, AXES, "y")
    guidance = of(table, "guidance_scale")
    assert list(guidance["n"]) == [6] * 3
    assert list(guidance["blocks"]) == [8] * 3
    assert dict(guidance["effect"]) == pytest.approx(TRUE["guidance_scale"])


def test_one_block_has_an_effect_but_no_interval():
    frame = pd.DataFrame({"seed": [1, 2], "y": [1.0, 3.0]})
    table = effects(frame, ["seed"], "y")
    assert list(table["effect"]) == [-1.0, 1.0]
    assert table[["se", "low", "high", "p"]].isna().all(axis=None)


def test_no_complete_block_gives_no_number_rather_than_a_wrong_one():
    frame = pd.DataFrame({"a": [1, 2], "b": [1, 2], "y": [1.0, 3.0]})
    table = effects(frame, ["a", "b"], "y")
    assert table["effect"].isna().all()
    assert set(table["n"]) == {0}


def test_columns_that_change_together_are_one_axis():
    rows = [(s, n, seed, n + seed) for (s, n), seed in itertools.product([("euler", 20), ("ddim", 50)], range(3))]
    frame = pd.DataFrame(rows, columns=["scheduler", "steps", "seed", "y"])
    table = effects(frame, [("scheduler", "steps"), "seed"], "y")
    assert list(table["axis"].unique()) == ["scheduler with steps", "seed"]
    assert dict(of(table, "scheduler with steps")["effect"]) == {"euler, 20": -15.0, "ddim, 50": 15.0}


def test_a_value_that_was_not_given_is_a_value_too():
    frame = pd.DataFrame({"strength": [None, 0.5] * 2, "seed": [1, 1, 2, 2], "y": [1.0, 2.0, 1.0, 2.0]})
    assert list(effects(frame, ["strength", "seed"], "y")["effect"][:2]) == [-0.5, 0.5]


def test_an_additive_model_has_no_interaction_and_a_product_has():
    frame = additive(np.random.default_rng(5), noise=0)
    table = interactions(frame, AXES, "y", "guidance_scale", "scheduler")
    assert table["interaction"].abs().max() < 1e-9
    frame["y"] += np.where((frame["guidance_scale"] == 9) & (frame["scheduler"] == "ddim"), 6.0, 0.0)
    table = interactions(frame, AXES, "y", "guidance_scale", "scheduler").set_index(["guidance_scale", "scheduler"])
    assert table.loc[(9.0, "ddim"), "interaction"] == pytest.approx(6 * (2 / 3) * (1 / 2))
    assert set(table["n"]) == {12}
    assert (table["mean"] - table["additive"]).to_numpy() == pytest.approx(table["interaction"].to_numpy())


def test_an_axis_does_not_interact_with_itself():
    frame = additive(np.random.default_rng(6), seeds=2)
    with pytest.raises(InvalidRequestError, match="name two axes"):
        interactions(frame, AXES, "y", "seed", "seed")
    with pytest.raises(InvalidRequestError, match="'steps' is not an axis; there are guidance_scale"):
        interactions(frame, AXES, "y", "seed", "steps")


def gap(frame):
    return lambda i, j: {"distance": abs(frame["y"].iloc[i] - frame["y"].iloc[j])}


def test_the_axis_that_moves_most_comes_first():
    rows = [(a, b, 10 * a + b) for a, b in itertools.product(range(3), range(4))]
    frame = pd.DataFrame(rows, columns=["little", "much", "y"]).rename(columns={"little": "much", "much": "little"})
    table = influence(frame, ["little", "much"], gap(frame))
    assert list(table["axis"]) == ["much", "little"]
    assert list(table["pairs"]) == list(table["pairs_total"]) == [4 * 3, 3 * 6]
    assert table["distance"].iloc[0] == pytest.approx(10 * 4 / 3)


def test_too_many_pairs_are_sampled_without_repeats_and_the_same_each_time():
    frame = pd.DataFrame(itertools.product(range(6), range(40)), columns=["seed", "a"])
    seen = []

    def distance(i, j):
        seen.append((i, j))
        return {"distance": 1.0}

    table = influence(frame, ["seed", "a"], distance, max_pairs=50)
    assert list(table["pairs"]) == [50, 50]
    assert sorted(table["pairs_total"]) == sorted([40 * 15, 6 * 780])
    assert len(set(seen)) == 100
    for i, j in seen:
        one, other = frame.iloc[i], frame.iloc[j]
        assert (one["seed"] == other["seed"]) != (one["a"] == other["a"])
    again = list(seen)
    seen.clear()
    influence(frame, ["seed", "a"], distance, max_pairs=50)
    assert seen == again


def test_rows_that_never_differ_in_one_axis_alone_have_no_influence():
    frame = pd.DataFrame({"a": [1, 2], "b": [1, 2], "y": [0.0, 1.0]})
    table = influence(frame, ["a", "b"], gap(frame))
    assert list(table["pairs_total"]) == [0, 0]


def test_the_main_effects_plot_has_a_panel_an_axis_with_means_and_intervals():
    table = effects(additive(np.random.default_rng(7)), AXES, "y")
    figure = plot_effects(table, label="sharpness (grey levels²)")
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_xlabel() for axes in panels] == ["guidance scale", "scheduler", "seed"]
    x, y = panels[0].containers[0][0].get_data()
    assert list(x) == [1.0, 5.0, 9.0]
    assert list(y) == pytest.approx(list(of(table, "guidance_scale")["mean"]))
    assert [text.get_text() for text in panels[1].get_xticklabels()] == ["euler", "ddim"]
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_the_interaction_plot_has_a_line_for_each_value_of_the_second_axis():
    table = interactions(additive(np.random.default_rng(8)), AXES, "y", "guidance_scale", "scheduler")
    (panel,) = plot_interaction(table).axes
    assert [text.get_text() for text in panel.get_legend().get_texts()] == ["euler", "ddim"]
    assert panel.get_xlabel() == "guidance scale"
    assert len(panel.lines) == 4


def test_dollars_and_underscores_in_values_are_drawn_as_they_are():
    frame = pd.DataFrame({"prompt": ["$x", "y_$"] * 2, "seed": [1, 1, 2, 2], "y": [1.0, 2.0, 1.5, 2.2]})
    assert plot_effects(effects(frame, ["prompt", "seed"], "y"))._repr_png_()
    assert plot_interaction(interactions(frame, ["prompt", "seed"], "y", "seed", "prompt"))._repr_png_()
