"""The model picker without a screen."""

from datetime import date, timedelta

import pytest

import studio_kernel as sk
from homes import fill, rate
from studio_kernel.keys import PLACES
from studio_widgets.picker.licences import commercial_use
from studio_widgets.picker.state import PickerState
from waiting import until

OWN = """
models:
  mine-open:
    name: Méine Offen
    creator: Zoë
    family: sdxl
    file: weights/mine.safetensors
    licence: MIT
    description: Draws harbours in ink.
    as_of: 2026-11-20
  mine-closed: {name: Closed, creator: Zoë, family: flux, file: weights/closed.safetensors}
  leaving: {name: Leaving, creator: Ann, family: sd15, file: x.safetensors, retired_on: LATER}
  gone: {name: Gone, creator: Ann, family: studio-tiny, file: y.safetensors, retired_on: 2026-01-02}
"""


@pytest.fixture
def studio(home):
    catalog = home / "catalog"
    catalog.mkdir(parents=True)
    later = str(date.today() + timedelta(days=90))
    (catalog / "mine.yaml").write_text(OWN.replace("LATER", later), encoding="utf-8")
    with sk.open(home) as studio:
        assert not studio.catalog.problems
        yield studio


@pytest.fixture
def state(studio):
    return PickerState(studio)


def ids(state):
    return [card.id for card in state.cards]


def counts(state, name):
    return {choice.value: choice.count for choice in state.facets[name]}


def badges(state, model):
    state.text = model
    return {badge.text: badge for badge in next(card for card in state.cards if card.id == model).badges}


# Search


@pytest.mark.parametrize("text", ["meine", "MEINE offen", "offen méine", "zoe harbours", "mine-open", "ink zoë"])
def test_words_are_found_in_name_creator_description_and_id_in_any_order_and_without_accents(state, text):
    state.text = text
    assert ids(state)[0] == "mine-open"


def test_every_word_must_occur(state):
    state.text = "harbours ink nonsense-word"
    assert ids(state) == []


def test_what_nothing_has_is_taken_for_the_word_most_like_it_and_that_is_said(state):
    state.text = "harbuors"
    assert (ids(state), state.read_as) == (["mine-open"], "harbours")
    state.text = "harbours"
    assert state.read_as == ""


def test_very_long_texts_are_cut(state):
    state.text = "x" * 10_000
    assert len(state.text) == 200


# Filters


def test_a_task_leaves_the_models_that_serve_it(state, studio):
    state.task = "upscale"
    assert ids(state)
    assert all("upscale" in studio.models[model].tasks for model in ids(state))


def test_a_creator_an_engine_and_words_restrict_together(state):
    state.creator = "Zoë"
    assert sorted(ids(state)) == ["mine-closed", "mine-open"]
    state.text = "ink"
    assert ids(state) == ["mine-open"]
    state.engine = "fal"
    assert ids(state) == []


def test_free_known_and_unknown_prices_are_told_apart(state, studio):
    state.price = "free"
    assert set(ids(state)) == {"studio-tiny", "mine-open", "mine-closed", "leaving"}
    state.price = "unknown"
    assert "fal/flux_2_edit" in ids(state)  # the catalog has no price
    assert "fal/flux_1_dev" not in ids(state)
    state.price = "known"
    assert "fal/flux_1_dev" in ids(state)


def test_a_bound_is_held_against_a_run_with_the_defaults_not_against_one_unit(state):
    state.price = "0.05"
    assert "fal/flux_1_dev" in ids(state)  # 0.025 $ for the megapixel of a run
    assert "fal/ace_step" in ids(state)  # 0.0002 $ a second, 60 of them
    assert "fal/veo3" not in ids(state)  # 0.40 $ a second
    assert "studio-tiny" in ids(state)
    state.set_filter("price", "0.001")  # any number is a bound
    assert "fal/flux_1_dev" not in ids(state)


def test_a_price_that_is_none_is_refused(state):
    state.set_filter("price", "cheap")
    assert "price" in state.error
    assert state.price == ""


def test_licences_are_found_by_name_and_by_what_is_said_about_commercial_use(state):
    state.licence = "is:MIT"
    assert ids(state) == ["mine-open"]
    state.licence = "use:refused"
    assert ids(state) == ["mine-closed"]  # the tips for its family: FLUX.1 [dev] Non-Commercial License
    state.licence = "use:unknown"
    assert "fal/veo3" in ids(state)


