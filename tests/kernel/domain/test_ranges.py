"""Rows of numbers, and the text forms that people type."""

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.ranges import MAX_VALUES, logspace, read_value, read_values, split

WHOLE = Parameter("seed", "integer")
NUMBER = Parameter("guidance_scale", "number")
WIDTH = Parameter("width", "integer", step=8)
COLOUR = Parameter("colour", "text")
SCHEDULER = Parameter("scheduler", "text", choices=("euler", "ddim"))

wholes = st.integers(-10_000, 10_000)
decimals = st.decimals(-1000, 1000, places=3).map(float)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("7", [7]),
        ("1-5", [1, 2, 3, 4, 5]),
        ("1 - 5", [1, 2, 3, 4, 5]),
        ("5-1", [5, 4, 3, 2, 1]),
        ("1-10(+3)", [1, 4, 7, 10]),
        ("1-10(4)", [1, 5, 9]),
        ("10-1(-3)", [10, 7, 4, 1]),
        ("10-1(3)", [10, 7, 4, 1]),
        ("1, 2, .., 10", list(range(1, 11))),
        ("1, .., 4, 9", [1, 2, 3, 4, 9]),
        ("10, 7, ..., 1", [10, 7, 4, 1]),
        ("-5--1", [-5, -4, -3, -2, -1]),
        ("-2-1", [-2, -1, 0, 1]),
        ("1-9[3]", [1, 5, 9]),
        ("1-100[3 log]", [1, 10, 100]),
        ("1-3, 10-2(-4), 20", [1, 2, 3, 10, 6, 2, 20]),
        ("1–3", [1, 2, 3]),  # an en dash, as word processors make it
    ],
)
def test_whole_numbers_in_every_form(text, values):
    assert list(read_values(text, WHOLE)) == values
    assert all(type(value) is int for value in read_values(text, WHOLE))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1-5", [1.0, 2.0, 3.0, 4.0, 5.0]),
        ("1-2.5", [1.0, 2.0]),
        ("0.1-0.9[5]", [0.1, 0.3, 0.5, 0.7, 0.9]),
        ("0.1-0.5(+0.1)", [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("0.1, 0.2, .., 0.4", [0.1, 0.2, 0.3, 0.4]),
        ("1e-5-1e-3[3 log]", [1e-5, 1e-4, 1e-3]),
        ("-.5-.5[3]", [-0.5, 0.0, 0.5]),
    ],
)
def test_numbers_in_every_form(text, values):
    assert list(read_values(text, NUMBER)) == values
    assert all(type(value) is float for value in read_values(text, NUMBER))


def test_a_whole_number_with_a_step_of_its_own_goes_in_that_step():
    assert read_values("256-288", WIDTH) == (256, 264, 272, 280, 288)
    assert read_values("256-512[4]", WIDTH) == (256, 344, 424, 512)
    assert read_values("256, .., 272", WIDTH) == (256, 264, 272)


@given(wholes, wholes)
def test_a_range_has_its_ends_and_every_whole_number_between(first, last):
    assert set(read_values(f"{first}-{last}", WHOLE)) == set(range(min(first, last), max(first, last) + 1))


@given(wholes, wholes, st.integers(1, 500))
def test_a_stepped_range_is_that_of_python(first, last, step):
    sign = 1 if last >= first else -1
    assert read_values(f"{first}-{last}({sign * step:+})", WHOLE) == tuple(range(first, last + sign, sign * step))


@given(decimals, decimals, st.integers(2, 50))
def test_a_spaced_range_has_its_ends_and_its_count(first, last, count):
    values = read_values(f"{first}-{last}[{count}]", NUMBER)
    assert len(values) == count
    assert (values[0], values[-1]) == (pytest.approx(first), pytest.approx(last))


@given(st.lists(wholes, min_size=1))
def test_a_list_is_read_as_it_stands(values):
    assert read_values(",".join(map(str, values)), WHOLE) == tuple(values)


@given(decimals, st.integers(1, 100), st.integers(2, 30))
def test_dots_go_on_exactly_in_the_step_before_them(first, hundredths, count):
    row = [round(first + place * hundredths / 100, 3) for place in range(count + 1)]
    assume(row[1] != row[0])
    assert list(read_values(f"{row[0]}, {row[1]}, .., {row[-1]}", NUMBER)) == row


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1), min_size=1))
def test_quoted_texts_are_read_as_they_stand(texts):
    written = ", ".join('"' + text.replace('"', '""') + '"' for text in texts)
    assert read_values(written, COLOUR) == tuple(texts)


