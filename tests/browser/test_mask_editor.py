"""The mask editor without a kernel: real strokes, and what they make of the mask and send."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

import studio_widgets
from looks import CONTRAST, DARK
from waiting import until

FOLDER = Path(studio_widgets.__file__).parent / "mask"
WIDE, HIGH = 400, 300
STATE = {
    "size": [WIDE, HIGH], "picture_version": 1, "coverage": 0.0, "can_undo": True, "can_redo": True, "error": "",
    "reason": "",
}  # fmt: skip
HTML = '<div class="studio" style="width:600px"><div id="root"></div></div>'
ALPHA = """([x, y]) => document.querySelector('canvas').getContext('2d').getImageData(x, y, 1, 1).data[3]"""
SENT = """(kind) => Promise.all(model.sent.filter((m) => m.content.kind === kind).map(async ({ content, buffers }) => ({
    ...content,
    data: buffers ? await new Promise((resolve) => {
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result.split(',')[1]);
        reader.readAsDataURL(new Blob([buffers[0]]));
    }) : '',
})))"""


@pytest.fixture
def editor(mount):
    def open_(**state):
        page = mount(FOLDER, {**STATE, **state}, HTML)
        page.locator(".sk-stage").wait_for()
        return page

    return open_


def sent(page, kind):
    return page.evaluate(SENT, kind)


def strokes(page, count):
    """Wait for so many strokes, and return each with the mask that it is."""
    found = until(lambda: (all_ := sent(page, "stroke")) and len(all_) >= count and all_, what="the strokes")
    assert len(found) == count
    return [(each, Image.open(io.BytesIO(base64.b64decode(each["data"]))).getchannel("A")) for each in found]


def at(page, x, y):
    """Where a pixel of the picture is on the screen."""
    box = page.locator(".sk-world > canvas").bounding_box()
    size = page.evaluate("model.get('size')")
    return box["x"] + (x + 0.5) * box["width"] / size[0], box["y"] + (y + 0.5) * box["height"] / size[1]


def paint(page, *points, button="left"):
    page.mouse.move(*at(page, *points[0]))
    page.mouse.down(button=button)
    for point in points[1:]:
        page.mouse.move(*at(page, *point), steps=5)
    page.mouse.up(button=button)


def alpha(page, x, y):
    return page.evaluate(ALPHA, [x, y])


def png(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return list(buffer.getvalue())


def patch(page, box, light, by=""):
    """What the kernel says of a part of the mask."""
    size = (box[2] - box[0], box[3] - box[1])
    data = png(Image.merge("LA", (Image.new("L", size, light), Image.new("L", size, light))))
    page.evaluate(
        "([box, data, by]) => model.emit("
        "'msg:custom', { kind: 'patch', view: '', by, box }, [new Uint8Array(data).buffer])",
        [box, data, by],
    )


def test_a_stroke_paints_and_sends_the_part_that_it_touched(editor):
    page = editor()
    paint(page, (100, 150), (200, 150))
    [(message, mask)] = strokes(page, 1)
    assert alpha(page, 150, 150) == 255
    assert alpha(page, 150, 220) == 0
    radius = round(0.08 * HIGH / 2)
    left, top, right, bottom = mask.getbbox()
    assert message["left"] + left == pytest.approx(100 - radius, abs=3)
    assert message["left"] + right == pytest.approx(200 + radius, abs=3)
    assert bottom - top == pytest.approx(2 * radius, abs=3)
    assert mask.width * mask.height < WIDE * HIGH / 8


def test_a_click_paints_one_spot(editor):
    page = editor()
    paint(page, (100, 100))
    strokes(page, 1)
    assert alpha(page, 100, 100) == 255


@pytest.mark.parametrize("how", ["tool", "right button"])
def test_the_eraser_takes_away(editor, how):
    page = editor()
    paint(page, (100, 150), (200, 150))
    if how == "tool":
        page.get_by_role("button", name="Eraser").click()
    paint(page, (150, 150), button="left" if how == "tool" else "right")
    [_, (message, mask)] = strokes(page, 2)
    assert alpha(page, 150, 150) == 0
    assert alpha(page, 105, 150) == 255
    assert mask.getpixel((150 - message["left"], 150 - message["top"])) == 0


def test_a_stroke_that_leaves_the_stage_goes_on(editor):
    page = editor()
    page.mouse.move(*at(page, 380, 150))
    page.mouse.down()
    x, y = at(page, 399, 150)
    page.mouse.move(x + 150, y, steps=4)
    page.mouse.move(*at(page, 380, 250), steps=4)
    page.mouse.up()
    strokes(page, 1)
    assert alpha(page, 380, 250) == 255


def test_leaving_the_picture_hands_the_mask_on_after_the_stroke(editor):
    page = editor()
    paint(page, (100, 150), (120, 150))
    page.mouse.move(5, 5)
    until(lambda: sent(page, "settle"), what="the end of painting")
    kinds = [m for m in page.evaluate("model.sent.map((m) => m.content.kind)") if m != "look"]
    assert kinds == ["stroke", "settle"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Undo", {"kind": "change", "step": "undo"}),
        ("Redo", {"kind": "change", "step": "redo"}),
        ("Invert", {"kind": "change", "step": "invert"}),
        ("Feather", {"kind": "feather", "px": 8}),
    ],
)
def test_buttons_ask_the_kernel(editor, name, message):
    page = editor()
    page.get_by_role("button", name=name, exact=True).click()
    assert [{key: each[key] for key in message} for each in sent(page, message["kind"])] == [message]


@pytest.mark.parametrize(
    ("key", "kind", "step"),
    [
        ("Control+z", "change", "undo"),
        ("Control+Shift+Z", "change", "redo"),
        ("Control+y", "change", "redo"),
        ("i", "change", "invert"),
    ],
)
def test_keys_ask_the_kernel_and_stay_in_the_panel(editor, key, kind, step):
    page = editor()
    page.evaluate("document.addEventListener('keydown', (e) => (window.leaked = (window.leaked ?? '') + e.key))")
    page.locator(".sk-stage").focus()
    page.keyboard.press(key)
    until(lambda: sent(page, kind), what="the wish")
    assert [each["step"] for each in sent(page, kind)] == [step]
    assert (page.evaluate("window.leaked") or "").replace("Control", "").replace("Shift", "") == ""


def test_nothing_is_painted_until_the_kernel_has_answered(editor):
    page = editor()
    page.get_by_role("button", name="Invert").click()
    paint(page, (100, 150), (200, 150))
    assert alpha(page, 150, 150) == 0
    page.evaluate("model.emit('msg:custom', { kind: 'done' }, [])")
    page.wait_for_function("!document.querySelector('.sk-stage.is-waiting')")
    paint(page, (100, 150), (200, 150))
    strokes(page, 1)
    assert alpha(page, 150, 150) == 255


def test_what_the_kernel_says_of_a_part_is_shown(editor):
    page = editor()
    paint(page, (100, 150), (200, 150))
    patch(page, [140, 140, 160, 160], 0)
    until(lambda: alpha(page, 150, 150) == 0, what="the part")
    assert alpha(page, 120, 150) == 255
    patch(page, [0, 0, WIDE, HIGH], 100)
    until(lambda: alpha(page, 5, 5) == 100, what="all of it")


def test_what_another_view_has_painted_is_shown_and_what_this_one_has_is_not_painted_twice(editor):
    page = editor()
    paint(page, (100, 150), (200, 150))
    [(message, _mask)] = strokes(page, 1)
    patch(page, [140, 140, 160, 160], 0, by=message["view"])
    patch(page, [10, 10, 30, 30], 255, by="another")
    until(lambda: alpha(page, 20, 20) == 255, what="the other stroke")
    assert alpha(page, 150, 150) == 255


def test_a_view_that_appears_asks_for_picture_and_mask(editor):
    page = editor()
    [look] = sent(page, "look")
    data = png(Image.new("RGB", (40, 30), "red"))
    page.evaluate(
        "([view, data]) => model.emit('msg:custom', { kind: 'picture', view }, [new Uint8Array(data).buffer])",
        [look["view"], data],
    )
    page.wait_for_function("document.querySelector('.sk-world img').naturalWidth === 40")
    page.evaluate("model.set('picture_version', 2)")
    assert len(sent(page, "look")) == 2


def test_zooming_in_paints_finer_and_the_wheel_zooms_around_the_pointer(editor):
    page = editor()
    page.locator(".sk-stage").focus()
    x, y = at(page, 300, 100)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -500)
    page.wait_for_function("document.querySelector('.sk-world').getBoundingClientRect().width > 1000")
    assert at(page, 300, 100) == pytest.approx((x, y), abs=4)
    paint(page, (300, 100))
    [(message, mask)] = strokes(page, 1)
    left, _top, right, _bottom = mask.getbbox()
    assert message["left"] + (left + right) / 2 == pytest.approx(300, abs=2)
    assert right - left == pytest.approx(24, abs=2)  # pixels of the picture, however large they are shown
    page.get_by_role("button", name="Fit").click()
    page.wait_for_function("document.querySelector('.sk-world').getBoundingClientRect().width <= 600")


def test_the_wheel_scrolls_the_page_where_nobody_paints(editor):
    page = editor()
    before = page.locator(".sk-world").bounding_box()
    page.mouse.move(*at(page, 200, 150))
    prevented = page.evaluate("""() => !document.querySelector('.sk-stage').dispatchEvent(
        new WheelEvent('wheel', { deltaY: -100, cancelable: true, bubbles: true }))""")
    assert not prevented
    assert page.locator(".sk-world").bounding_box() == before


def test_the_move_tool_moves_the_enlarged_picture_and_paints_nothing(editor):
    page = editor()
    for _ in range(3):
        page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Move").click()
    before = page.locator(".sk-world").bounding_box()
    stage = page.locator(".sk-stage").bounding_box()
    x, y = stage["x"] + 300, stage["y"] + 200
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y - 30, steps=4)
    page.mouse.up()
    after = page.locator(".sk-world").bounding_box()
    assert (after["x"] - before["x"], after["y"] - before["y"]) == pytest.approx((-60, -30), abs=1)
    assert sent(page, "stroke") == []


def test_two_fingers_pinch(editor):
    page = editor()
    before = page.locator(".sk-world").bounding_box()["width"]
    page.evaluate("""() => {
        const stage = document.querySelector('.sk-stage'), box = stage.getBoundingClientRect();
        stage.setPointerCapture = () => {};
        const fire = (kind, pointerId, x) => stage.dispatchEvent(new PointerEvent(kind, {
            pointerId, pointerType: 'touch', clientX: box.x + x, clientY: box.y + 150, bubbles: true, button: 0 }));
        fire('pointerdown', 1, 250); fire('pointerdown', 2, 350);
        fire('pointermove', 1, 200); fire('pointermove', 2, 400);
        fire('pointerup', 1, 200); fire('pointerup', 2, 400);
    }""")
    assert page.locator(".sk-world").bounding_box()["width"] == pytest.approx(before * 2, rel=0.02)


def test_a_mask_is_painted_by_keys_alone(editor):
    page = editor()
    page.locator(".sk-stage").focus()
    page.keyboard.down(" ")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.up(" ")
    [(message, mask)] = strokes(page, 1)
    left, _top, right, _bottom = mask.getbbox()
    assert message["left"] + left < WIDE / 2 < message["left"] + right
    assert right - left > 24 + 3 * 6 - 3


def test_the_size_of_the_brush_is_set_by_slider_and_keys_and_shown_by_the_ring(editor):
    page = editor()
    page.mouse.move(*at(page, 200, 150))
    ring = page.locator(".sk-ring")
    before = ring.bounding_box()["width"]
    page.locator(".sk-stage").focus()
    page.keyboard.press("]")
    assert ring.bounding_box()["width"] > before
    page.get_by_role("slider", name="Brush size").fill("100")
    until(lambda: page.get_by_text("300 px").is_visible())
    assert ring.bounding_box()["width"] == pytest.approx(page.locator(".sk-stage").bounding_box()["height"], rel=0.05)


def test_a_mask_without_effect_says_why_and_is_not_painted(editor):
    page = editor(reason="Not with this model.")
    assert page.get_by_text("Not with this model.").is_visible()
    paint(page, (100, 150), (200, 150))
    assert alpha(page, 150, 150) == 0
    assert page.get_by_role("button", name="Invert").is_disabled()


def test_every_control_has_a_name(editor):
    page = editor()
    nameless = page.evaluate("""() => [...document.querySelectorAll('#root :is(button, input, [tabindex])')]
        .filter((e) => !(e.getAttribute('aria-label') || e.labels?.length || e.textContent.trim()))
        .map((e) => e.outerHTML)""")
    assert nameless == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [600, 340])
def test_it_is_legible_in_both_themes(editor, screenshot, theme, width):
    page = editor(coverage=0.12, error="a stroke cannot be read" if width == 600 else "")
    page.set_viewport_size({"width": width + 20, "height": 700})
    page.evaluate("(width) => (document.querySelector('.studio').style.width = `${width}px`)", width)
    if theme == "dark":
        page.evaluate(DARK)
    [look] = sent(page, "look")
    ground = Image.radial_gradient("L").resize((WIDE, HIGH)).convert("RGB")
    page.evaluate(
        "([view, data]) => model.emit('msg:custom', { kind: 'picture', view }, [new Uint8Array(data).buffer])",
        [look["view"], png(Image.blend(ground, Image.new("RGB", ground.size, "teal"), 0.5))],
    )
    page.wait_for_function("document.querySelector('.sk-world img').naturalWidth > 0")
    paint(page, (120, 100), (200, 180), (260, 90))
    screenshot(f"mask-{theme}-{width}")
    page.evaluate("document.body.style.backgroundColor ||= 'rgb(255, 255, 255)'")
    low = {text: page.evaluate(CONTRAST, text) for text in (".sk-status", ".sk-field", ".sk-button", ".sk-error")}
    assert {text: ratio for text, ratio in low.items() if ratio < 4.5} == {}
    assert page.evaluate("document.querySelector('#root').scrollWidth <= document.querySelector('#root').clientWidth")


def test_a_picture_of_sixteen_million_pixels_is_painted_without_copies_of_it(editor):
    page = editor(size=[4000, 4000])
    sizes = page.evaluate("[...document.querySelectorAll('canvas')].map((c) => [c.width, c.height])")
    assert sizes == [[4000, 4000]]
    paint(page, (1000, 1000), (3000, 3000))
    [(message, mask)] = strokes(page, 1)
    assert mask.getpixel((2000 - message["left"], 2000 - message["top"])) == 255
    assert len(base64.b64decode(message["data"])) < 2**20


def test_leaving_takes_listeners_pictures_and_memory_away(editor):
    page = editor()
    page.evaluate("window.cleanup()")
    assert page.evaluate("Object.values(model.handlers).flat().length") == 0
    assert page.evaluate("document.querySelector('canvas').width") == 0
