"""The command line as a person or a program meets it: a process, its output, its exit status."""

import json
from pathlib import Path

import pytest

from pictures import aged, png
from runlog_tools import write_journal
from studio_kernel.assets import AssetStore

ROOT = Path(__file__).parents[2]
QUICK = ["--model", "procedural", "--num-inference-steps", "1", "--width", "32", "--height", "32"]


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


def strict_json(text):
    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_what_is_not_known_is_null_in_json(studio):
    sparse = ["sweep", "a boat", "--axis", "guidance_scale=1,99", "--seed", "1", *QUICK, "--json"]
    planned = strict_json(studio(*sparse, "--dry-run").stdout)
    assert [cell["group"] is None for cell in planned] == [False, True]
    assert planned[1]["state"] == "invalid"
    assert planned[1]["seconds"] is None
    made, refused = strict_json(studio(*sparse, status=1).stdout)["cells"]
    assert made["cost_usd"] is None
    assert made["elapsed_s"] > 0
    assert refused["id"] is None
    assert refused["elapsed_s"] is None


ESTIMATED = ("seconds", "vram_bytes", "cost_usd")


def test_the_plan_begins_with_a_line_that_sums_it_up(studio):
    words = ["sweep", "a boat", "--axis", "seed=1-3", *QUICK]
    first, header, *_ = studio(*words, "--dry-run").stdout.splitlines()
    assert first == "3 cells, 3 to do in 3 passes with 1 model loads, 0 under way, 0 done, 0 invalid"
    assert header.split() == ["seed", "prompt", "state", "reason", "group", "batch_size", *ESTIMATED]
    studio(*words)
    assert "0 to do in 0 passes with 0 model loads, 0 under way, 3 done" in studio(*words, "--dry-run").stdout


SMALL = ["--model", "studio-tiny", "--num-inference-steps", "1", "--width", "64", "--height", "64"]


@pytest.mark.parametrize(("words", "size"), [([], 4), (["--batch-size", "3"], 2), (["--exact"], 1)])
def test_how_many_cells_a_pass_holds_can_be_said(studio, words, size):
    cells = json.loads(studio("sweep", "a boat", "--axis", "seed=1-4", *SMALL, *words, "--dry-run", "--json").stdout)
    assert {cell["batch_size"] for cell in cells} == {size}


def test_exact_cells_are_not_made_together(studio):
    assert "--batch-size 1" in studio("sweep", "a boat", "--exact", "--batch-size", "4", *QUICK, status=2).stderr


def test_the_grid_is_written_as_the_ending_says(studio, tmp_path):
    axes = ["--axis", "seed=1,2", "--axis", "guidance-scale=1,5", "--axis", "scheduler=euler,ddim"]
    words = ["sweep", "a boat", *axes, *QUICK, "--rows", "seed", "--columns", "guidance-scale", "--facets", "scheduler"]

    def written(name, *more):
        made = strict_json(studio(*words, "--grid", tmp_path / name, *more, "--json").stdout)
        return Path(made["grid"]), made["film"]

    page, film = written("page", "--film", tmp_path / "over.gif", "--over", "scheduler")
    assert page == tmp_path / "page" / "index.html"
    assert len(list((page.parent / "files").iterdir())) == 8
    assert Path(film).read_bytes().startswith(b"GIF8")


@pytest.mark.parametrize(
    ("name", "start"), [("grid.html", b"<!doctype html>"), ("grid.pdf", b"%PDF"), ("grid.png", b"\x89PNG")]
)
def test_a_grid_that_is_done_can_be_written_again_otherwise(studio, tmp_path, name, start):
    studio("sweep", "a boat", "--axis", "seed=1,2", *QUICK)
    studio("resume", "--facets", "seed", "--grid", tmp_path / name)
    assert (tmp_path / name).read_bytes().lower().startswith(start.lower())


@pytest.mark.parametrize(
    ("words", "told", "status"),
    [
        (["--grid", "grid.bmp"], "no known ending", 1),
        (["--grid", "grid.png", "--facets", "scheduler"], "'scheduler' is not an axis", 1),
        (["--film", "film.avi", "--over", "seed"], "is no film", 1),
        (["--film", "film.gif", "--over", "scheduler"], "'scheduler' is not an axis", 1),
        (["--film", "film.gif"], "--over AXIS", 2),
    ],
)
def test_what_could_not_be_written_is_refused_before_anything_is_computed(studio, words, told, status):
    assert told in studio("sweep", "a boat", "--axis", "seed=1,2", *QUICK, *words, status=status).stderr
    assert "no runs" in studio("runs").stdout


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
    assert any(model["id"] == "fal/flux_1_dev" and "FAL_KEY" in model["reason"] for model in flux)


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


def test_files_of_runs_are_exported_with_a_preset(studio, tmp_path):
    made = json.loads(studio("generate", "a boat", "-m", "procedural", "--num-inference-steps", 1, "--json").stdout)
    out = json.loads(studio("export", made["id"], "--to", tmp_path / "out", "--preset", "web", "--json").stdout)
    assert [path.rsplit(".", 1)[1] for path in out["files"]] == ["webp"]
    again = studio("export", "--to", tmp_path / "out", made["id"], "--names", "{seed}")
    assert again.stdout.strip().endswith(".png")
    assert "did you mean 'web'" in studio("export", made["id"], "--to", tmp_path, "-p", "weg", status=1).stderr
