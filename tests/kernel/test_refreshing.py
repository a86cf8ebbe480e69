"""Adding and refreshing models of services, against fal on the loopback."""

import json
from dataclasses import replace

import pytest

import studio_kernel as sk
from servers.fal import KEY, Fal
from servers.fal_schema import openapi_of
from servers.internet import Answer
from studio_kernel.catalog.loader import load
from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.tasks import Task
from studio_kernel.errors import (
    BadAnswerError,
    CatalogError,
    EndpointGoneError,
    InvalidRequestError,
    KeyRefusedError,
    MissingKeyError,
    ReadOnlyError,
    ServiceDownError,
)

CARDS = {card.id: card for card in load().models.values() if card.engine == "fal"}
FLUX, PRO = CARDS["fal/flux_1_schnell"], CARDS["fal/sora2_text_to_video_pro"]
NEW = replace(FLUX, id="fal/new", name="Brand new", source=replace(FLUX.source, endpoint="fal-ai/brand/new"))
PLATFORM = "api.fal.ai"


@pytest.fixture
def fal():
    return Fal(CARDS.values())


@pytest.fixture
def net(internet, fal, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FAL_KEY", KEY)
    return internet(fal)


@pytest.fixture
def studio(home, net):
    with sk.open(home, runner="inline") as studio:
        yield studio


def changes(report):
    return {(change.model, change.what): change.text for change in report.changes}


def with_parameter(card, name, **fields):
    parameters = tuple(replace(each, **fields) if each.name == name else each for each in card.parameters)
    return replace(card, parameters=parameters)


# Refreshing


def test_a_service_that_says_what_the_catalog_says_changes_nothing(studio):
    report = studio.refresh_models()
    assert report.changes == ()
    assert (report.listed, report.priced) == (270, sum(card.price is not None and card.price.amount_usd is not None
                                                       for card in CARDS.values()))  # fmt: skip
    for card in CARDS.values():
        now = studio.models[card.id]
        assert (now.parameters, now.tasks, now.output) == (card.parameters, card.tasks, card.output)
        assert (now.price is None) == (card.price is None)
    assert studio.catalog.problems == ()


def test_a_new_endpoint_appears_and_can_be_asked_for(studio, fal):
    fal.add(NEW)
    report = studio.refresh_models()
    card = studio.models["fal/fal-ai/brand/new"]
    assert changes(report) == {(card.id, "new"): "Brand new: text-to-image, 0.003 $ per megapixel"}
    assert (card.name, card.engine, card.source.endpoint) == ("Brand new", "fal", "fal-ai/brand/new")
    assert [each.name for each in card.parameters] == [each.name for each in FLUX.parameters]
    assert card.check(card.default_task, {"prompt": "a boat"})["prompt"] == "a boat"
    assert studio.catalog.problems == ()


def test_what_makes_nothing_to_look_at_is_no_news(studio, fal):
    fal.add(NEW).metadata = {"category": "llm"}
    assert studio.refresh_models().changes == ()


def test_a_new_endpoint_that_cannot_be_described_is_told_and_left_out(studio, fal):
    fal.add(NEW).openapi = {"error": {"code": "x", "message": "no schema"}}
    report = studio.refresh_models()
    assert [(change.model, change.what) for change in report.changes] == [("fal-ai/brand/new", "left out")]
    assert "fal/fal-ai/brand/new" not in studio.models


def test_a_price_that_has_changed_replaces_the_old_one(studio, fal):
    fal.endpoints[FLUX.source.endpoint].unit_price = 0.005
    report = studio.refresh_models()
    assert changes(report) == {(FLUX.id, "price"): "0.003 $ per megapixel → 0.005 $ per megapixel"}
    price = studio.models[FLUX.id].price
    assert (price.amount_usd, price.is_tentative) == (0.005, False)
    assert price.source == f"https://api.fal.ai/v1/models/pricing?endpoint_id={FLUX.source.endpoint}"
    assert studio.refresh_models().changes == ()


def test_a_new_base_price_makes_rules_of_another_day_uncertain(studio, fal):
    fal.endpoints[PRO.source.endpoint].unit_price = 0.4
    report = studio.refresh_models()
    assert changes(report) == {
        (
            PRO.id,
            "price",
        ): "0.3 $ per second → 0.4 $ per second; its rules are those of 2026-03, so that it is uncertain"
    }
    price = studio.models[PRO.id].price
    assert (price.amount_usd, price.is_tentative, price.variants) == (0.4, True, PRO.price.variants)
    assert "The base price was 0.3 $ in 2026-03 and is 0.4 $ since" in price.note


def test_rules_in_another_unit_are_kept_and_told(studio, fal):
    fal.endpoints[PRO.source.endpoint].unit = "videos"
    assert "kept as it was" in changes(studio.refresh_models())[PRO.id, "price"]
    assert studio.models[PRO.id].price == PRO.price


def test_parameters_that_have_changed_replace_the_old_ones(studio, fal):
    *kept, gone = sorted(FLUX.parameters, key=lambda each: each.name == "seed")
    fal.add(
        with_parameter(
            replace(FLUX, parameters=(*kept, Parameter("sparkle", "boolean", default=True))),
            "num_inference_steps",
            max=40,
            default=8,
        )
    )
    assert changes(studio.refresh_models()) == {
        (FLUX.id, "parameters"): (
            f"num_inference_steps.default: 4 → 8; num_inference_steps.max: 12 → 40; sparkle is new; {gone.name} is gone"
        )
    }
    steps = studio.models[FLUX.id].parameter("num_inference_steps")
    assert (steps.default, steps.max, steps.label) == (8, 40, "Steps")
    assert studio.models[FLUX.id].parameter("sparkle").type == "boolean"


def test_parameters_that_do_not_fit_their_price_leave_everything_as_it_was(studio, fal):
    fal.add(replace(PRO, parameters=tuple(each for each in PRO.parameters if each.name != "resolution")))
    assert "kept as they were" in changes(studio.refresh_models())[PRO.id, "parameters"]
    assert studio.models[PRO.id].parameters == PRO.parameters


def test_what_no_document_says_of_a_parameter_stays(studio):
    studio.refresh_models()
    clip = studio.models["fal/sora2_video_to_video_remix"].parameter("video_id")
    assert clip == CARDS["fal/sora2_video_to_video_remix"].parameter("video_id")
    assert studio.models[PRO.id].retired_on == PRO.retired_on


def test_a_deprecated_endpoint_and_one_that_is_gone_are_marked_and_not_retired(studio, fal):
    fal.endpoints[FLUX.source.endpoint].status = "deprecated"
    del fal.endpoints["fal-ai/veo3"]
    report = studio.refresh_models()
    assert sorted(what for _model, what in changes(report)) == ["deprecated", "missing"]
    marked = {card.id: card.availability.partition("-")[0] for card in studio.models.values() if card.engine == "fal"}
    assert marked[FLUX.id] == "deprecated"
    assert list(marked.values()).count("missing") == 1
    assert studio.models[FLUX.id].retired_on is None
    fal.endpoints[FLUX.source.endpoint].status = "active"
    assert changes(studio.refresh_models())[FLUX.id, "offered again"]


def test_a_part_of_the_list_says_nothing_of_the_rest(studio, fal):
    fal.add(NEW)
    report = studio.refresh_models("brand")
    assert [change.what for change in report.changes] == ["new"]
    assert studio.refresh_models(category="text-to-speech").changes == ()
    assert "fal/fal-ai/brand/new" in studio.models


def test_a_try_writes_nothing(studio, fal):
    fal.add(NEW)
    report = studio.refresh_models(dry_run=True)
    assert (len(report.changes), report.path) == (1, None)
    assert not (studio.home.catalog / "refreshed").exists()
    assert "fal/fal-ai/brand/new" not in studio.models


def test_without_a_key_all_but_the_prices_is_refreshed(studio, fal, net, monkeypatch):
    monkeypatch.delenv("FAL_KEY")
    fal.add(NEW)
    fal.endpoints[FLUX.source.endpoint].unit_price = 9
    report = studio.refresh_models()
    assert [change.what for change in report.changes] == ["new"]
    assert "studio keys set fal" in report.notes[0]
    assert studio.models["fal/fal-ai/brand/new"].price is None
    assert all("authorization" not in request.headers for request in net.requests(host=PLATFORM))


def test_a_wrong_key_is_said(studio, monkeypatch):
    monkeypatch.setenv("FAL_KEY", "0123456789abcdef:wrong")
    with pytest.raises(KeyRefusedError, match="studio keys set fal") as caught:
        studio.refresh_models()
    assert "0123456789abcdef" not in str(caught.value)


def test_prices_are_asked_for_fifty_at_a_time(studio, net):
    studio.refresh_models()
    asked = [len(request.query["endpoint_id"]) for request in net.requests(path="/v1/models/pricing")]
    assert max(asked) == 50
    assert asked[0] == 50


def test_an_endpoint_without_a_price_costs_the_others_nothing(studio, fal):
    fal.endpoints[FLUX.source.endpoint].unit_price = None
    report = studio.refresh_models()
    assert report.changes == ()
    assert studio.models[FLUX.id].price == FLUX.price


def test_it_waits_as_long_as_it_is_asked_to(studio, net):
    busy = Answer(429, {"error": {"type": "rate_limited", "message": "slow down"}}, headers={"Retry-After": "0"})
    net.misbehave(PLATFORM, busy, path="/v1/models", times=3)
    assert studio.refresh_models().listed == 270


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("malformed", BadAnswerError),
        ("html", BadAnswerError),
        ("truncate", ServiceDownError),
        (Answer(json={"models": "none"}), BadAnswerError),
        (Answer(500, {"error": {"type": "server_error", "message": "oops"}}), ServiceDownError),
    ],
)
def test_a_broken_page_spoils_nothing(studio, fal, net, fault, error):
    studio.refresh_models()
    path = studio.home.catalog / "refreshed" / "fal.json"
    before = path.read_bytes()
    fal.add(NEW)
    net.misbehave(PLATFORM, fault, path="/v1/models", times=100, after=1)
    with pytest.raises(error):
        studio.refresh_models()
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["fal.json"]


