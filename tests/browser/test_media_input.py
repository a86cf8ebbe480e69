"""The file input without a kernel: real drops, pastes and chosen files, and what goes to the kernel."""

from pathlib import Path

import pytest

import media
import studio_widgets
from looks import CONTRAST, DARK
from waiting import until

FOLDER = Path(studio_widgets.__file__).parent / "media"
STATE = {
    "label": "Input image", "help": "What to begin with.", "accept": "image/*", "multiple": False, "has_room": True,
    "given": [], "error": "", "reason": "", "gallery": False, "runs": True,
}  # fmt: skip
BOAT = {"key": "k1", "kind": "image", "name": "boat.png", "facts": "120 × 80 px · 2 kB"}
PART = 2**20

KERNEL = """() => {
    // A kernel that takes everything: each part is answered a little later, the last one ends the file.
    window.got = []; window.most = 0; let open = 0, size = 0, sum = 0;
    const send = model.send;
    model.send = (content, _callbacks, buffers) => {
        send(content, _callbacks, buffers);
        if (content.kind === 'begin') { size = content.size; sum = 0; }
        if (content.kind === 'part') window.most = Math.max(window.most, (open += 1));
        if (content.kind === 'part') sum += buffers[0].byteLength;
        if (!['begin', 'part'].includes(content.kind)) return;
        const here = sum;
        setTimeout(() => {
            if (content.kind === 'part') open -= 1;
            if (content.kind === 'part') window.got.push(content.part);
            const ends = content.kind === 'part' && here === size;
            model.emit('msg:custom', { kind: ends ? 'end' : 'got', id: content.id, part: content.part ?? -1 }, []);
        }, 20);
    };
}"""

DROP = """([selector, files, texts]) => {
    // A drop as the browser delivers it: the three events, with a real DataTransfer.
    const data = new DataTransfer();
    for (const [name, type, size] of files) data.items.add(new File([new Uint8Array(size).fill(7)], name, { type }));
    for (const [type, text] of texts) data.setData(type, text);
    const target = document.querySelector(selector);
    const how = { dataTransfer: data, bubbles: true, cancelable: true };
    const fire = (kind) => target.dispatchEvent(new DragEvent(kind, how));
    fire('dragenter');
    const over = fire('dragover');
    const lit = document.querySelector('.si-zone').classList.contains('is-over');
    fire('drop');
    return { prevented: !over, lit, left: document.querySelector('.si-zone').classList.contains('is-over') };
}"""


@pytest.fixture
def control(mount):
    def open_(**state):
        page = mount(FOLDER, {**STATE, **state})
        page.evaluate(KERNEL)
        return page

    return open_


def sent(page, kind):
    return [m["content"] for m in page.evaluate("model.sent.map(({ content }) => ({ content }))")
            if m["content"]["kind"] == kind]  # fmt: skip


def arrived(page, count):
    """Wait until so many files have gone out whole."""
    hidden = "!document.querySelector('.si-progress').checkVisibility()"
    until(lambda: len(sent(page, "begin")) == count and page.evaluate(hidden), what="the file on its way")


def drop(page, files=(), texts=()):
    return page.evaluate(DROP, [".si-zone", list(files), list(texts)])


def test_a_chosen_file_is_sent_in_numbered_parts_with_few_on_their_way(control, tmp_path):
    file = tmp_path / "boat.png"
    file.write_bytes(bytes(7 * PART + 100))
    page = control()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Input image: choose file").click()
    chooser.value.set_files(file)
    arrived(page, 1)
    assert [m["part"] for m in sent(page, "part")] == list(range(8))
    assert sent(page, "begin")[0]["name"] == "boat.png"
    assert sent(page, "begin")[0]["size"] == 7 * PART + 100
    assert page.evaluate("model.sent.filter((m) => m.buffers).map((m) => m.buffers[0].byteLength)") == [PART] * 7 + [
        100
    ]
    assert page.evaluate("window.most") <= 4


