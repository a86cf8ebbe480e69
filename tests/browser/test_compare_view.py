"""The slots of a comparison without a kernel: what they show, ask for and send."""

import pytest

from studio_kernel.export.page.comparison import STYLE
from studio_widgets.compare.view import Slots
from waiting import until

FOLDER = STYLE.parent


def slot(place, **changes):
    letter = chr(ord("A") + place)
    return {
        "run": f"run-{letter}", "letter": letter, "title": f"a boat <b>{letter}</b>", "model": f"model-{letter}",
        "where": "at fal" if place % 2 else "here", "facts": [["Time", "2 s"], ["Seed", str(place)]], "note": "",
        "status": "succeeded", "key": f"key-{letter}", "media_type": "image/webp", "kind": "image",
        "width": 64, "height": 48, "index": 0, "files": 1, "place": place, "heat": "", "heat_note": "",
    } | changes  # fmt: skip


def state(*slots, **changes):
    runs = [each["run"] for each in slots] + ["", ""]
    return {
        "slots": list(slots), "columns": 2, "places": max(2, len(slots)), "arrangement": "auto", "mode": "side",
        "linked": True, "before": runs[0], "after": runs[1], "can_use": True, "sizes": "scale", "heat": "absolute",
        "against": runs[0], "measured": False, "numbers": {}, "order": "", "reverse": False,
        "orders": [["", "Order given"], ["psnr", "PSNR"], ["elapsed_s", "Time"]],
    } | changes  # fmt: skip


ANSWER = """() => {
    // A kernel with a drawn picture for every run.
    const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
    const drawn = (run) => {
        const { width, height } = model.get('slots').find((slot) => slot.run === run);
        const canvas = Object.assign(document.createElement('canvas'), { width, height });
        const pen = canvas.getContext('2d');
        pen.fillStyle = run === 'run-A' ? '#274690' : '#f5a623';
        pen.fillRect(0, 0, width, height);
        return bytes(canvas.toDataURL('image/webp').split(',')[1]);
    };
    model.answer = (asked) => {
        if (asked.kind === 'heat') {
            const key = model.get('slots').find((slot) => slot.run === asked.run).heat;
            const scale = { low: 0, high: 100, unit: 'ΔE', name: 'delta e', colours: ['#000004', '#fcfdbf'] };
            const told = { ...asked, key, media_type: 'image/webp', mean: 12.345, worst: 99, error: '', ...scale };
            setTimeout(() => model.emit('msg:custom', told, [drawn(asked.run)]));
        }
        if (asked.kind !== 'file') return;
        const told = { ...asked, media_type: 'image/webp' };
        setTimeout(() => model.emit('msg:custom', told, [drawn(asked.run)]));
    };
}"""


@pytest.fixture
def board(mount):
    def show(*slots, **changes):
        page = mount(FOLDER, state(**changes), esm=Slots._esm)
        page.evaluate(ANSWER)
        put(page, *slots)
        page.wait_for_function(LOADED)
        return page

    return show


LOADED = """() => model.get('slots').every((slot) => {
    const isHeat = model.get('mode') === 'heat' && slot.run !== model.get('against');
    const key = isHeat ? slot.heat : slot.key;
    return !key || document.querySelector('.sc-grid').hidden
        || [...document.querySelectorAll(`.sc-media[data-key="${key}"]`)].some((m) => m.naturalWidth || m.videoWidth);
})"""


def put(page, *slots):
    """Let the kernel say what is compared."""
    told = state(*slots)
    names = ("places", "before", "after", "against", "slots")
    page.evaluate("(told) => Object.entries(told).forEach(([n, v]) => model.set(n, v))", {n: told[n] for n in names})


def sent(page, kind):
    return [m["content"] for m in page.evaluate("model.sent") if m["content"]["kind"] == kind]


def transforms(page):
    return page.evaluate("[...document.querySelectorAll('.sc-grid .sc-media')].map((m) => m.style.transform)")


def drop(page, selector, run, kind="application/x-studio-run"):
    page.evaluate(
        """([selector, run, kind]) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.setData(kind, run);
            for (const name of ['dragenter', 'dragover', 'drop'])
                document.querySelector(selector).dispatchEvent(
                    new DragEvent(name, { bubbles: true, cancelable: true, dataTransfer }));
        }""",
        [selector, run, kind],
    )


