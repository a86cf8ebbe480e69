"""What a panel showed is there again after everything was closed."""

import pytest

import studio_kernel as sk
from studio_kernel.errors import ReadOnlyError


@pytest.fixture
def studio(home):
    with sk.open(home, runner="inline") as studio:
        yield studio


FORM = {"prompt": "a red boat", "values": {"guidance_scale": 5.5, "size": [64, 64]}, "tab": "queue"}


def test_what_a_panel_showed_is_there_in_another_studio(home):
    with sk.open(home, runner="inline") as studio:
        studio.remember("app", FORM)
    with sk.open(home, runner="inline") as studio:
        assert studio.remembered("app") == FORM


def test_nothing_was_kept_yet(studio):
    assert studio.remembered("app") == {}


def test_a_damaged_file_counts_as_none(studio):
    studio.remember("app", FORM)
    (studio.home.panels / "app.json").write_bytes(b'{"prompt": "a re')
    assert studio.remembered("app") == {}


@pytest.mark.parametrize("name", ["../settings", "App", "", "a" * 41])
def test_a_name_is_no_path(studio, name):
    with pytest.raises(ValueError, match="not a name"):
        studio.remember(name, FORM)


def test_there_is_a_limit(studio):
    with pytest.raises(ValueError, match="more than"):
        studio.remember("app", {"prompt": "x" * 300_000})


def test_a_viewer_leaves_no_trace(studio):
    with sk.open(studio.home.root, mode="viewer") as viewer, pytest.raises(ReadOnlyError):
        viewer.remember("app", FORM)
