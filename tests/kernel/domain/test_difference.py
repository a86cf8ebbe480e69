"""What differs between runs, told setting by setting."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_kernel.domain.difference import MOST_WORDS, NOTHING, compare, settings_of
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.domain.values import AssetRef, Lora


def record(model="studio-tiny", seed=7, **parameters):
    request = GenerationRequest(model, parameters=parameters)
    return RunRecord("1", request, "diffusers", RunStatus.SUCCEEDED, datetime.now(UTC), seed=seed)


def rows(*runs):
    return {row.name: row for row in compare(runs).differences}


def test_only_what_differs_is_told_and_the_rest_is_counted():
    found = compare([{"seed": 1, "width": 64, "height": 64}, {"seed": 2, "width": 64, "height": 64}])
    assert [row.name for row in found.differences] == ["seed"]
    assert found.same == 2


@pytest.mark.parametrize("runs", [[], [{"seed": 1}]])
def test_fewer_than_two_runs_differ_in_nothing(runs):
    assert compare(runs).differences == ()


def test_numbers_come_with_their_distance_from_the_first():
    row = rows({"guidance_scale": 5.0}, {"guidance_scale": 7.5}, {"guidance_scale": 4}, {"guidance_scale": 5})
    cells = row["guidance_scale"].cells
    assert [(cell.text, cell.delta) for cell in cells] == [("5", ""), ("7.5", "+2.5"), ("4", "−1"), ("5", "")]


def test_the_same_number_in_two_spellings_is_the_same():
    assert rows({"guidance_scale": 5}, {"guidance_scale": 5.0}) == {}


def test_a_switch_is_no_number():
    row = rows({"tiled": True, "depth": 1}, {"tiled": 1, "depth": 1})["tiled"]
    assert [cell.delta for cell in row.cells] == ["", ""]


@pytest.mark.parametrize("nothing", [None, "", ()])
def test_a_setting_that_is_left_out_is_like_one_that_is_empty(nothing):
    assert rows({"negative_prompt": nothing, "seed": 1}, {"seed": 1}) == {}


def test_what_a_run_has_not_is_a_dash():
    row = rows({"clip_skip": 2}, {})["clip_skip"]
    assert [cell.text for cell in row.cells] == ["2", NOTHING]
    assert row.cells[1].delta == ""


def test_prompts_are_told_word_by_word_against_the_first():
    cells = rows({"prompt": "a red boat at sea"}, {"prompt": "a big red ship at sea"})["prompt"].cells
    assert cells[0].words == ()
    changed = [(word.text.strip(), word.change) for word in cells[1].words if word.change != "same"]
    assert changed == [("big", "added"), ("boat", "removed"), ("ship", "added")]


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_words_of_a_prompt_put_together_are_both_prompts(first, second):
    found = rows({"prompt": first}, {"prompt": second})
    if found:
        words = found["prompt"].cells[1].words
        assert "".join(word.text for word in words if word.change != "removed") == second
        assert "".join(word.text for word in words if word.change != "added") == first


def test_very_long_prompts_are_told_without_matching_words():
    cell = rows({"prompt": "a " * MOST_WORDS}, {"prompt": "b " * MOST_WORDS})["prompt"].cells[1]
    assert cell.words == ()


def test_adapters_are_told_by_name_each_with_its_weight():
    one = record(loras=(Lora("film", 0.8), Lora("ink", 1.0)))
    other = record(loras=(Lora("ink", 1.0), Lora("film", 0.5)))
    third = record()
    found = rows(*map(settings_of, (one, other, third)))
    assert [cell.text for cell in found["lora:film"].cells] == ["0.8", "0.5", NOTHING]
    assert found["lora:film"].cells[1].delta == "−0.3"
    assert found["lora:film"].label == "LoRA film"
    assert [cell.text for cell in found["lora:ink"].cells] == ["1", "1", NOTHING]


def test_the_order_of_adapters_makes_no_difference():
    one, other = record(loras=(Lora("film"), Lora("ink"))), record(loras=(Lora("ink"), Lora("film")))
    assert rows(settings_of(one), settings_of(other)) == {}


def test_the_seed_that_was_really_used_counts():
    found = rows(settings_of(record(seed=5)), settings_of(record(seed=6)))
    assert [cell.text for cell in found["seed"].cells] == ["5", "6"]


def test_model_and_task_come_first_then_the_order_of_forms_then_adapters():
    one = {"zeal": 1, "lora:ink": 1.0, "seed": 1, "prompt": "a", "task": "text-to-image", "model": "m"}
    other = {"zeal": 2, "lora:ink": 2.0, "seed": 2, "prompt": "b", "task": "image-to-image", "model": "n"}
    assert list(rows(one, other)) == ["model", "task", "prompt", "seed", "zeal", "lora:ink"]
    assert rows(one, other)["task"].cells[1].text == "Image to image"


def test_input_files_are_told_by_their_digest():
    row = rows({"image": AssetRef("a" * 64, "image/png")}, {"image": AssetRef("b" * 64, "image/png")})["image"]
    assert [cell.text for cell in row.cells] == ["image aaaaaaaa", "image bbbbbbbb"]
    assert row.label == "Input image"