def test_the_progress_is_what_the_kernel_has_taken(control, tmp_path):
    page = control()
    page.evaluate("window.held = model.emit; model.emit = () => {}")  # nothing is answered by itself
    drop(page, [("boat.png", "image/png", 4 * PART)])
    page.get_by_text("Sending boat.png: 0 %").wait_for()
    id_ = sent(page, "begin")[0]["id"]
    for part, text in ((-1, "0 %"), (0, "25 %"), (1, "50 %")):
        page.evaluate("([id, part]) => window.held('msg:custom', { kind: 'got', id, part }, [])", [id_, part])
        page.get_by_text(f"Sending boat.png: {text}").wait_for()
    page.get_by_role("button", name="Stop").click()
    assert sent(page, "stop") == [{"kind": "stop", "id": id_}]
    page.locator(".si-progress").wait_for(state="hidden")


def test_a_file_that_the_kernel_refuses_is_sent_no_further(control):
    page = control()
    page.evaluate("""() => { model.send = (content, _c, buffers) => {
        model.sent.push({ content, buffers });
        if (content.kind === 'begin') {
            model.set('error', 'film.mp4: 80 MB are more than the 64 MB allowed');
            model.emit('msg:custom', { kind: 'refused', id: content.id }, []);
        }
    }; }""")
    drop(page, [("film.mp4", "video/mp4", 5 * PART)])
    page.get_by_role("alert").get_by_text("more than the 64 MB allowed").wait_for()
    page.locator(".si-progress").wait_for(state="hidden")
    assert sent(page, "part") == []


def test_a_file_is_dropped(control):
    page = control()
    seen = drop(page, [("boat.png", "image/png", 10)])
    arrived(page, 1)
    assert seen == {"prevented": True, "lit": True, "left": False}
    assert sent(page, "begin")[0]["name"] == "boat.png"


def test_one_file_is_taken_of_several_unless_several_are_wanted(control):
    files = [("a.png", "image/png", 10), ("b.png", "image/png", 10)]
    page = control()
    drop(page, files)
    arrived(page, 1)
    page = control(multiple=True)
    drop(page, files)
    arrived(page, 2)
    assert [m["name"] for m in sent(page, "begin")] == ["a.png", "b.png"]


def test_a_run_is_dropped(control):
    page = control()
    drop(page, texts=[("application/x-studio-run", "0192-abc"), ("text/plain", "0192-abc")])
    assert sent(page, "run") == [{"kind": "run", "run": "0192-abc"}]
    assert sent(page, "begin") == []


def test_a_text_is_refused_in_words(control):
    page = control()
    drop(page, texts=[("text/plain", "hello")])
    assert page.get_by_role("alert").inner_text() == "That is neither a file nor a result of the studio."


def test_a_drop_does_not_reach_the_notebook(control):
    page = control()
    page.evaluate("['dragover', 'drop'].forEach((n) => document.addEventListener(n, () => (window.leaked = n)))")
    drop(page, [("boat.png", "image/png", 10)])
    assert page.evaluate("window.leaked") is None


