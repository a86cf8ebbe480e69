"""The mask without a screen: painting, inverting, feathering, taking back, and what the form gets of it."""

import io

import pytest
from PIL import Image, ImageDraw

from studio_kernel.assets import AssetStore
from studio_kernel.domain.parameters import standard
from studio_widgets.mask import history, intents
from studio_widgets.mask.panel import MaskInput
from studio_widgets.mask.state import MaskState
from studio_widgets.media.giving import Giving

SIZE = (60, 40)


def encoded(picture, kind="PNG"):
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()


def stroke(width=10, height=10, opaque=255):
    return encoded(Image.new("RGBA", (width, height), (230, 22, 140, opaque)))


def decoded(data):
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        return picture


def white(mask):
    return mask.histogram()[255]


@pytest.fixture
def told():
    return []


@pytest.fixture
def state(told):
    state = MaskState(told.append)
    state.see(Image.new("RGB", SIZE))
    return state


def test_what_is_painted_is_white_at_its_place_in_a_mask_of_the_pictures_size(state, told):
    state.paint(stroke(), 5, 7)
    state.settle()
    mask = decoded(told[-1])
    assert (mask.mode, mask.size, mask.getbbox()) == ("L", SIZE, (5, 7, 15, 17))
    assert white(mask) == 100
    assert state.coverage == pytest.approx(100 / 2400)


def test_a_stroke_of_the_eraser_takes_away(state):
    state.paint(stroke(), 5, 7)
    state.paint(stroke(4, 4, opaque=0), 5, 7)
    assert white(state.mask) == 84


def test_the_mask_is_handed_on_once_when_it_has_changed(state, told):
    state.settle()
    assert told == []
    state.invert()
    state.settle()
    state.settle()
    assert len(told) == 1


def test_an_empty_mask_is_handed_on_as_none(state, told):
    state.paint(stroke(), 0, 0)
    state.clear()
    state.settle()
    assert told == [b""]


def test_inverting_repaints_the_rest(state):
    state.paint(stroke(), 0, 0)
    state.invert()
    assert white(state.mask) == 2400 - 100


def test_feathering_makes_the_edge_soft_and_keeps_its_middle(state):
    half = Image.new("L", SIZE)
    ImageDraw.Draw(half).rectangle((30, 0, 59, 39), fill=255)
    state.load(encoded(half))
    state.feather(8)
    line = [state.mask.getpixel((x, 20)) for x in range(60)]
    assert line == sorted(line)
    assert line[30 - 12] == 0
    assert line[30 + 12] == 255
    assert line[29] + line[30] == pytest.approx(255, abs=3)
    assert 0 < line[26] < 128 < line[33] < 255


@pytest.mark.parametrize("px", [0, -1, 257, float("nan")])
def test_feathers_that_cannot_be_are_refused(state, px):
    state.feather(px)
    assert "pixels of feather" in state.error
    assert not state.can_undo


@pytest.mark.parametrize("change", ["invert", "clear", "feather", "load", "paint"])
def test_every_change_is_taken_back_and_made_again(state, change):
    state.paint(stroke(20, 20), 5, 5)
    before = state.mask.tobytes()
    acts = {"feather": (4,), "load": (encoded(Image.new("L", SIZE, 128)),), "paint": (stroke(), 30, 10)}
    getattr(state, change)(*acts.get(change, ()))
    after = state.mask.tobytes()
    assert after != before
    state.undo()
    assert state.mask.tobytes() == before
    state.redo()
    assert state.mask.tobytes() == after


def test_twenty_changes_are_kept(state):
    for place in range(25):
        state.paint(stroke(1, 1), place, 0)
    for _ in range(25):
        state.undo()
    assert white(state.mask) == 25 - history.DEPTH
    assert (state.can_undo, state.can_redo) == (False, True)


def test_a_new_change_ends_what_could_be_made_again(state):
    state.invert()
    state.undo()
    state.paint(stroke(), 0, 0)
    assert not state.can_redo
    state.redo()
    assert white(state.mask) == 100


def test_a_mask_of_another_size_is_brought_to_the_pictures(state):
    small = Image.new("L", (6, 4))
    small.putpixel((0, 0), 255)
    state.load(encoded(small))
    assert state.mask.size == SIZE
    assert state.mask.getpixel((2, 2)) > 200


def test_what_the_form_has_is_shown_and_not_handed_back(state, told):
    state.show(encoded(Image.new("L", SIZE, 255)))
    state.settle()
    assert state.coverage == 1.0
    assert told == []


@pytest.mark.parametrize(
    ("data", "left", "top"),
    [
        (b"no picture", 0, 0),
        (stroke(61, 10), 0, 0),
        (stroke(10, 10), 55, 0),
        (stroke(10, 10), 0, 35),
        (encoded(Image.new("RGB", (5, 5))), 0, 0),
        (encoded(Image.new("RGB", (5, 5)), "JPEG"), 0, 0),
        (stroke()[:60], 0, 0),
        (bytes(9 * 2**20), 0, 0),
    ],
)
def test_strokes_that_do_not_fit_change_nothing(state, data, left, top):
    state.paint(data, left, top)
    assert "stroke" in state.error
    assert state.is_empty
    assert not state.can_undo


def test_without_a_picture_there_is_nothing_to_paint_on(told):
    state = MaskState(told.append)
    state.paint(stroke(), 0, 0)
    assert "no picture" in state.error
    state.invert()
    state.feather(3)
    state.undo()
    state.settle()
    assert told == []


