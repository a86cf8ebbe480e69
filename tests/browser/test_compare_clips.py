"""Clips in step: one time for all, whatever their lengths and frame rates; what is seen is read from the pixels."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from media import film
from studio_kernel.export.page.comparison import STYLE
from studio_widgets.compare.clips import clip_facts
from studio_widgets.compare.view import Slots
from waiting import until

FOLDER = STYLE.parent
SECURE = "https://studio.test/"
KIND = "video/webm"


def slot(letter, media_type):
    return {
        "run": f"run-{letter}", "letter": letter, "title": "a boat", "model": "m", "where": "here", "facts": [],
        "note": "", "status": "succeeded", "key": f"key-{letter}", "media_type": media_type,
        "kind": media_type.split("/")[0], "width": 64, "height": 48, "index": 0, "files": 1,
    }  # fmt: skip


ANSWER = """(files) => {
    const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
    model.answer = (asked) => {
        if (asked.kind !== 'file') return; // no still: the file itself is there as soon
        const { data, ...told } = files[asked.run];
        setTimeout(() => model.emit('msg:custom', { ...asked, ...told }, [bytes(data)]));
    };
}"""
SEEN = """() => [...document.querySelectorAll('.sc-grid :is(video, canvas).sc-media')].map((media) => {
    // How wide the yellow bar is in the middle of what is seen: it tells the frame.
    const width = media.videoWidth || media.width, height = media.videoHeight || media.height;
    if (!width) return -1; // a film of which nothing is known yet
    const pen = Object.assign(document.createElement('canvas'), { width, height }).getContext('2d');
    pen.drawImage(media, 0, 0);
    const row = pen.getImageData(0, height >> 1, width, 1).data;
    return row.filter((value, place) => place % 4 === 0 && value > 140).length;
})"""
WATCH = """(seconds) => new Promise((resolve) => {
    // How far apart clips that play are, in each frame of the screen: times of the films, less that of the first.
    const films = [...document.querySelectorAll('.sc-grid video')], apart = [];
    const until = performance.now() + seconds * 1000;
    const look = () => {
        if (films.every((film) => !film.paused && !film.seeking)) {
            const times = films.map((film) => film.currentTime);
            apart.push(Math.max(...times) - Math.min(...times));
        }
        if (performance.now() < until) requestAnimationFrame(look); else resolve(apart);
    };
    look();
})"""

PAINTED = """(seconds) => new Promise((resolve) => {
    // For each film: when its frames come onto the screen, and their times in the film.
    const films = [...document.querySelectorAll('.sc-grid video')], found = films.map(() => []);
    let goes = true;
    films.forEach((film, place) => {
        const note = (_now, { expectedDisplayTime, mediaTime }) => {
            found[place].push([expectedDisplayTime / 1000, mediaTime]);
            if (goes) film.requestVideoFrameCallback(note);
        };
        film.requestVideoFrameCallback(note);
    });
    setTimeout(() => { goes = false; resolve(found); }, seconds * 1000);
})"""


@pytest.fixture
def clips(mount, page):
    """clips(A=(bytes, media type), …): a comparison of these files; the facts are the kernel's own."""

    def show(is_known=True, secure=False, columns=2, mode="side", **files):
        if secure:
            page.route(f"{SECURE}**", lambda route: route.fulfill(body="", content_type="text/html"))
            page.goto(SECURE)
        told = {
            f"run-{letter}": {
                "data": base64.b64encode(data).decode(),
                "media_type": media_type,
                "clip": clip_facts(data, media_type) if is_known else None,
            }
            for letter, (data, media_type) in files.items()
        }
        state = {"slots": [], "columns": columns, "places": 2, "arrangement": "auto", "mode": mode, "linked": True}
        state |= {"before": "run-A", "after": "run-B", "can_use": False, "sizes": "scale", "numbers": {}, "orders": []}
        mount(FOLDER, state, esm=Slots._esm)
        page.evaluate(ANSWER, told)
        put(page, *(slot(letter, media_type) for letter, (_data, media_type) in files.items()))
        page.set_default_timeout(10_000)
        page.locator(".sc-clip-rows li").nth(len(files) - 1).wait_for()
        page.wait_for_function(
            "![...document.querySelectorAll('.sc-clip-frame')].some((e) => /loading/.test(e.textContent))"
        )
        return page

    return show


