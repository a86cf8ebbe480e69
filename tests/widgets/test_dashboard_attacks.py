"""A viewer who speaks to the kernel without our page: every widget of the dashboard is told everything and anything.

Each widget that exists – shown or not – is sent every message that any of our pages sends, with values that no page of
ours would send, and each of its traits is set to them. Afterwards the home must be what it was, but for marks and
votes.
"""

import gzip
import hashlib
import json
import re
from collections import Counter
from contextlib import suppress
from itertools import chain, product
from pathlib import Path

import ipywidgets
import pytest
import traitlets
from ipywidgets.widgets import widget as registry

import studio_kernel as sk
from homes import fill
from studio_widgets import Dashboard
from studio_widgets.dashboard.places import PAGES

ROOT = Path(__file__).parents[2]
SCRIPTS = [*(ROOT / "widgets" / "studio_widgets").rglob("*.js"), *(ROOT / "studio_kernel" / "export").rglob("*.js")]
KINDS = sorted({kind for path in SCRIPTS for kind in re.findall(r'kind: "([a-z_]+)"', path.read_text("utf-8"))})
FORBIDDEN = ("submit", "generate", "retry", "delete", "restore", "import", "cancel", "save_board", "measure", "refresh")
"""Kinds that other panels know, or that might have been forgotten somewhere."""
FIELDS = sorted(
    {
        field
        for path in SCRIPTS
        for sent in re.findall(r'\{ kind: "[a-z_]+",([^}]*)\}', path.read_text("utf-8"))
        for field in re.findall(r"(\w+)", sent)
        if len(field) < 20
    }
)
SQL = "x'; DELETE FROM runs; DROP TABLE run_rows; --"
MARKS = {"mark", "vote", "retract"}
LOOKS = {name for name in ipywidgets.HTML().keys if name != "value"}
"""What every widget of ipywidgets has; it decides what the viewer's own page looks like, and nothing else."""
TRANSIENT = ("thumbnails", "journal", "live.", "runs.duckdb", "locks", ".lock")


def hostile(run):
    """Values that no page of ours sends where a view expects an id, a number, a choice or a list."""
    return [
        SQL,
        "../../../../etc/passwd",
        "<img src=x onerror=alert(1)>",
        "a" * 100_000,
        run,
        [run] * 2000,
        [SQL, None, {}],
        {"a": {"b": ["c"] * 100}},
        -1,
        1e308,
        2**70,
        True,
        None,
    ]


def contents(home):
    """Return every file of a home that a viewer has no business with, by its digest."""
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in home.rglob("*")
        if path.is_file() and not any(part in str(path.relative_to(home)) for part in TRANSIENT)
    }


def events(home):
    """Return what was logged, in any order."""
    plain = (path.read_bytes() for path in (home / "journal").rglob("*.jsonl"))
    packed = (gzip.decompress(path.read_bytes()) for path in (home / "journal").rglob("*.jsonl.gz"))
    return Counter(json.loads(line)["event"] for data in chain(plain, packed) for line in data.splitlines())


@pytest.fixture
def ids(home):
    return fill(home, 12)


@pytest.fixture
def viewer(home, ids):
    with sk.open(home) as editor:
        editor.save_board("two", ids[:2])
        editor.sweep("a boat", model="procedural", axes={"seed": [1, 2]}, width=32, height=32).wait(progress=False)
    with sk.open(home, mode="viewer") as viewer:
        yield viewer


@pytest.fixture
def widgets(viewer):
    """Every widget that a dashboard with all its pages open has, shown or not."""
    before = set(registry._instances)
    panel = Dashboard(viewer)
    for page in PAGES:
        panel.state.go(f"?page={page}")
    yield lambda: [each for key, each in list(registry._instances.items()) if key not in before]
    for key in set(registry._instances) - before:
        registry._instances[key].close()


def tell(widget, content):
    """Deliver a message as the websocket does; what a widget refuses it may refuse by an exception."""
    widget._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


def set_trait(widget, name, value):
    """Set a trait as the websocket does; what a widget refuses it may refuse by an exception."""
    state = {"content": {"data": {"method": "update", "state": {name: value}}}, "buffers": []}
    with suppress(traitlets.TraitError):
        widget._handle_msg(state)


def test_messages_of_every_kind_with_any_values_change_nothing_but_marks(viewer, widgets, ids, home):
    before, logged, runs = contents(home), events(home), set(viewer.runs(limit=None)["id"])
    assert len(KINDS) > 30, "the scripts are read"
    for widget, kind in product(widgets(), [*KINDS, *FORBIDDEN]):
        tell(widget, {"kind": kind})
        for value in hostile(ids[0]):
            tell(widget, {"kind": kind, **dict.fromkeys(FIELDS, value)})
    viewer.close()
    said = events(home) - logged
    assert said["mark"], "what a viewer may do got through"
    assert set(said) <= MARKS
    assert contents(home) == before
    with sk.open(home, mode="viewer") as again:
        assert set(again.runs(limit=None)["id"]) == runs
        assert len(again.boards()) == 1


def test_traits_of_any_value_change_nothing_but_marks(viewer, widgets, ids, home):
    before, logged, runs = contents(home), events(home), set(viewer.runs(limit=None)["id"])
    told = [SQL, "a" * 100_000, [SQL, None, {}], 2**70, None]
    for widget in widgets():
        for name, value in product(sorted(set(widget.keys) - LOOKS), told):
            set_trait(widget, name, value)
    viewer.close()
    assert set(events(home) - logged) <= MARKS
    assert contents(home) == before
    with sk.open(home, mode="viewer") as again:
        assert set(again.runs(limit=None)["id"]) == runs
