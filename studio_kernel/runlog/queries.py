"""Questions to the run log: the only SQL for reading. Every value is bound, never written into a statement.

The functions take a connection whose current database is a run log file and return finished values; nothing of the
connection outlives the call.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TypeAlias, cast
from uuid import UUID

from immutabledict import immutabledict

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.events import Ticket
from studio_kernel.domain.marks import Project, ProjectCard
from studio_kernel.domain.queue import QueueEntry
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import IMPORT_ENGINE, Origin, RunEstimate, RunRecord, RunStatus
from studio_kernel.domain.spending import Ending, Spending
from studio_kernel.domain.sweep import Sweep
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import Value, from_json
from studio_kernel.runlog import decode
from studio_kernel.runlog.patch import KINDS_OF_MEDIA

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

Words: TypeAlias = "str | Sequence[str] | None"
Source: TypeAlias = Literal["made", "import"]
Row: TypeAlias = "tuple[Mapping[str, object], tuple[Asset, ...]]"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs are meant; what is `None` or empty does not restrict.

    Attributes
    ----------
    model, engine, task, status, project, sweep_id, parent_id : str or sequence of str
        One of these.
    ids : sequence of str or None
        Exactly these runs; an empty one means none, and what is no id of a run finds nothing.
    kind : str or sequence of str
        Made a file of one of these kinds: ``image``, ``video``, ``audio``.
    source : {"made", "import"} or None
        Made here, or brought in as a file.
    tag : str or sequence of str
        Has all of these.
    favourite : bool or None
        Is, or is not, a favourite.
    min_rating : int or None
        Has at least so many stars.
    text : str
        Its prompt contains every one of these words, in any order and case.
    since, until : datetime.datetime or None
        Queued at or after, and before; aware.
    deleted : bool or None
        `False`: without those that were deleted; `True`: those alone; `None`: both.

    Raises
    ------
    ValueError
        For a time without time zone, and for a kind or a source that there is not.
    """

    model: Words = None
    engine: Words = None
    task: Words = None
    status: Words = None
    project: Words = None
    sweep_id: Words = None
    parent_id: Words = None
    tag: Words = None
    favourite: bool | None = None
    min_rating: int | None = None
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    ids: Sequence[str] | None = None
    kind: Words = None
    source: Source | None = None
    deleted: bool | None = False

    def __post_init__(self) -> None:
        """Refuse times that could mean several moments, and words that mean nothing."""
        for time in (self.since, self.until):
            if time is not None and time.tzinfo is None:
                raise ValueError(f"{time!r} has no time zone; use for example datetime.now(UTC)")
        for kind in _words(self.kind):
            if kind not in KINDS_OF_MEDIA:
                raise ValueError(f"kind {kind!r} is none of {', '.join(KINDS_OF_MEDIA)}")
        if self.source not in (None, "made", "import"):
            raise ValueError(f"source {self.source!r} is neither 'made' nor 'import'")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the list of runs: the next page begins behind it."""

    created_at: datetime
    id: str

    @classmethod
    def after(cls, run: RunRecord) -> Cursor:
        """Return the place behind `run`."""
        return cls(run.created_at, run.id)


@dataclass(frozen=True, slots=True)
class Facets:
    """How many runs there are of each kind, most first.

    Attributes
    ----------
    total : int
        All runs the filter lets through.
    favourites : int
        The favourites among them.
    model, engine, task, status, project, tag : mapping
        Value → number of runs; runs without a value are left out.
    rating : mapping
        Stars → number of runs, 5 first.
    kind : mapping
        ``image``, ``video``, ``audio`` → number of runs that made such a file.
    """

    total: int = 0
    favourites: int = 0
    model: Mapping[str, int] = field(default_factory=dict)
    engine: Mapping[str, int] = field(default_factory=dict)
    task: Mapping[str, int] = field(default_factory=dict)
    status: Mapping[str, int] = field(default_factory=dict)
    project: Mapping[str, int] = field(default_factory=dict)
    tag: Mapping[str, int] = field(default_factory=dict)
    rating: Mapping[int, int] = field(default_factory=dict)
    kind: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SweepRecord:
    """A sweep as the log knows it."""

    id: str
    sweep: Sweep
    project: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SweepContents:
    """What has become of a sweep.

    Attributes
    ----------
    cells : mapping
        Status → cells with a run of it; a cell that was tried again may have several.
    cover : Asset or None
        The newest file that can be shown.
    """

    cells: Mapping[str, int]
    cover: Asset | None = None


@dataclass(frozen=True, slots=True)
class RunKind:
    """What decides how long a step of a run takes; `None` = not said."""

    model: str
    task: str
    width: int | None
    height: int | None
    num_images: int | None
    device: str | None


@dataclass(frozen=True, slots=True)
class Timings:
    """How long a kind of run takes.

    Attributes
    ----------
    step_s : float
        Seconds a denoising step.
    decoding_s : float
        Seconds from the last step to the picture.
    """

    step_s: float
    decoding_s: float


@dataclass(frozen=True, slots=True)
class PastRun:
    """What is learnt from a run that succeeded.

    Attributes
    ----------
    task : str
        What was asked of the model.
    parameters : mapping
        All of the request.
    batch_size : int
        Cells computed in one pass with it.
    device : str or None
        What it was computed on, as its provenance says.
    elapsed_s : float
        From start to end.
    loading_s, denoising_s, decoding_s : float
        Parts of that; 0 where the engine does not tell.
    """

    task: str
    parameters: Mapping[str, Value]
    batch_size: int
    device: str | None
    elapsed_s: float
    loading_s: float
    denoising_s: float
    decoding_s: float


@dataclass(frozen=True, slots=True)
class CostRow:
    """What runs of one quarter of an hour, project, model, engine and sweep cost, in US dollars.

    Attributes
    ----------
    at : datetime.datetime
        When the quarter began, in UTC.
    billed_usd : float
        What services said.
    estimated_usd : float
        What was expected of those that ended, may be charged and have no bill.
    committed_usd : float
        What is expected of those that have not ended.
    above_usd : float
        How much more services said than was expected, of those of which both are known; negative = less.
    """

    at: datetime
    project: str | None
    model: str
    engine: str
    sweep_id: str | None
    runs: int
    billed_usd: float
    estimated_usd: float
    committed_usd: float
    above_usd: float


@dataclass(frozen=True, slots=True)
class Condition:
    """A WHERE clause and the values bound in it."""

    sql: str
    values: tuple[object, ...]

    @classmethod
    def all_of(cls, parts: Iterable[tuple[str, Sequence[object]]]) -> Condition:
        """Return the condition that every part holds; true when there is none."""
        listed = list(parts)
        sql = " AND ".join(f"({part})" for part, _ in listed) or "true"
        return cls(sql, tuple(value for _, values in listed for value in values))


def condition_of(wanted: RunFilter, before: Cursor | None = None) -> Condition:
    """Return the condition of a filter, and of the page behind `before`."""
    parts: list[tuple[str, Sequence[object]]] = []
    for column in ("model", "engine", "task", "status", "project", "sweep_id", "parent_id"):
        words = _words(getattr(wanted, column))
        if words:
            parts.append((f"{column} IN ({', '.join('?' * len(words))})", words))
    if wanted.deleted is not None:
        parts.append(("deleted" if wanted.deleted else "NOT deleted", ()))
    if wanted.ids is not None:
        parts.append(_among(wanted.ids))
    if kinds := _words(wanted.kind):
        parts.append(("media & ?::UTINYINT <> 0", [sum(KINDS_OF_MEDIA[kind] for kind in set(kinds))]))
    if wanted.source is not None:
        parts.append(("engine = ?" if wanted.source == "import" else "engine <> ?", [IMPORT_ENGINE]))
    parts += [("list_contains(tags, ?)", [tag]) for tag in _words(wanted.tag)]
    if wanted.favourite is not None:
        parts.append(("favourite = ?", [wanted.favourite]))
    if wanted.min_rating is not None:
        parts.append(("rating >= ?", [wanted.min_rating]))
    parts += _text_parts(wanted.text)
    if wanted.since is not None:
        parts.append(("created_at >= ?", [_stored(wanted.since)]))
    if wanted.until is not None:
        parts.append(("created_at < ?", [_stored(wanted.until)]))
    if before is not None:  # two plain comparisons prune row groups; one of (a, b) < (x, y) reads the whole table
        at = _stored(before.created_at)
        parts += [("created_at <= ?", [at]), ("created_at < ? OR id < ?::UUID", [at, before.id])]
    return Condition.all_of(parts)


def page(
    connection: DuckDBPyConnection, wanted: RunFilter, limit: int | None, before: Cursor | None, offset: int = 0
) -> list[Row]:
    """Return runs, newest first; `records` makes something of them."""
    return _rows(connection, condition_of(wanted, before), limit, offset)


def reported(
    connection: DuckDBPyConnection, name: str, models: Sequence[str], value: str | None, limit: int | None
) -> list[Row]:
    """Return runs of some models that succeeded and reported something under a name, newest first."""
    path = f'$."{name}"'
    what = "json_extract_string(outcome, ?) = ?" if value is not None else "json_extract_string(outcome, ?) IS NOT NULL"
    parts: list[tuple[str, Sequence[object]]] = [
        ("status = 'succeeded'", ()),
        ("NOT deleted", ()),
        ("list_contains(?::VARCHAR[], model)", [list(models)]),
        (what, [path] if value is None else [path, value]),
    ]
    return _rows(connection, Condition.all_of(parts), limit)


def by_id(connection: DuckDBPyConnection, run_id: str) -> list[Row]:
    """Return one run, also a deleted one, or nothing."""
    return _rows(connection, Condition("id = ?::UUID", (run_id,)), 1)


def by_ids(connection: DuckDBPyConnection, ids: Sequence[str]) -> list[Row]:
    """Return some runs, also deleted ones, newest first."""
    return _rows(connection, Condition.all_of([_among(ids)]), None) if ids else []


def records(rows: Iterable[Row]) -> list[RunRecord]:
    """Return rows as runs.

    Apart from reading them, for it takes as long again: meanwhile the file is free for one that writes.
    """
    found = (_record(row, assets) for row, assets in rows)
    return [record for record in found if record is not None]


def ids_like(connection: DuckDBPyConnection, part: str, limit: int) -> list[str]:
    """Return the ids that begin or end with `part`, newest first."""
    rows = connection.execute(
        "SELECT id FROM all_runs WHERE starts_with(id::VARCHAR, ?) OR suffix(id::VARCHAR, ?) "
        "ORDER BY created_at DESC, id DESC LIMIT ?",
        [part, part, limit],
    ).fetchall()
    return [str(run_id) for (run_id,) in rows]


def count(connection: DuckDBPyConnection, wanted: RunFilter) -> int:
    """Return how many runs there are."""
    where = condition_of(wanted)
    row = connection.execute(f"SELECT count(*) FROM all_runs WHERE {where.sql}", where.values).fetchone()
    return int(row[0]) if row else 0


def frame(connection: DuckDBPyConnection, wanted: RunFilter, limit: int | None, where: str | None) -> pd.DataFrame:
    """Return runs as a table; `where` is SQL of the user's, so the connection must be a confined one."""
    source = f"(SELECT * FROM all_runs WHERE {where}\n)" if where else "all_runs"
    chosen = condition_of(wanted)
    shown = "* EXCLUDE (prompt_hash, media, deleted)" if wanted.deleted is False else "* EXCLUDE (prompt_hash, media)"
    return table(connection, _newest(shown, source, chosen, limit), chosen.values)


