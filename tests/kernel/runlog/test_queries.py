"""Questions: filters, pages, counts, and SQL that others wrote."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runlog_tools import log_run, request, write_events
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.marks import Mark
from studio_kernel.domain.runs import Origin, RunStatus
from studio_kernel.errors import RunLogError
from studio_kernel.runlog import Cursor, RunFilter, RunLog, events, new_run_id

START = datetime(2026, 1, 1, tzinfo=UTC)
MODELS = ("flux", "sdxl", "tiny")
PROMPTS = ("A red Boat on the sea", "a fox in the snow", "boat, 100% wool_; DROP TABLE runs", "ünïcode ÄÖ boat", "")
TAGS = ((), ("keep",), ("keep", "it's"), ("%",))


def describe(i):
    """Return everything a filter can ask about run number `i`; several share a moment."""
    return {
        "model": MODELS[i % 3],
        "engine": "fal" if i % 4 == 0 else "procedural",
        "status": ("succeeded", "failed", "queued")[i % 3],
        "project": (None, "harbour", "o'brien")[i % 3],
        "sweep_id": "s1" if i % 5 == 0 else None,
        "prompt": PROMPTS[i % 5],
        "rating": i % 6,
        "favourite": i % 7 == 0,
        "tags": TAGS[i % 4],
        "at": START + timedelta(hours=i // 4),
    }


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A home of 60 runs, and what each of them is."""
    home, known, stamped = tmp_path_factory.mktemp("library"), {}, []
    for i in range(60):
        run_id, run = new_run_id(), describe(i)
        known[run_id] = run
        ts = int(run["at"].timestamp() * 1e6)
        origin = Origin(project=run["project"], sweep_id=run["sweep_id"])
        stamped.append((ts, events.queued(run_id, request(run["prompt"], run["model"]), run["engine"], origin)))
        if run["status"] != "queued":
            ended = {"assets": (), "seed": None, "elapsed_s": None, "cost_usd": None, "error": None, "outcome": {}}
            stamped.append((ts + 1, events.finished(run_id, RunStatus(run["status"]), **ended)))
        stamped.append((ts + 2, events.mark(run_id, Mark(run["rating"], run["favourite"], run["tags"]))))
    write_events(home, stamped)
    log = RunLog(home)
    yield log, known
    log.close()


def test_some_runs_are_asked_for_at_once(library):
    log, known = library
    wanted = list(known)[5:50:7]
    found = log.runs_of([*wanted, new_run_id(), "no-id"])
    assert set(found) == set(wanted)
    assert all(found[run_id] == log.run(run_id) for run_id in wanted)
    assert log.runs_of([]) == {}


def lets_through(wanted, run):
    """Say in Python what a filter means."""

    def one_of(value, allowed):
        return not allowed or value in ((allowed,) if isinstance(allowed, str) else allowed)

    return (
        all(one_of(run[name], getattr(wanted, name)) for name in ("model", "engine", "status", "project", "sweep_id"))
        and all(tag in run["tags"] for tag in ([wanted.tag] if isinstance(wanted.tag, str) else wanted.tag or ()))
        and (wanted.favourite is None or run["favourite"] == wanted.favourite)
        and (wanted.min_rating is None or run["rating"] >= wanted.min_rating)
        and all(word.lower() in run["prompt"].lower() for word in wanted.text.split())
        and (wanted.since is None or run["at"] >= wanted.since)
        and (wanted.until is None or run["at"] < wanted.until)
    )


moments = st.none() | st.integers(-1, 16).map(lambda hours: START + timedelta(hours=hours))
filters = st.builds(
    RunFilter,
    model=st.none() | st.sampled_from([*MODELS, "none", ["flux", "tiny"]]),
    engine=st.none() | st.sampled_from(["fal", "procedural"]),
    status=st.none() | st.sampled_from(["queued", "failed", ("succeeded", "failed")]),
    project=st.none() | st.sampled_from(["harbour", "o'brien"]),
    sweep_id=st.none() | st.just("s1"),
    tag=st.none() | st.sampled_from(["keep", "%", "it's", ["keep", "it's"]]),
    favourite=st.none() | st.booleans(),
    min_rating=st.none() | st.integers(1, 5),
    text=st.sampled_from(["", "boat", "BOAT sea", "100%", "_;", "äö", "zzz"]),
    since=moments,
    until=moments,
)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(wanted=filters, size=st.integers(1, 25))
def test_pages_are_complete_ordered_and_without_repeats(library, wanted, size):
    log, known = library
    pages, before = [], None
    while page := log.runs(wanted, limit=size, before=before):
        pages += page
        before = Cursor.after(page[-1])
    assert {run.id for run in pages} == {run_id for run_id, run in known.items() if lets_through(wanted, run)}
    keys = [(run.created_at, run.id) for run in pages]
    assert keys == sorted(set(keys), reverse=True)
    assert log.count(wanted) == len(pages)


