"""Runs of cloud models in a studio: what is fetched again, what stays with its cell, which service did it."""

import json
from dataclasses import replace
from itertools import product

import pytest

import studio_kernel as sk
from fal_jobs import QUICK, fal_cards
from servers.connections import KEYS
from servers.fal import CDN, PLATFORM, QUEUE, Fal
from servers.fal_schema import openapi_of
from servers.internet import Answer
from servers.replicate import API as REPLICATE
from servers.replicate import Replicate
from studio_kernel.engines.fal import FalEngine
from studio_kernel.errors import InvalidRequestError
from waiting import until

FLUX = "fal/flux_1_dev"


@pytest.fixture
def fal():
    return Fal([fal_cards()[name] for name in (FLUX, "fal/flux_1_schnell", "fal/flux_2_dev")])


@pytest.fixture
def replicate():
    return Replicate()


@pytest.fixture
def net(internet, fal, replicate, monkeypatch):
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    return internet(fal, replicate)


@pytest.fixture
def studio(home, net):
    engine = FalEngine(replace(QUICK, file_s=0.3, outage_s=0.3))
    with sk.open(home, engines=[engine]) as studio:
        yield studio


def settle(home, text):
    home.mkdir(parents=True, exist_ok=True)
    (home / "settings.toml").write_text(text)


# What was paid for and did not come


def test_a_result_that_did_not_come_is_fetched_and_not_made_again(studio, fal, net):
    net.misbehave(CDN, "drop before", times=10_000)
    failed = studio.generate("a red boat", model=FLUX, seed=7)
    net.behave()

    again = studio.retry(failed).wait()

    assert failed.status == "failed"
    assert "charges for it" in failed.error
    assert again.status == "succeeded"
    assert len(fal.submits) == 1
    assert [failed.cost_usd, again.cost_usd] == [pytest.approx(0.025), 0.0]


def test_the_result_of_a_private_run_is_fetched_in_private_and_by_its_studio_alone(studio, home, fal, net):
    net.misbehave(CDN, "drop before", times=10_000)
    failed = studio.generate("a secret", model=FLUX, seed=7, private=True)
    net.behave()

    with sk.open(home, engines=[FalEngine(QUICK)]) as other:
        until(lambda: other.record(failed.id).provenance.get("can_be_fetched"))
        for fetch in (other.retry, other.fetch):
            with pytest.raises(InvalidRequestError, match="was private"):
                fetch(failed.id)
    again = studio.fetch(failed).wait()

    assert again.status == "succeeded"
    assert studio.is_private(again.id)
    assert len(fal.submits) == 1


def test_a_sweep_that_goes_on_fetches_what_is_paid_for(studio, fal, net):
    net.misbehave(CDN, "drop before", times=10_000)
    sweep = studio.sweep("a red boat", model=FLUX, axes={"seed": [1, 2]}).wait()
    net.behave()

    sweep.resume().wait()

    assert [run.status for run in sweep.runs] == ["succeeded"] * 2
    assert len(fal.submits) == 2
    assert studio.costs().total_usd.sum() == pytest.approx(0.05)


def test_asking_for_it_anew_needs_a_yes(studio, fal, net):
    net.misbehave(CDN, "drop before", times=10_000)
    failed = studio.generate("a red boat", model=FLUX, seed=7)
    net.behave()

    assert studio.retry(failed, may_pay_twice=True).wait().status == "succeeded"
    assert len(fal.submits) == 2


def test_what_the_service_says_is_in_the_log(studio):
    run = studio.generate("a red boat", model=FLUX, seed=7)

    said = studio.sql("SELECT seed, cost_usd, outcome->>'$.request_id' AS job FROM runs").iloc[0]
    assert (said.seed, said.cost_usd) == (7, pytest.approx(0.025))
    assert said.job
    assert run.record.provenance["endpoint"] == "fal-ai/flux/dev"


# Errors


