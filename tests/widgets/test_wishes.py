"""What a browser may ask of the small views: checked before anything is done."""

import pytest

from studio_widgets.marks.view import Marks
from studio_widgets.strip.view import Strip


@pytest.fixture
def wishes():
    return []


@pytest.fixture
def marks(wishes):
    return Marks(on_star=wishes.append, on_rate=wishes.append)


@pytest.fixture
def strip(wishes):
    strip = Strip(wishes.append)
    strip.show((b"one", b"two"), 0)
    return strip


def hear(widget, content):
    widget._handle_custom_msg(content, [])


@pytest.mark.parametrize(
    ("content", "wish"),
    [({"kind": "star", "on": True}, True), ({"kind": "rate", "rating": 4}, 4), ({"kind": "rate", "rating": 0}, 0)],
)
def test_marks_are_passed_on(marks, wishes, content, wish):
    hear(marks, content)
    assert wishes == [wish]


@pytest.mark.parametrize(
    "content",
    [{}, {"kind": "star", "on": "yes"}, {"kind": "rate", "rating": 6}, {"kind": "rate", "rating": True}],
)
def test_other_marks_are_dropped(marks, wishes, content):
    hear(marks, content)
    assert wishes == []


def test_a_picture_is_chosen(strip, wishes):
    hear(strip, {"kind": "choose", "place": 1})
    assert wishes == [1]


@pytest.mark.parametrize("place", [2, -1, True, "1", None])
def test_a_picture_that_is_not_there_is_not_chosen(strip, wishes, place):
    hear(strip, {"kind": "choose", "place": place})
    assert wishes == []


def test_one_picture_needs_no_strip(strip):
    strip.show((b"one",), 0)
    assert strip.layout.display == "none"