def table(
    connection: DuckDBPyConnection, sql: str, parameters: Sequence[object] | Mapping[str, object]
) -> pd.DataFrame:
    """Return the result of a statement as a table: times aware (UTC), ids as text, integers exact."""
    result = connection.execute(sql, parameters)
    types = {name: str(kind) for name, kind, *_ in result.description}
    found = result.df()
    for name, kind in types.items():
        if kind == "UUID":
            found[name] = found[name].map(str, na_action="ignore").astype("str")
        elif kind == "TIMESTAMP":
            found[name] = found[name].dt.tz_localize("UTC")
        elif kind.endswith("[]"):
            found[name] = found[name].map(list, na_action="ignore")
    return found


def facets(connection: DuckDBPyConnection, wanted: RunFilter) -> Facets:
    """Return how many runs there are of each kind."""
    where = condition_of(wanted)
    names = ("model", "engine", "task", "status", "project", "rating", "media")
    rows = connection.execute(
        f"SELECT grouping_id({', '.join(names)}), {', '.join(names)}, count(*), count(*) FILTER (favourite) "
        f"FROM all_runs WHERE {where.sql} GROUP BY GROUPING SETS ((), {', '.join(f'({name})' for name in names)})",
        where.values,
    ).fetchall()
    counted: dict[str, dict[object, int]] = {name: {} for name in names}
    total = favourites = 0
    grouped_by = {(1 << len(names)) - 1 - (1 << (len(names) - 1 - i)): name for i, name in enumerate(names)}
    for which, *values, number, starred in rows:
        name = grouped_by.get(which)
        if name is None:
            total, favourites = number, starred
        elif (value := values[names.index(name)]) is not None:
            counted[name][value] = number
    tags = connection.execute(
        f"SELECT tag, count(*) FROM (SELECT unnest(tags) AS tag FROM all_runs WHERE {where.sql}) GROUP BY tag",
        where.values,
    ).fetchall()
    texts = {name: _most_first(cast(dict[str, int], counted[name])) for name in names[:5]}
    rating = dict(sorted(cast(dict[int, int], counted["rating"]).items(), reverse=True))
    kind = _kinds(cast(dict[int, int], counted["media"]))
    return Facets(total, favourites, tag=_most_first(dict(tags)), rating=rating, kind=kind, **texts)