def test_the_users_own_entry_goes_before_what_was_refreshed(studio, fal, home):
    fal.endpoints[FLUX.source.endpoint].unit_price = 0.005
    studio.refresh_models()
    own = {"models": {FLUX.id: {"name": "Mine", "engine": "fal", "endpoint": "me/mine", "tasks": ["text-to-image"],
                                "parameters": {"prompt": None}}}}  # fmt: skip
    (home / "catalog" / "mine.yaml").write_text(json.dumps(own))
    assert studio.models[FLUX.id].name == "Mine"
    assert studio.models[FLUX.id].note == "Replaces the shipped entry (mine.yaml)."


def test_a_damaged_file_is_told_and_written_anew(studio, fal, home):
    (home / "catalog" / "refreshed").mkdir(parents=True)
    path = home / "catalog" / "refreshed" / "fal.json"
    path.write_text("{ broken")
    assert [problem.field for problem in studio.catalog.problems] == ["refreshed/fal.json"]
    assert studio.models[FLUX.id].price == FLUX.price
    studio.refresh_models()
    assert studio.catalog.problems == ()


def test_what_this_version_read_later_goes_before_an_older_refresh(studio, fal, home):
    fal.endpoints[FLUX.source.endpoint].unit_price = 0.005
    studio.refresh_models()
    path = home / "catalog" / "refreshed" / "fal.json"
    data = json.loads(path.read_text())
    data["models"][FLUX.id]["as_of"] = "2025-01-01"
    path.write_text(json.dumps(data))
    assert studio.models[FLUX.id].price == FLUX.price


