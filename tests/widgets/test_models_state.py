"""The table of models without a screen."""

import os
import shutil
import subprocess
import sys

import pytest

import studio_kernel as sk
from homes import fill
from studio_kernel.domain.parameters import Parameter
from studio_kernel.settings import data_dir
from studio_widgets.models.rows import allowed, default_of, details
from studio_widgets.models.state import ModelsState

OWN = """
models:
  mine: {name: Mine, creator: Zoë, family: studio-tiny, path: weights/mine, licence: MIT}
  absent: {name: Absent, creator: Zoë, family: sdxl, file: weights/absent.safetensors}
  gone: {name: Gone, creator: Ann, family: studio-tiny, path: weights/mine, retired_on: 2026-01-02}
  broken: {name: Broken, family: no-such-family, file: x.safetensors}
"""


@pytest.fixture
def weights(home):
    """Own models of a home, one of which is there."""
    catalog = home / "catalog"
    shutil.copytree(data_dir() / "models" / "studio-tiny", catalog / "weights" / "mine")
    (catalog / "mine.yaml").write_text(OWN, encoding="utf-8")
    return catalog / "weights" / "mine"


@pytest.fixture
def studio(home, weights):
    fill(home, 7)  # four of studio-tiny
    with sk.open(home) as studio:
        yield studio


@pytest.fixture
def state(studio):
    return ModelsState(studio)


def ids(state):
    return [row.entry.id for row in state.rows(0, state.total)]


def cells(state, model):
    return next(row for row in state.rows(0, state.total) if row.entry.id == model).cells()


def told(state, model):
    state.look(model)
    return details(state.details)


def test_size_and_place_are_those_of_the_files(state, weights):
    size = sum(path.stat().st_size for path in weights.rglob("*") if path.is_file())
    assert cells(state, "mine")["size"] == f"{size / 2**20:.0f} MiB"
    assert str(weights) in told(state, "mine")
    assert "<dt>Complete</dt><dd>yes</dd>" in told(state, "mine")


def test_what_is_not_there_has_no_size_and_is_not_called_complete(state):
    assert cells(state, "absent")["size"] == ""
    text = told(state, "absent")
    assert "nothing found" in text
    assert "<dt>Complete</dt><dd>no</dd>" in text


def test_weights_that_were_cut_off_are_not_complete_and_the_size_is_that_of_what_is_there(home, weights):
    file = next(weights.rglob("unet/*.safetensors"))
    file.write_bytes(file.read_bytes()[:-1000])
    with sk.open(home) as studio:
        state = ModelsState(studio)
        assert "cut off" in told(state, "mine")
        assert cells(state, "mine")["standing"] == "Weights or packages missing"
        assert cells(state, "mine")["size"] != ""


def test_files_that_come_or_go_are_seen_by_a_poll(state, weights):
    shutil.rmtree(weights)
    state._looked_again_at = -1e9  # as if it were long ago
    state.poll()
    assert cells(state, "mine")["size"] == ""


def test_a_service_s_model_tells_price_date_end_and_key(state):
    found = cells(state, "fal/flux_1_dev")
    assert (found["price"], found["price_date"]) == ("0.025 $ per megapixel", "2025-10-30")
    assert (found["size"], found["standing"]) == ("", "Needs a key")
    assert cells(state, "openai/gpt-image-1.5")["end"] == "2026-12-01"
    text = told(state, "fal/flux_1_dev")
    assert "FAL_KEY" in text
    assert "fal-ai/flux/dev" in text
    assert "not in the catalog" in text  # its licence


def test_runs_and_last_use_are_those_of_the_log(state, studio):
    newest = next(record for record in studio.records() if record.request.model == "studio-tiny")
    assert cells(state, "studio-tiny")["runs"] == "4"
    assert cells(state, "studio-tiny")["used"] == f"{newest.created_at:%Y-%m-%d}"
    assert cells(state, "mine")["runs"] == cells(state, "mine")["used"] == ""
    assert "never in this home" in told(state, "mine")


def test_a_new_run_is_counted_with_the_next_poll(state, home):
    fill(home, 2)
    state.poll()
    assert cells(state, "studio-tiny")["runs"] == "5"


def test_polling_changes_nothing_when_nothing_has_changed(state):
    state.poll()
    before = state.version
    state.poll()
    assert state.version == before


def test_a_model_says_how_people_rated_what_it_made(state, studio):
    runs = [run.id for run in studio.records() if run.request.model == "studio-tiny"]
    assert "★" not in told(state, "studio-tiny")
    for run, stars in zip(runs, (2, 4, 5, 5), strict=True):
        studio.mark(run, rating=stars)
    studio.delete(runs[0])
    state.poll()
    text = "★ 4.7 (3); mean of 3 ratings of what was made with it in this home"
    assert f"<dt>Rating</dt><dd>{text}</dd>" in told(state, "studio-tiny")
    state.refresh()
    assert text in told(state, "studio-tiny")
    assert "★" not in told(state, "mine")


@pytest.mark.parametrize(
    ("where", "there", "not_there"),
    [
        ("local", "mine", "fal/flux_1_dev"),
        ("cloud", "fal/flux_1_dev", "mine"),
        ("own", "absent", "studio-tiny"),
        ("used", "studio-tiny", "mine"),
    ],
)
def test_the_table_shows_a_part(state, where, there, not_there):
    state.where = where
    assert there in ids(state)
    assert not_there not in ids(state)