def put(page, *slots):
    page.evaluate("([slots, places]) => { model.set('places', places); model.set('slots', slots); }", [list(slots), 2])


def films(**rates_and_frames):
    """Return films by letter from (frames, rate)."""
    return {letter: (film(frames=frames, rate=rate), KIND) for letter, (frames, rate) in rates_and_frames.items()}


def bar(frame, frames, width=64):
    return 1 + width * frame // frames


def frames_said(page):
    return page.locator(".sc-clip-frame").all_inner_texts()


def seek(page, time):
    page.get_by_role("slider", name="Time").evaluate(
        "(e, time) => { e.value = time; e.dispatchEvent(new Event('input')); }", time
    )


def settle(page, expected):
    """Wait until the frames are those."""
    page.wait_for_function(
        "(texts) => [...document.querySelectorAll('.sc-clip-frame')].every((e, n) => e.textContent === texts[n])",
        arg=expected,
    )


def wait_for_bars(page, expected):
    page.wait_for_function(f"(bars) => ({SEEN})().every((bar, n) => Math.abs(bar - bars[n]) <= 1)", arg=expected)


def test_each_clip_shows_the_frame_that_it_has_at_the_time(clips):
    rates = {"A": (24, 24), "B": (30, 30), "C": (8, 8)}
    page = clips(**films(**rates))
    page.get_by_text("Frame rates differ").wait_for()
    for time in (0.31, 0.77, 0.05, 0.5001):
        seek(page, time)
        due = [int(time * rate) for _frames, rate in rates.values()]
        settle(page, [f"frame {frame + 1} of {rate}" for frame, (_f, rate) in zip(due, rates.values(), strict=True)])
        wait_for_bars(page, [bar(frame, rate) for frame, (_f, rate) in zip(due, rates.values(), strict=True)])


def test_a_step_is_a_frame_of_the_fastest_clip_or_of_the_chosen_one(clips):
    page = clips(**films(A=(24, 24), B=(12, 12)))
    on, back = page.get_by_role("button", name="One frame on"), page.get_by_role("button", name="One frame back")
    for _ in range(3):
        on.click()
    settle(page, ["frame 4 of 24", "frame 2 of 12"])
    wait_for_bars(page, [bar(3, 24), bar(1, 12)])
    back.click()
    settle(page, ["frame 3 of 24", "frame 2 of 12"])
    page.get_by_label("Steps of").select_option("B")
    on.click()
    settle(page, ["frame 6 of 24", "frame 3 of 12"])


def test_keys_step_play_and_go_to_the_ends(clips):
    page = clips(**films(A=(12, 12), B=(12, 12)))
    slider = page.get_by_role("slider", name="Time")
    slider.press("ArrowRight")
    slider.press(".")
    settle(page, ["frame 3 of 12"] * 2)
    slider.press("ArrowLeft")
    slider.press(",")
    settle(page, ["frame 1 of 12"] * 2)
    slider.press("End")
    settle(page, ["frame 12 of 12"] * 2)
    slider.press("Home")
    settle(page, ["frame 1 of 12"] * 2)
    page.locator(".sc-grid .sc-view").first.press(".")
    settle(page, ["frame 2 of 12"] * 2)
    page.locator(".sc-grid .sc-view").first.press(" ")
    page.get_by_role("button", name="Pause").wait_for()
    slider.press(" ")
    page.get_by_role("button", name="Play").wait_for()


def test_a_shorter_clip_holds_its_last_frame_and_steps_go_on(clips):
    page = clips(**films(A=(12, 24), B=(24, 24)))
    page.get_by_text("shorter clips hold their last frame").wait_for()
    seek(page, 0.8)
    settle(page, ["frame 12 of 12, held", "frame 20 of 24"])
    wait_for_bars(page, [bar(11, 12), bar(19, 24)])
    page.get_by_role("button", name="One frame on").click()
    settle(page, ["frame 12 of 12, held", "frame 21 of 24"])


