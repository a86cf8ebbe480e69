from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_kernel.catalog.loader import load
from studio_kernel.catalog.models import Models, is_retired
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.parameters import standard
from studio_kernel.domain.price import Price
from studio_kernel.domain.tasks import Task
from studio_kernel.errors import InvalidRequestError, UnknownModelError

T2I, T2V = Task.TEXT_TO_IMAGE, Task.TEXT_TO_VIDEO
TODAY = date(2026, 11, 21)


def card(key: str, name: str, creator: str = "Ada", **changes: object) -> ModelCard:
    given = {"engine": "here", "tasks": (T2I,), "parameters": (standard("prompt"),), **changes}
    return ModelCard(id=key, name=name, creator=creator, **given)  # type: ignore[arg-type]


CARDS = [
    card("other", "Other", description="Much like Flux."),
    card("old-flux", "Old Flux", retired_on=date(2026, 9, 24), creator="Bert", family="f"),
    card("fal/flux_1_dev", "FLUX.1 [dev]", creator="Bert", engine="cloud", tasks=(T2I, Task.IMAGE_TO_IMAGE)),
    card("flux", "Flux", creator="Cleo", family="f", recommended=(T2I,)),
    card("secret-flux", "Secret Flux", hidden=True, creator="Zed"),
    card("clip", "Clip <b>", tasks=(T2V,), price=Price("second", 0.1, "2026-01", "page")),
]


def models(**engines: str | None) -> Models:
    return Models(CARDS, {name: lambda _card, reason=reason: reason for name, reason in engines.items()})


def ids(cards: object) -> list[str]:
    return [card.id for card in cards]  # type: ignore[attr-defined]


def test_it_is_a_mapping_by_id() -> None:
    assert list(models()) == ids(CARDS)
    assert models()["flux"] is CARDS[3]
    assert models().get("none") is None
    assert "flux" in models()
    assert "none" not in models()


def test_an_unknown_model_is_told_with_near_ones() -> None:
    with pytest.raises(UnknownModelError, match="did you mean 'old-flux'"):
        models()["oldflux"]


def test_search_ranks_whole_names_then_beginnings_then_words_then_descriptions() -> None:
    assert ids(models().search("flux")) == ["flux", "fal/flux_1_dev", "old-flux", "other"]


@pytest.mark.parametrize("text", ["flux1", "FLUX.1", "dev flux", "flux_1_dev", "bert dev", "fal/flux"])
def test_search_finds_however_it_is_written(text: str) -> None:
    assert "fal/flux_1_dev" in ids(models().search(text))


def test_all_words_must_match() -> None:
    assert ids(models().search("flux nonsense")) == []
    assert ids(models().search("!?")) == []


def test_search_narrows_by_task_creator_and_engine() -> None:
    assert ids(models().search(task="text-to-video")) == ["clip"]
    assert ids(models().search(creator="bert", engine="cloud")) == ["fal/flux_1_dev"]
    with pytest.raises(InvalidRequestError, match="'painting' is not a task; did you mean 'inpainting'"):
        models().search(task="painting")


def test_hidden_models_show_only_when_asked_for_and_retired_ones_can_be_left_out() -> None:
    assert ids(models().search("secret", include_hidden=True)) == ["secret-flux"]
    assert "old-flux" not in ids(models().search("flux", include_retired=False, today=TODAY))
    assert "old-flux" in ids(models().search("flux", include_retired=False, today=date(2026, 9, 23)))
    assert models().creators() == ("Ada", "Bert", "Cleo")


def test_models_of_a_task_come_with_the_recommended_ones_first() -> None:
    assert ids(models().recommended(T2I)) == ["flux"]
    assert ids(models().for_task(T2I))[0] == "flux"
    assert models().tasks_of("fal/flux_1_dev") == (T2I, Task.IMAGE_TO_IMAGE)


def test_a_model_whose_engine_runs_it_is_selectable() -> None:
    status = models(here=None).status(CARDS[3], TODAY)
    assert (status.selectable, status.reason) == (True, "")


def test_a_model_is_not_selectable_without_its_engine_or_when_the_engine_says_why() -> None:
    assert models(here=None).status(CARDS[2]).reason == "needs the cloud engine, which this version does not have"
    told = models(cloud="needs a key").status(CARDS[2])
    assert (told.selectable, told.reason) == (False, "needs a key")


def test_a_retired_model_names_its_day_and_the_nearest_living_one() -> None:
    status = models(here=None, cloud=None).status(CARDS[1], TODAY)
    assert status.reason == "was retired on 2026-09-24; nearest alternative: 'flux' (Flux)"
    assert (status.selectable, status.alternative) == (False, "flux")
    assert models(here=None).status(CARDS[1], date(2026, 9, 23)).selectable


def test_a_retired_model_without_another_of_its_task_has_no_alternative() -> None:
    only = card("a", "A", retired_on=date(2020, 1, 1))
    status = Models([only]).status(only, TODAY)
    assert (status.reason, status.alternative) == ("was retired on 2020-01-01", None)


def test_results_show_themselves_as_a_table() -> None:
    found = models(here=None).search()
    frame = found.frame()
    assert list(frame["id"]) == ids(found)
    assert frame.set_index("id").loc["clip", "price"] == "0.1 $ per second"
    assert frame.set_index("id").loc["clip", "status"] == "ready"
    assert "Clip &lt;b&gt;" in found._repr_html_()
    assert "FLUX.1 [dev]" in repr(found)
    assert found[1:3].frame()["id"].tolist() == ids(found)[1:3]
    assert list(models().search("nothing at all").frame().columns) == list(frame.columns)


SHIPPED = Models(load().models.values(), {"diffusers": lambda _card: None})


def test_cloud_models_are_listed_but_wait_for_their_engine() -> None:
    status = SHIPPED.status(SHIPPED["fal/flux_1_dev"])
    assert (status.selectable, status.reason) == (False, "needs the fal engine, which this version does not have")
    assert SHIPPED.status(SHIPPED["studio-tiny"]).selectable


def test_every_retired_endpoint_has_a_living_alternative_for_its_task() -> None:
    retired = [each for each in SHIPPED.values() if is_retired(each, TODAY)]
    assert "openai/gpt-image-1" in [each.id for each in retired]
    for each in retired:
        status = SHIPPED.status(each, TODAY)
        other = SHIPPED[status.alternative or ""]
        assert each.default_task in other.tasks
        assert other.retired_on is None
        assert other.availability.startswith(("listed", "seen"))


def test_long_lists_stay_light_in_a_notebook() -> None:
    html = SHIPPED._repr_html_()
    assert len(html) < 30_000
    assert "more; search(" in html
    assert "procedural" not in html


@given(st.sampled_from([each for each in SHIPPED.values() if not each.hidden]))
def test_every_model_is_found_first_by_its_id(each: ModelCard) -> None:
    assert SHIPPED.search(each.id)[0].id == each.id


@given(st.text(max_size=30))
def test_any_text_can_be_searched_for(text: str) -> None:
    assert len(SHIPPED.search(text)) <= len(SHIPPED)