def _kinds(by_media: Mapping[int, int]) -> dict[str, int]:
    """Return kind → number of runs, from the number of runs of each combination of kinds."""
    counted = {
        kind: sum(number for media, number in by_media.items() if media & bit) for kind, bit in KINDS_OF_MEDIA.items()
    }
    return _most_first({kind: number for kind, number in counted.items() if number})


def assets_of(connection: DuckDBPyConnection, ids: Sequence[str]) -> dict[str, tuple[Asset, ...]]:
    """Return the files of some runs, outputs first, in the order in which they were made."""
    if not ids:
        return {}
    names = [part.name for part in fields(Asset)]
    rows = connection.execute(
        f"SELECT run_id, {', '.join(names)} FROM assets WHERE run_id BETWEEN ?::UUID AND ?::UUID "
        "AND run_id IN (SELECT unnest(?::UUID[])) ORDER BY run_id, role <> 'output', role, index, sha256",
        [min(ids), max(ids), list(ids)],
    ).fetchall()
    found: dict[str, list[Asset]] = {run_id: [] for run_id in ids}
    for run_id, *values in rows:
        found[str(run_id)].append(Asset(**dict(zip(names, values, strict=True))))
    return {run_id: tuple(assets) for run_id, assets in found.items()}


def made_by(connection: DuckDBPyConnection, sha256: str) -> tuple[str, bool] | None:
    """Return the newest run that has a file as its output, one that is not deleted first, and whether it is."""
    row = connection.execute(
        "SELECT id, deleted FROM all_runs SEMI JOIN (SELECT run_id FROM assets WHERE sha256 = ? AND role = 'output') "
        "AS made ON all_runs.id = made.run_id ORDER BY deleted, created_at DESC, id DESC LIMIT 1",
        [sha256],
    ).fetchone()
    return (str(row[0]), bool(row[1])) if row else None