def test_a_model_that_fails_does_not_stop_the_others_of_a_grid(studio, net):
    net.misbehave(QUEUE, Answer(403, json={"detail": "User is locked. Reason: Exhausted balance."}), path=".*/flux-2.*")

    sweep = studio.sweep("a red boat", axes={"model": [FLUX, "fal/flux_2_dev", "procedural"]}).wait()

    assert [run.status for run in sweep.runs] == ["succeeded", "failed", "succeeded"]
    assert "balance" in sweep.frame().error[1]
    assert "balance" in sweep.grid(columns="model").cell(column="fal/flux_2_dev").note


def test_what_the_service_finds_wrong_is_told_by_the_parameter(studio, fal):
    wrong = [{"loc": ["body", "guidance_scale"], "msg": "Input should be less than 10", "type": "less_than"}]
    fal.fail_next(Answer(422, json={"detail": wrong}))

    run = studio.generate("a red boat", model=FLUX)

    assert run.record.provenance["problems"] == {"guidance_scale": "Input should be less than 10"}
    assert "Nothing was charged" in run.error


def test_no_key_is_written_anywhere_while_everything_fails(home, net, capfd, caplog):
    key = KEYS["FAL_KEY"]
    settle(home, "[services.fal]\nlookup_s = 0.2\n")
    echo = Answer(401, json={"detail": f"No such key: Key {key}"})
    faults = [echo, Answer(500, body=f"<html>nginx {key}</html>".encode()), "malformed", Answer(422, json=[key])]
    places = [(QUEUE, "/fal-ai/flux/dev"), (QUEUE, ".*/requests/.*"), (PLATFORM, ".*"), (CDN, ".*")]
    engine = FalEngine(replace(QUICK, unsent_s=0.1, file_s=0.1, outage_s=0.1))
    with sk.open(home, engines=[engine]) as studio:
        for (host, path), fault in product(places, faults):
            net.misbehave(host, fault, path=path, times=100)
            run = studio.generate("a red boat", model=FLUX, seed=7, progress=False)
            net.behave()
            assert key not in f"{run!r} {run.error} {run.record!r}"

    assert not [path for path in home.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]
    out, err = capfd.readouterr()
    assert key not in out + err + caplog.text


# One model at several services


def test_a_model_that_several_have_is_made_by_the_first_and_says_so(studio, fal, replicate):
    run = studio.generate("a red boat", model="flux-schnell", aspect_ratio="16:9", seed=7)

    assert run.status == "succeeded", run.error
    assert (run.record.provenance["offer"], run.record.provenance["service"]) == ("fal/flux_1_schnell", "fal")
    assert fal.submits[0].arguments["image_size"] == "landscape_16_9"
    assert not replicate.created


def test_the_order_of_services_is_a_setting(studio, home, fal, replicate):
    settle(home, '[providers]\norder = ["replicate"]\n')

    run = studio.generate("a red boat", model="flux-schnell", aspect_ratio="16:9", seed=7)

    assert run.record.provenance["offer"] == "replicate/flux-schnell"
    assert not fal.submits


def test_the_cheapest_service_can_be_chosen(studio, home, fal, replicate):
    settle(home, '[providers]\nchoose = "price"\n')

    run = studio.generate("a red boat", model="flux-dev", aspect_ratio="1:1")
    prices = {
        name: studio.estimate("a red boat", model=name).cost_usd for name in ("fal/flux_1_dev", "replicate/flux-dev")
    }

    assert prices[run.record.provenance["offer"]] == min(prices.values())


@pytest.mark.parametrize(
    "outage", [Answer(503, json={"detail": "x"}), Answer(401, json={"detail": "x"}), Answer(404, json={"detail": "x"})]
)
def test_a_service_that_cannot_is_passed_over_and_the_record_says_so(studio, net, fal, replicate, outage, monkeypatch):
    monkeypatch.setattr("studio_kernel.engines.switch.PATIENCE_S", 0.1)
    net.misbehave(QUEUE, outage, times=1000)

    run = studio.generate("a red boat", model="flux-schnell", seed=7)

    assert run.status == "succeeded", run.error
    assert run.record.provenance["offer"] == "replicate/flux-schnell"
    assert "fal:" in run.record.provenance["passed_over"][0]
    assert (len(fal.submits), len(replicate.created)) == (0, 1)


