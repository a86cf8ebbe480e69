"""What a browser may ask of a comparison: checked before anything is done."""

import pytest

import studio_kernel as sk
from engines import MediaEngine, install_media
from homes import fill
from studio_widgets.compare import intents
from studio_widgets.compare.state import CompareState
from studio_widgets.compare.view import Slots


@pytest.fixture
def ids(home):
    return fill(home, 4)


@pytest.fixture
def state(home, ids):
    with sk.open(home) as studio:
        state = CompareState(studio)
        state.workspace.compared = tuple(ids[:3])
        yield state


@pytest.fixture
def slots(state):
    return Slots(state)


def hear(widget, content):
    widget._handle_custom_msg(content, [])


@pytest.mark.parametrize(
    ("content", "intent"),
    [
        ({"kind": "file", "run": "a", "index": 1}, intents.File("a", 1)),
        ({"kind": "show_file", "run": "a", "index": 1}, intents.ShowFile("a", 1)),
        ({"kind": "put", "run": "a", "place": 0}, intents.Put("a", 0)),
        ({"kind": "move", "run": "a", "place": 2}, intents.Move("a", 2)),
        ({"kind": "swap", "run": "a", "other": "b"}, intents.Swap("a", "b")),
        ({"kind": "pair", "before": "a", "after": "b"}, intents.Pair("a", "b")),
        ({"kind": "remove", "run": "a"}, intents.Act("remove", "a")),
        ({"kind": "use", "run": "a"}, intents.Act("use", "a")),
        ({"kind": "set", "name": "mode", "value": "slider"}, intents.Setting("mode", "slider")),
        ({"kind": "set", "name": "linked", "value": False}, intents.Setting("linked", False)),
        ({"kind": "clear"}, intents.Clear()),
    ],
)
def test_wishes_are_read(content, intent):
    assert intents.read(content) == intent


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"kind": "file", "run": "a", "index": -1},
        {"kind": "file", "run": "a", "index": True},
        {"kind": "file", "run": "", "index": 0},
        {"kind": "file", "run": "x" * 65, "index": 0},
        {"kind": "put", "run": "a", "place": 10**9},
        {"kind": "put", "run": ["a"], "place": 0},
        {"kind": "swap", "run": "a"},
        {"kind": "set", "name": "mode", "value": "other"},
        {"kind": "set", "name": "arrangement", "value": ["auto"]},
        {"kind": "set", "name": "linked", "value": 1},
        {"kind": "set", "name": "error", "value": "auto"},
        {"kind": "delete", "run": "a"},
    ],
)
def test_anything_else_is_dropped(content):
    assert intents.read(content) is None


def test_wishes_change_the_state(slots, state, ids):
    hear(slots, {"kind": "put", "run": ids[3], "place": 0})
    hear(slots, {"kind": "swap", "run": ids[1], "other": ids[2]})
    assert state.runs == (ids[3], ids[2], ids[1])
    hear(slots, {"kind": "remove", "run": ids[2]})
    hear(slots, {"kind": "set", "name": "arrangement", "value": "2x2"})
    assert (state.runs, state.arrangement) == ((ids[3], ids[1]), "2x2")
    hear(slots, {"kind": "clear"})
    assert state.runs == ()


def test_a_clip_goes_to_the_page_with_what_it_takes_to_step_through_it(home, monkeypatch):
    install_media(home)
    with sk.open(home, engines=[MediaEngine()]) as studio:
        run = studio.generate("webm", model="media", progress=False).id
        state, sent = CompareState(studio), []
        state.workspace.compared = (run,)
        slots = Slots(state)
        monkeypatch.setattr(slots, "send", lambda content, **_buffers: sent.append(content))  # the wire to the browser
        hear(slots, {"kind": "file", "run": run, "index": 0})
    clip = sent[0]["clip"]
    assert (clip["frames"], clip["rate"], clip["has_sound"]) == (12, 24, False)


def test_a_file_goes_to_the_page_as_a_buffer(slots, state, ids, monkeypatch):
    sent = []
    monkeypatch.setattr(slots, "send", lambda content, buffers: sent.append((content, buffers)))
    hear(slots, {"kind": "file", "run": ids[0], "index": 0})
    [(content, [data])] = sent
    assert content == {"kind": "file", "run": ids[0], "index": 0, "media_type": "image/png", "clip": None}
    assert data == state.file(ids[0], 0)[0]
