"""Replicate and OpenAI behind a studio, with the models that ship."""

import pytest

import studio_kernel as sk
from servers.connections import KEYS
from servers.internet import Answer
from servers.openai import API as OPENAI
from servers.openai import OpenAI, error
from servers.replicate import API as REPLICATE
from servers.replicate import Replicate, problem

SECRETS = (KEYS["REPLICATE_API_TOKEN"], KEYS["OPENAI_API_KEY"])


@pytest.fixture
def sites(monkeypatch, internet):
    for name in ("REPLICATE_API_TOKEN", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, KEYS[name])
    replicate, openai = Replicate(), OpenAI()
    return internet(replicate, openai), replicate, openai


@pytest.fixture
def studio(home, sites):
    with sk.open(home) as studio:
        yield studio


def written(home) -> bytes:
    return b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_a_shipped_model_of_replicate_makes_a_picture_and_tells_its_cost(studio, sites):
    run = studio.generate("a red boat", model="replicate/flux-schnell", seed=7)

    assert (run.status, run.cost_usd) == ("succeeded", pytest.approx(0.003))
    assert len(sites[1].created) == 1
    assert sites[1].created[0]["input"]["num_outputs"] == 1


def test_a_shipped_model_of_openai_makes_a_picture_and_tells_its_cost(studio, sites):
    run = studio.generate("a red boat", model="openai/gpt-image-2", quality="medium", image_size="1024x1024")

    assert (run.status, run.cost_usd) == ("succeeded", pytest.approx((10 * 5 + 50 * 8 + 1056 * 30) / 1e6))
    assert sites[2].made[0]["size"] == "1024x1024"


def test_no_key_is_written_anywhere_by_runs_that_succeed_and_fail(studio, sites, home):
    net = sites[0]
    net.misbehave(REPLICATE, problem(401, "Unauthenticated", f"no such token {SECRETS[0]}"), path=".*predictions")
    net.misbehave(OPENAI, error(401, f"Incorrect API key provided: {SECRETS[1]}"))
    for model in ("replicate/flux-schnell", "openai/gpt-image-2"):
        failed = studio.submit("a red boat", model=model)
        failed.wait()
        assert failed.status == "failed"
        assert not any(secret in f"{failed.error} {failed!r}" for secret in SECRETS)
        assert studio.generate("a red boat", model=model).status == "succeeded"

    assert not any(secret.encode() in written(home) for secret in SECRETS)


def test_a_lost_answer_of_openai_is_one_call_and_says_that_it_may_be_charged(studio, sites):
    net, _, openai = sites
    net.misbehave(OPENAI, "drop after", times=9)
    run = studio.submit("a red boat", model="openai/gpt-image-2")
    run.wait()

    assert (run.status, len(openai.made)) == ("failed", 1)
    assert "may have been charged" in str(run.error)


def test_a_model_that_is_retired_is_refused_and_an_alternative_named(studio, sites):
    with pytest.raises(sk.StudioError, match=r"retired on 2026-10-23.*gpt-image-2"):
        studio.generate("a red boat", model="openai/gpt-image-1")
    assert sites[0].seen == []


def test_a_file_that_never_comes_is_reported_as_paid(studio, sites):
    sites[0].misbehave("replicate.delivery", Answer(404), times=9)
    run = studio.submit("a red boat", model="replicate/flux-schnell")
    run.wait()

    assert run.status == "failed"
    assert "has done the work and charges for it" in str(run.error)