@pytest.mark.parametrize(
    ("licence", "use"),
    [
        ("Apache-2.0", "allowed"),
        ("CreativeML Open RAIL++-M (openrail++)", "allowed"),
        ("FLUX.1 [dev] Non-Commercial License", "refused"),
        ("sai-nc-community (Stability AI non-commercial / community)", "refused"),
        ("Stability AI Community License (free below 1 M USD revenue)", "limited"),
        ("tencent-hunyuan-community", ""),
        ("", ""),
    ],
)
def test_commercial_use_is_told_only_where_it_is_said(licence, use):
    assert commercial_use(licence) == use


def test_what_can_be_used_now_is_told_from_what_lacks_a_key_or_weights(state):
    state.here = "ready"
    assert ids(state) == ["studio-tiny"]
    state.here = "weights"
    assert sorted(ids(state)) == ["leaving", "mine-closed", "mine-open"]
    state.here = "key"
    assert {"fal/flux_1_dev", "flux-dev"} <= set(ids(state))
    assert "fal/sora2_text_to_video" not in ids(state)


def test_a_key_that_is_put_into_its_place_is_seen_by_the_next_poll(state, monkeypatch):
    monkeypatch.setenv(PLACES["fal"].variables[0], "0123456789abcdef:0123456789abcdef")
    state.poll()
    state.here = "ready"
    assert "fal/flux_1_dev" in ids(state)
    assert "flux-dev" in ids(state)  # one of its services can be used


def test_a_catalog_file_that_is_written_is_seen_by_the_next_poll(state, home):
    (home / "catalog" / "more.yaml").write_text("models: {brand-new: {family: sd15, file: z.safetensors}}")
    state.poll()
    assert "brand-new" in ids(state)


def test_polling_changes_nothing_when_nothing_has_changed(state):
    before = state.version
    state.poll()
    assert state.version == before


def test_a_count_is_what_the_value_would_leave_under_the_other_filters(state):
    state.task, state.creator = "text-to-image", "Zoë"
    told = counts(state, "creator")
    state.creator = "Google"
    assert state.total == told["Google"]
    assert counts(state, "creator") == told  # its own filter does not restrict it
    assert counts(state, "task")["text-to-image"] == state.total


def test_the_value_that_is_chosen_stays_offered_when_nothing_has_it(state):
    state.creator, state.text = "Google", "harbours"
    assert counts(state, "creator") == {"Google": 0, "Zoë": 1}


def test_clear_takes_text_and_filters_away_and_leaves_what_is_chosen(state):
    everything = state.total
    state.chosen, state.task, state.text, state.here = "studio-tiny", "upscale", "x", "ready"
    state.clear()
    assert (state.total, state.filtered, state.chosen) == (everything, {}, "studio-tiny")


# Order and groups


def test_recommended_models_come_first_then_what_can_be_used(state):
    assert ids(state)[0] == "studio-tiny"
    state.task = "text-to-video"
    assert "recommended" not in {badge.text for card in state.cards for badge in card.badges}


def test_sorting_by_price_puts_the_cheapest_run_first_and_unknown_ones_last(state):
    state.is_grouped, state.sort = False, "price"
    assert ids(state)[0] in {"studio-tiny", "mine-open", "mine-closed", "leaving"}
    assert ids(state).index("fal/flux_1_schnell") < ids(state).index("fal/flux_1_dev") < ids(state).index("fal/veo3")
    state.price = "unknown"
    unknown = set(ids(state))
    state.price = ""
    assert set(ids(state)[-len(unknown) :]) == unknown


def test_sorting_by_name_and_by_date(state, studio):
    state.is_grouped, state.sort = False, "name"
    names = [card.name.casefold() for card in state.cards]
    assert names == sorted(names)
    state.sort = "newest"
    dates = [studio.models[model].as_of for model in ids(state)]
    assert dates[0] == max(dates)
    assert dates[-1] == ""


def test_models_of_one_creator_stand_together_in_the_order_of_their_first(state, studio):
    state.sort = "price"
    creators = [studio.models[model].creator for model in ids(state)]
    assert [group.creator for group in state.groups] == list(dict.fromkeys(creators))
    assert sum(group.count for group in state.groups) == state.total == len(creators)
    assert all(creators.count(group.creator) == group.count for group in state.groups)
    assert creators == [group.creator for group in state.groups for _ in range(group.count)]


def test_a_collapsed_group_is_counted_and_not_shown_until_something_is_searched_for(state):
    before = len(ids(state))
    state.collapse("Zoë")
    assert len(ids(state)) == before - 2
    assert next(group for group in state.groups if group.creator == "Zoë").is_collapsed
    assert state.total == before
    state.text = "harbours"
    assert ids(state) == ["mine-open"]
    state.text = ""
    state.collapse("Zoë", False)
    assert len(ids(state)) == before


