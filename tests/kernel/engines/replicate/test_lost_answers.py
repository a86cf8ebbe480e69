"""A prediction whose acceptance was not heard: found again, never made twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine_subjects import files
from servers.internet import Answer
from servers.replicate import API, picture, problem
from studio_kernel.domain.events import Ticket
from studio_kernel.domain.model import ModelSource
from studio_kernel.engines.replicate.listing import server_time
from studio_kernel.engines.replicate.service import ReplicateService
from studio_kernel.errors import LostAnswerError
from studio_kernel.settings import ServiceSettings

FLUX = "black-forest-labs/flux-schnell"
CREATE = f"/v1/models/{FLUX}/predictions"


def test_a_lost_answer_leads_to_the_same_prediction(bench):
    bench.net.misbehave(API, "drop after", path=CREATE)
    events = bench.run()

    assert len(bench.site.created) == 1
    assert [event.remote_id for event in events if isinstance(event, Ticket)] == ["pred00000000"]
    assert len(files(events)) == 1


@pytest.mark.parametrize("fault", ["truncate", "malformed"])
def test_an_answer_that_breaks_off_leads_to_the_same_prediction(bench, fault):
    bench.net.misbehave(API, fault, path=CREATE)
    bench.run()

    assert len(bench.site.created) == 1


def test_a_gateway_that_fails_behind_an_acceptance_leads_to_the_same_prediction(bench):
    bench.site.gateway = problem(502, "Bad gateway", "upstream")
    bench.run()

    assert len(bench.site.created) == 1


def test_a_request_that_never_arrived_is_sent_again(bench):
    bench.net.misbehave(API, "drop before", path=CREATE)
    bench.run()

    assert len(bench.site.created) == 1


def test_a_prediction_that_the_list_shows_late_is_not_made_again(bench):
    bench.site.hidden_s = 0.2
    bench.net.misbehave(API, "drop after", path=CREATE)
    bench.run()

    assert len(bench.site.created) == 1


def test_after_a_crash_the_prediction_is_found_and_not_made_again(bench):
    sent_at = datetime.now(UTC)
    next(event for event in bench.stream() if bench.site.created)
    events = bench.run(bench.context(sent_at=sent_at))

    assert len(bench.site.created) == 1
    assert len(files(events)) == 1


@pytest.fixture
def look(bench):
    """Look for the prediction of a request, as if it had been sent five minutes ago."""

    def looked(since_s=300, **fields):
        service = ReplicateService(settled_s=30)
        context = bench.context(**fields)
        payload = service.prepare(bench.request(), context)
        try:
            return service.look_for(payload, context, datetime.now(UTC) - timedelta(seconds=since_s))
        finally:
            service.close()

    return looked


OURS = {"prompt": "a red boat", "seed": 7}


def test_nothing_in_the_whole_list_means_that_it_was_not_accepted(bench, look):
    for place in range(8):
        bench.site.add(FLUX, {"prompt": f"another {place}", "seed": 7})

    assert (look().ticket, look().is_certain) == (None, True)
    assert len(bench.net.requests("GET", "/v1/predictions")) == 6  # two looks through three pages


def test_what_is_older_is_not_looked_through(bench, look):
    for place in range(8):
        bench.site.add(FLUX, OURS, created_at=datetime.now(UTC) - timedelta(hours=place + 1))

    assert look().is_certain
    assert len(bench.net.requests("GET", "/v1/predictions")) == 1


def test_right_after_sending_the_list_proves_nothing(look):
    assert not look(since_s=1).is_certain


@pytest.mark.parametrize("given", [{"prompt": "a red boat", "seed": 8}, {"prompt": "a red boat"}])
def test_another_input_is_another_job(bench, look, given):
    bench.site.add(FLUX, given)

    assert look().ticket is None


def test_another_model_is_another_job(bench, look):
    bench.site.add("black-forest-labs/flux-dev", OURS)

    assert look().ticket is None


def test_the_job_of_another_run_is_not_taken(bench, look):
    bench.site.add(FLUX, OURS)

    assert look(is_taken=lambda identity: identity == "pred00000000").ticket is None


def test_what_the_service_has_added_to_the_input_does_not_matter(bench, look):
    bench.site.add(FLUX, {**OURS, "go_fast": True})

    assert look().ticket is not None


def test_a_job_of_which_the_input_is_deleted_might_be_ours(bench, look):
    bench.site.add(FLUX, OURS)
    bench.site.expire()

    assert (look().ticket, look().is_certain) == (None, False)


def test_a_file_that_is_shown_in_another_form_might_be_ours(bench):
    bench.card = replace(bench.card, source=ModelSource(endpoint="studio/editor"))
    bench.site.shows_data_addresses = False
    bench.net.misbehave(API, "drop after", path=".*editor/predictions")
    bench.engine.configure(ServiceSettings(lookup_s=0.5))

    with pytest.raises(LostAnswerError, match="not sent again by itself"):
        bench.run(image=bench.give(picture()))
    assert len(bench.site.created) == 1


def test_a_list_without_an_end_rules_nothing_out(bench, look):
    endless = {"next": f"https://{API}/v1/predictions?cursor=0", "results": []}
    bench.net.misbehave(API, Answer(json=endless), path="/v1/predictions", times=999)

    assert not look().is_certain


@pytest.mark.parametrize("skew_s", [-3600, 0, 3600])
def test_a_wrong_clock_here_hides_nothing(skew_s):
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    theirs = (now + timedelta(seconds=skew_s)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    since = now - timedelta(seconds=60)

    found = server_time(since, theirs, now)
    assert timedelta(0) <= since + timedelta(seconds=skew_s) - found <= timedelta(seconds=6)
