"""What was used, how models did and what is left of budgets, as tables."""

from __future__ import annotations

import math
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import studio_kernel as sk
from engines import PaidEngine, install_paid
from runlog_tools import request, write_events
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.events import Ticket
from studio_kernel.domain.judging import Vote
from studio_kernel.domain.marks import Mark, Rating
from studio_kernel.domain.runs import IMPORT_ENGINE, Origin, RunEstimate, RunStatus
from studio_kernel.errors import InvalidRequestError
from studio_kernel.ledger import ledger
from studio_kernel.reports import usage
from studio_kernel.runlog import RunLog, events, new_run_id

FEW = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
US = 1_000_000
START = int(datetime(2026, 3, 27, 12, tzinfo=UTC).timestamp()) * US
USUAL = {"estimate": None, "bill": None, "project": None, "model": "m1", "engine": "paid", "end": "succeeded"}
USUAL |= {"took_s": 2.0, "files": 1, "ticket": False, "at_s": 0}


def told(run_id=None, **values):
    """Return the events of a run, each with its time."""
    run = USUAL | values
    run_id, at = run_id or new_run_id(), START + run["at_s"] * US
    estimate = RunEstimate(run["estimate"]) if run["estimate"] is not None else None
    origin = Origin(run["project"])
    found = [(at, events.queued(run_id, request(model=run["model"]), run["engine"], origin, estimate=estimate))]
    if run["ticket"]:
        found.append((at + 1, events.ticket(run_id, Ticket("job", {}))))
    if run["end"]:
        assets = [Asset(f"{n:064x}", "image/png", 5, index=n) for n in range(run["files"])]
        found.append((at + 2, end_of(run_id, run, assets)))
    return found


def end_of(run_id, run, assets):
    return events.finished(
        run_id,
        RunStatus(run["end"]),
        assets=assets,
        seed=None,
        elapsed_s=run["took_s"],
        cost_usd=run["bill"],
        error=None,
        outcome={},
    )


@pytest.fixture
def home_with(tmp_path):
    """A function that opens a home, as a viewer, in which these runs were logged."""
    opened = []

    def open_with(*runs):
        write_events(tmp_path, [event for run in runs for event in run])
        opened.append(sk.open(tmp_path, mode="viewer"))
        return opened[-1]

    yield open_with
    for studio in opened:
        studio.close()


def test_a_row_says_what_was_made_how_long_it_took_and_what_it_cost(home_with):
    studio = home_with(
        told(estimate=1.0, bill=0.75, files=2),
        told(estimate=1.0, at_s=1),
        told(end="failed", files=0, estimate=1.0, took_s=None),
        told(end="cancelled", files=0),
        told(end=None, estimate=1.0),
    )
    assert studio.usage(by="engine").to_dict("records") == [
        {
            "what": "paid",
            "runs": 5,
            "succeeded": 2,
            "failed": 1,
            "cancelled": 1,
            "pictures": 3,
            "seconds": 6.0,
            "estimated_usd": 2.0,
            "billed_usd": 0.75,
            "total_usd": 1.75,
            "committed_usd": 1.0,
        }
    ]


def test_files_given_as_inputs_and_files_brought_in_were_not_made(home_with):
    imported = told(engine=IMPORT_ENGINE, model="m2")
    run_id = new_run_id()
    run = USUAL | {"files": 0}
    given_file = Asset("ab" * 32, "image/png", 5, role="image")
    with_input = [told(run_id, end=None)[0], (START + 2, end_of(run_id, run, [given_file]))]
    studio = home_with(imported, with_input)
    assert studio.usage(by="model")[["what", "runs", "pictures"]].values.tolist() == [["m1", 1, 0]]
    assert list(studio.model_report()["model"]) == ["m1"]


def test_what_was_used_of_deleted_runs_counts_on_but_not_what_was_said_of_them(home_with):
    run_id = new_run_id()
    said = [(START + 5, events.mark(run_id, Mark(rating=5, favourite=True)))]
    deleted = [*told(run_id, bill=0.5), *said, (START + 9, events.delete(run_id, on=True, files=False))]
    studio = home_with(deleted)
    assert studio.usage(by="model")[["runs", "total_usd"]].values.tolist() == [[1, 0.5]]
    [row] = studio.model_report().to_dict("records")
    assert (row["runs"], row["total_usd"], row["ratings"], row["favourites"]) == (1, 0.5, 0, 0)
    assert math.isnan(row["rating"])