def test_every_file_is_asked_for_once_and_shown_with_a_name(board):
    page = board(slot(0), slot(1))
    page.get_by_alt_text("B: a boat <b>B</b>").wait_for()
    put(page, slot(1), slot(0))
    assert len(sent(page, "file")) == 2


def test_a_small_still_is_shown_until_the_file_is_there_and_counts_as_large_as_that(mount):
    page = mount(FOLDER, state(), esm=Slots._esm)
    page.evaluate(ANSWER, {})
    page.evaluate("""() => {
        const answer = model.answer;
        model.answer = (asked) => {
            if (asked.kind !== 'still') return;
            const canvas = Object.assign(document.createElement('canvas'), { width: 16, height: 12 });
            const text = atob(canvas.toDataURL('image/webp').split(',')[1]);
            const key = model.get('slots').find((slot) => slot.run === asked.run).key;
            const data = Uint8Array.from(text, (c) => c.charCodeAt(0)).buffer;
            setTimeout(() => model.emit('msg:custom', { ...asked, key, media_type: 'image/webp' }, [data]));
        };
        model.later = () => { model.answer = answer; };
    }""")
    put(page, slot(0), slot(1), slot(2))
    page.wait_for_function(
        "[...document.querySelectorAll('.sc-media')].filter((m) => m.naturalWidth === 16).length === 3"
    )
    page.get_by_role("button", name="One pixel of the first").click()
    assert page.locator(".sc-media").first.bounding_box()["width"] == pytest.approx(64, abs=0.1)
    assert len(sent(page, "file")) == 2  # the third is asked for when one of these has come
    page.evaluate("""() => {
        model.later();
        model.sent.filter(({ content }) => content.kind === 'file').forEach(({ content }) => model.answer(content));
    }""")
    page.wait_for_function(
        "[...document.querySelectorAll('.sc-media')].filter((m) => m.naturalWidth === 64).length === 3"
    )
    assert page.locator(".sc-media").first.bounding_box()["width"] == pytest.approx(64, abs=0.1)


def test_slots_say_where_and_how_a_run_was_made(board):
    page = board(slot(0), slot(1))
    second = page.get_by_role("listitem").nth(1)
    assert second.locator(".sc-where").inner_text() == "at fal"
    assert second.locator(".sc-facts:visible").inner_text().split() == ["Time", "2", "s", "Seed", "1"]
    assert page.locator(".sc-title b").count() == 0


def test_pictures_are_zoomed_and_moved_together_by_wheel_drag_and_keys(board):
    page = board(slot(0), slot(1), slot(2))
    view = page.locator(".sc-grid .sc-view").nth(1)
    box = view.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    page.wait_for_function("document.querySelector('.is-zoomed')")
    by_wheel = transforms(page)
    assert len(set(by_wheel)) == 1
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5)
    page.mouse.up()
    moved = transforms(page)
    assert len(set(moved)) == 1
    assert moved != by_wheel
    view.press("ArrowLeft")
    assert len(set(transforms(page))) == 1
    assert transforms(page) != moved
    view.press("0")
    assert set(transforms(page)) == {"translate(0%, 0%) scale(1)"}


def test_the_place_under_the_pointer_stays_there(board):
    page = board(slot(0), slot(1))
    box = page.locator(".sc-grid .sc-view").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.5)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    page.wait_for_function("document.querySelector('.is-zoomed')")
    picture = page.locator(".sc-media").first.bounding_box()
    under = (box["x"] + box["width"] * 0.25 - picture["x"]) / picture["width"]
    assert under == pytest.approx(0.25, abs=0.01)


def test_a_plain_wheel_scrolls_the_page_and_zooms_nothing(board):
    page = board(slot(0), slot(1))
    page.locator(".sc-grid .sc-view").first.hover()
    page.mouse.wheel(0, -300)
    page.locator(".sc-grid .sc-view").first.press("ArrowLeft")
    assert set(transforms(page)) == {"translate(0%, 0%) scale(1)"}


def test_zoom_is_of_one_picture_alone_where_it_is_not_linked(board):
    page = board(slot(0), slot(1), linked=False)
    page.locator(".sc-grid .sc-view").nth(1).press("+")
    assert transforms(page) == ["translate(0%, 0%) scale(1)", "translate(-12.5%, -12.5%) scale(1.25)"]