def test_a_viewer_may_not_refresh(home, net):
    sk.open(home).close()
    with sk.open(home, mode="viewer") as viewer, pytest.raises(ReadOnlyError):
        viewer.refresh_models()


# Adding


def test_an_endpoint_that_is_not_in_the_catalog_is_added_by_its_id(studio, fal, net):
    fal.add(NEW)
    card = studio.add_model("fal-ai/brand/new")
    assert card.id == "fal/fal-ai/brand/new"
    assert [each.name for each in card.parameters] == [each.name for each in FLUX.parameters]
    assert card.price.amount_usd == 0.003
    assert card.check(card.default_task, {"prompt": "a boat"})["prompt"] == "a boat"
    [asked] = net.requests(host="fal.ai")
    assert "authorization" not in asked.headers


def test_an_endpoint_is_added_from_its_document_without_asking_anybody(studio, net, tmp_path, monkeypatch):
    monkeypatch.delenv("FAL_KEY")
    path = tmp_path / "new.json"
    path.write_text(json.dumps(openapi_of(NEW)))
    by_file = studio.add_model("fal-ai/brand/new", openapi=path, name="Mine")
    again = studio.add_model("fal-ai/brand/new", openapi=openapi_of(NEW), name="Mine", replace=True)
    assert (by_file.name, by_file.parameters) == ("Mine", again.parameters)
    assert net.seen == []


