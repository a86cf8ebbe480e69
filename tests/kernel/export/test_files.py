"""Files of runs in a folder and in a ZIP file."""

import csv
import dataclasses
import io
import zipfile

import duckdb
import pytest
from PIL import Image, PngImagePlugin

import studio_kernel as sk
from engines import MediaEngine, install_media
from studio_kernel.assets.embed import read
from studio_kernel.domain.presets import ExportPreset
from studio_kernel.errors import HomeError, InvalidRequestError, StudioError
from studio_kernel.export.files import TABLES

QUICK = {"model": "procedural", "num_inference_steps": 1, "width": 64, "height": 48}


@pytest.fixture
def studio(home):
    install_media(home)
    with sk.open(home, engines=[MediaEngine({"moving": moving()})]) as studio:
        yield studio


def moving():
    buffer = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def opened(data):
    return Image.open(io.BytesIO(data))


def rows(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return list(csv.DictReader(io.StringIO(archive.read("settings.csv").decode("utf-8-sig"))))


def test_originals_are_copied_byte_for_byte(studio, tmp_path):
    run = studio.generate("a boat", seed=7, num_images=2, **QUICK)
    paths = studio.export(run, tmp_path / "new" / "out")
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in run.files]
    assert [path.name for path in paths] == [f"procedural-7-{run.id[-12:]}-{place}.png" for place in (1, 2)]
    assert paths.notes == ()


def test_a_preset_changes_format_and_size_and_strips_the_settings(studio, tmp_path):
    run = studio.generate("a secret boat", seed=7, **QUICK)
    [path] = studio.export(run, tmp_path, "web")
    assert opened(path.read_bytes()).format == "WEBP"
    assert b"secret" not in path.read_bytes()
    [kept] = studio.export([run.id], tmp_path, ExportPreset("x", "X", format="jpeg", width=32))
    assert opened(kept.read_bytes()).size == (32, 24)
    assert read(kept.read_bytes()).request == run.request


def test_nothing_is_written_over(studio, tmp_path):
    run = studio.generate("a boat", seed=7, **QUICK)
    first, second, third = (studio.export(run, tmp_path)[0] for _ in range(3))
    assert [path.stem for path in (second, third)] == [f"{first.stem}_2", f"{first.stem}_3"]
    assert len(list(tmp_path.glob("*.png"))) == 3


def test_videos_sounds_and_moving_pictures_are_copied_with_a_note(studio, tmp_path):
    run = studio.generate("webm wav moving png", model="media", progress=False)
    paths = studio.export(run, tmp_path, "web")
    assert [path.suffix for path in paths] == [".webm", ".wav", ".gif", ".webp"]
    assert [path.read_bytes() for path in paths[:3]] == [path.read_bytes() for path in run.files[:3]]
    kinds = [note.split(": ")[1].split(" is ")[0] for note in paths.notes]
    assert kinds == ["a video", "a sound", "a moving picture"]
    assert "with the settings that are in it" in paths.notes[0]


def test_what_would_leave_can_be_told_before(studio):
    runs = [studio.generate(kinds, model="media", progress=False) for kinds in ("webm png", "wav")]
    plan = studio.export_plan(runs, "web")
    sizes = [path.stat().st_size for run in runs for path in run.files]
    assert (plan.runs, plan.files, plan.size_bytes) == (2, 3, sum(sizes))
    assert plan.notes == ("2 videos and sounds are copied without a change, with the settings in the file",)
    assert studio.export_plan(runs, "originals").notes == ()


def test_the_pattern_of_names_can_be_chosen(studio, tmp_path):
    run = studio.generate("A red boat, at night!", seed=7, **QUICK)
    assert studio.export(run, tmp_path, names="{prompt}")[0].name == "A-red-boat-at-night.png"
    with pytest.raises(InvalidRequestError, match="'seed'"):
        studio.export(run, tmp_path, names="{sead}")


def test_a_run_without_files_is_told_and_the_others_leave(studio, tmp_path):
    good = studio.generate("a boat", **QUICK)
    bad = studio.generate("nothing-of-that-name", model="media", progress=False)
    exported = studio.export([bad, good], tmp_path)
    assert len(exported) == 1
    assert exported.notes == (f"run {bad.id} ({bad.status}) has no files",)


def test_a_private_run_stays(studio, tmp_path):
    run = studio.generate("a boat", private=True, **QUICK)
    for act in (lambda: studio.export(run, tmp_path), lambda: studio.export_zip([run.id])):
        with pytest.raises(InvalidRequestError, match="private"):
            act()
    assert list(tmp_path.glob("*.png")) == []


def test_an_unknown_preset_is_told_with_a_near_one(studio, tmp_path):
    run = studio.generate("a boat", **QUICK)
    with pytest.raises(InvalidRequestError, match="did you mean 'print-a4'"):
        studio.export(run, tmp_path, "print-a5")
    with pytest.raises(InvalidRequestError, match="originals, originals-clean, web"):
        studio.export(run, tmp_path, "zzzzzz")


def test_a_folder_that_cannot_be_written_is_told(studio, tmp_path):
    run = studio.generate("a boat", **QUICK)
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError, match="cannot write"):
        studio.export(run, tmp_path / "file")


