"""The command line as a person or a program meets it: a process, its output, its exit status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pictures import aged, png
from runlog_tools import write_journal
from studio_kernel.assets import AssetStore

ROOT = Path(__file__).parents[2]
QUICK = ["--model", "procedural", "--num-inference-steps", "1", "--width", "32", "--height", "32"]


@pytest.fixture
def studio(home):
    def run(*args, status=0):
        command = [sys.executable, "-m", "studio_kernel.cli", "--home", str(home), *map(str, args)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == status, done.stderr + done.stdout
        return done

    return run


def test_generate_makes_a_run_and_says_where_the_picture_is(studio, tmp_path):
    out = studio("generate", "a red boat", "--seed", 7, *QUICK, "--out", tmp_path / "boat.png").stdout
    assert "succeeded" in out
    assert str(tmp_path / "boat.png") in out
    assert (tmp_path / "boat.png").read_bytes().startswith(b"\x89PNG")


def test_json_is_for_programs(studio):
    made = json.loads(studio("generate", "a red boat", "--seed", 7, *QUICK, "--json").stdout)
    assert made["status"] == "succeeded"
    assert made["request"]["parameters"]["seed"] == 7
    shown = json.loads(studio("show", made["id"], "--json").stdout)
    assert shown["files"] == made["files"]
    [listed] = json.loads(studio("runs", "--json").stdout)
    assert listed["id"] == made["id"]


def test_the_options_are_those_of_the_model(studio):
    text = studio("generate", "--model", "procedural", "--help").stdout
    assert "--step-seconds" in text
    assert "--guidance-scale" in text
    assert "--step-seconds" not in studio("generate", "--model", "studio-tiny", "--help").stdout


def test_bad_input_is_one_clear_sentence_and_status_two_as_json(studio):
    done = studio("generate", "a boat", "--guidance-scale", "99", *QUICK, status=1)
    assert "99.0 is outside 0 … 30" in done.stderr
    assert "Traceback" not in done.stderr
    done = studio("generate", "a boat", "--model", "procedurl", "--json", status=2)
    assert json.loads(done.stdout)["error"]["type"] == "UnknownModelError"


def test_sweep_shows_its_plan_then_runs_it_and_writes_the_grid(studio, tmp_path):
    axes = ["--axis", "seed=1,2", "--axis", "guidance_scale=1,5"]
    plan = json.loads(studio("sweep", "a boat", *axes, *QUICK, "--dry-run", "--json").stdout)
    assert [cell["state"] for cell in plan] == ["to do"] * 4
    done = json.loads(studio("sweep", "a boat", *axes, *QUICK, "--grid", tmp_path / "g.png", "--json").stdout)
    assert [cell["status"] for cell in done["cells"]] == ["succeeded"] * 4
    assert (tmp_path / "g.png").stat().st_size > 1000


def test_an_axis_that_is_none_is_refused(studio):
    assert "name=value" in studio("sweep", "a boat", "--axis", "seed", *QUICK, status=1).stderr


def plan(studio, *args):
    return json.loads(studio("sweep", *args, *QUICK, "--dry-run", "--json").stdout)


def test_axes_are_read_in_the_forms_people_type(studio):
    cells = plan(
        studio, "a red boat",
        "--axis", "seed=1-3", "--axis", "guidance-scale=1-9[2]", "--axis", 'prompt:red=red, "dark blue, matt"',
        "--axis", "scheduler+num_images=euler:1,ddim:2",
        "--where", "seed != 2", "--where", "guidance_scale < 5 or seed == 1",
    )  # fmt: skip
    assert {(cell["seed"], cell["guidance_scale"]) for cell in cells} == {(1, 1.0), (1, 9.0), (3, 1.0)}
    assert {(cell["scheduler"], cell["num_images"]) for cell in cells} == {("euler", 1), ("ddim", 2)}
    assert {cell["prompt:red"] for cell in cells} == {"red", "dark blue, matt"}
    assert len(cells) == 3 * 2 * 2


def test_alternatives_and_repeats_need_no_axis(studio):
    cells = plan(studio, "a {red|blue} boat", "--seeds", "3", "--seed", "5")
    assert [(cell["prompt:{red|blue}"], cell["seed"]) for cell in cells] == [
        (colour, seed) for colour in ("red", "blue") for seed in (5, 6, 7)
    ]
    assert [cell["replicate"] for cell in plan(studio, "a boat", "--seeds", "2", "--unpaired")] == [1, 2]


def test_a_sweep_goes_on_by_its_id_by_the_same_command_or_as_the_newest(studio, tmp_path):
    words = ["sweep", "a boat", "--axis", "guidance_scale=1,5", *QUICK, "--resume", "--json"]
    first = json.loads(studio(*words).stdout)
    assert json.loads(studio(*words).stdout) == first
    assert json.loads(studio("resume", "--json").stdout) == first
    again = json.loads(studio("resume", first["sweep"][-12:], "--grid", tmp_path / "g.png", "--json").stdout)
    assert again["cells"] == first["cells"]
    assert (tmp_path / "g.png").stat().st_size > 1000


def test_going_on_with_nothing_is_said(studio):
    assert "no sweeps in" in studio("resume", status=1).stderr
    assert json.loads(studio("resume", "0000", "--json", status=2).stdout)["error"]["type"] == "UnknownSweepError"


def test_models_lists_what_can_be_used_and_the_rest_on_request(studio):
    few = json.loads(studio("models", "--json").stdout)
    assert all(model["selectable"] for model in few)
    flux = json.loads(studio("models", "flux", "--all", "--json").stdout)
    assert any(model["id"] == "fal/flux_1_dev" and "fal engine" in model["reason"] for model in flux)


def test_runs_can_be_filtered(studio):
    studio("generate", "a red boat", "--seed", 1, *QUICK)
    studio("generate", "a blue fish", "--seed", 2, *QUICK)
    [only] = json.loads(studio("runs", "--text", "fish", "--json").stdout)
    assert only["prompt"] == "a blue fish"
    assert len(json.loads(studio("runs", "--where", "seed = 1", "--json").stdout)) == 1
    assert "no runs" in studio("runs", "--text", "whale").stdout


def test_an_unknown_run_is_said_to_be_unknown(studio):
    assert "no run '0000'" in studio("show", "0000", status=1).stderr


def test_doctor_says_what_works(studio):
    checks = {check["name"]: check for check in json.loads(studio("doctor", "--json").stdout)}
    assert checks["python"]["state"] == "works"
    assert checks["run log"]["state"] == "works"
    assert checks["studio-tiny"]["state"] == "works"
    assert checks["device"]["finding"]


def test_doctor_reports_mistakes_in_the_users_catalog(studio, home):
    (home / "catalog").mkdir(parents=True)
    (home / "catalog" / "mine.yaml").write_text("models:\n  mine:\n    nmae: Mine\n")
    text = studio("doctor").stdout
    assert "mine.yaml" in text
    assert "nmae" in text


def test_the_gallery_is_exported(studio, tmp_path):
    studio("generate", "a red boat", *QUICK)
    page = json.loads(studio("export", "gallery", "--to", tmp_path / "out", "--json").stdout)["page"]
    assert (tmp_path / "out" / "index.html").samefile(page)


def test_gc_lists_what_it_would_remove_and_then_removes_it(studio, home):
    studio("generate", "a red boat", *QUICK)
    store = AssetStore(home / "assets")
    path = store.path(store.put(png(2)))
    aged(home / "assets")
    assert str(path) in studio("gc", "--dry-run").stdout
    assert path.exists()
    assert json.loads(studio("gc", "--json").stdout)["removed"]["asset"] == [str(path)]
    assert not path.exists()
    assert "removed nothing" in studio("gc", "--grace", "0").stdout


def test_gc_says_why_it_refuses_and_fails(studio, home):
    studio("generate", "a red boat", *QUICK)
    write_journal(home, [b"garbage\n"])
    assert "no asset was removed: 1 line" in studio("gc", status=1).stderr


def test_doctor_repairs_the_home_on_request_only(studio, home):
    studio("generate", "a red boat", *QUICK)
    (home / "live.duckdb").unlink()
    assert "live.duckdb" not in {check["name"] for check in json.loads(studio("doctor", "--json").stdout)}
    (home / "live.duckdb").unlink()
    checks = {check["name"]: check for check in json.loads(studio("doctor", "--repair", "--json").stdout)}
    assert "was missing" in checks["live.duckdb"]["finding"]
    assert checks["python"]["state"] == "works"


def test_doctor_fails_when_a_file_of_a_run_is_lost(studio, home):
    made = json.loads(studio("generate", "a red boat", *QUICK, "--json").stdout)
    Path(made["files"][0]).unlink()
    told = studio("doctor", "--repair", status=1).stdout
    assert f"made by run {made['id']}" in told


def test_dashboards_of_a_home_that_is_not_there_are_refused(studio):
    assert "no readable home" in studio("dashboards", status=1).stderr


def test_the_reference_page_is_what_the_commands_say():
    from studio_kernel.cli.reference import page

    assert (ROOT / "docs" / "reference" / "cli.md").read_text() == page(), "run make reference"