def ticket_of(connection: DuckDBPyConnection, run_id: str) -> Ticket | None:
    """Return what the remote service gave for a run."""
    row = connection.execute("SELECT ticket FROM all_runs WHERE id = ?::UUID", [run_id]).fetchone()
    return _ticket(row[0]) if row else None


def has_ticket(connection: DuckDBPyConnection, remote_id: str) -> bool:
    """Return whether a remote service gave that name to one of the runs."""
    query = "SELECT count(*) FROM all_runs WHERE ticket IS NOT NULL AND ticket->>'$.remote_id' = ?"
    row = connection.execute(query, [remote_id]).fetchone()
    return bool(row and row[0])


def projects(connection: DuckDBPyConnection) -> list[Project]:
    """Return every project, newest first."""
    rows = connection.execute(
        "SELECT id, title, description, archived, created_at, settings, changed_at FROM projects "
        "ORDER BY created_at DESC, id"
    ).fetchall()
    return [
        Project(
            name,
            title or name,
            description or "",
            bool(archived),
            _aware(created_at),
            _mapping(settings),
            _aware(changed_at),
        )
        for name, title, description, archived, created_at, settings, changed_at in rows
    ]


def project_contents(connection: DuckDBPyConnection, covers: int = 4) -> dict[str, ProjectCard]:
    """Return what is in each project that a run names, by its id; the projects themselves are not looked up."""
    rows = connection.execute(
        "SELECT project, count(*), max(coalesce(finished_at, started_at, created_at)), "
        "arg_max(id, created_at, $covers) FILTER (media & $shown <> 0) "
        "FROM all_runs WHERE project IS NOT NULL AND NOT deleted GROUP BY project",
        {"covers": covers, "shown": KINDS_OF_MEDIA["image"] | KINDS_OF_MEDIA["video"]},
    ).fetchall()
    files = dict(
        connection.execute(
            "SELECT project, count(*) FROM assets JOIN (SELECT id, project FROM runs WHERE project IS NOT NULL) AS run "
            "ON run_id = run.id WHERE role = 'output' GROUP BY project"
        ).fetchall()
    )
    costs = dict(
        connection.execute(
            "SELECT project, fsum(coalesce(billed_usd, estimated_usd, 0)) FROM costs WHERE project IS NOT NULL "
            "GROUP BY project"
        ).fetchall()
    )
    assets = assets_of(connection, [str(run_id) for *_, newest in rows for run_id in newest or ()])
    return {
        name: ProjectCard(
            Project(name, name),
            runs,
            files.get(name, 0),
            costs.get(name, 0.0),
            _aware(changed_at),
            _covers([assets[str(run_id)] for run_id in newest or ()], covers),
        )
        for name, runs, changed_at, newest in rows
    }