def test_the_archive_has_every_file_once_and_a_table_of_settings(studio):
    runs = [studio.generate("a boat", seed=seed, guidance_scale=3 + seed, **QUICK) for seed in (1, 2)]
    data = studio.export_zip(runs, "web", names="{prompt}")
    table = rows(data)
    assert [row["file"] for row in table] == ["a-boat.webp", "a-boat_2.webp"]
    assert [(row["run"], row["seed"], row["guidance_scale"]) for row in table] == [
        (runs[0].id, "1", "4"),
        (runs[1].id, "2", "5"),
    ]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["a-boat.webp", "a-boat_2.webp", "settings.csv"]
        assert opened(archive.read("a-boat.webp")).size == (64, 48)


def test_the_table_may_be_parquet_with_typed_columns(studio, tmp_path):
    runs = [studio.generate("=a boat", seed=seed, guidance_scale=scale, **QUICK) for seed, scale in ((1, 3), (2, 4.5))]
    runs.append(studio.generate("wav", model="media", progress=False))
    studio.mark(runs[0], rating=4, tags=["keep"])
    data = studio.export_zip(runs, names="{seed}", table="parquet")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist()[-1] == "settings.parquet"
        path = archive.extract("settings.parquet", tmp_path)
    read = duckdb.from_parquet(path)
    types = dict(zip(read.columns, map(str, read.types), strict=True))
    names = ("created_at", "seed", "guidance_scale", "prompt", "rating", "favourite", "cost_usd")
    expected = ["TIMESTAMP WITH TIME ZONE", "BIGINT", "DOUBLE", "VARCHAR", "BIGINT", "BOOLEAN", "DOUBLE"]
    assert [types[name] for name in names] == expected
    shown = read.select("file", "prompt", "guidance_scale", "rating", "tags").fetchall()
    assert shown[:2] == [("1.png", "=a boat", 3.0, 4, "keep"), ("2.png", "=a boat", 4.5, None, "")]
    assert shown[2][2] is None


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_setting_that_is_called_like_a_fact_has_a_column_of_its_own(studio, tmp_path, kind):
    run = studio.generate("wav", model="media", progress=False, seed=1)
    studio.mark(run, tags=["keep"])
    record = run.record
    request = dataclasses.replace(record.request, parameters={**record.request.parameters, "tags": "slow jazz"})
    path = tmp_path / f"settings.{kind}"
    path.write_bytes(TABLES[kind]([("a.wav", dataclasses.replace(record, request=request))]))
    read = duckdb.from_parquet(str(path)) if kind == "parquet" else duckdb.from_csv_auto(str(path))
    assert read.select("tags", "tags_setting").fetchall() == [("keep", "slow jazz")]


def test_an_unknown_kind_of_table_is_told(studio):
    with pytest.raises(InvalidRequestError, match="'xlsx' is neither 'csv' nor 'parquet'"):
        studio.export_zip([studio.generate("a boat", **QUICK)], table="xlsx")


def test_no_text_becomes_a_formula_in_a_spreadsheet(studio):
    run = studio.generate('=HYPERLINK("http://x")', seed=1, **QUICK)
    studio.mark(run, note="@SUM(A1)", tags=["-1"])
    [row] = rows(studio.export_zip(run))
    assert row["prompt"].startswith("'=")
    assert row["note"] == "'@SUM(A1)"
    assert row["tags"] == "-1"


def test_a_file_may_be_called_like_the_table_and_both_are_there(studio):
    run = studio.generate("a boat", seed=1, **QUICK)
    with zipfile.ZipFile(io.BytesIO(studio.export_zip(run, names="settings"))) as archive:
        assert archive.namelist() == ["settings.png", "settings.csv"]


def test_an_archive_that_would_be_too_large_is_refused_and_the_command_is_named(studio):
    run = studio.generate("a boat", seed=1, **QUICK)
    with pytest.raises(StudioError, match=r"studio export RUN.* --to"):
        studio.export_zip(run, max_bytes=100)
    assert len(studio.export_zip(run, max_bytes=10**6)) < 10**6


def test_a_viewer_may_export(studio, home, tmp_path):
    run = studio.generate("a boat", seed=1, **QUICK)
    with sk.open(home, mode="viewer") as viewer:
        assert len(viewer.export(run.id, tmp_path, "web")) == 1
        assert rows(viewer.export_zip(run.id))[0]["run"] == run.id


def test_a_file_that_was_brought_in_leaves_without_made_up_settings(studio, tmp_path):
    run = studio.import_bytes(plain(), "holiday.png")
    [path] = studio.export(run, tmp_path, ExportPreset("x", "X", format="jpeg"))
    assert read(path.read_bytes()) is None
    assert rows(studio.export_zip(run))[0]["run"] == run.id


def test_settings_of_a_stranger_that_make_no_sense_do_not_stop_an_export(studio, tmp_path):
    notes = PngImagePlugin.PngInfo()
    notes.add_text("studio", '{"request": 7}')
    run = studio.import_bytes(plain(notes), "odd.png")
    assert len(studio.export(run, tmp_path, "web")) == 1


def plain(notes=None):
    buffer = io.BytesIO()
    Image.new("RGB", (32, 24), "red").save(buffer, "PNG", pnginfo=notes)
    return buffer.getvalue()
