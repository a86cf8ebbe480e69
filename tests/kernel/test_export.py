import json

import studio_kernel as sk

QUICK = {"model": "procedural", "num_inference_steps": 1, "width": 32, "height": 32}


def data_of(page):
    script = (page.parent / "data.js").read_text()
    return json.loads(script.removeprefix("window.STUDIO = ").rstrip(";\n")), script


def test_an_exported_gallery_is_one_folder_with_all_it_needs(home, tmp_path):
    with sk.open(home) as studio:
        run = studio.generate("a red boat", seed=7, **QUICK)
        studio.mark(run, favourite=True, rating=4)
        page = studio.export_gallery(tmp_path / "out", title="Harbour")
    data, _ = data_of(page)
    assert data["title"] == "Harbour"
    [entry] = data["runs"]
    assert (entry["prompt"], entry["favourite"], entry["rating"]) == ("a red boat", True, 4)
    assert entry["settings"]["seed"] == "7"
    for file in entry["files"]:
        assert (page.parent / file["file"]).is_file()
        assert (page.parent / file["thumbnail"]).is_file()


def test_text_of_people_cannot_leave_the_data(home, tmp_path):
    with sk.open(home) as studio:
        studio.generate("</script><script>alert(1)</script>", **QUICK)
        data, script = data_of(studio.export_gallery(tmp_path / "out"))
    assert "<" not in script
    assert data["runs"][0]["prompt"] == "</script><script>alert(1)</script>"


def test_exporting_again_replaces_the_page(home, tmp_path):
    with sk.open(home) as studio:
        studio.generate("a", **QUICK)
        studio.export_gallery(tmp_path)
        studio.generate("b", **QUICK)
        data, _ = data_of(studio.export_gallery(tmp_path))
    assert [run["prompt"] for run in data["runs"]] == ["b", "a"]
