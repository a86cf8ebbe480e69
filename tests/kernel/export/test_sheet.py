"""Contact sheets: what is on them, how large they are, and what they refuse."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import media
import studio_kernel as sk
from engines import MediaEngine, install_media
from studio_kernel.domain.presets import ExportPreset
from studio_kernel.errors import HomeError, InvalidRequestError
from studio_kernel.export.captions import MOST, captions_of, shown_of
from studio_kernel.export.paper import LEAST_CELL_PX, Tile, plan
from studio_kernel.runlog import RunFilter

QUICK = {"model": "procedural", "num_inference_steps": 1, "width": 64, "height": 64, "progress": False}
RED, BLUE = (200, 0, 0), (0, 0, 200)


@pytest.fixture
def studio(home):
    install_media(home)
    files = {"red": plain(RED), "blue": plain(BLUE), "dark": media.film(dark=4)}
    with sk.open(home, engines=[MediaEngine(files)]) as studio:
        yield studio


def plain(colour):
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(buffer, "PNG")
    return buffer.getvalue()


def made(studio, kinds, **parameters):
    return studio.generate(kinds, model="media", progress=False, **parameters)


def pixels(path):
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB")).astype(int)


def has(found, colour):
    return bool((found == colour).all(axis=-1).any())


def order(found, *colours):
    """Return in which order colours come, from the left to the right."""
    first = {colour: np.flatnonzero((found == colour).all(axis=-1).any(axis=0))[0] for colour in colours}
    return sorted(colours, key=first.get)


def page_count(path):
    return len(re.findall(rb"/Type /Page\b", path.read_bytes()))


def test_every_picture_is_on_the_sheet_in_the_order_of_the_runs(studio, tmp_path):
    red, blue = made(studio, "red"), made(studio, "blue")
    for runs, colours in (([red, blue], [RED, BLUE]), ([blue.id, red.record], [BLUE, RED])):
        found = pixels(studio.contact_sheet(runs, tmp_path / "new" / "sheet.png", columns=2))
        assert order(found, RED, BLUE) == colours


def test_a_filter_and_a_sweep_are_taken_too(studio, tmp_path):
    made(studio, "red")
    made(studio, "no-such-kind")  # fails, and is not asked for by name
    found = pixels(studio.contact_sheet(RunFilter(model="media"), tmp_path / "a.png"))
    alone = pixels(studio.contact_sheet(RunFilter(text="red"), tmp_path / "b.png", labels=[]))
    assert has(found, RED)
    assert found.shape[1] == alone.shape[1]
    sweep = studio.sweep("a boat", axes={"seed": [1, 2, 3]}, **{k: v for k, v in QUICK.items() if k != "progress"})
    sweep.wait(60)
    three = pixels(studio.contact_sheet(sweep, tmp_path / "c.png", columns=3))
    assert three.shape[1] > 2.5 * alone.shape[1]


def test_what_differs_is_written_below_and_names_may_be_given(studio):
    runs = [studio.generate("a boat", seed=seed, guidance_scale=4, **QUICK).record for seed in (1, 2)]
    shown = shown_of(runs)
    assert captions_of(shown) == [["seed 1"], ["seed 2"]]
    assert captions_of(shown, ["prompt", "guidance_scale"]) == [["a boat", "guidance scale 4"]] * 2
    assert captions_of(shown, []) == [[], []]
    assert captions_of(shown, ["id"]) == [[run.id] for run in runs]


def test_of_many_settings_those_with_most_values_are_written(studio):
    record = studio.generate("a boat", **QUICK).record
    values = {"width": (1, 2, 2), "height": (1, 2, 2)}
    values |= dict.fromkeys(("seed", "strength", "clip_skip", "num_images", "steps_a", "steps_b"), (1, 2, 3))
    records = []
    for place in range(3):
        own = {name: of_each[place] for name, of_each in values.items()}
        request = replace(record.request, parameters={**record.request.parameters, **own})
        records.append(replace(record, request=request, seed=own["seed"], assets=()))
    [first, *_others] = captions_of(shown_of(records))
    assert len(first) == MOST
    assert not any(line.startswith(("width", "height")) for line in first)


def test_files_of_one_run_have_a_place_and_a_seed_each(studio):
    run = studio.generate("a boat", seed=7, num_images=2, **QUICK)
    assert captions_of(shown_of([run.record])) == [["seed 7", "1 of 2"], ["seed 8", "2 of 2"]]


def test_an_unknown_label_is_told_with_a_near_one(studio, tmp_path):
    run = made(studio, "red", seed=1)
    with pytest.raises(InvalidRequestError, match="none of these runs has 'sead'; did you mean 'seed'"):
        studio.contact_sheet(run, tmp_path / "a.png", labels=["sead"])


def test_a_label_changes_the_sheet(studio, tmp_path):
    run = made(studio, "red", seed=1)
    bare = pixels(studio.contact_sheet(run, tmp_path / "a.png", labels=[]))
    labelled = pixels(studio.contact_sheet(run, tmp_path / "b.png", labels=["seed"]))
    assert labelled.shape[0] > bare.shape[0]
    assert (labelled[-40:] < 100).all(axis=-1).any()


def test_a_video_is_shown_by_the_frame_in_its_middle(studio, tmp_path):
    run = made(studio, "webm")  # its left part grows from nothing to the whole width
    found = pixels(studio.contact_sheet(run, tmp_path / "a.png", labels=[]))
    row = found[found.shape[0] // 3]
    yellow = (np.abs(row - (250, 190, 60)).max(axis=-1) < 30).sum()
    blue = (np.abs(row - (30, 120, 200)).max(axis=-1) < 30).sum()
    assert 0.35 < yellow / (yellow + blue) < 0.65


def test_sounds_failures_and_missing_files_have_a_place(studio, tmp_path):
    sound, failed, lost = made(studio, "wav"), made(studio, "no-such-kind"), made(studio, "red")
    lost.files[0].unlink()
    found = pixels(studio.contact_sheet([sound, failed, lost], tmp_path / "a.png", columns=3, labels=[]))
    third = found.shape[1] // 3
    for place in range(3):
        assert (found[:, place * third : (place + 1) * third] < 100).all(axis=-1).sum() > 20
    assert not has(found, RED)


def test_a_private_run_stays_and_is_left_out_of_a_filter(studio, tmp_path):
    private = studio.generate("a boat", private=True, **QUICK)
    with pytest.raises(InvalidRequestError, match="private"):
        studio.contact_sheet([private], tmp_path / "a.png")
    with pytest.raises(InvalidRequestError, match="nothing to show"):
        studio.contact_sheet(RunFilter(), tmp_path / "a.png")


@pytest.mark.parametrize(("preset", "size"), [("social-square", (1080, 1080)), ("print-a4", (2480, 3508))])
def test_a_preset_that_is_filled_is_the_page(studio, tmp_path, preset, size):
    runs = [made(studio, "red", seed=seed) for seed in range(2)]
    with Image.open(studio.contact_sheet(runs, tmp_path / "a.png", preset=preset, columns=1)) as opened:
        assert opened.size == size


def test_a_preset_that_bounds_makes_the_sheet_smaller(studio, tmp_path):
    runs = [made(studio, "red", seed=seed) for seed in range(6)]
    preset = ExportPreset("small", "Small", width=300, height=300)
    with Image.open(studio.contact_sheet(runs, tmp_path / "a.jpg", preset=preset)) as opened:
        assert opened.format == "JPEG"
        assert max(opened.size) in (299, 300)


def test_text_is_light_on_a_dark_page(studio, tmp_path):
    preset = ExportPreset("dark", "Dark", background="#000000")
    found = pixels(studio.contact_sheet(made(studio, "blue"), tmp_path / "a.png", title="Harbour", preset=preset))
    assert tuple(found[2, 2]) == (0, 0, 0)
    assert (found[:60] > 200).all(axis=-1).any()


def test_a_pdf_gets_the_pages_that_it_needs(studio, tmp_path):
    run = made(studio, "red", seed=1)
    assert page_count(studio.contact_sheet([run] * 3, tmp_path / "a.pdf")) == 1
    path = studio.contact_sheet([run] * 70, tmp_path / "b.pdf", title="Harbour", labels=["seed"])
    assert page_count(path) == 5  # four rows of four each
    assert b"/MediaBox [ 0 0 595.27" in path.read_bytes()


def test_pictures_that_would_vanish_are_refused_with_a_way_out():
    tile = Tile(1.7, 0.5)
    small = ExportPreset("small", "Small", width=600, height=600, fit="pad")
    with pytest.raises(InvalidRequestError, match=r"2000 pictures leave \d+ pixels for each; a \.pdf gets several"):
        plan(2000, tile, 0.3, columns=None, preset=small, pages=False)
    assert plan(2000, tile, 0.3, columns=None, preset=small, pages=True).cell_px >= LEAST_CELL_PX


def test_paths_that_cannot_be_are_told(studio, tmp_path):
    run = made(studio, "red")
    with pytest.raises(InvalidRequestError, match=r"no known ending; use \.png, \.jpg"):
        studio.contact_sheet(run, tmp_path / "a.bmp")
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError, match="cannot write"):
        studio.contact_sheet(run, tmp_path / "file" / "a.png")
    with pytest.raises(InvalidRequestError, match="columns"):
        studio.contact_sheet(run, tmp_path / "a.png", columns=0)


def test_a_viewer_may_make_one(studio, home, tmp_path):
    run = made(studio, "red")
    with sk.open(home, mode="viewer") as viewer:
        assert has(pixels(viewer.contact_sheet(run.id, tmp_path / "a.png")), RED)