def test_a_part_for_the_browser_is_opaque_where_it_is_repainted(state):
    state.paint(stroke(opaque=77), 5, 7)
    part = decoded(state.region((4, 7, 8, 9)))
    assert [part.getchannel("A").getpixel((x, 0)) for x in range(4)] == [0, 77, 77, 77]


# As a control of a form


class Form:
    """Keeps what it is told, and shows all its values again whenever one changes."""

    def __init__(self, root):
        self.assets = AssetStore(root)
        self.image = self.mask = None
        self.told = 0
        giving = Giving(self.tell, picture=lambda: self.image, assets=self.assets)
        self.control = MaskInput(standard("mask_image"), None, giving)
        self.state = self.control.state

    def tell(self, data, _name):
        self.told += 1
        self.mask = self.assets.take(data) if data else None
        self.control.show(self.mask)

    def see(self, size):
        self.image = self.assets.take(Image.new("RGB", size, (size[0], 0, 0))) if size else None
        self.control.show(self.mask)

    def hear(self, content, *buffers):
        self.control.editor._handle_custom_msg(content, list(buffers))

    @property
    def stored(self):
        return self.assets.image(self.mask)


@pytest.fixture
def form(tmp_path):
    return Form(tmp_path)


def test_the_editor_is_there_once_there_is_a_picture(form):
    assert form.control.editor.layout.display == "none"
    form.see(SIZE)
    assert form.control.editor.layout.display is None
    assert form.control.editor.size == list(SIZE)
    form.see(None)
    assert form.control.editor.layout.display == "none"


def test_a_stroke_from_the_browser_reaches_the_form_as_a_stored_mask(form):
    form.see(SIZE)
    form.hear({"kind": "stroke", "view": "v", "left": 5, "top": 7}, stroke())
    assert (form.stored.mode, form.stored.size, form.stored.getbbox()) == ("L", SIZE, (5, 7, 15, 17))
    assert form.state.can_undo
    form.hear({"kind": "change", "step": "undo"})
    assert form.mask is None


def test_every_view_is_told_of_a_stroke_and_who_painted_it(form):
    form.see(SIZE)
    said = []
    form.control.editor.send = lambda content, buffers=(): said.append((content, *buffers))  # the wire to the browser
    data = stroke()
    form.hear({"kind": "stroke", "view": "v", "left": 5, "top": 7}, data)
    assert said == [({"kind": "patch", "view": "", "by": "v", "box": [5, 7, 15, 17]}, data)]


def test_a_mask_file_is_painted_over(form):
    form.see(SIZE)
    form.control._file.state.give(encoded(Image.new("L", SIZE, 255)), "mask.png")
    assert form.state.coverage == 1.0
    form.hear({"kind": "stroke", "view": "v", "left": 0, "top": 0}, stroke(10, 10, 0))
    assert form.stored.histogram()[0] == 100


def test_a_mask_that_was_there_before_its_picture_is_taken_up(form):
    form.mask = form.assets.take(Image.new("L", SIZE, 255))
    form.control.show(form.mask)
    form.see(SIZE)
    assert form.state.coverage == 1.0
    assert form.told == 0


def test_removing_the_mask_empties_the_editor(form):
    form.see(SIZE)
    form.hear({"kind": "change", "step": "invert"})
    form.control._file.state.take_away()
    assert form.mask is None
    assert form.state.is_empty


def test_another_picture_of_the_same_size_keeps_the_mask_and_one_of_another_size_does_not(form):
    form.see(SIZE)
    form.hear({"kind": "change", "step": "invert"})
    form.image = form.assets.take(Image.new("RGB", SIZE, "blue"))
    form.control.show(form.mask)
    assert form.state.coverage == 1.0
    form.see((30, 30))
    assert form.mask is None
    assert form.state.size == (30, 30)
    assert form.state.is_empty


def test_a_picture_that_lies_on_its_side_gets_a_mask_as_engines_see_it(form):
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40)).save(buffer, "JPEG", exif=exif)
    form.image = form.assets.take(buffer.getvalue())
    form.control.show(None)
    assert form.state.size == (40, 60)


def test_a_form_that_shows_the_same_again_changes_nothing(form):
    form.see(SIZE)
    form.hear({"kind": "change", "step": "invert"})
    before = form.state.patch
    form.control.show(form.mask)
    assert form.state.patch == before


def test_a_mask_without_effect_is_not_painted(form):
    form.see(SIZE)
    form.control.disable("Not now.")
    form.hear({"kind": "change", "step": "invert"})
    assert form.state.is_empty


@pytest.mark.parametrize(
    ("content", "buffers"),
    [
        ({}, []),
        ({"kind": "stroke", "view": "v", "left": 0, "top": 0}, []),
        ({"kind": "stroke", "view": "", "left": 0, "top": 0}, [b"a"]),
        ({"kind": "stroke", "view": "v", "left": -1, "top": 0}, [b"a"]),
        ({"kind": "stroke", "view": "v", "left": True, "top": 0}, [b"a"]),
        ({"kind": "stroke", "view": "v", "left": 0, "top": 2**40}, [b"a"]),
        ({"kind": "stroke", "view": "v", "left": 0, "top": 0}, [bytes(9 * 2**20)]),
        ({"kind": "change", "step": "see"}, []),
        ({"kind": "change", "step": ["undo"]}, []),
        ({"kind": "feather", "px": 0}, []),
        ({"kind": "feather", "px": True}, []),
        ({"kind": "feather", "px": float("nan")}, []),
        ({"kind": "feather", "px": 1e9}, []),
        ({"kind": "look"}, []),
    ],
)
def test_other_messages_are_dropped(content, buffers):
    assert intents.read(content, buffers) is None