def test_all_groups_can_be_collapsed_and_shown_again(state):
    state.collapse_all()
    assert ids(state) == []
    state.collapse_all(False)
    assert len(ids(state)) == state.total


def test_without_groups_there_is_one_without_a_name(state):
    state.is_grouped = False
    assert [group.creator for group in state.groups] == [""]


# Cards


def test_a_card_tells_task_engine_price_and_what_is_missing(state):
    found = badges(state, "fal/flux_1_dev")
    assert {"Text to image", "fal.ai", "0.025 $ per megapixel", "needs a key"} <= set(found)
    assert "FAL_KEY" in found["needs a key"].title
    assert "2025-10-30" in found["0.025 $ per megapixel"].title


def test_a_card_of_the_user_s_own_says_from_which_file(state):
    assert "mine.yaml" in badges(state, "mine-open")["own"].title


def test_memory_that_somebody_published_is_called_published(state):
    assert "7.5 GiB published" in badges(state, "mine-open")
    assert not any("published" in text for text in badges(state, "studio-tiny"))


def test_an_end_that_is_announced_is_told_and_the_model_can_be_chosen(state):
    assert any(text.startswith("ends ") for text in badges(state, "leaving"))
    state.choose("leaving")
    assert (state.chosen, state.error) == ("leaving", "")


def test_many_tasks_are_cut_and_the_wanted_one_stands_first(state):
    state.task = "inpainting"
    found = list(badges(state, "studio-tiny"))
    assert found[1] == "Inpainting"
    assert "+1" in found


def test_a_model_with_several_services_costs_the_dearest_of_them(state):
    assert "up to 0.025 $ a run" in badges(state, "flux-dev")


# Ratings


@pytest.fixture
def runs(studio, home):
    """The ids of three runs of one model."""
    return fill(home, 6)[::2]


def rated(state, model="studio-tiny"):
    """Return the badge of a model's rating as one sees it a while later; `None` = it has none."""
    state._rated_at = float("-inf")  # as if it were long ago
    state.poll()
    return next((badge for text, badge in badges(state, model).items() if text.startswith("★")), None)


def test_a_rating_is_a_badge_that_says_its_mean_and_of_how_many(state, studio, runs):
    assert rated(state) is None
    studio.mark(runs[0], rating=4)
    badge = rated(state)
    assert (badge.text, badge.title) == ("★ 4.0 (1)", "mean of 1 rating of what was made with it in this home")
    studio.mark(runs[1], rating=5)
    assert rated(state).text == "★ 4.5 (2)"
    state.look("studio-tiny")
    assert dict(state.facts)["Rating"] == "★ 4.5 (2); mean of 2 ratings of what was made with it in this home"
    assert rated(state, "mine-open") is None


def test_what_was_said_of_deleted_runs_and_what_was_taken_back_does_not_count(state, studio, runs):
    for run, stars in zip(runs, (1, 3, 5), strict=True):
        studio.mark(run, rating=stars)
    studio.delete(runs[0])
    assert rated(state).text == "★ 4.0 (2)"
    studio.mark(runs[1], rating=0)
    assert rated(state).text == "★ 5.0 (1)"
    studio.delete(runs[2])
    assert rated(state) is None


def test_ratings_are_not_asked_for_when_it_opens_and_again_only_after_a_while_when_the_log_has_changed(studio, runs):
    asked, ask = [], studio.model_ratings
    studio.model_ratings = lambda: asked.append(True) or ask()
    state = PickerState(studio)
    assert state.cards
    assert asked == []
    for _ in range(2):
        state.poll()
        assert len(asked) == 1
    studio.mark(runs[0], rating=4)
    state.poll()  # too soon
    assert len(asked) == 1
    assert rated(state).text == "★ 4.0 (1)"
    version = state.version
    rated(state)
    assert state.version == version  # nothing new was said


def test_a_rating_stays_when_the_catalog_is_read_again_and_a_hidden_model_has_one_too(state, studio, home, runs):
    hidden = next(run.id for run in studio.records() if run.request.model == "procedural")
    studio.mark(hidden, rating=2)
    studio.mark(runs[0], rating=4)
    rated(state)
    state.refresh()
    assert "★ 4.0 (1)" in badges(state, "studio-tiny")
    state.chosen = "procedural"
    assert "★ 2.0 (1)" in {badge.text for badge in state.chosen_card.badges}


