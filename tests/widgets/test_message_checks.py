"""What is taken from a browser: a value of the wrong kind or size never is."""

import pytest

from studio_widgets.intents import LARGEST, is_id, is_place, is_whole


@pytest.mark.parametrize("value", [None, "", 7, ["a"], b"a", "x" * 65])
def test_what_cannot_be_an_id_is_refused(value):
    assert not is_id(value)


def test_an_id_may_be_as_long_as_was_said():
    assert is_id("x" * 64)
    assert is_id("x" * 80, 80)
    assert not is_id("x" * 81, 80)


@pytest.mark.parametrize("value", [None, True, 1.0, "1", LARGEST, -LARGEST, 10**400])
def test_what_is_no_whole_number_of_a_page_is_refused(value):
    assert not is_whole(value)
    assert not is_place(value)


def test_a_place_is_neither_below_nought_nor_above_the_most():
    assert is_whole(-1)
    assert not is_place(-1)
    assert is_place(0)
    assert is_place(64, 64)
    assert not is_place(65, 64)