def test_clips_of_different_rates_play_in_step(clips):
    page = clips(**films(A=(72, 24), B=(90, 30), C=(24, 8)))
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("[...document.querySelectorAll('video')].every((v) => v.currentTime > 0.2)")
    apart = np.array(page.evaluate(WATCH, 1.5))
    print(f"apart while playing: median {np.median(apart):.4f}, largest {apart.max():.4f} s of {len(apart)} looks")
    assert len(apart) > 10
    assert np.median(apart) < 0.02
    assert apart.max() < 0.05


def test_the_frames_that_are_painted_are_of_one_time_too(clips):
    page = clips(**films(A=(72, 24), B=(90, 30)))
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("[...document.querySelectorAll('video')].every((v) => v.currentTime > 0.2)")
    painted = page.evaluate(PAINTED, 1.5)
    # when a frame comes onto the screen less its own time: the same for all frames of clips in step
    begun = [np.median([at - time for at, time in clip]) for clip in painted]
    print(f"painted frames: {[len(clip) for clip in painted]}, apart {abs(begun[0] - begun[1]):.4f} s")
    assert min(len(clip) for clip in painted) > 10
    assert abs(begun[0] - begun[1]) < 2 / 24  # a busy machine may paint one frame late


def test_a_clip_that_fell_behind_catches_up(clips):
    page = clips(**films(A=(240, 24), B=(240, 24)))
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("[...document.querySelectorAll('video')].every((v) => v.currentTime > 0.1)")
    page.evaluate("document.querySelectorAll('video')[1].currentTime -= 0.15")
    page.wait_for_function(
        """(() => {
            const [a, b] = document.querySelectorAll('video');
            return !b.seeking && Math.abs(a.currentTime - b.currentTime) < 0.02;
        })()""",
        timeout=5_000,
    )


def test_playing_on_behind_the_end_of_a_clip_leaves_it_on_its_last_frame(clips):
    page = clips(**films(A=(6, 24), B=(48, 24)))
    seek(page, 1.0)
    settle(page, ["frame 6 of 6, held", "frame 25 of 48"])
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelectorAll('video')[1].currentTime > 1.2")
    assert page.evaluate("document.querySelector('video').paused")
    assert page.evaluate(SEEN)[0] == pytest.approx(bar(5, 6), abs=1)


def test_clips_begin_again_together_when_the_longest_is_over(clips):
    page = clips(**films(A=(6, 24), B=(18, 24)))
    page.get_by_label("Speed").select_option("2")
    page.evaluate("""() => {
        window.times = [];
        const clock = document.querySelector('.sc-films .sc-clock');
        new MutationObserver(() => times.push(Number(clock.textContent.split(' ')[0])))
            .observe(clock, { childList: true });
    }""")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(
        "times.some((time, place) => time < 0.2 && times.slice(0, place).some((before) => before > 0.6))"
    )
    page.wait_for_function(
        "document.querySelector('video').currentTime < 0.25 && !document.querySelector('video').paused"
    )


def test_without_loop_clips_stop_on_their_last_frames(clips):
    page = clips(**films(A=(6, 24), B=(12, 24)))
    page.get_by_label("Loop").uncheck()
    page.get_by_role("button", name="Play").click()
    settle(page, ["frame 6 of 6, held", "frame 12 of 12"])
    page.get_by_role("button", name="Play").wait_for()
    wait_for_bars(page, [bar(5, 6), bar(11, 12)])
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelectorAll('video')[1].currentTime < 0.4")


def test_clips_play_as_slowly_as_is_asked(clips):
    page = clips(**films(A=(48, 24), B=(48, 24)))
    page.get_by_label("Speed").select_option("0.25")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('video').currentTime > 0.02")
    took = page.evaluate("""() => new Promise((resolve) => {
        const film = document.querySelector('video'), at = performance.now(), from = film.currentTime;
        const done = () => resolve(performance.now() - at);
        const look = () => film.currentTime < from + 0.1 ? requestAnimationFrame(look) : done();
        look();
    })""")
    assert took == pytest.approx(400, rel=0.35)


def test_one_clip_is_heard_at_a_time(clips):
    sounding = (film(frames=24, has_sound=True), KIND)
    page = clips(A=sounding, B=sounding, C=(film(frames=24), KIND))
    muted = "[...document.querySelectorAll('video')].map((v) => v.muted)"
    assert page.evaluate(muted) == [True, True, True]
    assert page.get_by_role("button", name="Sound of").count() == 2
    page.get_by_role("button", name="Sound of A").click()
    until(lambda: page.evaluate(muted) == [False, True, True])
    page.get_by_role("button", name="Sound of B").click()
    until(lambda: page.evaluate(muted) == [True, False, True])
    assert page.get_by_role("button", name="Sound of B").get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Sound of B").click()
    until(lambda: page.evaluate(muted) == [True, True, True])


