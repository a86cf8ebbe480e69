"""What a browser may ask of a judge: checked before anything is done."""

import pytest

import studio_kernel as sk
from homes import fill
from studio_widgets.judge import intents
from studio_widgets.judge.state import JudgeState
from studio_widgets.judge.view import Duel


@pytest.fixture
def state(home):
    ids = fill(home, 3)
    with sk.open(home) as studio:
        state = JudgeState(studio, runs=ids, by="run", rater="Ada")
        state.begin()
        yield state


@pytest.fixture
def duel(state):
    return Duel(state)


def hear(widget, content):
    widget._handle_custom_msg(content, [])


@pytest.mark.parametrize(
    ("content", "intent"),
    [
        ({"kind": "file", "turn": 1, "side": "left"}, intents.File(1, "left")),
        ({"kind": "vote", "turn": 2, "choice": "tie"}, intents.Say(2, "tie")),
        ({"kind": "undo", "turn": 3}, intents.Undo(3)),
    ],
)
def test_wishes_are_read(content, intent):
    assert intents.read(content) == intent


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"kind": "file", "turn": 1},
        {"kind": "file", "turn": 1, "side": "middle"},
        {"kind": "file", "turn": -1, "side": "left"},
        {"kind": "vote", "turn": 1, "choice": "best"},
        {"kind": "vote", "turn": True, "choice": "left"},
        {"kind": "vote", "turn": "1", "choice": "left"},
        {"kind": "vote", "choice": "left"},
        {"kind": "vote", "turn": 1, "choice": ["left"]},
        {"kind": "result", "turn": 1},
    ],
)
def test_anything_else_is_dropped(content):
    assert intents.read(content) is None


def test_wishes_are_about_the_pair_that_was_seen(duel, state):
    turn = duel.turn
    hear(duel, {"kind": "vote", "turn": turn, "choice": "left"})
    hear(duel, {"kind": "vote", "turn": turn, "choice": "left"})
    assert state.progress.startswith("1 judged")
    assert duel.said == state.progress
    hear(duel, {"kind": "undo", "turn": turn})
    assert state.progress.startswith("1 judged")
    hear(duel, {"kind": "undo", "turn": duel.turn})
    assert state.progress.startswith("0 judged")


def test_a_file_goes_to_the_page_as_a_buffer_and_only_of_the_pair_at_hand(duel, monkeypatch):
    sent = []
    monkeypatch.setattr(duel, "send", lambda content, buffers: sent.append((content, buffers)))
    hear(duel, {"kind": "file", "turn": duel.turn, "side": "right"})
    hear(duel, {"kind": "file", "turn": duel.turn + 1, "side": "right"})
    [(content, [data])] = sent
    assert content == {"kind": "file", "turn": duel.turn, "side": "right"}
    assert data