def _covers(of_runs: Iterable[Sequence[Asset]], count: int) -> tuple[Asset, ...]:
    """Return the first files that can be shown."""
    outputs = (asset for assets in of_runs for asset in assets if asset.role == "output")
    return tuple(asset for asset in outputs if asset.media_type.startswith(("image/", "video/")))[:count]


def sweeps(connection: DuckDBPyConnection, sweep_id: str | None, limit: int | None) -> list[SweepRecord]:
    """Return one sweep, or all, newest first."""
    where = Condition("id = ?", (sweep_id,)) if sweep_id is not None else Condition("true", ())
    rows = connection.execute(
        f"SELECT id, definition, project, created_at FROM sweeps WHERE {where.sql} "
        f"ORDER BY created_at DESC, id{_limit(limit)}",
        where.values,
    ).fetchall()
    return [
        SweepRecord(name, Sweep.from_json(json.loads(definition)), project, _required(created_at))
        for name, definition, project, created_at in rows
    ]


def sweep_contents(connection: DuckDBPyConnection, sweep_ids: Sequence[str]) -> dict[str, SweepContents]:
    """Return what has become of some sweeps; those without runs are left out."""
    rows = connection.execute(
        "SELECT sweep_id, status, count(DISTINCT cell), arg_max(id, created_at) FILTER (media & $shown <> 0) "
        "FROM all_runs WHERE sweep_id IN (SELECT unnest($ids::VARCHAR[])) AND NOT deleted "
        "GROUP BY sweep_id, status ORDER BY status = 'succeeded'",
        {"ids": list(sweep_ids), "shown": KINDS_OF_MEDIA["image"] | KINDS_OF_MEDIA["video"]},
    ).fetchall()
    assets = assets_of(connection, [str(newest) for *_, newest in rows if newest is not None])
    cells: dict[str, dict[str, int]] = {}
    covers: dict[str, Asset | None] = {}
    for sweep_id, status, number, newest in rows:
        cells.setdefault(sweep_id, {})[status] = number
        if newest is not None:
            covers[sweep_id] = next(iter(_covers([assets[str(newest)]], 1)), None)
    return {sweep_id: SweepContents(counted, covers.get(sweep_id)) for sweep_id, counted in cells.items()}


def succeeded_with(
    connection: DuckDBPyConnection, digests: Sequence[str], batch_size: int | None = None
) -> dict[str, str]:
    """Return the newest run that succeeded for each of some requests, by digest.

    What a file says that was brought in is no proof that the request makes it.
    """
    rows = connection.execute(
        "SELECT request_digest, arg_max(id, created_at) FROM runs WHERE status = 'succeeded' AND engine <> $imports "
        "AND request_digest IN (SELECT unnest($digests::VARCHAR[])) "
        "AND coalesce(batch_size = $batch_size, true) GROUP BY request_digest",
        {"digests": list(digests), "batch_size": batch_size, "imports": IMPORT_ENGINE},
    ).fetchall()
    return {digest: str(run_id) for digest, run_id in rows}


def unclear_with(connection: DuckDBPyConnection, digests: Sequence[str]) -> dict[str, str]:
    """Return the newest run for each of some requests where that may have been billed without a result, by digest.

    Among them those whose result may still be at the service.
    """
    rows = connection.execute(
        "SELECT request_digest, arg_max(id, created_at) FROM all_runs "
        "WHERE request_digest IN (SELECT unnest(?::VARCHAR[])) "
        "GROUP BY request_digest "
        "HAVING arg_max(coalesce(outcome->>'$.may_be_billed', outcome->>'$.can_be_fetched', ''), created_at) = 'true'",
        [list(digests)],
    ).fetchall()
    return {digest: str(run_id) for digest, run_id in rows}


