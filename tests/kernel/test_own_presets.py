"""Presets and styles that people save: written whole, by several at once, seen by open studios."""

import subprocess
import sys

import pytest

import studio_kernel as sk
from studio_kernel.errors import InvalidRequestError, ReadOnlyError

WRITER = """
import sys
import studio_kernel as sk
with sk.open(sys.argv[1]) as studio:
    for number in range(int(sys.argv[3])):
        studio.save_preset(f"{sys.argv[2]} {number}", values={"num_inference_steps": number + 1})
"""


@pytest.fixture
def studio(home):
    with sk.open(home) as studio:
        yield studio


def test_a_saved_preset_is_found_with_what_was_saved(studio, home):
    values = {"guidance_scale": 6.0, "loras": [("ink", 0.5), sk.Lora("oil", 1.0)], "prompt": "a {red|blue} boat"}
    saved = studio.save_preset(
        "Mein Porträt!", task="text-to-image", model="studio-tiny", values=values, description="d"
    )
    assert (saved.id, saved.name, saved.own) == ("mein-portrat", "Mein Porträt!", True)
    with sk.open(home) as again:
        assert again.catalog.presets[saved.id] == saved
        assert saved.values["loras"] == (("ink", 0.5), sk.Lora("oil", 1.0))


def test_an_open_studio_sees_it_at_once(studio, home):
    with sk.open(home) as other:
        assert "mine" not in other.catalog.presets
        studio.save_preset("Mine", values={"width": 64})
        assert other.catalog.presets["mine"].values == {"width": 64}
        studio.save_preset("Mine", values={"width": 72}, replace=True)
        assert other.catalog.presets["mine"].values == {"width": 72}
        other.delete_preset("mine")
        assert "mine" not in studio.catalog.presets


def test_a_name_is_given_once_unless_it_is_to_be_replaced(studio):
    studio.save_style("Neon", "{prompt}, neon")
    with pytest.raises(InvalidRequestError, match=r"already.*replace"):
        studio.save_style("neon!", "other")
    assert studio.save_style("Neon", "{prompt} in neon", replace=True).text == "{prompt} in neon"


def test_one_that_ships_can_be_covered_and_shows_again(studio):
    shipped = studio.catalog.presets["draft"]
    with pytest.raises(InvalidRequestError, match="already"):
        studio.save_preset("Draft", values={})
    studio.save_preset("Draft", values={"num_inference_steps": 3}, replace=True)
    assert studio.catalog.presets["draft"].own
    studio.delete_preset("draft")
    assert studio.catalog.presets["draft"] == shipped
    with pytest.raises(InvalidRequestError, match="part of this version"):
        studio.delete_preset("draft")


def test_what_cannot_be_kept_is_refused_before_anything_is_written(studio, home, picture):
    ref = studio.assets.put(picture).ref
    for values in ({"image": ref}, {"strange": object()}):
        with pytest.raises(InvalidRequestError, match=r"image|values"):
            studio.save_preset("Mine", values=values)
    with pytest.raises(InvalidRequestError, match="name"):
        studio.save_preset("  ", values={})
    with pytest.raises(InvalidRequestError, match="text"):
        studio.save_style("Empty", " ")
    assert not (home / "catalog" / "presets.yaml").exists()


def test_a_file_that_cannot_be_read_is_not_written_over(studio, home):
    path = home / "catalog" / "presets.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text("presets: [unclosed")
    with pytest.raises(InvalidRequestError, match=r"presets\.yaml"):
        studio.save_preset("Mine", values={})
    assert path.read_text() == "presets: [unclosed"


def test_what_people_wrote_elsewhere_is_left_to_them(studio, home):
    (home / "catalog").mkdir(exist_ok=True)
    (home / "catalog" / "mine.yaml").write_text("styles: {neon: {text: '{prompt}, neon'}}")
    for act in (lambda: studio.delete_style("neon"), lambda: studio.save_style("Neon", "x", replace=True)):
        with pytest.raises(InvalidRequestError, match=r"mine\.yaml"):
            act()


def test_the_other_entries_of_the_file_stay_also_those_with_mistakes(studio, home):
    path = home / "catalog" / "presets.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text("presets:\n  odd: {shape: wide}\nloras:\n  ink: {file: ink.safetensors}\n")
    studio.save_preset("Mine", values={})
    assert "shape: wide" in path.read_text()
    assert "ink" in studio.catalog.loras
    assert list(path.parent.glob(".*")) == []


def test_two_processes_that_save_at_once_lose_nothing(home):
    with sk.open(home) as studio:
        command = [sys.executable, "-c", WRITER, str(home)]
        writers = [subprocess.Popen([*command, name, "12"]) for name in ("first", "second")]
        assert [writer.wait(60) for writer in writers] == [0, 0]
        own = [preset for preset in studio.catalog.presets.values() if preset.own]
        assert len(own) == 24
        assert studio.catalog.problems == ()


def test_a_viewer_saves_and_deletes_nothing(studio, home):
    studio.save_preset("Mine", values={})
    with sk.open(home, mode="viewer") as viewer:
        assert viewer.catalog.presets["mine"].own
        for act in (
            lambda: viewer.save_preset("Other", values={}),
            lambda: viewer.delete_preset("mine"),
            lambda: viewer.save_style("Other", "x"),
            lambda: viewer.delete_style("x"),
        ):
            with pytest.raises(ReadOnlyError):
                act()
