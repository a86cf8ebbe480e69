"""What the picker's view may ask for."""

import pytest

from studio_widgets.picker import intents


@pytest.mark.parametrize(
    ("message", "intent"),
    [
        ({"kind": "items", "first": 0, "last": 60, "version": 3}, intents.Items(0, 60, 3)),
        ({"kind": "search", "text": "flux"}, intents.Search("flux")),
        ({"kind": "filter", "name": "price", "value": "0.05"}, intents.Filter("price", "0.05")),
        ({"kind": "sort", "by": "name"}, intents.Sort("name")),
        ({"kind": "switch", "name": "retired", "on": True}, intents.Switch("retired", True)),
        ({"kind": "collapse", "creator": "Google", "on": False}, intents.Collapse("Google", False)),
        ({"kind": "choose", "model": "a/b"}, intents.Choose("a/b")),
        ({"kind": "look", "model": "a/b"}, intents.Look("a/b")),
        ({"kind": "do", "act": "clear"}, intents.Do("clear")),
    ],
)
def test_a_message_is_read(message, intent):
    assert intents.read(message) == intent


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"kind": "items", "first": 0, "last": 10_000, "version": 1},
        {"kind": "items", "first": -1, "last": 5, "version": 1},
        {"kind": "items", "first": True, "last": 5, "version": 1},
        {"kind": "search", "text": "x" * 1000},
        {"kind": "search", "text": 7},
        {"kind": "filter", "name": "collapsed", "value": "x"},
        {"kind": "filter", "name": "price", "value": "cheap"},
        {"kind": "filter", "name": "price", "value": "nan"},
        {"kind": "sort", "by": "__class__"},
        {"kind": "switch", "name": "error", "on": True},
        {"kind": "switch", "name": "retired", "on": "yes"},
        {"kind": "collapse", "creator": "x" * 1000, "on": True},
        {"kind": "choose", "model": ""},
        {"kind": "choose", "model": ["a"]},
        {"kind": "do", "act": ["clear"]},
        {"kind": "do", "act": "refresh"},
    ],
)
def test_what_is_none_is_dropped(message):
    assert intents.read(message) is None
