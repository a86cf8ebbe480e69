"""What a browser may ask of the queue, and what is dropped."""

import pytest

from studio_widgets.queue import intents


@pytest.mark.parametrize(
    ("content", "intent"),
    [
        ({"kind": "here"}, intents.Do("here")),
        ({"kind": "cancel_all"}, intents.Do("cancel_all")),
        ({"kind": "up", "key": "a"}, intents.DoOn("up", "a")),
        ({"kind": "move", "key": "a", "before": ""}, intents.Move("a", "")),
        ({"kind": "move", "key": "a", "before": "b"}, intents.Move("a", "b")),
    ],
)
def test_intents_are_read(content, intent):
    assert intents.read(content) == intent


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"kind": "close"},
        {"kind": "_read"},
        {"kind": "up"},
        {"kind": "up", "key": ""},
        {"kind": "up", "key": "x" * 81},
        {"kind": "cancel", "key": ["a"]},
        {"kind": "move", "key": "a"},
        {"kind": "move", "key": "a", "before": None},
        {"kind": {"a": 1}, "key": "a"},
    ],
)
def test_anything_else_is_dropped(content):
    assert intents.read(content) is None