def unfinished_with(
    connection: DuckDBPyConnection, digests: Sequence[str], batch_size: int | None = None
) -> dict[str, str]:
    """Return the oldest run that has not ended, and that nobody wants to stop, for each of some requests, by digest."""
    rows = connection.execute(
        "SELECT request_digest, arg_min(id, created_at) FROM runs JOIN (SELECT id FROM run_rows "
        "WHERE finished_at IS NULL AND created_at IS NOT NULL AND cancel_at IS NULL) USING (id) "
        "WHERE request_digest IN (SELECT unnest($digests::VARCHAR[])) "
        "AND coalesce(batch_size = $batch_size, true) GROUP BY request_digest",
        {"digests": list(digests), "batch_size": batch_size},
    ).fetchall()
    return {digest: str(run_id) for digest, run_id in rows}


def unfinished(connection: DuckDBPyConnection) -> list[QueueEntry]:
    """Return every run that has not ended, the oldest first."""
    columns = (*_RECORD_COLUMNS, *_QUEUE_COLUMNS)
    rows = connection.execute(
        f"SELECT {', '.join(columns)} FROM all_runs JOIN (SELECT id, claimed_at, owner, cancel_at, reserved_for "
        "FROM run_rows WHERE finished_at IS NULL AND created_at IS NOT NULL) USING (id) ORDER BY created_at, id"
    ).fetchall()
    return [entry for row in rows if (entry := _entry(dict(zip(columns, row, strict=True)))) is not None]


def costs(connection: DuckDBPyConnection, since: datetime | None) -> list[CostRow]:
    """Return what runs cost, the oldest first."""
    rows = connection.execute(
        "SELECT time_bucket(INTERVAL 15 minutes, booked_at) AS bin, "
        "c.project, c.model, c.engine, c.sweep_id, count(*), "
        "fsum(coalesce(billed_usd, 0)), fsum(coalesce(estimated_usd, 0)), fsum(coalesce(committed_usd, 0)), "
        "fsum(coalesce(billed_usd - r.estimated_cost_usd, 0)) "
        "FROM costs c JOIN run_rows r USING (id) "
        "WHERE coalesce(booked_at >= ?, true) GROUP BY ALL ORDER BY ALL",
        [_stored(since) if since is not None else None],
    ).fetchall()
    return [CostRow(_required(at), *rest) for at, *rest in rows]


def spending(connection: DuckDBPyConnection) -> Spending:
    """Return what was spent and what may yet be."""
    found = Spending()
    ended = connection.execute(
        "SELECT epoch(booked_at), project, sweep_id, coalesce(billed_usd, estimated_usd) FROM costs "
        "WHERE coalesce(billed_usd, estimated_usd, 0) > 0"
    ).fetchall()
    for at, project, sweep_id, usd in ended:
        found.add(at, usd, project, sweep_id)
    # An end may have been folded before its beginning, which another process has written.
    rows = connection.execute(
        "SELECT id, created_at IS NOT NULL, estimated_cost_usd, project, sweep_id, epoch_us(claimed_at), owner, "
        "ticket_at IS NOT NULL, epoch(finished_at), final_status, cost_usd, "
        "coalesce(outcome->>'$.may_be_billed', '') = 'true' "
        "FROM run_rows WHERE finished_at IS NULL OR created_at IS NULL"
    ).fetchall()
    for (
        run_id,
        is_queued,
        usd,
        project,
        sweep_id,
        claimed_us,
        owner,
        has_ticket,
        ended_at,
        status,
        bill,
        unseen,
    ) in rows:
        if is_queued:
            found.queue(str(run_id), usd, project, sweep_id)
        if claimed_us is not None:
            found.claim(str(run_id), claimed_us, owner)
        if has_ticket:
            found.accept(str(run_id))
        if ended_at is not None:
            found.end(str(run_id), Ending(ended_at, RunStatus(status), bill, unseen))
    return found