def test_what_was_accepted_is_never_given_to_another_service(studio, net, fal, replicate):
    fal.fail_next(Answer(500, json={"detail": "CUDA error", "error_type": "runner_server_error"}))

    run = studio.generate("a red boat", model="flux-schnell", seed=7)

    assert run.status == "failed"
    assert not replicate.created


def test_a_request_that_is_refused_is_not_taken_elsewhere(studio, fal, replicate):
    refusal = [{"loc": ["body", "prompt"], "msg": "flagged", "type": "content_policy_violation"}]
    fal.fail_next(Answer(422, json={"detail": refusal}))

    run = studio.generate("a red boat", model="flux-schnell", seed=7)

    assert run.status == "failed"
    assert not replicate.created


def test_without_fallback_there_is_one_service(studio, home, net, replicate):
    settle(home, "[providers]\nfallback = false\n")
    net.misbehave(QUEUE, Answer(404, json={"detail": "x"}), times=1000)

    assert studio.generate("a red boat", model="flux-schnell").status == "failed"
    assert not replicate.created


def test_the_estimate_is_that_of_the_dearest_service_that_may_do_it(studio):
    dear = studio.estimate("a red boat", model="flux-schnell")
    each = [
        studio.estimate("a red boat", model=name, **shape).cost_usd
        for name, shape in (("fal/flux_1_schnell", {"image_size": "square_hd"}), ("replicate/flux-schnell", {}))
    ]

    assert dear.cost_usd == pytest.approx(max(each))


def test_a_model_without_any_service_here_says_what_each_lacks(studio, monkeypatch):
    for name in KEYS:
        monkeypatch.delenv(name)

    reason = studio.models.status(studio.models["flux-dev"]).reason

    assert "FAL_KEY" in reason
    assert "REPLICATE_API_TOKEN" in reason


def test_a_service_that_is_down_is_passed_over_with_its_retry_time(studio, net, replicate, monkeypatch):
    monkeypatch.setattr("studio_kernel.engines.switch.PATIENCE_S", 0.1)
    net.misbehave(REPLICATE, Answer(503, json={"detail": "x"}), times=1000)

    assert studio.generate("a red boat", model="flux-schnell").record.provenance["offer"] == "fal/flux_1_schnell"


# What is not in the catalog


def unknown_endpoint():
    """A card of an endpoint that no catalog has, to make the service's own description of."""
    card = fal_cards()["fal/flux_kontext_pro"]
    return replace(card, id="", source=replace(card.source, endpoint="somebody/new-editor/pro"), price=None)


@pytest.mark.parametrize("way", ["file", "fetched"])
def test_an_endpoint_that_the_catalog_lacks_works_from_its_own_description(studio, fal, tmp_path, picture, way):
    document = openapi_of(unknown_endpoint())
    fal.add(unknown_endpoint(), document)
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(document))

    card = studio.add_model("somebody/new-editor/pro", openapi=path if way == "file" else None, service="fal")
    media = next(parameter.name for parameter in card.parameters if parameter.is_media)
    run = studio.generate("make it night", model=card.id, accept_unknown_price=True, **{media: picture})

    assert run.status == "succeeded", run.error
    assert fal.submits[0].arguments["prompt"] == "make it night"
    assert fal.submits[0].arguments["image_url"].startswith(("data:image/png", "https://v3.fal.media/"))


def test_the_place_in_the_queue_of_the_service_is_a_setting(home, net):
    settle(home, '[services.fal]\npriority = "low"\n')
    with sk.open(home, engines=[FalEngine(QUICK)]) as studio:
        studio.generate("a red boat", model=FLUX)

    [submit] = net.requests("POST", "/fal-ai/flux/dev")
    assert submit.headers["x-fal-queue-priority"] == "low"