def test_ratings_alone_are_those_of_the_report(home_with):
    ids = [new_run_id() for _ in range(6)]
    models = ["m1", "m1", "m1", "m2", "m3", "m1"]
    runs = [told(run_id, model=model) for run_id, model in zip(ids, models, strict=True)]
    stars = zip(ids, [5, 2, 1, 4, None, 0], strict=True)  # 0 takes a rating away
    said = [(START + 5, events.mark(run_id, Mark(rating=each))) for run_id, each in stars if each is not None]
    deleted = [(START + 9, events.delete(ids[2], on=True, files=False))]
    studio = home_with(*runs, [*said, *deleted])
    assert studio.model_ratings() == {"m1": Rating(3.5, 2), "m2": Rating(4.0, 1)}
    report = studio.model_report().set_index("model")
    for model, rating in studio.model_ratings().items():
        assert (report.loc[model, "rating"], report.loc[model, "ratings"]) == (rating.mean, rating.count)


def test_files_brought_in_and_private_runs_give_their_model_no_rating(home_with):
    imported, private = new_run_id(), new_run_id()
    asked = [(START, events.queued(private, request(model="m2"), "diffusers", Origin(), private=True))]
    said = [(START + 5, events.mark(run_id, Mark(rating=5, favourite=True))) for run_id in (imported, private)]
    studio = home_with(told(imported, engine=IMPORT_ENGINE), asked, said)
    assert studio.model_ratings() == {}
    [row] = studio.model_report().to_dict("records")
    assert (row["model"], row["runs"], row["ratings"], row["favourites"]) == ("m2", 1, 0, 0)


def test_a_project_and_a_time_are_looked_at_alone(home_with):
    studio = home_with(told(project="p"), told(project="q"), told(), told(project="p", at_s=3 * 86400))
    assert studio.usage(by="project")[["what", "runs"]].values.tolist() == [["", 1], ["p", 2], ["q", 1]]
    assert studio.usage(by="project", project="p")["runs"].tolist() == [2]
    since = datetime.fromtimestamp(START / US, UTC) + timedelta(days=1)
    assert studio.usage(since, by="model")["runs"].tolist() == [1]
    assert studio.model_report(since)["runs"].tolist() == [1]
    assert studio.model_report(project="q")["runs"].tolist() == [1]


def test_an_empty_home_has_tables_with_all_their_columns(home_with):
    studio = home_with()
    for table in (studio.usage(), studio.usage(by="model")):
        assert table.empty
        assert {"what", "runs", "pictures", "total_usd"} <= set(table.columns)
    report = studio.model_report()
    assert report.empty
    assert {"model", "success_rate", "rating", "strength", "votes", "last_used"} <= set(report.columns)
    assert studio.model_ratings() == {}
    assert studio.budget_standing() == []


def test_an_unknown_look_is_refused(home_with):
    with pytest.raises(InvalidRequestError, match="'hour' is not one of day, project, model, engine"):
        home_with().usage(by="hour")