def timings(connection: DuckDBPyConnection, kind: RunKind, count: int = 30) -> Timings | None:
    """Return the median of the newest runs of a kind that succeeded; `None` when there are none."""
    row = connection.execute(
        """
        SELECT median(denoising_s / num_inference_steps), coalesce(median(decoding_s), 0) FROM (
          SELECT (outcome->>'$.denoising_s')::DOUBLE AS denoising_s, (outcome->>'$.decoding_s')::DOUBLE AS decoding_s,
            num_inference_steps
          FROM all_runs WHERE status = 'succeeded' AND model = $model AND task = $task AND engine <> $imports
            AND width IS NOT DISTINCT FROM $width AND height IS NOT DISTINCT FROM $height
            AND num_images IS NOT DISTINCT FROM $num_images
            AND coalesce(provenance->>'$.device' = $device, $device IS NULL)
            AND num_inference_steps > 0 AND batch_size = 1
          ORDER BY created_at DESC LIMIT $count
        )
        """,
        {**asdict(kind), "count": count, "imports": IMPORT_ENGINE},
    ).fetchone()
    return Timings(row[0], row[1]) if row and row[0] is not None else None


def past_runs(connection: DuckDBPyConnection, model: str, count: int = 200) -> list[PastRun]:
    """Return the newest runs of a model that succeeded, newest first; private ones say nothing and are left out."""
    rows = connection.execute(
        """
        SELECT task, parameters, batch_size, provenance->>'$.device', elapsed_s,
          coalesce((outcome->>'$.loading_s')::DOUBLE, 0), coalesce((outcome->>'$.denoising_s')::DOUBLE, 0),
          coalesce((outcome->>'$.decoding_s')::DOUBLE, 0)
        FROM (
          SELECT task, parameters, batch_size, provenance, elapsed_s, outcome, created_at
          FROM all_runs WHERE status = 'succeeded' AND model = $model AND engine <> $imports
            AND NOT private AND elapsed_s > 0
          ORDER BY created_at DESC LIMIT $count
        ) ORDER BY created_at DESC
        """,
        {"model": model, "count": count, "imports": IMPORT_ENGINE},
    ).fetchall()
    return [PastRun(task, _parameters(text), *rest) for task, text, *rest in rows]


def _parameters(text: str | None) -> Mapping[str, Value]:
    return {name: from_json(value) for name, value in json.loads(text or "{}").items()}


def watermarks(connection: DuckDBPyConnection) -> dict[str, int]:
    """Return how many bytes of each journal the file has."""
    rows = connection.execute("SELECT journal, max(position) FROM fold_state GROUP BY journal").fetchall()
    return {str(journal): int(position) for journal, position in rows}


def queue_state(connection: DuckDBPyConnection) -> tuple[bool, tuple[str, ...]]:
    """Return whether the queue is paused, and which runs were put first."""
    row = connection.execute("SELECT coalesce(paused, false), coalesce(first, []) FROM queue").fetchone()
    return (bool(row[0]), tuple(row[1])) if row else (False, ())


_RECORD_COLUMNS = (
    "id", "created_at", "started_at", "finished_at", "status", "engine", "task", "model", "seed", "elapsed_s",
    "cost_usd", "error", "project", "sweep_id", "cell", "parent_id", "prompt_template", "batch_size",
    "parameters", "provenance", "outcome", "rating", "favourite", "tags", "note",
    "estimated_cost_usd", "estimated_s", "estimated_vram_bytes", "deleted",
)  # fmt: skip


_QUEUE_COLUMNS = ("owner", "attempt", "priority", "cancel_at", "reserved_for", "private", "ticket")


def _rows(connection: DuckDBPyConnection, where: Condition, limit: int | None, offset: int = 0) -> list[Row]:
    query = _newest(", ".join(_RECORD_COLUMNS), "all_runs", where, limit, offset)
    rows = connection.execute(query, where.values).fetchall()
    found = [dict(zip(_RECORD_COLUMNS, row, strict=True)) for row in rows]
    assets = assets_of(connection, [str(row["id"]) for row in found])
    return [(row, assets[str(row["id"])]) for row in found]


def _newest(columns: str, source: str, where: Condition, limit: int | None, offset: int = 0) -> str:
    """Return the query for the newest runs.

    A page picks its ids first: reading the wide columns for 50 runs only, not for all that the filter lets through,
    halves the time at a million runs.
    """
    order = "ORDER BY created_at DESC, id DESC"
    if limit is None:
        return f"SELECT {columns} FROM {source} WHERE {where.sql} {order} OFFSET {int(offset)}"
    part = f"LIMIT {int(limit)} OFFSET {int(offset)}"
    return (
        f"WITH page AS MATERIALIZED (SELECT id FROM {source} WHERE {where.sql} {order} {part}) "
        f"SELECT {columns} FROM all_runs SEMI JOIN page USING (id) {order}"
    )