def test_the_difference_is_of_the_frames_that_are_shown(clips):
    page = clips(**films(A=(24, 24), B=(12, 12)))
    page.get_by_role("button", name="Difference").click()
    numbers = page.get_by_label("How much they differ")
    seek(page, 0.52)
    settle(page, ["frame 13 of 24", "frame 7 of 12"])
    page.wait_for_function(
        "document.querySelector('.sc-difference output').textContent.startsWith('frames A 13, B 7 ')"
    )
    alike = numbers.inner_text()
    page.get_by_role("button", name="One frame on").click()
    page.wait_for_function(
        "document.querySelector('.sc-difference output').textContent.startsWith('frames A 14, B 7 ')"
    )
    apart = numbers.inner_text()
    mean = [float(text.split("mean ")[1].split(" %")[0]) for text in (alike, apart)]
    # the bar of A is 33 pixels wide, then 35; that of B 33
    assert mean[1] > mean[0] * 1.5
    lit = """() => {
        const canvas = document.querySelector('.sc-difference canvas');
        const row = canvas.getContext('2d').getImageData(0, 24, 64, 1).data;
        return [10, 33, 55].map((x) => row[x * 4]);
    }"""
    page.get_by_label("made brighter").select_option("1")
    left, middle, right = page.evaluate(lit)
    assert middle > 100
    assert max(left, right) < 40
    page.get_by_label("made brighter").select_option("32")
    until(lambda: page.evaluate(lit)[1] == 255)


def test_what_is_compared_and_stepped_at_first_does_not_depend_on_what_loads_first(clips):
    page = clips(secure=True, A=(film(frames=24), KIND), B=(film(frames=30, rate=30), KIND), C=animation("gif"))
    assert page.get_by_label("Steps of").input_value() == "B"
    page.get_by_role("button", name="Difference").click()
    one, other, _gain = page.locator(".sc-difference select").all()
    assert (one.input_value(), other.input_value()) == ("A", "B")
    other.select_option("C")
    put(page, slot("A", KIND), slot("C", "image/gif"))
    page.wait_for_function("document.querySelectorAll('.sc-clip-rows li').length === 2")
    assert (one.input_value(), other.input_value()) == ("A", "C")
    page.get_by_text("10 frames/s · 0.60 s").wait_for()


def test_the_difference_waits_while_clips_play(clips):
    page = clips(**films(A=(24, 24), B=(24, 24)))
    page.get_by_role("button", name="Difference").click()
    page.get_by_role("button", name="Play").click()
    page.get_by_text("drawn again when the clips stand").wait_for()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("frames A").wait_for()


def test_the_difference_says_that_sizes_differ(clips):
    page = clips(A=(film(frames=12), KIND), B=(film(frames=12, size=(128, 96)), KIND))
    page.get_by_role("button", name="Difference").click()
    page.get_by_text("B scaled to the size of A").wait_for()


def test_the_difference_is_zoomed_with_the_clips(clips):
    page = clips(**films(A=(12, 24), B=(12, 24)))
    page.get_by_role("button", name="Difference").click()
    page.locator(".sc-difference .sc-view").press("+")
    found = page.evaluate("[...document.querySelectorAll('.sc-media')].map((m) => m.style.transform)")
    assert len(found) == 3
    assert set(found) == {"translate(-12.5%, -12.5%) scale(1.25)"}


def animation(kind, frames=6):
    pictures = []
    for place in range(frames):
        pixels = np.zeros((48, 64, 3), np.uint8)
        pixels[:, : bar(place, frames)] = 250, 190, 60
        pictures.append(Image.fromarray(pixels))
    buffer = io.BytesIO()
    options = {"lossless": True} if kind == "webp" else {}
    pictures[0].save(buffer, kind, save_all=True, append_images=pictures[1:], duration=100, loop=0, **options)
    return buffer.getvalue(), f"image/{kind}"


