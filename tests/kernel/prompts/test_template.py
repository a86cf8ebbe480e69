"""Templates of prompts: what their marks stand for."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_kernel.prompts.matrix import prompt_matrix
from studio_kernel.prompts.template import (
    MAX_DEPTH,
    alternatives,
    escape,
    has_marks,
    is_wildcard_name,
    resolve,
    wildcards_in,
)

WILDCARDS = {
    "animal": ("cat", "{big|small} __colour__ dog"),
    "colour": ("red", "blue", "green"),
    "style/painter": ("Monet",),
    "a": ("__b__",),
    "b": ("x", "y __a__"),
}
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
marked = st.text("ab{|}\\_ ", max_size=30)


def all_of(text, count=200):
    return {resolve(text, seed, WILDCARDS) for seed in range(count)}


@pytest.mark.parametrize(
    ("text", "stands_for"),
    [
        ("a {red|blue} boat", {"a red boat", "a blue boat"}),
        ("{a {big|small} dog|cat}", {"a big dog", "a small dog", "cat"}),
        ("a boat{|, at night}", {"a boat", "a boat, at night"}),
        ("__colour__", {"red", "blue", "green"}),
        ("__style/painter__", {"Monet"}),
        (
            "__animal__",
            {"cat"} | {f"{size} {colour} dog" for size in ("big", "small") for colour in WILDCARDS["colour"]},
        ),
    ],
)
def test_a_template_stands_for_every_one_of_its_texts_and_no_other(text, stands_for):
    assert all_of(text) == stands_for


@pytest.mark.parametrize(
    "text",
    [
        '{"scene": "a boat", "size": {"width": 3}}',
        "a {boat}",
        "{a|b",
        "a|b}",
        "a|b",
        "snake_case",
        "_a_",
        "____",
        r"\(a\)",
    ],
)
def test_what_is_no_mark_stays_as_it_is(text):
    assert not has_marks(text)
    assert resolve(text, 1, {}) == text
    assert alternatives(text) == {}


@pytest.mark.parametrize(
    ("text", "plain"), [(r"\{a\|b\}", "{a|b}"), (r"\__init__", "__init__"), (r"{\||a}", {"|", "a"})]
)
def test_marks_behind_a_backslash_are_text(text, plain):
    assert has_marks(text)
    assert all_of(text) == (plain if isinstance(plain, set) else {plain})


@given(texts | marked)
def test_an_escaped_text_stands_for_itself(text):
    assert resolve(escape(text), 3, {}) == text
    assert alternatives(escape(text)) == {}
    assert wildcards_in(escape(text)) == ()


@given(marked, st.integers(0, 2**32 - 1))
def test_a_text_without_marks_is_left_as_it_is_and_none_breaks_anything(text, seed):
    found = resolve(text, seed, dict.fromkeys(wildcards_in(text), ("w",)))
    assert has_marks(text) or found == text


@given(marked)
def test_a_seed_chooses_one_of_the_alternatives_that_are_listed(text):
    wildcards = dict.fromkeys(wildcards_in(text), ("w",))
    for braces, listed in alternatives(text).items():
        assert resolve(braces, 5, wildcards) in {resolve(each, 5, wildcards) for each in listed}


@given(st.integers(0, 2**32 - 1))
def test_the_same_seed_chooses_the_same(seed):
    assert resolve("{a|b|c} __animal__", seed, WILDCARDS) == resolve("{a|b|c} __animal__", seed, WILDCARDS)


def test_another_process_chooses_the_same():
    script = (
        "from studio_kernel.prompts.template import resolve\n"
        "print([resolve('{a|b|c} __x__', seed, {'x': ('1', '2', '3')}) for seed in range(8)])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str([resolve("{a|b|c} __x__", seed, {"x": ("1", "2", "3")}) for seed in range(8)])


def test_what_is_chosen_today_is_chosen_by_every_version():
    chosen = [resolve("{a|b|c}{a|b|c} __colour__", seed, WILDCARDS, "prompt") for seed in (0, 1, 7, 2**32 - 1)]
    assert chosen == ["cb blue", "bb red", "ca blue", "ab red"]


def test_choices_are_independent_of_each_other_and_even():
    pairs = [resolve("{a|b} {a|b}", seed, {}) for seed in range(400)]
    assert all(70 < pairs.count(pair) < 130 for pair in ("a a", "a b", "b a", "b b"))
    lines = [resolve("__colour__ __colour__", seed, WILDCARDS).split() for seed in range(400)]
    assert 90 < sum(one == other for one, other in lines) < 180


def test_a_change_elsewhere_in_the_prompt_leaves_a_choice_as_it_is():
    for seed in range(20):
        before = resolve("a __colour__ boat", seed, WILDCARDS).split()[1]
        assert resolve("{big|small}, a fine __colour__ boat", seed, WILDCARDS).split()[3] == before


def test_places_choose_independently():
    pairs = {tuple(resolve("{a|b}", seed, {}, place) for place in ("prompt", "negative_prompt")) for seed in range(40)}
    assert len(pairs) == 4


@pytest.mark.parametrize("seed", range(4))
def test_what_is_wrong_with_a_wildcard_is_said_whatever_the_seed(seed):
    with pytest.raises(ValueError, match="circle: a → b → a"):
        resolve("__a__", seed, WILDCARDS)
    with pytest.raises(ValueError, match=r"'animl' is not a wildcard; did you mean 'animal'\? there are a, animal, b"):
        resolve("{x|__animl__}", seed, WILDCARDS)
    with pytest.raises(ValueError, match="there are none"):
        resolve("__animal__", seed, {})


def test_depth_has_an_end():
    deep = "{a|" * (MAX_DEPTH + 5) + "b" + "}" * (MAX_DEPTH + 5)
    with pytest.raises(ValueError, match=f"more than {MAX_DEPTH} levels"):
        resolve(deep, 1, {})
    chain = {f"w{n}": (f"__w{n + 1}__",) for n in range(40)} | {"w40": ("x",)}
    with pytest.raises(ValueError, match=f"more than {MAX_DEPTH} levels"):
        resolve("__w0__", 1, chain)


def test_alternatives_are_listed_whole_each_once_with_wildcards_left_in_them():
    found = alternatives("{red|{dark |}blue|red} __animal__ {__colour__|\\{|x}")
    assert found == {
        "{red|{dark |}blue|red}": ("red", "dark blue", "blue"),
        "{__colour__|\\{|x}": ("__colour__", "\\{", "x"),
    }


def test_too_many_alternatives_are_refused_before_they_are_made():
    ten = "{" + "|".join("0123456789") + "}"
    with pytest.raises(ValueError, match="10,000,001 texts; at most 100,000"):
        alternatives("{" + ten * 7 + "|x}")


@pytest.mark.parametrize(
    ("name", "fits"),
    [("animal", True), ("a_b", True), ("style/painter-2", True), ("a__b", False), ("_a", False), ("a b", False)],
)
def test_names_of_wildcards(name, fits):
    assert is_wildcard_name(name) is fits
    assert (wildcards_in(f"x __{name}__ y") == (name,)) is fits


def test_a_prompt_matrix_has_every_combination():
    template = prompt_matrix("a busy city", "illustration", "night")
    assert template == "a busy city{|, illustration}{|, night}"
    assert [len(listed) for listed in alternatives(template).values()] == [2, 2]
    assert all_of(template) == {
        "a busy city", "a busy city, illustration", "a busy city, night", "a busy city, illustration, night",
    }  # fmt: skip


def test_additions_of_a_matrix_are_plain_texts():
    assert "a, x|y" in all_of(prompt_matrix("a", "x|y"))
    for additions in [(), ("",), ("a", "a")]:
        with pytest.raises(ValueError, match="prompt matrix"):
            prompt_matrix("a", *additions)