def _record(row: Mapping[str, object], assets: tuple[Asset, ...]) -> RunRecord | None:
    """Return a row as a run; `None` for one in words this version does not know, such as the task of a newer one."""
    try:
        request = GenerationRequest(str(row["model"]), Task(str(row["task"])), _mapping(row["parameters"]))
    except ValueError as error:
        _log.warning("run %s is left out: %s", row["id"], error)
        return None
    origin = Origin(
        project=cast("str | None", row["project"]),
        sweep_id=cast("str | None", row["sweep_id"]),
        cell=_mapping(row["cell"]),
        parent_id=cast("str | None", row["parent_id"]),
        prompt_template=cast("str | None", row["prompt_template"]),
        batch_size=cast(int, row["batch_size"]),
    )
    return RunRecord(
        id=str(row["id"]),
        request=request,
        engine=str(row["engine"]),
        status=RunStatus(str(row["status"])),
        created_at=_required(row["created_at"]),
        started_at=_aware(row["started_at"]),
        finished_at=_aware(row["finished_at"]),
        seed=cast("int | None", row["seed"]),
        elapsed_s=cast("float | None", row["elapsed_s"]),
        cost_usd=cast("float | None", row["cost_usd"]),
        error=cast("str | None", row["error"]),
        origin=origin,
        provenance=immutabledict({**_mapping(row["provenance"]), **_mapping(row["outcome"])}),
        assets=assets,
        rating=cast("int | None", row["rating"]),
        favourite=bool(row["favourite"]),
        tags=tuple(cast("list[str]", row["tags"])),
        note=cast("str | None", row["note"]),
        estimate=_estimate(row),
        is_deleted=bool(row["deleted"]),
    )


def _estimate(row: Mapping[str, object]) -> RunEstimate | None:
    found = RunEstimate(
        cast("float | None", row["estimated_cost_usd"]),
        cast("float | None", row["estimated_s"]),
        cast("int | None", row["estimated_vram_bytes"]),
    )
    return None if found.is_empty else found


def _mapping(text: object) -> Mapping[str, Value]:
    value = from_json(json.loads(str(text))) if text is not None else None
    return value if isinstance(value, immutabledict) else immutabledict()


def _text_parts(text: str) -> list[tuple[str, Sequence[object]]]:
    """Return conditions that look the words up among the prompts, each of which is stored once."""
    words = text.split()
    if not words:
        return []
    contains = " AND ".join(["contains(prompt, lower(?))"] * len(words))
    return [(f"prompt_hash IN (SELECT prompt_hash FROM prompts WHERE {contains})", words)]


def _words(value: Words) -> Sequence[str]:
    if value is None:
        return ()
    return (str(value),) if isinstance(value, str) else tuple(str(word) for word in value)


def _among(ids: Sequence[str]) -> tuple[str, Sequence[object]]:
    """Return the condition that a run is one of some; the range lets whole blocks be passed over."""
    known = sorted({str(found) for found in map(_uuid, ids) if found is not None})
    if not known:
        return "false", ()
    return "id BETWEEN ?::UUID AND ?::UUID AND id IN (SELECT unnest(?::UUID[]))", [known[0], known[-1], known]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        return None


def _limit(limit: int | None) -> str:
    return "" if limit is None else f" LIMIT {int(limit)}"


def _most_first(counted: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _stored(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(tzinfo=None)


def _aware(time: object) -> datetime | None:
    return time.replace(tzinfo=UTC) if isinstance(time, datetime) else None


def _required(time: object) -> datetime:
    found = _aware(time)
    assert found is not None, "a run that is shown has been queued"
    return found


def _entry(row: Mapping[str, object]) -> QueueEntry | None:
    record = _record(row, ())
    if record is None:
        return None
    return QueueEntry(
        record,
        owner=cast("str | None", row["owner"]) or "",
        attempt=cast("int | None", row["attempt"]) or 0,
        priority=cast(int, row["priority"]),
        is_cancelled=row["cancel_at"] is not None,
        reserved_for=cast("str | None", row["reserved_for"]),
        is_private=bool(row["private"]),
        has_started=row["started_at"] is not None,
        ticket=_ticket(cast("str | None", row["ticket"])),
    )


def _ticket(text: str | None) -> Ticket | None:
    return decode.ticket_of(json.loads(text)) if text is not None else None