def test_days_are_those_of_this_machine_also_when_its_clock_changes(home_with, monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")  # at 2 o'clock of 29 March it is 3
    time.tzset()
    try:
        begin = datetime.fromtimestamp(START / US, UTC)
        times = [(27, 22, 59), (27, 23, 1), (28, 22, 59), (28, 23, 1), (29, 21, 59), (29, 22, 1)]
        runs = [told(at_s=int((datetime(2026, 3, d, h, m, tzinfo=UTC) - begin).total_seconds())) for d, h, m in times]
        studio = home_with(*runs)
        assert studio.usage()[["what", "runs"]].values.tolist() == [
            ["2026-03-27", 1],
            ["2026-03-28", 2],
            ["2026-03-29", 2],
            ["2026-03-30", 1],
        ]
        assert studio.usage(date(2026, 3, 29))["what"].tolist() == ["2026-03-29", "2026-03-30"]
    finally:
        monkeypatch.undo()
        time.tzset()


runs = st.fixed_dictionaries(
    {
        "estimate": st.none() | st.integers(0, 500).map(lambda cents: cents / 100),
        "bill": st.none() | st.integers(0, 500).map(lambda cents: cents / 100),
        "project": st.none() | st.sampled_from(["poster", "book"]),
        "model": st.sampled_from(["m1", "m2"]),
        "ticket": st.booleans(),
        "end": st.none() | st.sampled_from(["succeeded", "failed", "cancelled"]),
        "files": st.integers(0, 3),
        "at_s": st.integers(0, 400_000),
    }
)


@FEW
@given(st.lists(runs, max_size=12), st.sampled_from(["day", "project", "model", "engine"]))
def test_sums_are_those_of_the_log_and_of_the_ledger_however_they_are_looked_at(made, by):
    with TemporaryDirectory() as home, RunLog(Path(home)) as log:
        write_events(Path(home), [event for run in made for event in told(**run)])
        table, costs = usage(log, by=by), ledger(log, by)
        assert table["runs"].sum() == len(made)
        assert table["pictures"].sum() == sum(run["files"] for run in made if run["end"])
        for status in ("succeeded", "failed", "cancelled"):
            assert table[status].sum() == sum(run["end"] == status for run in made)
        paid = table.set_index("what")
        for row in costs.to_dict("records"):
            for name in ("billed_usd", "total_usd", "committed_usd"):
                assert paid.loc[row["what"], name] == pytest.approx(row[name])
        assert table["total_usd"].sum() == pytest.approx(costs["total_usd"].sum())


def test_a_model_is_told_by_its_success_times_costs_ratings_and_votes(home_with):
    ids = [new_run_id() for _ in range(6)]
    runs = [told(ids[n], took_s=float(n + 1), bill=bill, at_s=n) for n, bill in enumerate([0.1, 0.2, 0.9, None])]
    runs.append(told(ids[4], end="failed", took_s=99.0, files=0))
    runs.append(told(ids[5], model="m2", end="failed", took_s=1.0, files=0))
    marks = [(START + 9, events.mark(ids[0], Mark(rating=5, favourite=True)))]
    marks.append((START + 9, events.mark(ids[1], Mark(rating=2))))
    first, second = home_with(*runs, marks).model_report().to_dict("records")
    assert (first["model"], first["runs"], first["succeeded"], first["failed"]) == ("m1", 5, 4, 1)
    assert (first["success_rate"], first["median_s"], first["p90_s"]) == (0.8, 2.5, pytest.approx(3.7))
    assert (first["median_usd"], first["total_usd"]) == (0.2, pytest.approx(1.2))
    assert (first["rating"], first["ratings"], first["favourites"]) == (3.5, 2, 1)
    assert first["last_used"] == datetime.fromtimestamp(START / US + 3, UTC) + timedelta(microseconds=2)
    assert (second["success_rate"], second["votes"]) == (0.0, 0)
    assert all(math.isnan(second[name]) for name in ("median_s", "median_usd", "rating", "strength"))


def test_votes_of_the_chosen_ballot_and_project_say_how_strong_a_model_is(home_with):
    now = datetime.fromtimestamp(START / US, UTC)
    a, b, c, d = ids = [new_run_id() for _ in range(4)]
    models = [("m1", "p"), ("m2", "p"), ("m1", "q"), ("m2", "q")]
    made = [told(run, model=model, project=project) for run, (model, project) in zip(ids, models, strict=True)]

    def vote(left, right, choice, ballot, at):
        return START + at, events.vote(Vote(new_run_id(), now, f"rater {at}", left, right, choice, ballot))

    votes = [vote(a, b, "left", "sharper", 10 + n) for n in range(3)]
    votes += [vote(c, d, "right", "nicer", 20 + n) for n in range(5)]
    studio = home_with(*made, votes)

    def strongest(**of):
        table = studio.model_report(**of).set_index("model")
        assert (table["strength_low"] <= table["strength"]).all()
        return table["strength"].idxmax(), table.loc["m1", "votes"]

    assert strongest() == ("m2", 8)
    assert strongest(ballot="sharper") == ("m1", 3)
    assert strongest(project="q") == ("m2", 5)
    later = datetime.fromtimestamp(START / US, UTC) + timedelta(days=1)
    assert studio.model_report(later).empty


def test_a_viewer_sees_what_is_left_of_every_budget(home, picture):
    engine = PaidEngine(picture)
    engine.let()
    install_paid(home, "run_usd = 2.0\nday_usd = 3.0\nproject_usd = 1.5\n[budget.projects]\nposter = 1.0")
    with sk.open(home, engines=[engine], runner="inline") as studio:
        studio.create_project("Book")
        studio.generate("a boat", model="paid", project="poster", seed=1)
        studio.generate("a boat", model="paid", project="book", seed=2)
    with sk.open(home, mode="viewer") as viewer:
        rounded = [(*each[:1], *(round(usd, 2) for usd in each[1:4]), each.window) for each in viewer.budget_standing()]
        assert rounded == [
            ("the day's budget", 3.0, 1.0, 2.0, "today"),
            ("the budget of project 'poster'", 1.0, 0.5, 0.5, "in all"),
            ("the budget of project 'book'", 1.5, 0.5, 1.0, "in all"),
            ("the budget of a run", 2.0, 0.0, 2.0, "each run"),
        ]
        names = [each.name for each in viewer.budget_standing("book")]
        assert names == ["the day's budget", "the budget of project 'book'", "the budget of a run"]
