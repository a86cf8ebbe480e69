"""Cloud models in the generation panel, without a screen: what went wrong and where, what can be done, who did it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import studio_kernel as sk
from fal_jobs import QUICK, fal_cards
from servers.connections import KEYS
from servers.fal import CDN, QUEUE, Fal
from servers.internet import Answer
from servers.replicate import Replicate
from studio_kernel.engines.fal import FalEngine
from studio_widgets.estimate import texts
from studio_widgets.facts import facts_of
from studio_widgets.generation.panel import GenerationPanel
from studio_widgets.generation.standing import bar_of, stage_of
from studio_widgets.generation.state import GenerationState
from waiting import until

SHIPPED = Path(__file__).parents[2] / "data" / "catalog" / "models" / "fal.json"
FLUX, CLIP, REMIX = "fal/flux_1_dev", "fal/sora2_text_to_video", "fal/sora2_video_to_video_remix"


@pytest.fixture
def fal():
    return Fal([fal_cards()[name] for name in (FLUX, "fal/flux_1_schnell", CLIP, REMIX)])


@pytest.fixture
def net(internet, fal, monkeypatch):
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    return internet(fal, Replicate())


@pytest.fixture
def studio(home, net):
    with sk.open(home, engines=[FalEngine(replace(QUICK, file_s=0.2))]) as studio:
        yield studio


@pytest.fixture
def state(studio):
    return begun(studio, FLUX)


def begun(studio, model, prompt="a red boat"):
    state = GenerationState(studio, model=model)
    state.prompt = prompt
    return state


def done(state, act=None):
    (act or state.submit)()
    assert state.is_busy, state.error
    until(lambda: not state.is_busy, every=0.01, what="the end of the run")
    return state.result


def wrong(*names):
    return Answer(422, {"detail": [{"loc": ["body", n], "msg": f"bad {n}", "type": "value_error"} for n in names]})


# What is wrong, and where


def test_what_the_service_finds_wrong_is_marked_until_it_is_changed(state, fal):
    fal.fail_next(wrong("guidance_scale", "prompt"))
    done(state)

    assert state.wrong == {"guidance_scale": "bad guidance_scale", "prompt": "bad prompt"}
    assert "Nothing was charged" in state.error
    state.set("num_inference_steps", 9)
    assert len(state.wrong) == 2
    state.set("guidance_scale", 3)
    state.prompt = "a blue boat"
    assert state.wrong == {}


def test_what_was_changed_while_the_run_was_at_work_is_not_marked(state, fal):
    fal.seconds = 0.3
    fal.fail_next(wrong("guidance_scale", "prompt"))
    state.submit()
    state.set("guidance_scale", 3)
    until(lambda: not state.is_busy)

    assert list(state.wrong) == ["prompt"]


def test_what_is_found_wrong_before_sending_is_marked_too(state, fal):
    state.prompt = ""
    state.submit()

    assert "required" in state.wrong["prompt"]
    assert fal.submits == []


def test_what_one_of_several_services_finds_wrong_has_the_name_of_the_form(studio, fal):
    state = begun(studio, "flux-schnell")
    fal.fail_next(wrong("image_size"))
    done(state)

    assert state.wrong == {"aspect_ratio": "bad image_size"}


def test_the_control_says_what_is_wrong_with_it_even_when_it_is_folded_away(studio, fal):
    panel = GenerationPanel(studio, model=FLUX)
    panel.state.prompt = "a red boat"
    fal.fail_next(wrong("enable_safety_checker"))
    done(panel.state)

    form = panel.view.form
    assert form._fold.value
    assert "bad enable_safety_checker" in form._marked["enable_safety_checker"].children[1].value


# What can be done about it


def test_a_result_that_is_paid_for_is_fetched(state, fal, net):
    net.misbehave(CDN, "drop before", times=99)
    done(state)
    assert (state.can_fetch, state.can_run_again) == (True, True)
    net.behave()

    assert done(state, state.fetch).status == "succeeded"
    assert len(fal.submits) == 1
    assert not state.can_fetch


def test_what_may_cost_twice_is_asked_first(state, fal, net):
    net.misbehave(CDN, "drop before", times=99)
    done(state)
    net.behave()

    state.run_again()
    assert "0.025 $" in state.question
    state.decline()
    assert (state.question, len(fal.submits)) == ("", 1)
    state.run_again()
    assert done(state, state.agree).status == "succeeded"
    assert (state.question, len(fal.submits)) == ("", 2)


def test_what_was_certainly_not_charged_is_run_again_at_once(state, fal):
    fal.fail_next(Answer(500, {"detail": "x", "error_type": "runner_server_error"}))
    done(state)
    assert (state.can_fetch, state.can_run_again) == (False, True)

    assert done(state, state.run_again).status == "succeeded"


# While it works


def test_the_queue_of_the_service_is_told_with_the_place_in_it(studio, fal, net):
    fal.at_once = 0
    state, other = begun(studio, FLUX), begun(studio, FLUX)
    state.submit()
    until(lambda: state.stage == "waiting")
    other.submit()

    until(lambda: other.position == 1, what="a place in the queue")
    assert stage_of(other) == "waiting in the service's queue, 1 before it"
    assert "value" not in bar_of(other.step, other.total)
    state.tick()
    assert state.passed_s > 0
    for each in (state, other):
        each.cancel()
        until(lambda each=each: not each.is_busy)


# Keys


def test_a_model_without_a_key_is_offered_and_says_what_it_needs(studio, monkeypatch):
    for name in KEYS:
        monkeypatch.delenv(name)
    state = begun(studio, FLUX)
    assert "FAL_KEY" in state.blocked
    assert "https://fal.ai/dashboard/keys" in state.blocked
    assert not state.can_submit
    assert {FLUX, "flux-schnell"} <= {card.id for card in state.locked()}
    assert CLIP not in {card.id for card in state.locked("text-to-video")}  # retired: no key would help

    state.model = "procedural"
    assert (state.blocked, state.can_submit) == ("", True)
    state.model = FLUX
    monkeypatch.setenv("FAL_KEY", KEYS["FAL_KEY"])
    state.look_again()
    assert (state.blocked, state.can_submit) == ("", True)
    assert FLUX in {card.id for card in state.models()}


# Who did it, and for how much


def test_the_facts_tell_the_service_and_the_bill(studio, net):
    net.misbehave(QUEUE, Answer(401, {"detail": "no such key"}), times=99)
    told = facts_of(done(begun(studio, "flux-schnell")))

    assert "<dd>replicate: black-forest-labs/flux-schnell, as replicate/flux-schnell</dd>" in told
    assert "Passed over" in told
    assert "no such key" in told
    assert "<dd>0.003 $ billed</dd>" in told


def test_the_facts_tell_of_a_bill_that_nobody_knows(state, net):
    net.misbehave(CDN, "drop before", times=99)
    net.misbehave("api.fal.ai", Answer(500, {"detail": "x"}), times=99)

    assert "not known; it may have been charged about 0.025 $" in facts_of(done(state))


# Sora: retired, unless somebody's catalog says otherwise


@pytest.fixture
def with_sora(home, studio):
    entries = json.loads(SHIPPED.read_text())["models"]
    living = {name: {**entries[name], "retired_on": "2999-01-01"} for name in (CLIP, REMIX)}
    (home / "catalog").mkdir(exist_ok=True)
    (home / "catalog" / "sora.yaml").write_text(json.dumps({"models": living}))
    with sk.open(home, engines=[FalEngine(QUICK)]) as reopened:
        yield reopened


def test_a_clip_is_made_kept_picked_and_remixed_for_the_price_of_its_length(with_sora, fal):
    remix = begun(with_sora, REMIX, "the same at night")
    assert remix.offer("video_id").advice.startswith("no Sora videos yet")
    clip = begun(with_sora, CLIP)
    clip.set("delete_video", False)
    clip.set("duration", 8)
    assert done(clip).status == "succeeded"

    [offered] = remix.offer("video_id")
    remix.set("video_id", offered.value)
    estimate = with_sora.estimate(model=REMIX, **remix.resolve().values)
    made = done(remix)

    assert made.status == "succeeded", made.error
    assert fal.submits[1].arguments["video_id"] == offered.value
    assert estimate.cost_usd == pytest.approx(0.8)
    assert "8 seconds" in texts.cost(estimate.cost)


def test_a_sora_clip_is_billed_to_ones_own_account_where_that_is_wanted(home, with_sora, fal):
    (home / "settings.toml").write_text("[services.fal]\nown_keys = true\n")
    with sk.open(home, engines=[FalEngine(QUICK)]) as studio:
        assert done(begun(studio, CLIP)).status == "succeeded"

    assert fal.submits[0].arguments["api_key"] == KEYS["OPENAI_API_KEY"]
    assert KEYS["OPENAI_API_KEY"] not in "".join(path.read_text() for path in (home / "journal").rglob("*.jsonl"))