@pytest.mark.parametrize("kind", ["gif", "webp", "png"])
def test_a_picture_that_moves_is_stepped_beside_a_film(clips, kind):
    page = clips(secure=True, A=animation(kind), B=(film(frames=12), KIND))
    seek(page, 0.35)
    settle(page, ["frame 4 of 6", "frame 9 of 12"])
    wait_for_bars(page, [bar(3, 6), bar(8, 12)])
    page.get_by_role("img", name="A: a boat").wait_for()


def test_pictures_that_move_play_by_the_clock(clips):
    page = clips(secure=True, A=animation("gif"), B=animation("webp", frames=4))
    page.get_by_role("button", name="Play").click()
    settle(page, ["frame 5 of 6", "frame 4 of 4, held"])
    page.get_by_role("button", name="Pause").click()


def test_a_picture_that_moves_and_cannot_be_stepped_says_so(clips):
    page = clips(A=animation("gif"), B=(film(frames=12), KIND))  # not a secure page: no ImageDecoder
    page.get_by_text("plays it by itself and cannot step through it").wait_for()
    page.get_by_role("button", name="One frame on").click()
    assert frames_said(page)[1] == "frame 2 of 12"


def test_a_film_that_the_browser_cannot_play_says_so_and_holds_up_no_other(clips):
    page = clips(A=(film("mp4"), "video/mp4"), B=(film(frames=12), KIND))
    page.get_by_text("this browser cannot play it").wait_for()
    page.get_by_role("button", name="One frame on").click()
    assert frames_said(page)[1] == "frame 2 of 12"


def test_a_film_of_which_the_kernel_knows_nothing_is_stepped_by_an_assumed_rate(clips):
    page = clips(is_known=False, A=(film(frames=24), KIND))
    page.get_by_text("rate not known, steps of 1/25 s").wait_for()
    page.get_by_role("button", name="One frame on").click()
    settle(page, ["frame 2 of 25"])


def test_clips_say_how_long_and_large_they_are(clips):
    page = clips(A=(film(frames=24, has_sound=True), KIND))
    assert page.locator(".sc-clip-rows li").inner_text().split("\n")[:3] == [
        "A", "frame 1 of 24", "24 frames/s · 1.00 s · 64 × 48 · with sound",
    ]  # fmt: skip


def test_the_scrubber_is_there_while_clips_are_and_begins_anew(clips):
    page = clips(**films(A=(12, 24), B=(12, 24)))
    seek(page, 0.3)
    settle(page, ["frame 8 of 12"] * 2)
    put(page)
    page.wait_for_function("document.querySelector('.sc-clips').hidden")
    put(page, slot("B", KIND))
    settle(page, ["frame 1 of 12"])
    page.wait_for_function("((time) => time > 0 && time < 1 / 24)(document.querySelector('video')?.currentTime)")


def test_a_clip_that_joins_comes_to_the_time_of_the_others(clips):
    page = clips(**films(A=(24, 24), B=(12, 12)))
    put(page, slot("A", KIND))
    seek(page, 0.52)
    settle(page, ["frame 13 of 24"])
    put(page, slot("A", KIND), slot("B", KIND))
    settle(page, ["frame 13 of 24", "frame 7 of 12"])
    wait_for_bars(page, [bar(12, 24), bar(6, 12)])


def test_the_time_stays_when_the_clips_are_put_over_each_other(clips):
    page = clips(**films(A=(24, 24), B=(12, 12)))
    seek(page, 0.52)
    settle(page, ["frame 13 of 24", "frame 7 of 12"])
    page.evaluate("model.set('mode', 'slider')")
    page.wait_for_function("document.querySelectorAll('.sc-stage video').length === 2")
    page.wait_for_function("""[...document.querySelectorAll('.sc-stage video')].every(
        (film) => !film.seeking && Math.abs(film.currentTime - 0.54) < 0.05)""")


def test_nothing_is_left_behind(clips):
    page = clips(**films(A=(12, 24), B=(12, 24)))
    page.get_by_role("button", name="Play").click()
    page.evaluate("window.kept = [...document.querySelectorAll('video')]; cleanup()")
    assert page.evaluate("kept.every((film) => film.paused)")
    assert page.evaluate("Object.values(model.handlers).every((list) => !list.length)")
    assert page.locator(".sc-clips").count() == 0