def test_choices_and_texts_are_separated_by_commas_and_quotes_keep_one():
    assert read_values("euler, ddim", SCHEDULER) == ("euler", "ddim")
    assert read_values('red, "dark blue, matt"', COLOUR) == ("red", "dark blue, matt")
    assert read_values("red,", COLOUR) == ("red", "")


def test_what_is_no_number_and_no_text_has_its_own_form():
    assert read_values("yes, false", Parameter("sharpen", "boolean")) == (True, False)
    assert read_values("512x768, square", Parameter("size", "size", choices=("square",))) == ((512, 768), "square")
    assert read_values('{"a": 1}, {"a": 2}', Parameter("extra", "object")) == ({"a": 1}, {"a": 2})


@pytest.mark.parametrize(
    ("text", "parameter", "told"),
    [
        ("abc", NUMBER, "'abc' is not a number, 1-5"),
        ("1,,2", WHOLE, "'' is not a number"),
        ("1.5", WHOLE, "not a whole number"),
        ("1-10(-3)", WHOLE, r"write 1-10\(\+3\)"),
        ("1-10(+0)", WHOLE, "step in '1-10.*' is 0"),
        ("1-5[9]", WHOLE, "no 9 different whole numbers"),
        ("1-5[0]", NUMBER, "at least 1"),
        ("0-5[3 log]", NUMBER, "above 0"),
        ("1, 3, .., 10", WHOLE, "reaches 9 and then 11, not 10"),
        ("1, 2, .., 0", WHOLE, "no row leads on from 1, 2 to 0"),
        ("3, 3, .., 9", WHOLE, "no row"),
        (".., 3", WHOLE, "stands between values"),
        ("1, ..", WHOLE, "needs a last value"),
        ("1e999-2", NUMBER, "too large"),
        ("ja", Parameter("sharpen", "boolean"), "neither true nor false"),
        ('"red', COLOUR, "quotation marks"),
        ("{", Parameter("extra", "object"), "JSON"),
    ],
)
def test_what_cannot_be_read_is_said_with_the_text_and_what_is_allowed(text, parameter, told):
    with pytest.raises(ValueError, match=told) as raised:
        read_values(text, parameter)
    assert repr(text) in str(raised.value)
    assert parameter.name in str(raised.value)


@pytest.mark.parametrize(
    "text", ["1-1000000000", "0-1(+1e-9)", "0-1[1000000000]", "1, 2, .., 999999999", "1-9e4, 1-9e4"]
)
def test_a_row_that_is_too_long_is_refused_before_it_is_made(text):
    with pytest.raises(ValueError, match=f"more than {MAX_VALUES:,} values"):
        read_values(text, NUMBER)


@given(st.text(max_size=12))
def test_any_other_text_is_refused_and_breaks_nothing(text):
    for parameter in (WHOLE, NUMBER, COLOUR, SCHEDULER, Parameter("sharpen", "boolean"), Parameter("extra", "object")):
        try:
            values = read_values(text, parameter)
        except ValueError:
            continue
        assert all(not isinstance(value, float) or math.isfinite(value) for value in values)


@given(st.floats(0.001, 1000), st.floats(0.001, 1000), st.integers(2, 20))
def test_logspace_has_its_ends_and_equal_ratios(start, stop, count):
    row = logspace(start, stop, count)
    assert (len(row), row[0], row[-1]) == (count, start, stop)
    ratio = (stop / start) ** (1 / (count - 1))
    assert all(math.isclose(b / a, ratio, rel_tol=1e-9) for a, b in pairwise(row))


def test_logspace_of_powers_of_ten_is_exact():
    assert logspace(1, 1000, 4) == (1.0, 10.0, 100.0, 1000.0)


def test_one_value_that_cannot_be_read_stays_text_for_the_check_to_refuse():
    assert read_value("7", WHOLE) == 7
    assert read_value("seven", WHOLE) == "seven"
    assert read_value("No", Parameter("sharpen", "boolean")) is False
    assert read_value("3xy", Parameter("size", "size")) == "3xy"


def test_a_text_can_be_split_twice():
    assert split('"a:b":1, c:2', keep_quotes=True) == ('"a:b":1', "c:2")
    assert split('"a:b":1', ":") == ("a:b", "1")


def test_lengths_may_be_listed_with_their_unit():
    duration = Parameter("duration", "integer", unit="s")
    assert read_values("4s, 8 s, 10-12", duration) == (4, 8, 10, 11, 12)
