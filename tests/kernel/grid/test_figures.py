"""Grids as files: figures, pages of figures, films."""

import io
import re
import warnings

import av
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from PIL import Image

from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.sweep import AxisGroup, Sweep
from studio_kernel.errors import HomeError, InvalidRequestError
from studio_kernel.fonts import font_families
from studio_kernel.grid import drawing, film, pages
from studio_kernel.grid.cells import GridCell, Picture
from studio_kernel.grid.drawing import Canvas, Drawing, SideText
from studio_kernel.grid.geometry import text_inches
from studio_kernel.grid.grid import Grid
from studio_kernel.grid.layout import arrange

RED, BLUE = (200, 0, 0), (0, 0, 200)


@pytest.fixture
def picture(tmp_path):
    """picture(colour, size): a picture on disk."""

    def make(colour=RED, size=(24, 24), name="p"):
        path = tmp_path / f"{name}-{colour[0]}-{colour[2]}-{size[0]}.png"
        Image.new("RGB", size, colour).save(path)
        return Picture(path, width=size[0], height=size[1])

    return make


def grid_of(rows, columns, cell, title="a boat", over=()):
    base = GenerationRequest("procedural", parameters={"prompt": title})
    groups = [AxisGroup.of("guidance_scale", rows), AxisGroup.of("seed", columns)]
    groups += [AxisGroup.of("strength", over)] if over else []
    sweep = Sweep(base, tuple(groups))
    cells = {tuple(made.coordinates.values()): cell(*made.coordinates.values()) for made in sweep.cells()}
    return Grid(sweep, cells, arrange(sweep, "guidance_scale", "seed"))


def colours_of(image):
    return {tuple(colour) for colour in np.asarray(image.convert("RGB")).reshape(-1, 3)}


