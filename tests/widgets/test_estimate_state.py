"""The estimate beside a form, without a screen."""

import threading
from dataclasses import replace

import pytest

import estimates
import studio_kernel as sk
from engines import GatedEngine
from studio_kernel.errors import StudioError
from studio_widgets.estimate import texts
from studio_widgets.estimate.state import EstimateState
from studio_widgets.generation.state import GenerationState
from waiting import until

CATALOG = """
models:
  measured:
    engine: gated
    tasks: [text-to-image]
    parameters:
      prompt:
      width: {default: 256, min: 64, max: 1024}
      height: {default: 256, min: 64, max: 1024}
      num_images:
      seed:
  other:
    engine: gated
    tasks: [text-to-image]
    parameters: {prompt: , seed: }
"""


@pytest.fixture
def studio(home, picture):
    (home / "catalog").mkdir(parents=True)
    (home / "catalog" / "panels.yaml").write_text(CATALOG)
    with sk.open(home, engines=[GatedEngine(picture)]) as studio:
        yield studio


@pytest.fixture
def form(studio):
    return GenerationState(studio, model="measured")


@pytest.fixture
def following(studio, form):
    """following(answer): a state that asks `answer`, with the first question answered."""
    made = []

    def follow(answer=estimates.estimate, *, wait=True):
        state = EstimateState(studio, form, answer=answer)
        made.append(state)
        if wait:
            settled(state)
        return state

    yield follow
    for state in made:
        state.close()


def settled(state):
    until(lambda: not state.is_stale, every=0.01, what="the newest answer")


class Gate:
    """Answers when it is let to, and remembers what it was asked."""

    def __init__(self):
        self.asked = []
        self.open = threading.Semaphore(0)

    def __call__(self, prompt=None, **values):
        self.asked.append(values)
        assert self.open.acquire(timeout=30)
        return estimates.estimate(prompt, **values)


def test_a_form_is_estimated_before_anything_is_typed(following):
    state = following()
    assert state.estimate == estimates.estimate(width=256, height=256)
    assert state.error == ""


def test_the_estimate_follows_the_form(following, form):
    state = following()
    form.set("num_images", 3)
    assert state.is_stale  # marked at once, not when the question is asked
    settled(state)
    assert state.estimate.images == 3


def test_the_studio_itself_is_asked(studio, form):
    state = EstimateState(studio, form)
    settled(state)
    assert state.estimate == studio.estimate(model="measured")
    state.close()


def test_only_the_newest_question_is_answered(following, form):
    gate = Gate()
    state = following(gate, wait=False)
    until(lambda: len(gate.asked) == 1, every=0.01)
    for count in (2, 3, 4):
        form.set("num_images", count)
    gate.open.release(2)
    settled(state)
    assert [values["num_images"] for values in gate.asked] == [1, 4]
    assert state.estimate.images == 4


def test_an_answer_that_is_overtaken_is_never_shown(following, form):
    gate = Gate()
    state = following(gate, wait=False)
    until(lambda: len(gate.asked) == 1, every=0.01)
    shown = []
    state.observe(lambda change: shown.append(change.new.images), "estimate")
    form.set("num_images", 2)
    gate.open.release()  # the answer for one picture, too late
    until(lambda: len(gate.asked) == 2, every=0.01)
    assert (state.is_stale, shown) == (True, [])
    gate.open.release()
    settled(state)
    assert shown == [2]


def test_going_back_to_what_is_shown_asks_no_more_than_needed(following, form):
    gate = Gate()
    gate.open.release(2)
    state = following(gate)
    form.set("num_images", 2)
    form.set("num_images", 1)
    settled(state)
    assert [values["num_images"] for values in gate.asked] == [1, 1]


def test_a_seed_is_not_asked_about(following, form):
    gate = Gate()
    gate.open.release()
    state = following(gate)
    form.random_seed = False
    form.set("seed", 7)
    assert not state.is_stale
    assert "seed" not in gate.asked[0]


def test_a_form_that_cannot_be_asked_for_says_why(studio, form):
    state = EstimateState(studio, form)
    form.set("width", 100)
    settled(state)
    assert state.estimate is None
    assert state.error == "Width 100 is not a multiple of 8"
    assert "not known: Width 100" in texts.line(state.estimate, state.error, is_stale=False)
    form.set("width", 128)
    settled(state)
    assert (state.error, state.estimate is None) == ("", False)
    state.close()


def test_an_unknown_model_is_said_in_words(following, form):
    state = following()
    form.model = "mesured"
    assert "did you mean 'measured'" in state.error
    assert state.estimate is None


def test_what_the_studio_refuses_is_said_in_words(following):
    def refuse(_prompt=None, **_values):
        raise StudioError("the device went away")

    state = following(refuse)
    assert (state.estimate, state.error) == (None, "the device went away")


def test_a_broken_estimate_is_said_and_the_next_one_works(following, form):
    def fail_once(prompt=None, **values):
        return estimates.estimate(prompt, **values) if values["num_images"] > 1 else 1 / 0

    state = following(fail_once)
    assert state.error == "ZeroDivisionError: division by zero"
    form.set("num_images", 2)
    settled(state)
    assert state.estimate.images == 2


