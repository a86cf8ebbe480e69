"""What was spent adds up, however it is looked at and in whichever order it was heard."""

import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runlog_tools import request, write_events
from studio_kernel.domain.events import Ticket
from studio_kernel.domain.runs import Origin, RunEstimate, RunStatus
from studio_kernel.domain.spending import Scope, Spending
from studio_kernel.errors import InvalidRequestError
from studio_kernel.ledger import ledger
from studio_kernel.runlog import RunLog, decode, events, new_run_id

FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
US = 1_000_000
START = int(datetime(2026, 3, 27, 12, tzinfo=UTC).timestamp()) * US

amounts = st.none() | st.integers(0, 500).map(lambda cents: cents / 100)
runs = st.fixed_dictionaries(
    {
        "estimate": amounts,
        "bill": amounts,
        "project": st.none() | st.sampled_from(["poster", "book"]),
        "sweep_id": st.none() | st.sampled_from(["s1", "s2"]),
        "model": st.sampled_from(["m1", "m2"]),
        "claimed": st.booleans(),
        "ticket": st.booleans(),
        "end": st.none() | st.sampled_from(["succeeded", "failed", "cancelled"]),
        "unseen": st.booleans(),
        "at_s": st.integers(0, 400_000),
    }
)


def told(run):
    """Return the events of a run, each with its time."""
    run_id, at = new_run_id(), START + run["at_s"] * US
    estimate = RunEstimate(run["estimate"]) if run["estimate"] is not None else None
    origin = Origin(run["project"], run["sweep_id"])
    found = [events.queued(run_id, request(model=run["model"]), "paid", origin, estimate=estimate)]
    if run["claimed"]:
        found.append(events.claimed(run_id, "worker-1", 1))
    if run["ticket"]:
        found.append(events.ticket(run_id, Ticket("job", {})))
    if run["end"]:
        outcome = {"may_be_billed": True} if run["unseen"] else {}
        found.append(
            events.finished(
                run_id,
                RunStatus(run["end"]),
                assets=(),
                seed=None,
                elapsed_s=None,
                cost_usd=run["bill"],
                error=None,
                outcome=outcome,
            )
        )
    return [(at + n * US, event) for n, event in enumerate(found)]


def charged(run):
    """What a run that has ended counts with, said once more."""
    if run["end"] is None:
        return 0.0
    if run["bill"] is not None:
        return run["bill"]
    counts = run["end"] == "succeeded" or run["unseen"] or (run["end"] == "cancelled" and run["ticket"])
    return (run["estimate"] or 0.0) if counts else 0.0


@FEW
@given(st.lists(runs, max_size=12), st.sampled_from(["day", "project", "model", "sweep"]))
def test_the_sum_of_the_ledger_is_the_sum_of_the_log(made, by):
    with TemporaryDirectory() as home, RunLog(Path(home)) as log:
        write_events(Path(home), [event for run in made for event in told(run)])
        frame = ledger(log, by)
        assert frame["total_usd"].sum() == pytest.approx(math.fsum(map(charged, made)))
        open_runs = [run["estimate"] or 0.0 for run in made if run["end"] is None]
        assert frame["committed_usd"].sum() == pytest.approx(math.fsum(open_runs))
        billed = log.sql("SELECT sum(cost_usd) AS usd FROM runs")["usd"].fillna(0.0)[0]
        assert frame["billed_usd"].sum() == pytest.approx(billed)


@FEW
@given(st.lists(runs, max_size=8), st.randoms())
def test_what_is_followed_is_what_is_asked_anew_in_whichever_order_it_was_heard(made, random):
    stamped = [pair for run in made for pair in told(run)]
    shuffled = list(stamped)
    random.shuffle(shuffled)
    followed = Spending()
    for ts, event in shuffled:
        decode.feed_spending(followed, {"ts": ts, **event})
    with TemporaryDirectory() as home, RunLog(Path(home)) as log:
        write_events(Path(home), stamped)
        anew = log.spending().refresh()
    same(followed, anew)
    assert followed.spent(Scope()) == pytest.approx(math.fsum(map(charged, made)))


def test_a_cancelled_run_costs_what_was_expected_also_when_its_end_is_heard_before_its_ticket():
    queued, ticket, end = told(a_run(bill=None, claimed=False, ticket=True, end="cancelled"))
    followed = Spending()
    for ts, event in (queued, end, ticket, ticket):
        decode.feed_spending(followed, {"ts": ts, **event})
    assert followed.spent(Scope()) == 1.0


