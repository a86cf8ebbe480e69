"""What a browser may ask of a table of cells, and what is dropped."""

import pytest

from studio_widgets.cells import intents


@pytest.mark.parametrize(
    ("content", "intent"),
    [
        ({"kind": "here", "number": 3}, intents.Here(3)),
        ({"kind": "thumbnails", "runs": ["a", "b"]}, intents.Thumbnails(("a", "b"))),
        ({"kind": "choose", "run": "a"}, intents.Choose("a")),
        ({"kind": "choose", "run": ""}, intents.Choose("")),
    ],
)
def test_intents_are_read(content, intent):
    assert intents.read(content) == intent


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"kind": "here"},
        {"kind": "here", "number": True},
        {"kind": "thumbnails", "runs": []},
        {"kind": "thumbnails", "runs": ["a"] * 61},
        {"kind": "thumbnails", "runs": [1]},
        {"kind": "choose", "run": None},
        {"kind": "choose", "run": "x" * 65},
        {"kind": "run"},
    ],
)
def test_anything_else_is_dropped(content):
    assert intents.read(content) is None