def test_a_run_that_ends_is_asked_about_again(following, form):
    gate = Gate()
    gate.open.release(10)
    state = following(gate)
    form.status = "queued"
    settled(state)
    form.status = "succeeded"
    settled(state)
    assert len(gate.asked) == 3


def test_fewer_pictures_are_offered_where_those_asked_for_do_not_fit(following, form):
    state = following()
    form.set("num_images", 9)
    settled(state)
    until(lambda: len(state.offers) == 2, every=0.01, what="the smaller size")
    assert state.offers[0].words == "4 pictures at once"
    state.take(0)
    settled(state)
    assert form.values["num_images"] == 4
    assert state.estimate.memory.fit.verdict != "does not fit"


def test_the_largest_smaller_size_that_fits_is_offered(following, form):
    state = following()
    form.set("width", 1024)
    form.set("height", 512)
    until(lambda: state.offers, every=0.01, what="an offer")
    assert [dict(offer.changes) for offer in state.offers] == [{"width": 512, "height": 256}]
    state.take(0)
    assert (form.values["width"], form.values["height"]) == (512, 256)


def test_nothing_is_offered_where_it_fits(following):
    assert following().offers == ()


def test_a_yes_to_an_unknown_price_is_wanted_and_forgotten_with_the_model(following, form):
    state = following(lambda _prompt=None, **_values: replace(estimates.estimate(), cost=estimates.UNPRICED))
    assert state.needs_consent
    form.accept_unknown_price = True
    form.model = "other"
    assert not form.accept_unknown_price


def test_a_state_that_is_closed_asks_no_more(following, form):
    gate = Gate()
    gate.open.release(5)
    state = following(gate)
    state.close()
    form.set("num_images", 5)
    assert not state.is_stale
    assert len(gate.asked) == 1


def test_no_thread_stays_behind(following):
    following()
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "studio-estimates"], every=0.01)


# In words

SAID = dict(texts.pairs(estimates.estimate(num_images=3)))


def test_memory_is_told_against_the_device_with_stage_basis_and_confidence():
    assert SAID["Memory"] == "5.5 GiB of 8.0 GiB, fits"
    assert SAID["Device"] == "Test card, 6.0 GiB available"
    assert SAID["Most while"] == "decoding (vae), 5.0 GiB"
    assert SAID["Memory from"] == "dry run, high confidence"
    assert SAID["Largest batch"] == "4"


def test_time_is_told_with_its_interval_and_basis():
    assert SAID["Time"] == "6 s (4.5 s to 9 s)"
    assert SAID["Time from"].startswith("5 runs like it here, medium confidence")


def test_the_wait_in_the_queue_is_part_of_the_line():
    found = estimates.estimate()
    waiting = replace(found, time=replace(found.time, wait_s=12.0))
    assert "about 2 s after 12 s" in texts.line(waiting, "", is_stale=False)


@pytest.mark.parametrize(
    ("width", "said"),
    [(768, "fits"), (960, "tight"), (1024, "tight"), (1088, "does not fit"), (2048, "more than this device has")],
)
def test_the_verdict_is_a_word(width, said):
    assert texts.verdict(estimates.memory(width * 256)) == said


def test_the_bar_says_the_same_in_words():
    html = texts.line(estimates.estimate(), "", is_stale=False)
    assert 'aria-label="Memory of Test card, 8.0 GiB: used by others 2.0 GiB, this run 3.5 GiB, 2.5 GiB left"' in html


def test_a_bar_that_overflows_tells_what_is_missing():
    found = estimates.estimate(width=2048, height=1024)
    assert "missing" in texts.details(found, is_stale=False)
    assert "se-limit" in texts.details(found, is_stale=False)


def test_costs_in_words():
    assert SAID["Cost"] == "free: runs here"
    assert texts.cost(estimates.PRICED) == "0.05 $ for 2 megapixels, 0.025 $ each, price of 2026-03"
    assert texts.cost(estimates.UNPRICED) == "price not known: the catalog has no price of this model"


def test_a_stale_line_is_marked_for_eyes_and_screen_readers():
    stale = texts.line(estimates.estimate(), "", is_stale=True)
    assert 'aria-busy="true"' in stale
    assert "updating" in stale
    assert 'aria-busy="false"' in texts.line(estimates.estimate(), "", is_stale=False)


def test_many_pictures_are_warned_of_once():
    many = replace(estimates.estimate(), images=401, warnings=("401 pictures at once are more than 400", "near"))
    assert texts.warnings(many) == ["401 pictures at once are more than 400", "near"]
    assert texts.warnings(replace(many, warnings=())) == ["401 pictures at once are more than 400"]
    assert texts.warnings(replace(many, images=400, warnings=())) == []


def test_advice_is_told_with_what_comes_of_it():
    assert texts.advice(estimates.estimate(width=1024, height=1024)) == [
        "decode in tiles: 10.0 GiB, fits, 1.2 times as long"
    ]
    assert texts.advice(estimates.estimate()) == []


def test_what_comes_from_elsewhere_is_escaped():
    found = estimates.estimate()
    device = replace(estimates.DEVICE, name='<img src="x">')
    memory = replace(found.memory, fit=replace(found.memory.fit, device=device))
    html = texts.details(replace(found, memory=memory), is_stale=False)
    assert "<img" not in html