def test_words_are_found_without_accents(state):
    state.text = "zoe absent"
    assert ids(state) == ["absent"]


def test_sorting_puts_what_says_nothing_last_either_way(state):
    state.where = "local"
    state.sort_by("size")
    assert ids(state)[-1] == "absent"
    state.sort_by("size")
    assert state.is_descending
    assert ids(state)[-1] == "absent"


@pytest.mark.parametrize("column", ["name", "engine", "price", "price_date", "end", "runs", "used", "standing"])
def test_every_column_sorts_both_ways(state, column):
    state.sort = column
    up = [row.cells()[column] for row in state.rows(0, state.total)]
    state.is_descending = True
    down = [row.cells()[column] for row in state.rows(0, state.total)]
    assert [text for text in up if not text] == [text for text in down if not text]
    assert sorted(up) == sorted(down)
    if column in ("price_date", "end", "used"):
        filled = [text for text in up if text]
        assert filled == sorted(filled)
    if column == "name":
        assert [text.casefold() for text in up] == sorted(text.casefold() for text in up)


def test_what_can_be_used_here_comes_first_then_at_services_then_what_lacks_a_key(home, weights, monkeypatch):
    monkeypatch.setenv("FAL_KEY", "some-key")
    with sk.open(home) as studio:
        state = ModelsState(studio)
        found = [(row.entry.standing, row.entry.is_local) for row in state.rows(0, state.total)]
        groups = list(dict.fromkeys(found))
        assert groups[:3] == [("ready", True), ("ready", False), ("key", False)]
        assert groups[-1][0] == "retired"
        assert len([each for each in found if each == groups[1]]) > 10
        for group in groups:
            names = [row.cells()["name"].casefold() for row in state.rows(0, state.total) if belongs(row, group)]
            assert names == sorted(names)


def belongs(row, group):
    return (row.entry.standing, row.entry.is_local) == group


def test_rows_alike_in_a_column_go_by_name_either_way(state):
    for _ in range(2):
        state.sort_by("engine")
        rows = [row for row in state.rows(0, state.total) if row.cells()["engine"] == "fal.ai"]
        names = [row.cells()["name"].casefold() for row in rows]
        assert len(names) > 10
        assert names == sorted(names)


def test_an_unknown_column_is_told(state):
    state.sort_by("colour")
    assert "colour" in state.error


def test_mistakes_of_the_user_s_files_are_told(state):
    assert any("no-such-family" in problem for problem in state.problems)
    assert "broken" not in ids(state)


def test_a_model_is_handed_to_whoever_takes_it(studio):
    taken = []
    state = ModelsState(studio, on_use=taken.append)
    assert not state.can_use  # nothing is looked at
    state.look("mine")
    state.use()
    assert taken == ["mine"]


def test_a_retired_model_is_not_handed_on(studio):
    taken = []
    state = ModelsState(studio, on_use=taken.append)
    state.look("gone")
    assert "retired on 2026-01-02" in details(state.details)
    state.use()
    assert (state.can_use, taken) == (False, [])


def test_without_a_taker_nothing_can_be_used(state):
    state.look("mine")
    assert not state.can_use


def test_an_unknown_model_is_not_looked_at(state):
    state.look("no-such-model")
    assert (state.looked_at, state.details) == ("", None)


def test_details_list_every_parameter_with_range_and_default(state, studio):
    text = told(state, "studio-tiny")
    assert all(parameter.title in text for parameter in studio.models["studio-tiny"].parameters)
    assert "<th scope='row'>Width</th><td>64 … 256 px, multiples of 8</td><td>128</td>" in text
    assert "Tips for Studio tiny" in text


def test_details_are_no_markup(home):
    (home / "catalog").mkdir(parents=True)
    evil = "models: {evil: {name: '<b>x', creator: '<i>y', note: '<u>z', family: sd15, file: '<s>.safetensors'}}"
    (home / "catalog" / "evil.yaml").write_text(evil)
    with sk.open(home) as studio:
        state = ModelsState(studio)
        text = told(state, "evil")
        assert [tag for tag in ("<b>x", "<i>y", "<u>z", "<s>") if tag in text] == []
        assert "&lt;u&gt;z" in text


@pytest.mark.parametrize(
    ("parameter", "takes", "default"),
    [
        (Parameter("a", "integer", min=1, max=20, default=4), "1 … 20", "4"),
        (Parameter("a", "number", min=0), "at least 0", "none"),
        (Parameter("a", "text", required=True, max_length=32), "text, at most 32 characters", "required"),
        (Parameter("a", "text", choices=("x", "y"), open_choices=True), "x, y or others", "none"),
        (
            Parameter("a", "text", choices=tuple("abcdefghijklmn")),
            "a, b, c, d, e, f, g, h, i, j, k, l and 2 more",
            "none",
        ),
        (Parameter("a", "boolean", default=False), "yes or no", "False"),
        (Parameter("a", "image"), "a file (image)", "none"),
    ],
)
def test_what_a_parameter_takes_is_told_in_words(parameter, takes, default):
    assert (allowed(parameter), default_of(parameter)) == (takes, default)


def test_a_viewer_may_look(home, studio):
    with sk.open(home, mode="viewer") as viewer:
        assert ModelsState(viewer).total > 200


def test_looking_at_files_loads_no_torch():
    code = "import sys, studio_widgets.models.state, studio_widgets.picker.state; print('torch' in sys.modules)"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert found.stdout.strip() == "False"
