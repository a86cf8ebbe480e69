"""What was used and how models did, without a screen."""

import csv
import io
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
from PIL import Image

import studio_kernel as sk
from engines import PaidEngine, install_paid
from studio_kernel import report_columns as columns
from studio_widgets.costs.view import SortableTable
from studio_widgets.reports import texts
from studio_widgets.reports.panel import ReportView, UsageView
from studio_widgets.reports.periods import PERIODS, since
from studio_widgets.reports.state import NO_PROJECT, WIDTHS, ReportState, UsageState, width_for
from studio_widgets.reports.view import Chart, SaveTable
from studio_widgets.workspace import Workspace

FREE = {"width": 32, "height": 32, "num_inference_steps": 1, "progress": False}
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A home of three pictures of 0.60 $, expected to cost half a dollar, and of two free ones; with a mark."""
    home, png = tmp_path_factory.mktemp("made") / "home", io.BytesIO()
    Image.new("RGB", (48, 32)).save(png, "PNG")
    engine = PaidEngine(png.getvalue(), bill=0.6)
    engine.let(3)
    install_paid(home, "day_usd = 4.0\nproject_usd = 1.5\nrun_usd = 1.0")
    with sk.open(home, engines=[engine], runner="inline") as studio:
        paid = [
            studio.generate("a boat", model="paid", seed=seed, project=project, progress=False)
            for seed, project in enumerate(("poster", "poster", None))
        ]
        free = [studio.generate("a boat", model="procedural", seed=seed, **FREE) for seed in range(2)]
        studio.mark(paid[0], rating=5, favourite=True)
        studio.vote(paid[0], free[0], "left", rater="Ada", ballot="best")
    return home


@pytest.fixture
def studio(made, home):
    """A copy of it to work in."""
    shutil.copytree(made, home)
    with sk.open(home) as studio:
        yield studio


@pytest.fixture
def usage(studio):
    return UsageState(studio)


@pytest.fixture
def report(studio):
    return ReportState(studio)


def named(state, *keys):
    return [tuple(row[key] for key in keys) for row in state.rows]


def test_days_come_first_and_can_be_grouped_otherwise(usage):
    assert named(usage, "what", "runs") == [(date.today().isoformat(), 5)]
    usage.by = "model"
    assert named(usage, "what", "runs", "billed_usd") == [("paid", 3, pytest.approx(1.8)), ("procedural", 2, 0.0)]
    usage.by = "project"
    assert named(usage, "what", "runs") == [(NO_PROJECT, 3), ("poster", 2)]


def test_the_project_of_the_workspace_is_the_one_that_counts(studio):
    workspace = Workspace(project="poster")
    state = UsageState(studio, workspace=workspace)
    assert state.total("runs") == 2
    workspace.project = ""
    assert state.total("runs") == 5
    assert "poster" in state.projects


def test_the_same_column_again_sorts_the_other_way_and_what_is_none_does_nothing(usage):
    usage.by = "model"
    usage.sort_by("what")
    assert [name for (name,) in named(usage, "what")] == ["paid", "procedural"]
    usage.sort_by("what")
    usage.sort_by("lock")
    assert [name for (name,) in named(usage, "what")] == ["procedural", "paid"]
    assert usage.sort == "what"


def test_what_is_not_known_is_last_either_way(report):
    report.sort_by("rating")
    assert named(report, "model", "rating") == [("paid", 5.0), ("procedural", None)]
    report.sort_by("rating")
    assert named(report, "model", "rating") == [("paid", 5.0), ("procedural", None)]


def test_a_row_that_is_picked_is_summed_alone_until_it_is_picked_again(usage):
    usage.by = "model"
    usage.pick("procedural")
    assert usage.total("runs") == 2
    usage.pick("no such model")
    assert usage.chosen == "procedural"
    usage.pick("procedural")
    assert usage.total("runs") == 5


def test_a_row_that_is_gone_is_not_picked_any_more(usage):
    usage.by = "project"
    usage.pick(NO_PROJECT)
    usage.project = "poster"
    assert usage.chosen == ""


def test_what_is_made_meanwhile_is_seen(studio, usage):
    studio.generate("a boat", model="procedural", seed=9, **FREE)
    usage.poll()
    assert usage.total("runs") == 6


def test_budgets_say_what_is_left(usage):
    left = {name: left for name, _limit, _spent, left, _window in usage.budgets}
    assert left["the day's budget"] == pytest.approx(2.2)
    html = texts.budgets(usage.budgets)
    assert "2.20 $ left of 4.00 $" in html
    assert "at most 1.00 $ each" in html


def test_bills_are_held_against_what_was_expected(usage):
    assert usage.above_usd == pytest.approx(0.3)
    assert "0.30 $ more than" in texts.accuracy(usage.above_usd)


def test_models_are_told_by_success_cost_rating_and_votes(report):
    paid = next(row for row in report.rows if row["model"] == "paid")
    told = {name: paid[name] for name in ("runs", "success_rate", "rating", "ratings", "favourites", "votes")}
    assert told == {"runs": 3, "success_rate": 1.0, "rating": 5.0, "ratings": 1, "favourites": 1, "votes": 1}
    assert paid["median_usd"] == pytest.approx(0.6)
    assert paid["strength"] > 0
    assert datetime.now(UTC) - paid["last_used"] < timedelta(hours=1)


def test_only_votes_of_a_ballot_count_when_one_is_chosen(report):
    assert report.ballots == ("best",)
    report.ballot = "another"
    assert [votes for (votes,) in named(report, "votes")] == [0, 0]


def test_a_viewer_sees_both(studio, home):
    with sk.open(home, mode="viewer") as viewer:
        assert UsageState(viewer).total("runs") == 5
        assert len(ReportState(viewer).rows) == 2


def test_the_chart_is_drawn_only_where_there_is_a_place_for_it(usage):
    assert usage.svg == ""
    usage.width = 660
    assert usage.svg.startswith("<svg")
    assert set(usage.marks.values()) == {date.today().isoformat()}


def test_what_is_changed_by_hand_is_drawn_at_once_and_once(usage):
    usage.width = 660
    drawn = []
    usage.observe(lambda change: drawn.append(change.new), "svg")
    usage.by = "model"
    assert len(drawn) == 1
    assert "procedural" in drawn[0]


def test_what_happens_meanwhile_is_drawn_after_a_rest(studio, usage):
    usage.width = 660
    before = usage.svg
    studio.generate("a boat", model="procedural", seed=9, **FREE)
    usage.poll()
    assert usage.svg == before
    usage._rests_until = 0.0  # as if the rest were over
    usage.poll()
    assert usage.svg != before


def test_the_file_has_the_rows_that_are_shown_with_plain_numbers(usage):
    usage.by = "model"
    usage.pick("paid")
    (row,) = csv.DictReader(io.StringIO(usage.csv().decode("utf-8-sig")))
    assert (row["what"], row["runs"], round(float(row["billed_usd"]), 9)) == ("paid", "3", 1.8)
    assert usage.file_name.endswith(".csv")


def test_a_name_that_a_spreadsheet_would_compute_is_a_text_in_the_file(studio, usage):
    studio.generate("a boat", model="procedural", seed=9, project="=1+1", **FREE)
    usage.by = "project"
    assert "\r\n'=1+1," in usage.csv().decode("utf-8-sig")


def part(view, kind):
    """The one widget of a kind in a view."""
    found = []

    def look(widget):
        found.extend([widget] if isinstance(widget, kind) else [])
        for child in getattr(widget, "children", ()):
            look(child)

    look(view)
    (one,) = found
    return one


def test_the_table_takes_only_what_it_shows_from_a_page(usage):
    usage.by = "model"
    table = part(UsageView(usage), SortableTable)
    for row in ("x", 1, None, ["paid"]):
        table._handle_custom_msg({"kind": "pick", "row": row}, [])
        table._handle_custom_msg({"kind": "sort", "column": row}, [])
    assert (usage.chosen, usage.sort) == ("", "runs")
    table._handle_custom_msg({"kind": "pick", "row": "paid"}, [])
    assert (usage.chosen, table.chosen) == ("paid", "paid")


@pytest.mark.parametrize("pixels", [-1, 1.5, True, "660", None, 10**9, [660]])
def test_a_page_cannot_ask_for_an_odd_width(usage, pixels):
    Chart(usage)._handle_custom_msg({"kind": "width", "pixels": pixels}, [])
    assert usage.width == 0


def test_a_chart_is_as_wide_as_fits_and_picks_rows_by_their_marks(usage):
    usage.by = "model"
    chart = Chart(usage)
    chart._handle_custom_msg({"kind": "width", "pixels": 700}, [])
    assert (usage.width, chart.svg[:4]) == (660, "<svg")
    mark = next(mark for mark, row in chart.marks.items() if row == "paid")
    for each in ("mark-9-9-9", 1, None, mark):
        chart._handle_custom_msg({"kind": "pick", "mark": each}, [])
    assert (usage.chosen, chart.chosen) == ("paid", "paid")


def test_widths_are_few():
    assert {width_for(pixels) for pixels in range(20_000)} == set(WIDTHS)


def test_the_file_goes_to_the_page_that_asked_for_it(report):
    button, sent = SaveTable(report), []
    button.send = lambda content, buffers=None: sent.append((content, buffers))
    button._handle_custom_msg({"kind": "download"}, [])
    (content, (data,)) = sent[0]
    assert content == {"kind": "file", "name": report.file_name, "type": "text/csv"}
    assert data == report.csv()


def test_texts_of_people_are_escaped(studio, usage):
    assert "<img" not in texts.budgets([(HOSTILE, 1.0, 0.5, 0.5, HOSTILE)])
    assert "<img" not in texts.only(HOSTILE, 2)


def test_what_strength_means_is_said_where_there_are_votes(report):
    view = ReportView(report)
    assert "Bradley-Terry" in view.children[-1].value
    report.ballot = "another"
    assert view.children[-1].value == ""


def test_values_are_read_as_people_write_them():
    row = {"success_rate": 0.9996, "median_s": 0.057, "rating": 4.25, "strength": -0.5, "total_usd": 0.0, "runs": 1234}
    shown = {column.key: column.shown(row) for column in columns.MODELS if column.key in row}
    assert shown == {
        "success_rate": "99.9 %", "median_s": "0.057 s", "rating": "4.2", "strength": "-0.50", "total_usd": "–",
        "runs": "1,234",
    }  # fmt: skip


@pytest.mark.parametrize("period", PERIODS)
def test_a_period_holds_today(period):
    first = since(period, date(2026, 11, 22))
    assert first is None or first <= date(2026, 11, 22)
    assert since("7 days", date(2026, 11, 22)) == date(2026, 11, 16)


def test_who_does_not_look_at_a_chart_does_not_load_what_draws_it():
    code = "import sys, studio_widgets.reports.panel; raise SystemExit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
