"""What a home may spend: refused before anything is sent, stopped half-way, and what counts as spent."""

import math
import threading
import warnings

import pytest
from PIL import Image

import studio_kernel as sk
from engines import PaidEngine, install_paid
from studio_kernel.domain.runs import RunStatus
from studio_kernel.errors import BudgetExceededError, BudgetWarning, SettingsError, UnknownPriceError
from waiting import until

SEEDS = {"seed": [1, 2, 3, 4]}


@pytest.fixture
def engine(picture):
    engine = PaidEngine(picture)
    engine.let()
    return engine


@pytest.fixture
def studio_with(home, engine):
    """A function that opens the home with a budget, 0.50 $ a picture."""
    opened = []

    def open_with(budget="", **more):
        install_paid(home, budget)
        opened.append(sk.open(home, engines=[engine], **more))
        return opened[-1]

    yield open_with
    engine.let()
    for studio in opened:
        studio.close()


def settle(home, budget):
    (home / "settings.toml").write_text(f"[budget]\n{budget}\n")


def test_a_run_over_its_budget_is_refused_before_anything_is_logged_or_sent(studio_with, engine):
    studio = studio_with("run_usd = 1.2")
    assert studio.generate("a boat", model="paid", num_images=2).status == "succeeded"
    with pytest.raises(BudgetExceededError, match=r"budget of a run is 1.20 \$: 1.50 \$ asked for") as raised:
        studio.submit("a boat", model="paid", num_images=3)
    assert "raise run_usd in the table [budget] of" in str(raised.value)
    assert (raised.value.limit_usd, raised.value.asked_usd) == (1.2, 1.5)
    assert studio.count() == 1
    assert len(engine.requests) == 1


def test_a_budget_is_spent_to_the_last_cent(studio_with):
    studio = studio_with("day_usd = 1.0\nwarn_at = 1.0")
    for seed in (1, 2):
        assert studio.generate("a boat", model="paid", seed=seed).status == "succeeded"
    with pytest.raises(BudgetExceededError, match=r"1.00 \$ spent, 0.50 \$ asked for"):
        studio.submit("a boat", model="paid")


def test_a_bill_counts_instead_of_what_was_expected(studio_with, engine):
    engine.bill = 0.1
    studio = studio_with("day_usd = 1.0\nwarn_at = 1.0")
    for seed in range(5):
        assert studio.generate("a boat", model="paid", seed=seed).cost_usd == 0.1
    engine.bill = 0.6
    studio.generate("a boat", model="paid", num_images=1)
    with pytest.raises(BudgetExceededError, match=r"1.10 \$ spent"):
        studio.submit("a boat", model="paid")


def test_a_run_that_failed_costs_nothing(studio_with):
    studio = studio_with("day_usd = 0.5\nwarn_at = 1.0")
    assert studio.generate("fail", model="paid").status == "failed"
    assert studio.generate("a boat", model="paid").status == "succeeded"


def test_what_waits_or_is_at_work_is_committed(studio_with, picture, home):
    slow = PaidEngine(picture)
    install_paid(home, "day_usd = 1.2")
    with sk.open(home, engines=[slow]) as studio:
        studio.submit("a boat", model="paid", seed=1)
        with pytest.warns(BudgetWarning, match=r"0.50 \$ committed to runs that have not ended, 0.50 \$ asked for"):
            studio.submit("a boat", model="paid", seed=2)
        with pytest.raises(BudgetExceededError, match=r"1.00 \$ committed"):
            studio.submit("a boat", model="paid", seed=3)
        slow.let()


def test_what_was_spent_is_known_to_a_studio_that_is_opened_later(studio_with):
    studio_with("day_usd = 0.7").generate("a boat", model="paid")
    with pytest.raises(BudgetExceededError):
        studio_with("day_usd = 0.7").submit("a boat", model="paid")


def test_a_project_has_its_own_budget(studio_with):
    studio = studio_with("project_usd = 0.5\nwarn_at = 1.0\n[budget.projects]\nposter = 1.0")
    studio.generate("a boat", model="paid", project="other")
    studio.generate("a boat", model="paid", project="poster")
    studio.generate("a boat", model="paid")
    with pytest.raises(BudgetExceededError, match="the budget of project 'other'") as raised:
        studio.submit("a boat", model="paid", project="other")
    assert "raise project_usd in the table [budget]" in str(raised.value)
    studio.generate("a boat", model="paid", project="poster")
    with pytest.raises(BudgetExceededError, match=r"raise poster in the table \[budget.projects\]"):
        studio.submit("a boat", model="paid", project="poster")