def test_one_to_one_puts_a_pixel_on_a_pixel(board):
    page = board(slot(0), slot(1))
    page.get_by_role("button", name="One pixel of the first").click()
    assert page.locator(".sc-media").first.bounding_box()["width"] == pytest.approx(64, abs=0.1)
    assert page.locator(".sc-zoom").inner_text() == "100 %"


def test_a_run_that_is_dropped_on_a_slot_is_put_there(board):
    page = board(slot(0), slot(1))
    drop(page, "[data-run=run-B] .sc-view", "run-X")
    drop(page, ".sc-grid", "run-Y")
    drop(page, "[data-run=run-B]", "a file", kind="text/plain")
    drop(page, "[data-run=run-B]", "run-B")
    puts = [{"kind": "put", "run": "run-X", "place": 1}, {"kind": "put", "run": "run-Y", "place": 2}]
    assert sent(page, "put") == puts


def test_an_empty_slot_takes_a_drop(board):
    page = board(slot(0))
    page.get_by_text("Drop a run here").wait_for()
    drop(page, ".sc-slot.is-empty", "run-X")
    assert sent(page, "put") == [{"kind": "put", "run": "run-X", "place": 1}]


def test_the_buttons_of_a_slot_wish_for_what_they_say(board):
    page = board(slot(0), slot(1), slot(2, files=3))
    page.get_by_role("button", name="Use the settings of B").click()
    page.get_by_role("button", name="Swap A with B").click()
    page.get_by_role("button", name="Swap C with A").click()
    page.get_by_role("button", name="Remove C").click()
    page.get_by_role("button", name="File 1 of 3").click()
    assert sent(page, "use") == [{"kind": "use", "run": "run-B"}]
    swaps = [("run-A", "run-B"), ("run-C", "run-A")]
    assert sent(page, "swap") == [{"kind": "swap", "run": run, "other": other} for run, other in swaps]
    assert sent(page, "remove") == [{"kind": "remove", "run": "run-C"}]
    assert sent(page, "show_file") == [{"kind": "show_file", "run": "run-C", "index": 1}]


def test_settings_can_be_used_only_where_there_is_a_form(board):
    page = board(slot(0), slot(1), can_use=False)
    assert page.get_by_role("button", name="Use the settings of A").count() == 0


def test_the_focus_stays_in_the_panel_when_a_slot_goes(board):
    page = board(slot(0), slot(1))
    page.get_by_role("button", name="Remove A").focus()
    put(page, slot(1, letter="A"))
    page.wait_for_function("document.activeElement.dataset.act === 'remove'")


def test_the_divider_cuts_the_left_picture(board):
    page = board(slot(0), slot(1), mode="slider")
    clip = "document.querySelector('.sc-upper').style.clipPath"
    page.wait_for_function("document.querySelectorAll('.sc-stage .sc-media').length === 2")
    slider = page.get_by_role("slider", name="Divider")
    slider.focus()
    slider.press("Home")
    until(lambda: page.evaluate(clip) == "inset(0px 100% 0px 0px)")
    box = page.locator(".sc-stage .sc-view").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 40)
    page.mouse.up()
    assert float(slider.input_value()) == pytest.approx(75, abs=0.5)
    assert page.evaluate(clip).startswith("inset(0px 25%")
    assert page.locator(".sc-upper .sc-media").get_attribute("alt").startswith("A:")


def test_an_enlarged_pair_is_moved_by_dragging_away_from_the_divider(board):
    page = board(slot(0), slot(1), mode="slider")
    page.wait_for_function("document.querySelectorAll('.sc-stage .sc-media').length === 2")
    page.locator(".sc-stage .sc-view").press("+")
    page.locator(".sc-stage .sc-view").press("+")
    box = page.locator(".sc-stage .sc-view").bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 80, box["y"] + 60)
    page.mouse.up()
    assert page.get_by_role("slider", name="Divider").input_value() == "50"
    both = page.evaluate("[...document.querySelectorAll('.sc-stage .sc-media')].map((m) => m.style.transform)")
    assert len(both) == 2
    assert len(set(both)) == 1
    assert "translate(-12" not in both[0]


def test_the_same_run_on_both_sides_of_the_divider_changes_the_sides(board):
    page = board(slot(0), slot(1), slot(2), mode="slider")
    page.get_by_label("Left").select_option("run-B")
    page.get_by_label("Left").select_option("run-C")
    pairs = [("run-B", "run-A"), ("run-C", "run-B")]
    assert sent(page, "pair") == [{"kind": "pair", "before": before, "after": after} for before, after in pairs]