def test_facets_count_what_the_filter_lets_through(library):
    log, known = library
    wanted = RunFilter(text="boat")
    shown = [run for run in known.values() if lets_through(wanted, run)]
    found = log.facets(wanted)
    assert found.total == len(shown)
    assert found.favourites == sum(run["favourite"] for run in shown)
    for name in ("model", "engine", "status", "project"):
        counts = {value: sum(run[name] == value for run in shown) for value in {run[name] for run in shown} - {None}}
        assert getattr(found, name) == counts
        assert list(getattr(found, name).values()) == sorted(counts.values(), reverse=True)
    assert found.rating == {stars: sum(r["rating"] == stars for r in shown) for stars in (5, 4, 3, 2, 1)}
    assert found.tag["keep"] == sum("keep" in run["tags"] for run in shown)


ATTACKS = (
    "x' OR '1'='1",
    "'; DROP TABLE run_rows; --",
    '" OR 1=1 --',
    "?",
    "$1",
    "\\'",
    "%",
    "') OR true --",
    "x\x00'",
    "read_csv('/etc/passwd')",
)
TEXT_FIELDS = ("model", "engine", "task", "status", "project", "sweep_id", "parent_id", "tag", "text")


@pytest.mark.parametrize("name", TEXT_FIELDS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_filter_is_given_stays_a_value(library, name, attack):
    log, known = library
    wanted = RunFilter(**{name: attack})
    expected = sum(lets_through(wanted, run) for run in known.values()) if name in ("tag", "text") else 0
    assert log.count(wanted) == expected
    assert len(log.runs(wanted, limit=None)) == expected
    assert log.count() == len(known)


def test_every_text_field_of_the_filter_is_attacked():
    others = {"favourite", "min_rating", "since", "until", "ids", "kind", "source", "deleted"}
    assert {field.name for field in fields(RunFilter)} == set(TEXT_FIELDS) | others


@pytest.mark.parametrize("attack", ATTACKS)
def test_ids_stay_values(library, attack):
    log, known = library
    some = next(iter(known))
    assert log.count(RunFilter(ids=[attack])) == 0
    assert log.count(RunFilter(ids=[attack, some])) == 1
    assert log.run(attack) is None
    assert log.find(attack) == []
    assert log.sweep_of(attack) is None
    assert log.assets_of([attack]) == {}
    assert log.succeeded_with([attack]) == {}


def test_exactly_the_runs_that_are_named_are_found(library):
    log, known = library
    some = list(known)[3:30:4]
    assert {run.id for run in log.runs(RunFilter(ids=[*some, new_run_id(), "no id"]), limit=None)} == set(some)
    assert log.count(RunFilter(ids=some, model="flux")) == sum(known[each]["model"] == "flux" for each in some)
    assert log.runs(RunFilter(ids=[])) == []


def test_a_run_is_of_every_kind_of_file_that_it_made(tmp_path):
    def ended(log, *media_types, role="output"):
        run_id = new_run_id()
        log.queued(run_id, request(), engine="fal")
        assets = [Asset(f"{n:064x}", media_type, 1, role=role) for n, media_type in enumerate(media_types)]
        log.finished(run_id, RunStatus.SUCCEEDED, assets=assets)
        return run_id

    with RunLog(tmp_path) as log:
        both = ended(log, "image/png", "video/mp4")
        sound = ended(log, "audio/wav")
        nothing, given = ended(log), ended(log, "image/png", role="image")
        assert {run.id for run in log.runs(RunFilter(kind="image"))} == {both}
        assert {run.id for run in log.runs(RunFilter(kind=("video", "audio")))} == {both, sound}
        assert log.facets().kind == {"audio": 1, "image": 1, "video": 1}
        assert log.facets(RunFilter(ids=[nothing, given])).kind == {}
        assert log.sql("SELECT kinds FROM runs WHERE id = ?", [both]).kinds[0] == ["image", "video"]


def test_what_was_made_is_told_from_what_was_brought_in(tmp_path):
    with RunLog(tmp_path) as log:
        made, brought = new_run_id(), new_run_id()
        log.queued(made, request(), engine="procedural")
        log.queued(brought, request(), engine="import")
        assert [run.id for run in log.runs(RunFilter(source="made"))] == [made]
        assert [run.id for run in log.runs(RunFilter(source="import"))] == [brought]
        assert log.runs(RunFilter(source="import"))[0].is_import


@pytest.mark.parametrize("words", [{"kind": "text"}, {"kind": ("image", "x")}, {"source": "elsewhere"}])
def test_a_kind_or_a_source_that_there_is_not_is_refused(words):
    with pytest.raises(ValueError, match=r"none of|neither"):
        RunFilter(**words)


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        RunFilter(since=datetime(2026, 1, 1))


def test_a_part_of_an_id_finds_its_runs(library):
    log, known = library
    run_id = next(iter(known))
    assert log.find(run_id[-12:]) == [run_id]
    assert log.find(run_id[-12:].upper()) == [run_id]
    assert run_id in log.find(run_id[:8], limit=100)
    assert len(log.find("", limit=3)) == 3


def test_a_frame_has_a_row_a_run(library):
    log, known = library
    frame = log.frame(RunFilter(model="flux"), limit=None)
    assert frame.columns[0] == "id"
    assert set(frame.id) == {run_id for run_id, run in known.items() if run["model"] == "flux"}
    assert frame.created_at.is_monotonic_decreasing
    assert str(frame.created_at.dt.tz) == "UTC"
    assert isinstance(frame.tags[0], list)
    assert len(log.frame(limit=7)) == 7


def test_a_frame_takes_a_condition_in_sql(library):
    log, known = library
    frame = log.frame(RunFilter(model="flux"), limit=None, where="rating >= 3 OR favourite -- good ones")
    good = {i for i, run in known.items() if run["model"] == "flux" and (run["rating"] >= 3 or run["favourite"])}
    assert set(frame.id) == good


@pytest.mark.parametrize(
    "where",
    [
        "true; DROP TABLE run_rows",
        "true) UNION ALL SELECT * FROM runs --",
        "id IN (SELECT content FROM read_text('/etc/passwd'))",
        "nonsense > 3",
        "",
        ")",
    ],
)
def test_a_condition_that_is_none_is_refused(library, where):
    log, _ = library
    with pytest.raises(RunLogError):
        log.frame(where=where)


def test_sql_answers_with_bound_values(library):
    log, known = library
    query = "SELECT model, count(*) AS runs FROM runs WHERE model = $model GROUP BY model"
    assert log.sql(query, {"model": "flux"}).to_dict("records") == [{"model": "flux", "runs": 20}]
    assert log.sql("SELECT count(*) AS n FROM runs WHERE rating > ?", [0]).n[0] == sum(
        run["rating"] > 0 for run in known.values()
    )
    described = log.sql("DESCRIBE runs")
    assert "request_digest" in set(described.column_name)


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO projects VALUES ('x')",
        "UPDATE run_rows SET model = 'x'",
        "DELETE FROM run_rows",
        "DROP TABLE run_rows",
        "CREATE TABLE t (a INT)",
        "COPY runs TO '/tmp/runs.csv'",
        "ATTACH '/tmp/other.duckdb'",
        "DETACH log",
        "PRAGMA database_list",
        "SET threads = 1",
        "INSTALL httpfs",
        "LOAD httpfs",
        "CALL pragma_version()",
        "CHECKPOINT",
        "EXPLAIN ANALYZE SELECT 1",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE run_rows",
        "WITH x AS (SELECT 1) INSERT INTO projects SELECT 'x'",
        "WITH x AS (DELETE FROM log.run_rows RETURNING 1) SELECT * FROM x",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
        "SELECT * FROM read_csv('https://example.org/x.csv')",
        "SELECT getenv('HOME')",
        "",
        "-- nothing",
        "not sql at all",
        "SELECT no_such_column FROM runs",
    ],
)
def test_sql_refuses_everything_but_one_select_over_the_log(library, query):
    log, known = library
    with pytest.raises(RunLogError):
        log.sql(query)
    assert log.count() == len(known)


def test_an_unknown_column_is_named(library):
    with pytest.raises(RunLogError, match="no_such_column"):
        library[0].sql("SELECT no_such_column FROM runs")


@pytest.mark.parametrize("text", ["checksum", "Could not set lock", "not a valid DuckDB database file"])
def test_words_of_a_query_are_not_taken_for_a_damaged_or_busy_file(library, text):
    log, known = library
    with pytest.raises(RunLogError, match="Conversion Error"):
        log.sql("SELECT ?::INTEGER", [text])
    assert list(log.directory.glob("*.bad-*")) == []
    assert log.count() == len(known)


def test_pollers_see_that_something_changed(tmp_path):
    with RunLog(tmp_path) as log, RunLog(tmp_path) as viewer:
        token = viewer.changed_since(None)
        assert viewer.changed_since(token) == token
        run_id = log_run(log)
        changed = viewer.changed_since(token)
        assert changed != token
        assert viewer.run(run_id) is not None
        log.close()
        settled = viewer.changed_since(changed)
        assert viewer.changed_since(settled) == settled
