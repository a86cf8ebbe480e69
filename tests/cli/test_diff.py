"""``studio diff`` as a person or a program meets it."""

import json

import pytest

QUICK = ["--model", "procedural", "--num-inference-steps", "1", "--width", "32", "--height", "32", "--json"]


@pytest.fixture
def two(studio):
    asked = [("a red boat", "7"), ("a blue boat", "8")]
    return [json.loads(studio("generate", text, "--seed", seed, *QUICK).stdout)["id"] for text, seed in asked]


def test_people_read_what_differs_word_by_word_and_by_how_much(studio, two):
    text = studio("diff", *two).stdout
    assert f"A  {two[0]}" in text
    assert "a [-red-][+blue+] boat" in text
    assert "8 (+1)" in text
    assert "made with: nothing differs" in text


def test_programs_get_rows_with_numbers_and_metrics_when_they_ask(studio, two):
    told = json.loads(studio("diff", *two, "--metrics", "--json").stdout)
    assert [row["id"] for row in told["runs"]] == two
    assert [row["seed_delta"] for row in told["settings"]] == [0, 1]
    assert [row["pixel_difference"] > 0 for row in told["metrics"]] == [False, True]
    assert "metrics" not in json.loads(studio("diff", *two, "--json").stdout)