def stacked(page):
    page.wait_for_function("document.querySelectorAll('.sc-stage .sc-media').length === 2")


def choose(page, name, value):
    """Let the kernel say how the comparison looks."""
    page.evaluate("([n, v]) => model.set(n, v)", [name, value])


def test_each_way_of_looking_is_wished_for_by_its_button(board):
    page = board(slot(0), slot(1))
    for name in ("Blink", "Onion skin", "Heat map", "Slider", "Side by side"):
        page.get_by_role("button", name=name, exact=True).click()
    assert [each["value"] for each in sent(page, "set")] == ["blink", "onion", "heat", "slider", "side"]


def test_one_run_can_only_be_seen_by_itself(board):
    page = board(slot(0), mode="blink")
    page.get_by_alt_text("A: a boat").wait_for()
    assert page.get_by_role("button", name="Blink", exact=True).is_disabled()


def test_blinking_shows_one_and_then_the_other_until_it_is_stopped(board):
    page = board(slot(0), slot(1), mode="blink")
    stacked(page)
    shown = "document.querySelector('.sc-upper').style.visibility !== 'hidden'"
    page.get_by_role("slider", name="Interval").fill("0.2")
    page.get_by_role("button", name="Blink").last.click()
    page.wait_for_function(f"!({shown})")
    page.wait_for_function(shown)
    view = page.locator(".sc-stage .sc-view")
    view.press(" ")
    page.get_by_role("button", name="Show B").wait_for()
    view.press("b")
    until(lambda: not page.evaluate(shown))
    assert view.get_attribute("data-left") == "B"


def test_nothing_flashes_by_itself_where_less_motion_is_wished(board):
    page = board(slot(0), slot(1), mode="blink")
    stacked(page)
    page.get_by_role("group", name="Blink").get_by_role("button", name="Blink").wait_for()


def test_the_onion_skin_lets_the_left_picture_through(board):
    page = board(slot(0), slot(1), mode="onion")
    stacked(page)
    page.get_by_role("slider", name="Opacity").fill("25")
    until(lambda: page.evaluate("document.querySelector('.sc-upper').style.opacity") == "0.25")
    page.get_by_text("A 25 % · B 75 %").wait_for()
    choose(page, "mode", "slider")
    page.get_by_role("slider", name="Divider").wait_for()
    assert page.evaluate("document.querySelector('.sc-upper').style.opacity") == ""


STACKED_SCALES = """[...document.querySelectorAll('.sc-stage .sc-media')].map((m) => {
    const box = m.getBoundingClientRect();
    return Math.min(box.width / m.naturalWidth, box.height / m.naturalHeight);
})"""


@pytest.mark.parametrize("mode", ["slider", "blink", "onion"])
def test_stacked_pictures_are_zoomed_together_down_to_the_pixel(board, mode):
    page = board(slot(0), slot(1), mode=mode)
    stacked(page)
    page.get_by_role("button", name="One pixel of the first").click()
    until(lambda: page.evaluate(STACKED_SCALES) == pytest.approx([1, 1], abs=0.01))
    assert page.locator(".sc-zoom").inner_text() == "100 %"
    for _ in range(9):
        page.locator(".sc-stage .sc-view").press("+")
    drawn = page.evaluate("[...document.querySelectorAll('.sc-stage .sc-media')].map((m) => m.style.imageRendering)")
    assert drawn == ["pixelated"] * 2


def hot(place, **changes):
    return slot(place, heat=f"heat-{place}", **changes)


def test_heat_maps_stand_in_the_slots_beside_what_they_are_held_against(board):
    page = board(slot(0), hot(1), hot(2), mode="heat")
    page.get_by_alt_text("B: difference from A").wait_for()
    page.get_by_alt_text("C: difference from A").wait_for()
    page.get_by_alt_text("A: a boat").wait_for()
    assert [each["run"] for each in sent(page, "heat")] == ["run-B", "run-C"]
    assert page.get_by_role("listitem").nth(1).locator(".sc-measured").inner_text().split() == [
        "Mean", "12.3", "ΔE", "Largest", "99", "ΔE",
    ]  # fmt: skip
    page.locator(".sc-grid .sc-view").nth(1).press("+")
    assert len(set(transforms(page))) == 1


