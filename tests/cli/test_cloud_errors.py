"""Each way in which a cloud model fails is a sentence on the command line and in the log, with what was paid."""

import re
from dataclasses import replace
from functools import partial

import pytest
from click.testing import CliRunner

import studio_kernel as sk
import worker_tools
from fal_jobs import QUICK, fal_cards
from servers.fal import CDN, KEY, QUEUE, Fal
from servers.internet import Answer
from studio_kernel import studio as studio_module
from studio_kernel.cli.main import main
from studio_kernel.engines.fal import FalEngine
from waiting import until

FLUX = "fal/flux_1_dev"
BRIEF = replace(QUICK, unsent_s=0.2, outage_s=0.2, file_s=0.2, whole_s=0.5)
FREE, PAID, UNCLEAR = "Nothing was charged.", "charges for it.", "It may have been charged"
SETTINGS = "[services.fal]\nlookup_s = 0.2\nimage_timeout_s = 0.3\n"


@pytest.fixture
def fal():
    return Fal([fal_cards()[FLUX]])


@pytest.fixture
def net(internet, fal, monkeypatch):
    monkeypatch.setenv("FAL_KEY", KEY)
    return internet(fal)


@pytest.fixture
def studio(home, net, monkeypatch):
    """The command line in this process, with an engine that soon gives up."""
    monkeypatch.setattr(studio_module, "open", partial(studio_module.open, engines=[FalEngine(BRIEF)]))
    home.mkdir(parents=True)
    (home / "settings.toml").write_text(SETTINGS)
    return partial(command, home)


def command(home, *args):
    return CliRunner().invoke(main, ["--home", str(home), *map(str, args)], catch_exceptions=False)


def refused(kind, text, *loc):
    return Answer(422, {"detail": [{"loc": ["body", *loc], "msg": text, "type": kind, "ctx": {"lt": 10}, "input": 15}]})


def said(answer, **where):
    return lambda _fal, net: net.misbehave(QUEUE, answer, **{"method": "POST", "times": 999, **where})


def failed(answer):
    return lambda fal, _net: fal.fail_next(answer)


def file(what):
    return lambda _fal, net: net.misbehave(CDN, what, times=999)


def no_end(fal, net):
    fal.at_once = 0


def no_answer(fal, net):
    net.unplug()


def wrong_certificate(fal, net):
    net.show_wrong_certificate(QUEUE)


HTML = Answer(200, body=b"<html>", headers={"Content-Type": "text/html"})
BALANCE = "User is locked. Reason: Exhausted balance."
FAILURES = {
    "401": (said(Answer(401, {"detail": "no such key"})), FREE, "fal.ai/dashboard/keys"),
    "403 of the balance": (said(Answer(403, {"detail": BALANCE})), FREE, "Exhausted balance"),
    "404": (said(Answer(404, {"detail": "Application not found"})), FREE, "fal-ai/flux/dev"),
    "422": (failed(refused("less_than", "too much", "guidance_scale")), FREE, "guidance_scale: must be less than 10"),
    "429": (said(Answer(429, {"detail": "slow down"})), FREE, "slow down"),
    "500 while it is sent": (said(Answer(500, {"detail": "oops"})), UNCLEAR, "its answer was lost"),
    "500 of the model": (failed(Answer(500, {"detail": "CUDA", "error_type": "runner_server_error"})), FREE, "CUDA"),
    "503": (said(Answer(503, {"detail": "no runner"})), FREE, "503"),
    "content": (failed(refused("content_policy_violation", "flagged", "prompt")), UNCLEAR, "flagged"),
    "an expired result": (
        said(Answer(404, {"detail": "Request not found"}), method="GET", path=".*/requests/[^/]+"), PAID, "deleted"),
    "an expired file": (file(Answer(404)), PAID, "not at v3.fal.media any more"),
    "a truncated file": (file("truncate"), PAID, "broke off"),
    "another kind of file": (file(HTML), PAID, "of type 'text/html'"),
    "malformed JSON": (said("malformed", method="GET"), UNCLEAR, "not what it should be"),
    "a queue without end": (no_end, FREE, "did not leave the queue within 0.3 s"),
    "a certificate": (wrong_certificate, FREE, "certificate"),
    "a slow body": (file("slow"), PAID, "a file was not there after 0.5 s"),
    "no network": (no_answer, FREE, "queue.fal.run cannot be reached"),
}  # fmt: skip


def run_in(output):
    """Return the run that a command tells of; a bar stands before it when that takes long."""
    return re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", output)[0]


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_is_told_with_what_was_paid_and_logged_in_the_same_words(case, studio, home, fal, net):
    cause, paid, words = FAILURES[case]
    cause(fal, net)

    done = studio("generate", "a red boat", "--model", FLUX, "--seed", 7)

    assert done.exit_code == 1, done.output
    assert (words in done.output, paid in done.output) == (True, True), done.output
    with sk.open(home, mode="viewer") as look:
        run = look.runs().iloc[0]
    assert (run.status, run.error in done.output) == ("failed", True)
    assert run.error in studio("show", run.id).output
    assert len(fal.submits) <= 1


def test_what_it_cost_and_who_did_it_is_told(studio):
    made = studio("generate", "a red boat", "--model", FLUX, "--seed", 7).output
    run_id = run_in(made)

    for told in (made, studio("show", run_id).output, studio("runs").output):
        assert "0.025 $" in told
        assert "fal" in told.replace(FLUX, "")


def test_what_was_paid_for_is_fetched_and_only_paid_again_when_that_is_wanted(home, fal, net, monkeypatch):
    monkeypatch.setenv("STUDIO_RUNNER", "worker")
    worker_tools.settle(home, exit_after_s=60.0)
    studio = partial(command, home)
    net.misbehave(CDN, HTML)
    try:
        lost = studio("generate", "a red boat", "--model", FLUX, "--seed", 7)
        run_id = run_in(lost.output)
        fetched = studio("queue", "retry", run_id).output.split()[-1]
        until(lambda: "succeeded" in studio("show", fetched).output, what="the picture")
        assert len(fal.submits) == 1
        assert "0.00 $" in studio("show", fetched).output

        again = studio("queue", "retry", "--may-pay-twice", run_id).output.split()[-1]
        until(lambda: "succeeded" in studio("show", again).output, what="another picture")
        assert len(fal.submits) == 2
    finally:
        worker_tools.end_workers(home)
