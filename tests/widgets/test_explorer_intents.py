"""What the cards and cells of the explorer may ask for; anything else is dropped."""

import pytest

from studio_widgets.cells import intents as cells
from studio_widgets.explorer import intents
from studio_widgets.explorer.view import Card, Cards


def test_what_is_meant_is_read():
    assert intents.read({"kind": "choose", "id": "a"}) == intents.Choose("a")
    assert intents.read({"kind": "pictures", "ids": ["a", "b"]}) == intents.Pictures(("a", "b"))
    assert cells.read({"kind": "select", "run": "a", "on": False}) == cells.Select("a", False)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"kind": "choose", "id": ""},
        {"kind": "choose", "id": "x" * 65},
        {"kind": "choose", "id": ["a"]},
        {"kind": "pictures", "ids": []},
        {"kind": "pictures", "ids": ["a"] * 61},
        {"kind": "pictures", "ids": ["a", 7]},
        {"kind": "open", "id": "a"},
    ],
)
def test_anything_else_is_not(content):
    assert intents.read(content) is None


@pytest.mark.parametrize("more", [{}, {"on": 1}, {"on": True, "run": ""}, {"on": True, "run": "x" * 65}])
def test_a_selection_that_is_none_is_dropped(more):
    assert (
        cells.read({"kind": "select", "run": "a", **more} if "run" not in more else {"kind": "select", **more}) is None
    )


def test_only_cards_that_are_shown_are_opened_or_pictured():
    opened, pictured = [], []
    view = Cards("Sweeps", opened.append, lambda card: pictured.append(card) or b"")
    view.show([Card("a", "key", "A")])
    for card in ("a", "b"):
        view._hear(view, {"kind": "choose", "id": card}, [])
        view._hear(view, {"kind": "pictures", "ids": [card]}, [])
    assert (opened, pictured) == (["a"], ["a"])
