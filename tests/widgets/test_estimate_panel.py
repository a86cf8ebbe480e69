"""The meter's widgets, without a browser: what is there, and what a click does."""

from dataclasses import replace

import pytest

import estimates
import studio_kernel as sk
from engines import PaidEngine, install_paid
from studio_widgets import EstimateMeter, GenerationPanel
from studio_widgets.estimate import texts
from studio_widgets.estimate.panel import Meter
from studio_widgets.estimate.state import EstimateState
from studio_widgets.generation.state import GenerationState
from studio_widgets.generation.tips import TipsCard
from waiting import until


@pytest.fixture
def studio(home):
    with sk.open(home, runner="inline") as studio:
        yield studio


@pytest.fixture
def form(studio):
    form = GenerationState(studio, model="procedural")
    form.use_size(256, 256)
    return form


@pytest.fixture
def metered(studio, form):
    """metered(answer): a state and a meter that shows the first answer."""
    made = []

    def make(answer=estimates.estimate):
        state = EstimateState(studio, form, answer=answer)
        made.append(state)
        until(lambda: not state.is_stale, every=0.01)
        return state, Meter(state)

    yield make
    for state in made:
        state.close()


def is_there(widget):
    return widget.layout.display != "none"


def buttons(widget):
    own = [widget] if hasattr(widget, "click") else []
    return own + [each for child in getattr(widget, "children", ()) for each in buttons(child)]


def test_the_long_form_is_there_on_demand(metered):
    state, meter = metered()
    _top, _price, details, *_rest = meter.children
    assert not is_there(details)
    state.is_expanded = True
    assert is_there(details)
    assert "dry run, high confidence" in details.value


def test_an_offer_is_a_button_that_changes_the_form(metered, form):
    state, meter = metered()
    form.set("num_images", 9)
    until(lambda: len(state.offers) == 2, every=0.01)
    next(button for button in buttons(meter) if button.description == "4 pictures at once").click()
    assert form.values["num_images"] == 4
    until(lambda: not [button for button in buttons(meter) if "at once" in button.description], every=0.01)


def test_a_yes_is_asked_for_only_where_the_price_is_not_known(metered, form):
    found = [estimates.estimate()]
    state, meter = metered(lambda *_args, **_values: found[0])
    consent = meter.children[-1]
    assert not is_there(consent)
    found[0] = replace(found[0], cost=estimates.UNPRICED)
    state.refresh()
    until(lambda: not state.is_stale, every=0.01)
    assert is_there(consent)
    consent.value = True
    assert form.accept_unknown_price


def test_a_service_is_told_with_its_price_and_without_memory_of_this_machine(home, picture):
    install_paid(home)
    with sk.open(home, engines=[PaidEngine(picture)]) as studio:
        state = EstimateState(studio, GenerationState(studio, model="paid"))
        until(lambda: not state.is_stale, every=0.01)
        told = dict(texts.pairs(state.estimate))
        assert "Memory" not in told
        assert told["Cost"] == "0.50 $ for 1 image, price of 2026-01"
        state.form.model = "priceless"
        until(lambda: not state.is_stale and state.needs_consent, every=0.01)
        assert texts.cost(state.estimate.cost).startswith("price not known")
        state.close()


def test_a_warning_is_read_out(metered):
    _state, meter = metered(lambda *_args, **_values: replace(estimates.estimate(), warnings=("near the budget",)))
    assert 'role="alert">near the budget' in meter.children[-2].value


def test_a_meter_alone_shows_everything_of_its_model(studio):
    meter = EstimateMeter(studio, model="procedural")
    assert (meter.state.form.model, meter.state.is_expanded) == ("procedural", True)
    meter.state.close()


def test_a_meter_follows_the_form_of_a_panel(studio):
    panel = GenerationPanel(studio, model="procedural")
    meter = EstimateMeter(studio, form=panel.state)
    panel.state.set("num_images", 3)
    until(lambda: meter.state.estimate and meter.state.estimate.images == 3, every=0.01)
    until(lambda: panel.estimate.estimate == meter.state.estimate, every=0.01)
    meter.state.close()
    panel.estimate.close()


def test_a_tip_that_the_model_does_not_take_is_shown_and_not_offered(studio):
    (studio.home.catalog).mkdir(exist_ok=True)
    (studio.home.catalog / "own.yaml").write_text(
        "tips: {t: {values: {num_frames: 81, width: 1024}, sizes: [[1024, 1024]]}}\n"
        "models: {m: {engine: procedural, tips: t, tasks: [text-to-image], parameters: {width: {max: 512}}}}\n"
    )
    card = TipsCard(GenerationState(studio, model="m"))
    top, _told, values, choices, _more = card.children
    assert "Num frames" in values.value
    assert "81, not a setting here" in values.value
    assert "1024, not allowed here" in values.value
    assert choices.children == ()
    assert not is_there(top.children[1])  # nothing to apply
