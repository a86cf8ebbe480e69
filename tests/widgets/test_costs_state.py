"""What was spent, without a screen."""

import tomllib
from datetime import datetime

import msgspec
import pytest

import studio_kernel as sk
from engines import PaidEngine, install_paid
from studio_kernel.domain.budget import Demand
from studio_kernel.settings import BudgetSettings
from studio_widgets.costs import texts
from studio_widgets.costs.lines import lines_for
from studio_widgets.costs.panel import CostsView
from studio_widgets.costs.state import DAYS_SHOWN, NO_PROJECT, CostsState, Line
from studio_widgets.costs.view import SortableTable
from studio_widgets.workspace import Workspace


@pytest.fixture
def engine(picture):
    engine = PaidEngine(picture)
    engine.let(3)
    return engine


@pytest.fixture
def studio(home, engine):
    """Three pictures of half a dollar in two projects, and a free one."""
    install_paid(home, "day_usd = 2.0\nproject_usd = 1.0\nwarn_at = 1.0")
    with sk.open(home, engines=[engine]) as studio:
        for seed, project in enumerate(("poster", "poster", None)):
            studio.generate("a boat", model="paid", seed=seed, project=project, progress=False)
        free = {"width": 32, "height": 32, "num_inference_steps": 1, "progress": False}
        studio.generate("a boat", model="procedural", **free)
        yield studio
        engine.let()


@pytest.fixture
def state(studio):
    return CostsState(studio)


def test_sums_are_of_today_this_month_and_ever(state):
    assert [line.total_usd for line in (state.today, state.month, state.total)] == [1.5, 1.5, 1.5]
    assert state.total.runs == 3


def test_the_table_says_what_it_was_spent_on(state):
    assert [(row.what, row.runs, row.total_usd) for row in state.rows] == [("paid", 3, 1.5)]
    state.by = "project"
    assert [(row.what, row.total_usd) for row in state.rows] == [("poster", 1.0), (NO_PROJECT, 0.5)]
    state.by = "engine"
    assert [row.what for row in state.rows] == ["paid"]
    state.by = "day"
    assert [row.what for row in state.rows] == [datetime.now().astimezone().date().isoformat()]


def test_the_table_is_sorted_by_a_column_and_by_the_same_again_the_other_way(state):
    state.by = "project"
    state.sort_by("what")
    assert [row.what for row in state.rows] == [NO_PROJECT, "poster"]
    state.sort_by("what")
    assert [row.what for row in state.rows] == ["poster", NO_PROJECT]
    state.sort_by("runs")
    assert [row.runs for row in state.rows] == [2, 1]
    state.sort_by("runs")
    assert [row.runs for row in state.rows] == [1, 2]


def test_only_the_project_of_the_workspace_counts(studio):
    workspace = Workspace(project="poster")
    state = CostsState(studio, workspace=workspace)
    assert state.total.total_usd == 1.0
    workspace.project = ""
    assert state.total.total_usd == 1.5


def test_the_last_days_are_there_also_those_without_costs(state):
    assert len(state.days) == DAYS_SHOWN
    assert [line.total_usd for line in state.days[-2:]] == [0.0, 1.5]


def test_budgets_say_what_is_spent_of_them(state):
    found = {demand.budget: (demand.spent_usd, demand.limit_usd) for demand in state.budgets}
    assert found == {"the day's budget": (1.5, 2.0), "the budget of project 'poster'": (1.0, 1.0)}


def test_runs_that_cost_nothing_are_said_to(state):
    assert state.free == (("procedural", 1),)
    assert texts.free(state.free) == "1 run cost nothing: procedural 1."


def test_what_waits_is_committed(studio, state):
    studio.submit("a boat", model="paid", seed=9)
    state.poll()
    assert state.today.committed_usd == 0.5
    assert state.today.total_usd == 1.5


def test_a_budget_that_is_changed_in_the_file_is_seen(state, home):
    (home / "settings.toml").write_text("[budget]\nday_usd = 7.0\n")
    state.poll()
    assert [demand.limit_usd for demand in state.budgets] == [7.0]


def test_settings_that_cannot_be_read_are_said_and_the_sums_stay(state, home):
    (home / "settings.toml").write_text("[budget]\nday_usd = -1\n")
    state.poll()
    assert "settings.toml" in state.error
    assert state.total.total_usd == 1.5


def test_a_viewer_sees_the_costs(studio, home):
    with sk.open(home, mode="viewer") as viewer:
        assert CostsState(viewer).total.total_usd == 1.5


def test_the_view_shows_rows_and_sorts_by_what_the_browser_wishes(state):
    view = CostsView(state)
    table = next(each for each in view.children[-1].children[1].children if isinstance(each, SortableTable))
    assert table.rows == [["paid", "3", "–", "1.50 $", "1.50 $", "–"]]
    table._handle_custom_msg({"kind": "sort", "column": "what"}, [])
    assert (state.sort, table.sort) == ("what", "what")
    table._handle_custom_msg({"kind": "sort", "column": "lock"}, [])
    table._handle_custom_msg({"kind": "sort", "column": 1}, [])
    assert state.sort == "what"


def read(lines):
    return msgspec.convert(tomllib.loads(lines)["budget"], BudgetSettings)


@pytest.mark.parametrize(
    "settings",
    [
        BudgetSettings(),
        BudgetSettings(day_usd=3.0, warn_at=0.5),
        BudgetSettings(project_usd=1.0, projects={"poster": 9.0, 'a "b" ü': 2.5}),
    ],
)
def test_the_lines_say_the_budgets_there_are(settings):
    assert read(lines_for(settings)) == settings


def test_the_lines_show_where_a_project_would_stand():
    lines = lines_for(BudgetSettings(), "poster")
    assert "# poster = 100.00" in lines
    assert read(lines) == BudgetSettings()
    assert read(lines.replace("# poster", "poster")).projects == {"poster": 100.0}


def test_bills_are_held_against_what_was_expected():
    assert texts.accuracy(Line()) == ""
    assert texts.accuracy(Line(billed_usd=1.0)) == "Services billed what was expected."
    assert "0.25 $ more than" in texts.accuracy(Line(billed_usd=1.0, above_usd=0.25))
    assert "0.25 $ less than" in texts.accuracy(Line(billed_usd=1.0, above_usd=-0.25))


@pytest.mark.parametrize(("spent", "verdict"), [(1.0, "in bounds"), (9.0, "nearly used up"), (10.0, "used up")])
def test_a_budget_says_how_far_it_is_used_up_in_words(spent, verdict):
    html = texts.budgets([Demand("the day's budget", "day_usd", 10.0, spent, 0.0, 0.0)], 0.8)
    assert f">{verdict}<" in html
    assert f"{10 - spent:.2f} $ left of 10.00 $" in html


def test_what_comes_from_outside_is_escaped():
    demand = Demand("the budget of project '<b>'", "project_usd", 1.0, 0.0, 0.0, 0.0)
    assert "<b>" not in texts.budgets([demand], 0.8)
    assert "<i>" not in texts.lines("<i>", "<i>")