def test_the_entry_is_a_file_that_people_can_read(studio, fal, home):
    fal.add(NEW)
    studio.add_model("fal-ai/brand/new")
    text = (home / "catalog" / "fal-fal-ai-brand-new.yaml").read_text()
    assert "endpoint: fal-ai/brand/new" in text


def test_what_is_in_the_catalog_is_added_only_when_that_is_meant(studio):
    with pytest.raises(InvalidRequestError, match="already, as 'fal/flux_1_schnell'"):
        studio.add_model(FLUX.source.endpoint)
    assert studio.add_model(FLUX.source.endpoint, replace=True).id == FLUX.id


def test_an_endpoint_that_the_service_does_not_know_is_refused(studio, home):
    with pytest.raises(EndpointGoneError, match="404"):
        studio.add_model("fal-ai/no/such")
    assert list((home / "catalog").glob("*.yaml")) == []


def test_a_document_of_something_else_is_refused(studio):
    with pytest.raises(CatalogError, match="about 'fal-ai/brand/new'"):
        studio.add_model("fal-ai/other/one", openapi=openapi_of(NEW))


def test_an_id_that_two_services_could_have_needs_its_service(studio):
    with pytest.raises(InvalidRequestError, match="--service"):
        studio.add_model("somebody/painter")


class Replicate:
    """Replicate's address of a model, as documented."""

    hosts = ("api.replicate.com",)

    def answer(self, request):
        if request.headers.get("authorization") != "Bearer r8_0123456789":
            return Answer(401, {"title": "Unauthenticated", "detail": "You did not pass a valid token"})
        if request.path != "/v1/models/somebody/painter":
            return Answer(404, {"detail": "The requested resource could not be found."})
        schemas = {
            "Input": {"type": "object", "properties": {"prompt": {"type": "string", "x-order": 0}}},
            "Output": {"type": "string", "format": "uri"},
        }
        version = {"id": "b" * 64, "openapi_schema": {"components": {"schemas": schemas}}}
        return Answer(json={"owner": "somebody", "name": "painter", "latest_version": version})


def test_a_model_of_replicate_is_added_with_a_key(home, internet, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    internet(Replicate())
    with sk.open(home, runner="inline") as studio:
        with pytest.raises(MissingKeyError, match="REPLICATE_API_TOKEN"):
            studio.add_model("somebody/painter", service="replicate")
        monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_0123456789")
        card = studio.add_model("somebody/painter", service="replicate")
        with pytest.raises(EndpointGoneError, match="could not be found"):
            studio.add_model("somebody/else", service="replicate")
    assert (card.id, card.source.endpoint) == ("replicate/somebody/painter", f"somebody/painter:{'b' * 64}")
    assert card.tasks == (Task.TEXT_TO_IMAGE,)