def test_the_colours_of_heat_maps_have_numbers(board):
    page = board(slot(0), hot(1), mode="heat")
    scale = page.get_by_role("img", name="Colours from 0")
    assert scale.locator(".sc-ticks").inner_text().split() == ["0", "25", "50", "75", "100"]
    assert "ΔE" in scale.inner_text()


def test_what_heat_maps_show_and_against_which_run_can_be_chosen(board):
    page = board(slot(0), hot(1), mode="heat")
    page.get_by_role("combobox", name="Show").select_option("structure")
    page.get_by_label("Against").select_option("run-B")
    wishes = [("heat", "structure"), ("reference", "run-B")]
    assert sent(page, "set") == [{"kind": "set", "name": name, "value": value} for name, value in wishes]


def test_what_has_no_heat_map_says_so(board):
    page = board(slot(0), slot(1, heat_note="There is none"), mode="heat")
    page.get_by_text("There is none").wait_for()
    assert page.get_by_alt_text("B: ").count() == 0


def test_numbers_stand_below_each_slot_as_the_kernel_says_them(board):
    page = board(slot(0), slot(1))
    page.get_by_label("Measure").check()
    assert sent(page, "set") == [{"kind": "set", "name": "measured", "value": True}]
    choose(page, "numbers", {"run-B": [["PSNR", "31.2 dB"], ["SSIM", "…"]]})
    page.get_by_text("31.2 dB").wait_for()
    assert page.locator(".sc-measured:visible").count() == 1


def test_slots_are_sorted_by_a_number_and_keep_their_letters(board):
    page = board(slot(0), slot(1), slot(2))
    page.get_by_label("Sort by").select_option("psnr")
    assert sent(page, "set") == [{"kind": "set", "name": "order", "value": "psnr"}]
    choose(page, "order", "psnr")
    put(page, slot(0), slot(2), slot(1))
    page.wait_for_function("[...document.querySelectorAll('.sc-letter')].map((e) => e.textContent).join('') === 'ACB'")
    page.get_by_role("button", name="The other way round").click()
    drop(page, "[data-run=run-C]", "run-X")
    assert sent(page, "set")[-1] == {"kind": "set", "name": "reverse", "value": True}
    assert sent(page, "put") == [{"kind": "put", "run": "run-X", "place": 2}]
    assert page.get_by_role("button", name="Swap A").count() == 0


BOXES = """() => [...document.querySelectorAll('.sc-grid .sc-media')].map((m) => {
    const box = m.getBoundingClientRect(), whole = Math.min(box.width / m.naturalWidth, box.height / m.naturalHeight);
    return whole;
})"""


@pytest.mark.parametrize("sizes", ["crop", "pad"])
def test_pictures_of_different_sizes_are_drawn_to_one_scale(board, sizes):
    page = board(slot(0), slot(1, width=128, height=96))
    one, other = page.evaluate(BOXES)
    assert one == pytest.approx(2 * other)
    page.get_by_label("Different sizes").select_option(sizes)
    assert sent(page, "set") == [{"kind": "set", "name": "sizes", "value": sizes}]
    choose(page, "sizes", sizes)
    page.wait_for_function(f"(([a, b]) => Math.abs(a - b) < 0.01)(({BOXES})())")
    clips = page.evaluate("[...document.querySelectorAll('.sc-grid .sc-media')].map((m) => m.style.clipPath)")
    assert clips == (["inset(0%)", "inset(25%)"] if sizes == "crop" else ["", ""])


def test_full_screen_is_entered_and_left(board):
    page = board(slot(0), slot(1))
    page.get_by_role("button", name="Full screen").click()
    page.wait_for_function("document.fullscreenElement?.classList.contains('sc-root')")
    page.get_by_role("button", name="Leave full screen").click()
    page.wait_for_function("!document.fullscreenElement")


def test_pictures_cannot_be_dragged_out_of_their_slot(board):
    page = board(slot(0), slot(1))
    prevented = page.locator(".sc-media").first.evaluate(
        "e => !e.dispatchEvent(new DragEvent('dragstart', { bubbles: true, cancelable: true }))"
    )
    assert prevented


def test_nothing_is_left_behind(board):
    page = board(slot(0), slot(1))
    page.evaluate("cleanup()")
    assert page.evaluate("Object.values(model.handlers).every((list) => !list.length)")