def test_a_large_grid_stays_within_its_pixels_and_keeps_every_cell(picture, tmp_path):
    one = GridCell("succeeded", pictures=(picture(),))
    grid = grid_of(range(40), range(40), lambda *_: one)
    path = grid.save(tmp_path / "large.png")
    with Image.open(path) as image:
        width, height = image.size
        middle = np.asarray(image.convert("RGB"))[height // 2]
    assert 30_000_000 < width * height <= 40_400_000
    red = (middle == RED).all(axis=1).astype(int)
    assert (np.diff(red) == 1).sum() == 40


def test_cells_that_would_vanish_are_refused_with_a_way_out():
    places = [[str(i)] for i in range(60)]
    many = Drawing([("", [])], SideText(["a"], places), SideText(["b"], places), "", 1.0)
    with pytest.raises(InvalidRequestError, match=r"60 × 60 cells leave 1\.\d pixels for each; save it as .html"):
        drawing.sheet(many, Canvas(max_px=10_000))


def test_a_pdf_that_would_be_too_large_gets_pages(monkeypatch, tmp_path):
    monkeypatch.setattr(pages, "MAX_PAGE_INCHES", 12.0)
    grid = grid_of(range(12), range(5), lambda g, s: GridCell("planned", f"{g}/{s}"))
    sheets = list(pages.split(grid.drawing()))
    assert len(sheets) == 2
    assert all(max(sheet.size) <= 12 for sheet in sheets)
    shown = [cell.note for sheet in sheets for _, rows in sheet.drawing.panels for row in rows for cell in row]
    assert sorted(shown) == sorted(f"{g}/{s}" for g in range(12) for s in range(5))
    assert [place[0] for sheet in sheets for place in sheet.drawing.rows.places] == [str(g) for g in range(12)]
    written = grid.save(tmp_path / "pages.pdf").read_bytes()
    assert len(re.findall(rb"/Type /Page\b", written)) == 2


def test_a_cell_without_pictures_says_why_and_text_is_no_mathematics():
    grid = grid_of([1], [2], lambda *_: GridCell("failed", "no $money$ left_over"), title="for $5 and \\frac $x")
    (axes,) = grid.figure().axes
    texts = [text.get_text().replace("\n", " ") for text in axes.texts]
    assert "failed: no $money$ left_over" in texts
    assert "for $5 and \\frac $x" in texts
    assert grid._repr_png_().startswith(b"\x89PNG")


def test_several_pictures_of_a_run_share_its_cell(picture):
    both = GridCell("succeeded", pictures=(picture(RED), picture(BLUE)))
    (axes,) = grid_of([1], [2], lambda *_: both).figure().axes
    left, right = (image.get_extent() for image in axes.images)
    assert left[1] <= right[0]


def test_pictures_of_other_shapes_keep_theirs(picture):
    wide = GridCell("succeeded", pictures=(picture(size=(60, 30)),))
    (axes,) = grid_of([1], [2], lambda *_: wide).figure().axes
    x0, x1, y1, y0 = axes.images[0].get_extent()
    assert (x1 - x0) / abs(y1 - y0) == pytest.approx(2)


def test_a_video_and_a_file_that_is_gone_are_told_in_words(picture, tmp_path):
    cells = {1: Picture(tmp_path / "clip.mp4", "video/mp4"), 2: Picture(tmp_path / "gone.png")}
    (axes,) = grid_of([1], [1, 2], lambda _, s: GridCell("succeeded", pictures=(cells[s],))).figure().axes
    texts = [text.get_text().replace("\n", " ") for text in axes.texts]
    assert "video/mp4" in texts
    assert any(text.startswith("unreadable:") for text in texts)


def test_labels_that_do_not_fit_are_turned_and_nested_ones_stand_once():
    places = [[model, f"{model}-with-a-name-that-is-long-{n}"] for model in ("one", "two") for n in (1, 2)]
    given = Drawing(
        [("", [[GridCell("planned")] * 4])], SideText([], [[]]), SideText(["model", "name"], places), "t", 1.0
    )
    (axes,) = drawing.figure(given, Canvas()).axes
    turned = [text for text in axes.texts if text.get_rotation() == 90]
    assert len(turned) == 4
    assert [text.get_text() for text in axes.texts].count("one") == 1


def test_an_unknown_ending_is_refused(tmp_path):
    grid = grid_of([1], [2], lambda *_: GridCell("planned"))
    with pytest.raises(InvalidRequestError, match=r"'grid.docx' has no known ending"):
        grid.save(tmp_path / "grid.docx")


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    grid = grid_of([1], [2], lambda *_: GridCell("planned"))
    for name in ("grid.png", "page", "film.gif"):
        with pytest.raises(HomeError, match="cannot write the"):
            (grid.film([], tmp_path / "file" / name) if name.endswith("gif") else grid.save(tmp_path / "file" / name))


@pytest.fixture
def moving(picture):
    """A grid that is red at the first two strengths and blue at the third."""

    def cell(_guidance, _seed, strength):
        return GridCell("succeeded", pictures=(picture(BLUE if strength == 0.9 else RED, (25, 31)),))

    return grid_of([1, 2], [1], cell, over=(0.1, 0.5, 0.9))


def test_a_gif_has_a_frame_for_each_value_with_its_label(moving, tmp_path):
    with Image.open(moving.film("strength", tmp_path / "film.gif", fps=5)) as shown:
        assert shown.n_frames == 3
        assert shown.info["duration"] == 200
        frames = []
        for number in range(3):
            shown.seek(number)
            frames.append(shown.convert("RGB").copy())
    assert [BLUE in colours_of(frame) for frame in frames] == [False, False, True]
    assert frames[0].tobytes() != frames[1].tobytes()  # the label alone differs
    titles = [given.title for given in moving._frames("strength")]
    assert titles == [f"a boat · strength {value}" for value in (0.1, 0.5, 0.9)]


def test_an_mp4_plays_in_order_at_its_rate_with_even_sides(moving, tmp_path):
    with av.open(str(moving.film("strength", tmp_path / "film.mp4", fps=2.5))) as played:
        stream = played.streams.video[0]
        assert stream.average_rate == 2.5
        assert stream.pix_fmt == "yuv420p"
        assert stream.codec.name in ("h264", "mpeg4")
        frames = [frame.to_image() for frame in played.decode(stream)]
    assert len(frames) == 3
    assert {side % 2 for frame in frames for side in frame.size} == {0}
    blue = [int((np.asarray(frame)[..., 2].astype(int) - np.asarray(frame)[..., 0] > 100).sum()) for frame in frames]
    assert blue[2] > 1000 > 10 > max(blue[:2])


def test_frames_have_one_size_however_long_their_labels_are(tmp_path):
    words = " ".join(f"word{number}" for number in range(40))
    grid = grid_of([1], [1], lambda *_: GridCell("planned"), over=("short", words))
    titles = [len(drawing.sheet(given, film.FILM).title) for given in grid._frames("strength")]
    assert titles[0] < titles[1]
    frames = list(film._drawn(list(grid._frames("strength"))))
    assert frames[0].shape == frames[1].shape


@pytest.mark.parametrize(
    ("over", "name", "fps", "message"),
    [
        ("strength", "film.avi", 4, "use .gif or .mp4"),
        ("seed", "film.gif", 4, "placed twice"),
        ("steps", "film.gif", 4, "is not an axis"),
        ("strength", "film.gif", 0, "not above 0"),
    ],
)
def test_a_film_that_cannot_be_is_refused(moving, tmp_path, over, name, fps, message):
    with pytest.raises(InvalidRequestError, match=message):
        moving.film(over, tmp_path / name, fps=fps)


def test_a_notebook_gets_a_picture_of_moderate_size():
    grid = grid_of(range(30), range(30), lambda *_: GridCell("planned"))
    with Image.open(io.BytesIO(grid._repr_png_())) as image:
        assert image.width * image.height <= 4_050_000


@pytest.fixture
def installed_font(tmp_path):
    """A font with one cat in it, under a name as fonts of the East have."""
    glyphs = TTGlyphPen(None)
    for step, corner in enumerate([(0, 0), (0, 900), (900, 900), (900, 0)]):
        (glyphs.lineTo if step else glyphs.moveTo)(corner)
    glyphs.closePath()
    build = FontBuilder(1000)
    build.setupGlyphOrder([".notdef", "cat"])
    build.setupCharacterMap({ord("猫"): "cat"})
    build.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "cat": glyphs.glyph()})
    build.setupHorizontalMetrics({".notdef": (500, 0), "cat": (2000, 0)})
    build.setupHorizontalHeader(ascent=900, descent=-100)
    build.setupNameTable({"familyName": "Noto Sans CJK Test", "styleName": "Regular"})
    build.setupOS2()
    build.setupPost()
    build.save(tmp_path / "cat.ttf")
    before = list(font_manager.fontManager.ttflist)
    font_manager.fontManager.addfont(tmp_path / "cat.ttf")
    font_families.cache_clear()
    yield
    font_manager.fontManager.ttflist[:] = before
    font_families.cache_clear()


def test_a_prompt_is_written_in_an_installed_font_that_has_its_letters(installed_font, picture, tmp_path):
    grid = grid_of([1.0], [1], lambda *_: GridCell("succeeded", pictures=(picture(),)), title="猫 on the sofa")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        grid.save(tmp_path / "grid.png")
    assert text_inches("猫", 72) == pytest.approx(2.0, abs=0.1)