def test_a_picture_is_pasted_by_the_keys(control, page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.route("http://127.0.0.1:9/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.goto("http://127.0.0.1:9/")  # a clipboard is for pages with an address
    page = control()
    page.evaluate("""async () => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 30, height: 20 });
        canvas.getContext('2d').fillRect(0, 0, 9, 9);
        const png = await new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
        await navigator.clipboard.write([new ClipboardItem({ 'image/png': png })]);
    }""")
    page.keyboard.press("Control+v")
    assert sent(page, "begin") == []  # the focus is elsewhere
    page.locator(".si-zone").focus()
    page.keyboard.press("Control+v")
    arrived(page, 1)
    data = page.evaluate("[...new Uint8Array(model.sent.find((m) => m.buffers).buffers[0].buffer)]")
    assert bytes(data[:4]) == b"\x89PNG"


def test_keys_choose_and_remove_and_stay_in_the_panel(control, page):
    page = control(given=[BOAT])
    page.evaluate("document.addEventListener('keydown', (e) => (window.leaked = e.key))")
    page.evaluate("document.querySelector('[type=file]').addEventListener('click', () => (window.chosen = true))")
    page.locator(".si-zone").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("window.chosen")
    page.keyboard.press("Delete")
    assert sent(page, "remove") == [{"kind": "remove", "place": 0}]
    assert page.evaluate("window.leaked") is None


def test_what_is_given_is_shown_with_its_picture(control):
    page = control(given=[BOAT])
    assert sent(page, "pictures")[-1]["keys"] == ["k1"]
    page.evaluate(
        "(data) => model.emit('msg:custom', { kind: 'pictures', keys: ['k1'] }, [new Uint8Array(data).buffer])",
        list(media.picture("webp")),
    )
    page.get_by_role("img", name="boat.png").wait_for()
    assert page.get_by_text("120 × 80 px · 2 kB").is_visible()
    page.get_by_role("button", name="Remove boat.png").click()
    assert sent(page, "remove") == [{"kind": "remove", "place": 0}]


def test_names_are_shown_as_text(control):
    page = control(given=[{**BOAT, "name": "<img src=x onerror=window.bad=1>"}])
    assert page.get_by_text("<img src=x onerror=window.bad=1>").is_visible()
    assert page.evaluate("window.bad") is None


def test_the_gallery_is_offered_only_where_it_can_be_asked(control):
    page = control()
    assert not page.get_by_text("From gallery").is_visible()
    page = control(gallery=True)
    page.get_by_role("button", name="From gallery").click()
    assert sent(page, "gallery") == [{"kind": "gallery"}]


def test_a_control_without_effect_says_why_and_takes_nothing(control):
    page = control(reason="Not with this model.")
    assert page.get_by_text("Not with this model.").is_visible()
    assert page.get_by_role("button", name="Input image: choose file").is_disabled()
    drop(page, [("boat.png", "image/png", 10)])
    assert sent(page, "begin") == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_legible_in_both_themes(control, screenshot, theme):
    page = control(given=[BOAT], error="notes.txt: not a picture", gallery=True)
    page.set_viewport_size({"width": 520, "height": 240})
    if theme == "dark":
        page.evaluate(DARK)
    page.evaluate("model.set('given', [...model.get('given')])")
    page.evaluate(
        "(data) => model.emit('msg:custom', { kind: 'pictures', keys: ['k1'] }, [new Uint8Array(data).buffer])",
        list(media.picture("webp")),
    )
    page.get_by_role("img", name="boat.png").wait_for()
    screenshot(f"media-{theme}")
    page.evaluate("model.set('given', [])")
    screenshot(f"media-empty-{theme}")
    page.evaluate("document.body.style.backgroundColor ||= 'rgb(255, 255, 255)'")
    low = {text: page.evaluate(CONTRAST, text) for text in (".si-title", ".si-buttons .si-hint", ".si-error")}
    assert {text: ratio for text, ratio in low.items() if ratio < 4.5} == {}


def test_leaving_takes_listeners_and_pictures_away(control):
    page = control(given=[BOAT])
    page.evaluate(
        "(data) => model.emit('msg:custom', { kind: 'pictures', keys: ['k1'] }, [new Uint8Array(data).buffer])",
        list(media.picture("webp")),
    )
    page.evaluate("""() => {
        const revoke = URL.revokeObjectURL.bind(URL);
        window.revoked = 0;
        URL.revokeObjectURL = (url) => { window.revoked += 1; revoke(url); };
        window.cleanup();
    }""")
    assert page.evaluate("Object.values(model.handlers).flat().length") == 0
    assert page.evaluate("window.revoked") == 1


def test_the_gallery_button_says_whether_it_is_unfolded_and_gets_the_focus_back(control):
    page = control(gallery=True, choosing=False)
    button = page.get_by_role("button", name="From gallery")
    assert button.get_attribute("aria-expanded") == "false"
    page.evaluate("model.set('choosing', true)")
    assert button.get_attribute("aria-expanded") == "true"
    page.evaluate("model.set('choosing', false)")
    assert button.evaluate("(e) => e === document.activeElement")