@FEW
@given(st.lists(runs, max_size=8), st.randoms())
def test_what_was_folded_and_what_was_followed_make_the_same_sum(made, random):
    stamped = [pair for run in made for pair in told(run)]
    random.shuffle(stamped)
    cut = random.randint(0, len(stamped))
    with TemporaryDirectory() as home, RunLog(Path(home)) as log:
        write_events(Path(home), stamped[:cut], "0000000000001-one")
        followed = log.spending()
        write_events(Path(home), stamped[cut:], "0000000000002-two")
        same(followed.refresh(), log.spending().refresh())
        assert followed.spending.spent(Scope()) == pytest.approx(math.fsum(map(charged, made)))


def same(followed, anew):
    since = (START + 200_000 * US) / US
    for scope in (Scope(), Scope(since=since), Scope(project="poster"), Scope(sweep_id="s1")):
        assert followed.spent(scope) == pytest.approx(anew.spent(scope))
        assert followed.committed(scope) == pytest.approx(anew.committed(scope))
        assert followed.committed(scope, begun=True) == pytest.approx(anew.committed(scope, begun=True))


def a_run(**more):
    usual = {"estimate": 1.0, "bill": 0.75, "project": "poster", "sweep_id": None, "model": "m1", "claimed": True}
    return usual | {"ticket": False, "end": "succeeded", "unseen": False, "at_s": 0} | more


def test_a_row_says_what_was_billed_and_what_was_only_expected(tmp_path):
    write_events(tmp_path, [*told(a_run()), *told(a_run(bill=None)), *told(a_run(end=None)), *told(a_run(model="m2"))])
    with RunLog(tmp_path) as log:
        frame = ledger(log, "model")
    usual = {"estimated_usd": 0.0, "committed_usd": 0.0, "above_usd": -0.25}
    assert frame.to_dict("records") == [
        usual
        | {"what": "m1", "runs": 3, "billed_usd": 0.75, "estimated_usd": 1.0, "total_usd": 1.75, "committed_usd": 1.0},
        usual | {"what": "m2", "runs": 1, "billed_usd": 0.75, "total_usd": 0.75},
    ]


def test_only_bills_of_runs_with_an_expected_price_are_above_or_below_it(tmp_path):
    write_events(tmp_path, [*told(a_run(bill=1.5)), *told(a_run(bill=9.0, estimate=None)), *told(a_run(end=None))])
    with RunLog(tmp_path) as log:
        assert list(ledger(log, "engine")["above_usd"]) == [0.5]


def test_what_an_engine_costs_is_a_row_of_its_own(tmp_path):
    write_events(tmp_path, [*told(a_run()), *told(a_run(model="m2"))])
    with RunLog(tmp_path) as log:
        assert ledger(log, "engine")[["what", "runs"]].values.tolist() == [["paid", 2]]


def test_a_project_is_looked_at_alone(tmp_path):
    write_events(tmp_path, [*told(a_run()), *told(a_run(project="book")), *told(a_run(project=None))])
    with RunLog(tmp_path) as log:
        assert ledger(log, "project", project="book")["what"].tolist() == ["book"]


def test_what_runs_here_is_no_row(tmp_path):
    write_events(tmp_path, told(a_run(estimate=0.0, bill=None)))
    with RunLog(tmp_path) as log:
        assert ledger(log).empty


def test_a_day_is_one_of_this_machine(tmp_path, monkeypatch):
    import time

    monkeypatch.setenv("TZ", "Asia/Kathmandu")  # 5:45 ahead
    time.tzset()
    try:
        before = datetime(2026, 3, 27, 18, 14, tzinfo=UTC) - datetime.fromtimestamp(START / US, UTC)
        two = [a_run(at_s=int((before + timedelta(minutes=m)).total_seconds())) for m in (0, 2)]
        write_events(tmp_path, [event for run in two for event in told(run)])
        with RunLog(tmp_path) as log:
            assert list(ledger(log)["what"]) == ["2026-03-27", "2026-03-28"]
            assert list(ledger(log, since=date(2026, 3, 28))["what"]) == ["2026-03-28"]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_an_unknown_look_is_refused(tmp_path):
    with RunLog(tmp_path) as log, pytest.raises(InvalidRequestError, match="'hour' is not one of day, project"):
        ledger(log, "hour")