def test_a_sweep_is_refused_as_a_whole_before_it_begins(studio_with, engine):
    studio = studio_with("sweep_usd = 1.9")
    with pytest.raises(BudgetExceededError, match=r"the sweep's budget is 1.90 \$: 2.00 \$ asked for"):
        studio.sweep("a boat", model="paid", axes=SEEDS)
    assert engine.requests == []
    assert studio.count() == 0
    assert len(studio.sweeps()) == 0


def test_what_a_sweep_asks_for_is_the_sum_of_its_cells(studio_with, home):
    studio = studio_with("sweep_usd = 0.01")
    axes = {"num_images": [1, 3, 7], "seed": [1, 2, 3], "model": ["paid", "procedural"]}
    with pytest.raises(BudgetExceededError) as raised:
        studio.sweep("a boat", model="paid", axes=axes)
    settle(home, "")
    sweep = studio.sweep("a boat", model="paid", axes=axes)
    estimates = [run.record.estimate.cost_usd for run in sweep.wait(60, progress=False).runs]
    assert len(estimates) == 18
    assert raised.value.asked_usd == math.fsum(estimates) == 16.5


def test_a_sweep_asks_only_for_what_is_to_do(studio_with, home):
    studio = studio_with("sweep_usd = 1.0\nwarn_at = 1.0")
    for seed in (1, 2):
        studio.generate("a boat", model="paid", seed=seed)
    frame = studio.sweep("a boat", model="paid", axes=SEEDS).wait(progress=False).frame()
    assert list(frame["status"]) == ["succeeded"] * 4


def test_a_sweep_stops_half_way_and_goes_on_after_the_budget_was_raised(studio_with, engine, home):
    engine.gate = threading.Semaphore(0)
    studio = studio_with("day_usd = 2.0\nwarn_at = 1.0")
    sweep = studio.sweep("a boat", model="paid", axes=SEEDS)
    until(lambda: engine.requests)
    settle(home, "day_usd = 1.2")  # somebody lowers it meanwhile; what is at work goes on
    engine.let()
    frame = sweep.wait(60, progress=False).frame()
    assert sorted(frame["status"]) == ["failed", "failed", "succeeded", "succeeded"]
    assert all("not begun: the day's budget is 1.20 $" in error for error in frame["error"] if error)
    assert len(engine.requests) == 2
    with pytest.raises(BudgetExceededError, match=r"1.00 \$ spent, 1.00 \$ asked for"):
        sweep.resume()
    settle(home, "day_usd = 2.0\nwarn_at = 1.0")
    assert set(sweep.resume().wait(60, progress=False).frame()["status"]) == {"succeeded"}
    assert len(engine.requests) == 4


def test_bills_above_what_was_expected_stop_a_sweep(studio_with, engine):
    engine.bill = 0.9
    studio = studio_with("sweep_usd = 2.0\nwarn_at = 1.0")
    frame = studio.sweep("a boat", model="paid", axes=SEEDS).wait(60, progress=False).frame()
    assert list(frame["status"]) == ["succeeded", "succeeded", "failed", "failed"]
    assert len(engine.requests) == 2


def test_trying_again_is_buying_again(studio_with):
    studio = studio_with("day_usd = 0.7\nwarn_at = 1.0")
    run = studio.generate("a boat", model="paid")
    with pytest.raises(BudgetExceededError):
        studio.retry(run)


def test_a_run_without_a_price_needs_a_yes(studio_with, engine):
    studio = studio_with("day_usd = 0.7")
    with pytest.raises(UnknownPriceError, match=r"It depends on the machine.*accept_unknown_price=True"):
        studio.submit("a boat", model="priceless")
    with pytest.raises(UnknownPriceError, match="and of 3 more runs"):
        studio.sweep("a boat", model="priceless", axes=SEEDS)
    assert engine.requests == []
    engine.bill = 0.6
    with pytest.warns(BudgetWarning, match="1 of 1 runs have no price"):
        assert studio.generate("a boat", model="priceless", accept_unknown_price=True).status == "succeeded"
    with pytest.raises(BudgetExceededError, match=r"0.60 \$ spent"):
        studio.submit("a boat", model="paid")


def test_a_sweep_without_a_price_runs_after_a_yes(studio_with):
    studio = studio_with()
    sweep = studio.sweep("a boat", model="priceless", axes=SEEDS, accept_unknown_price=True).wait(60, progress=False)
    assert set(sweep.frame()["status"]) == {"succeeded"}


def test_near_the_limit_it_is_said_and_done(studio_with):
    studio = studio_with("day_usd = 0.6")
    with pytest.warns(BudgetWarning, match=r"the day's budget is 0.60 \$: 0.50 \$ asked for"):
        assert studio.generate("a boat", model="paid").status == "succeeded"


