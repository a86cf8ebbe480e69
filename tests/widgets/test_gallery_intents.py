"""What a browser may ask of the gallery, and what is dropped."""

import pytest

from studio_widgets.gallery import intents


@pytest.mark.parametrize(
    ("content", "intent"),
    [
        ({"kind": "items", "first": 0, "last": 60, "version": 3}, intents.Items(0, 60, 3)),
        ({"kind": "thumbnails", "runs": ["a", "b"], "seq": 1}, intents.Thumbnails(("a", "b"), 1)),
        ({"kind": "open", "run": "a"}, intents.Open("a")),
        ({"kind": "open", "run": ""}, intents.Open("")),
        ({"kind": "star", "run": "a", "on": False}, intents.Star("a", False)),
        ({"kind": "rate", "run": "a", "rating": 5}, intents.Rate("a", 5)),
        ({"kind": "part", "run": "a", "file": 0, "start": 0, "seq": 2}, intents.Part("a", 0, 0, 2)),
        ({"kind": "select", "run": "a", "on": True}, intents.Select("a", True)),
        ({"kind": "range", "first": "a", "last": "b", "keep": False}, intents.Range("a", "b", False)),
        ({"kind": "select_all"}, intents.SelectAll()),
        ({"kind": "select_none"}, intents.SelectNone()),
        ({"kind": "delete", "run": "a"}, intents.Delete("a")),
        ({"kind": "act", "name": "retry", "run": "a"}, intents.Act("retry", "a")),
    ],
)
def test_intents_are_read(content, intent):
    assert intents.read(content) == intent


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"kind": "delete"},
        {"kind": "delete", "run": ""},
        {"kind": "part", "run": "a", "file": -1, "start": 0, "seq": 1},
        {"kind": "part", "run": "a", "file": 0, "start": -1, "seq": 1},
        {"kind": "part", "run": "a", "file": 0, "start": 0.5, "seq": 1},
        {"kind": "part", "run": "a", "file": 10**6, "start": 0, "seq": 1},
        {"kind": "select", "run": "a", "on": 1},
        {"kind": "range", "first": "a", "last": "", "keep": True},
        {"kind": "range", "first": "a", "last": "b", "keep": None},
        {"kind": "act", "name": "x" * 65, "run": "a"},
        {"kind": "act", "name": ["retry"], "run": "a"},
        {"kind": "items", "first": 5, "last": 5, "version": 1},
        {"kind": "items", "first": -1, "last": 5, "version": 1},
        {"kind": "items", "first": 0, "last": 10**9, "version": 1},
        {"kind": "items", "first": True, "last": 5, "version": 1},
        {"kind": "items", "first": "0", "last": 5, "version": 1},
        {"kind": "items", "first": 0.0, "last": 5.0, "version": 1},
        {"kind": "thumbnails", "runs": [], "seq": 1},
        {"kind": "thumbnails", "runs": ["a"] * 61, "seq": 1},
        {"kind": "thumbnails", "runs": [7], "seq": 1},
        {"kind": "thumbnails", "runs": "abc", "seq": 1},
        {"kind": "open", "run": "a" * 65},
        {"kind": "open", "run": None},
        {"kind": "star", "run": "a", "on": "yes"},
        {"kind": "star", "run": "", "on": True},
        {"kind": "rate", "run": "a", "rating": 6},
        {"kind": "rate", "run": "a", "rating": True},
        {"kind": "rate", "run": "a", "rating": "5"},
    ],
)
def test_anything_else_is_dropped(content):
    assert intents.read(content) is None
