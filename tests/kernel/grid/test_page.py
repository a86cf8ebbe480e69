"""The folder of a page: what is in it, whatever people write; what it shows is tested in a browser."""

import json

import pytest

import studio_kernel as sk

HOSTILE = "</script><script>alert(1)</script>\u2028 <img src=x onerror=alert(1)> 'q\" \ud800"
BASE = {"model": "procedural", "num_inference_steps": 1, "width": 32, "height": 32}


@pytest.fixture
def sweep(home):
    with sk.open(home) as studio:
        axes = {"guidance_scale": [1, 5, 99], "seed": [1, 2]}
        yield studio.sweep("a boat", axes=axes, where="guidance_scale < 5 or seed == 1", **BASE).wait(progress=False)


def data_of(page):
    text = next(page.parent.glob("**/data.js")).read_text("ascii")
    return json.loads(text.removeprefix("window.STUDIO = ").removesuffix(";\n"))


def test_a_folder_holds_the_page_its_data_and_the_files(sweep, tmp_path):
    page = sweep.grid().save(tmp_path / "out")
    assert page == tmp_path / "out" / "index.html"
    assert {path.name for path in page.parent.iterdir()} == {"index.html", "page.css", "page.js", "data.js", "files"}
    data = data_of(page)
    assert [cell["status"] for cell in data["cells"].values()] == ["succeeded"] * 3 + ["invalid"]
    for run, cell in zip(sweep.runs, data["cells"].values(), strict=False):
        copied = page.parent / cell["files"][0]["file"]
        assert copied.stem == run.first_asset.sha256
        assert copied.stat().st_size == run.first_asset.size_bytes


def test_a_name_that_ends_in_html_is_the_page_itself(sweep, tmp_path):
    page = sweep.grid().save(tmp_path / "boats.html")
    assert {path.name for path in tmp_path.iterdir()} >= {"boats.html", "boats_files"}
    assert 'src="boats_files/data.js"' in page.read_text()
    (file,) = data_of(page)["cells"]["0"]["files"]
    assert (tmp_path / file["file"]).is_file()


def test_cells_that_rules_left_out_carry_the_rule(sweep, tmp_path):
    data = data_of(sweep.grid().save(tmp_path / "out"))
    assert sorted(data["empty"]) == ["3", "5"]
    assert data["reasons"] == ["left out: by the rule “guidance_scale < 5 or seed == 1”"]


def test_saving_again_replaces_the_page_and_keeps_the_files(sweep, tmp_path):
    first = sweep.grid().save(tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (first.parent / "files").iterdir()}
    data = data_of(sweep.grid(rows="seed", columns="guidance_scale").save(tmp_path / "out"))
    assert data["sides"]["rows"] == [1]
    assert {path: path.stat().st_mtime_ns for path in (first.parent / "files").iterdir()} == before


def test_no_text_can_end_the_script(home, tmp_path):
    with sk.open(home) as studio:
        sweep = studio.sweep(axes={"prompt": [HOSTILE, "a boat"]}, start=False, **BASE)
        page = sweep.grid().save(tmp_path / "out")
    script = (page.parent / "data.js").read_text("ascii")
    assert "<" not in script
    assert "a boat" in script
    assert "boat" not in page.read_text()


def test_a_picture_on_an_axis_is_copied_too(home, tmp_path):
    with sk.open(home) as studio:
        one, two = (studio.generate("a boat", seed=seed, **BASE) for seed in (1, 2))
        sweep = studio.sweep("a boat", axes={"image": [one, two]}, seed=3, start=False, **BASE)
        data = data_of(sweep.grid().save(tmp_path / "out"))
    names = [value["files"][0]["file"] for value in data["axes"][0]["values"]]
    assert names == [f"files/{run.first_asset.sha256}.png" for run in (one, two)]
    assert all((tmp_path / "out" / name).is_file() for name in names)