def test_sorting_by_rating_puts_the_best_first_and_unrated_ones_last(state, home):
    for model, stars in (("mine-open", [3, 4]), ("studio-tiny", [5]), ("mine-closed", [5, 5])):
        rate(home, model, *stars)
    rated(state)
    state.text, state.is_grouped, state.sort = "", False, "rated"
    assert ids(state)[:3] == ["mine-closed", "studio-tiny", "mine-open"]


def test_a_viewer_sees_ratings(state, studio, home, runs):
    studio.mark(runs[0], rating=3)
    with sk.open(home, mode="viewer") as viewer:
        assert rated(PickerState(viewer)).text == "★ 3.0 (1)"


# Retired


def test_retired_models_are_listed_behind_a_switch(state):
    assert "gone" not in ids(state)
    state.with_retired = True
    card = next(card for card in state.cards if card.id == "gone")
    assert card.is_retired
    assert card.badges[0].text == "retired 2026-01-02"
    assert "studio-tiny" in card.reason


def test_a_retired_model_cannot_be_chosen_and_its_alternative_can(state):
    state.choose("gone")
    state.poll()
    assert "retired on 2026-01-02" in state.error
    assert (state.chosen, state.instead) == ("", "studio-tiny")
    state.choose_instead()
    assert (state.chosen, state.instead, state.error) == ("studio-tiny", "", "")


def test_going_on_forgets_what_was_refused(state):
    state.choose("gone")
    state.text = "x"
    assert (state.instead, state.error) == ("", "")


# Choosing and looking


def test_an_unknown_model_is_told_with_near_ones(state):
    state.choose("studio-tinny")
    assert "studio-tiny" in state.error
    assert state.chosen == ""


def test_a_model_that_lacks_a_key_can_be_chosen(state):
    state.choose("fal/flux_1_dev")
    assert state.chosen == "fal/flux_1_dev"


def test_a_hidden_model_is_not_listed_and_has_a_card_when_a_form_uses_it(state):
    assert "procedural" not in ids(state)
    state.chosen = "procedural"
    assert state.chosen_card.name == "Procedural"
    state.chosen = "no-such-model"
    assert state.chosen_card is None


def test_opening_asks_for_no_memory_and_looking_asks_for_one_model(studio):
    asked = []
    ask = studio.estimate
    studio.estimate = lambda *args, **values: asked.append(values["model"]) or ask(*args, **values)
    state = PickerState(studio)
    assert state.cards
    assert asked == []
    state.look("studio-tiny")
    assert dict(state.facts)["Memory"] == "being estimated …"
    until(lambda: "usual run" in dict(state.facts)["Memory"], what="the memory")
    assert any("MiB" in text for text in badges(state, "studio-tiny"))
    state.look("studio-tiny")
    state.look("fal/flux_1_dev")  # not computed here
    state.look("mine-open")  # its weights are not here
    assert asked == ["studio-tiny"]
    state.close()


def test_a_model_that_needs_more_than_the_device_has_is_found_under_that(state, studio):
    from dataclasses import replace

    from studio_kernel.domain.estimate import DeviceMemory, Fit
    from studio_widgets.picker.cards import TOO_LARGE

    real = studio.estimate(model="studio-tiny").memory
    small = DeviceMemory("cuda", "a small card", 2**20, 2**20, 0, "float16")
    state._heard("studio-tiny", replace(real, fit=Fit("does not fit", small, 0, ())))
    state.here = "memory"
    assert ids(state) == ["studio-tiny"]
    assert any(TOO_LARGE in badge.text for badge in state.cards[0].badges)


def test_facts_leave_out_what_nobody_knows(state):
    state.look("fal/veo3")
    told = dict(state.facts)
    assert told["Licence"] == "not in the catalog"
    assert "Memory" not in told


def test_a_viewer_searches_and_asks_for_no_memory(studio, home):
    with sk.open(home, mode="viewer") as viewer:
        state = PickerState(viewer)
        state.look("studio-tiny")
        assert "Memory" not in dict(state.facts)
        assert state.total > 200


def test_the_choice_can_be_linked_with_a_form(studio):
    import traitlets

    from studio_widgets.generation.state import GenerationState

    form, state = GenerationState(studio, attach=False), PickerState(studio)
    traitlets.link((form, "model"), (state, "chosen"))
    traitlets.dlink((form, "task"), (state, "task"))
    assert (state.chosen, state.task) == ("studio-tiny", "text-to-image")
    state.choose("fal/flux_1_dev")
    assert form.model == "fal/flux_1_dev"