def test_what_runs_here_is_never_asked_about(studio_with, home):
    studio = studio_with("day_usd = 0\nrun_usd = 0")
    assert studio.generate("a boat", model="procedural", width=32, height=32).status == "succeeded"
    assert studio.record(studio.runs()["id"][0]).estimate.cost_usd == 0
    (home / "settings.toml").write_text("[budget]\nday_usd = -1")
    assert studio.generate("a boat", model="procedural", width=32, height=32).status == "succeeded"
    with pytest.raises(SettingsError, match="day_usd is -1"):
        studio.submit("a boat", model="paid")


def test_settings_that_break_meanwhile_let_nothing_begin(studio_with, engine, home):
    engine.gate = threading.Semaphore(0)
    studio = studio_with("day_usd = 5")
    first, second = (studio.submit("a boat", model="paid", seed=seed) for seed in (1, 2))
    until(lambda: engine.requests)
    (home / "settings.toml").write_text("[budget")
    engine.let()
    assert first.wait(60).status == "succeeded"
    assert second.wait(60).status == "failed"
    assert "cannot be told" in second.error


def test_the_run_keeps_what_was_expected_of_it(studio_with, engine):
    engine.bill = 0.45
    studio = studio_with()
    run = studio.generate("a boat", model="paid", num_images=2)
    record = studio.record(run.id)
    assert (record.estimate.cost_usd, record.cost_usd) == (1.0, 0.45)
    row = studio.sql("SELECT estimated_cost_usd, cost_usd FROM runs").iloc[0]
    assert list(row) == [1.0, 0.45]


def test_a_private_run_is_paid_for_too(studio_with):
    studio = studio_with("day_usd = 0.7\nwarn_at = 1.0")
    assert studio.generate("a secret", model="paid", private=True).status == "succeeded"
    with pytest.raises(BudgetExceededError, match=r"0.50 \$ spent"):
        studio.submit("a boat", model="paid")


def test_without_budgets_nothing_is_warned_of(studio_with):
    studio = studio_with()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert studio.generate("a boat", model="paid").record.status is RunStatus.SUCCEEDED


UPSCALER = """
models:
  upscaler:
    engine: paid
    tasks: [upscale]
    licence: none
    price: {unit: megapixel, amount_usd: 0.1, as_of: "2026-01", source: a page}
    parameters:
      image_url: {type: image, required: true}
      upscale_factor: {type: number, default: 2.0}
      num_inference_steps: {default: 1}
"""


@pytest.mark.parametrize("private", [False, True])
def test_the_size_of_a_given_picture_counts(studio_with, home, picture, private):
    studio = studio_with("run_usd = 0.25")
    (home / "catalog" / "upscaler.yaml").write_text(UPSCALER)
    asked = {"model": "upscaler", "image_url": Image.new("RGB", (1024, 512)), "private": private}
    assert studio.generate(upscale_factor=1.0, **asked).record.estimate.cost_usd == 0.1
    assert studio.generate(upscale_factor=2.0, **asked).record.estimate.cost_usd == 0.2
    with pytest.raises(BudgetExceededError, match=r"0.80 \$ asked for"):
        studio.submit(upscale_factor=4.0, **asked)


def test_what_was_cancelled_before_it_began_is_cancelled_not_refused(studio_with, engine, home):
    engine.gate = threading.Semaphore(0)
    studio = studio_with("day_usd = 1.0\nwarn_at = 1.0")
    first, second = (studio.submit("a boat", model="paid", seed=seed) for seed in (1, 2))
    until(lambda: engine.requests)
    settle(home, "day_usd = 0.1")
    second.cancel()
    engine.let()
    assert first.wait(60).status == "succeeded"
    assert second.wait(60).status == "cancelled"


def test_a_free_service_says_so_in_its_price(studio_with, home):
    studio = studio_with("day_usd = 0")
    (home / "catalog" / "free.yaml").write_text(
        "models: {free: {engine: paid, tasks: [text-to-image], licence: none, "
        "price: {unit: generation, amount_usd: 0}, parameters: {prompt: , num_inference_steps: {default: 1}}}}"
    )
    assert studio.generate("a boat", model="free").status == "succeeded"


def test_every_budget_says_what_is_spent_of_it(studio_with):
    studio = studio_with("run_usd = 2.0\nday_usd = 3.0\nproject_usd = 1.5\n[budget.projects]\nposter = 9.0")
    studio.generate("a boat", model="paid", project="poster", seed=1)
    studio.generate("a boat", model="paid", project="book", seed=2)
    standing = {each.setting: each for each in studio.budgets.standing(["book"])}
    amounts = {name: (each.limit_usd, round(each.spent_usd, 2)) for name, each in standing.items()}
    assert amounts == {
        "day_usd": (3.0, 1.0),
        "projects.poster": (9.0, 0.5),
        "project_usd": (1.5, 0.5),
        "run_usd": (2.0, 0.0),
    }


def test_a_home_without_budgets_has_none_that_stand(studio_with):
    assert studio_with().budgets.standing(["poster"]) == []
