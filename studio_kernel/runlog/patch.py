"""From journal lines to rows: the SQL that writes a batch of events into the tables.

A run's row has four groups of columns, each written by one kind of event and stamped with its time. Of two events of
one kind the stamp decides, never the order in which they arrive: the first ``queued`` and the first ``finished``, the
latest of the others. Every mark has a stamp of its own, and the latest wins; what each of them said is kept in `marks`.
The status is not stored: it follows from the stamps, so it can only rise.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from studio_kernel.domain.judging import CHOICES
from studio_kernel.domain.marks import MARKS
from studio_kernel.domain.runs import RunStatus
from studio_kernel.runlog.events import FIELD_TYPES, KEYED_KINDS, LATEST_TS, RUN_KINDS, Kind

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class Group:
    """Columns of `run_rows` that one kind of event writes together.

    Attributes
    ----------
    kind : Kind
        The event.
    stamp : str
        Column of its time.
    winner : str
        Which of several events of that kind counts.
    columns : dict
        Column → expression over the event's fields; ``{e}`` stands for the event.
    """

    kind: Kind
    stamp: str
    winner: Literal["first", "latest"]
    columns: dict[str, str]

    @property
    def wins(self) -> str:
        """The condition under which patch ``p`` replaces this group in row ``r``."""
        sign = "<" if self.winner == "first" else ">"
        return f"coalesce(p.{self.stamp} {sign} r.{self.stamp}, p.{self.stamp} IS NOT NULL)"


def _text(name: str) -> str:
    return f"json_extract_string({{e}}.parameters, '$.{name}')"


def _number(name: str, sql_type: str) -> str:
    value = f"try_cast({_text(name)} AS {sql_type})"
    return _finite(value) if sql_type == "DOUBLE" else value


def _finite(value: str) -> str:
    return f"CASE WHEN isfinite({value}) THEN {value} END"


_SAME_QUEUED = (
    "engine", "model", "task", "request_digest", "parameters", "project", "sweep_id", "cell", "parent_id",
    "prompt_template", "batch_size", "reserved_for", "private",
)  # fmt: skip

GROUPS = (
    Group(
        "queued",
        "created_at",
        "first",
        {
            **{name: f"{{e}}.{name}" for name in _SAME_QUEUED},
            **{name: _text(name) for name in ("prompt", "negative_prompt", "scheduler")},
            **{name: _number(name, "INTEGER") for name in ("width", "height", "num_inference_steps", "num_images")},
            **{name: _number(name, "DOUBLE") for name in ("guidance_scale", "strength")},
            "prompt_hash": f"md5_number_lower({_text('prompt')})",
            "requested_seed": _number("seed", "UBIGINT"),
            "estimated_cost_usd": _finite("{e}.estimated_cost_usd"),
            "estimated_s": _finite("{e}.estimated_s"),
            "estimated_vram_bytes": "{e}.estimated_vram_bytes",
        },
    ),
    Group("claimed", "claimed_at", "latest", {"owner": "{e}.owner", "attempt": "{e}.attempt"}),
    Group("priority", "priority_at", "latest", {"priority": "{e}.priority"}),
    Group("cancel", "cancel_at", "first", {}),
    Group("started", "started_at", "latest", {"host": "{e}.host", "provenance": "{e}.provenance"}),
    Group("ticket", "ticket_at", "latest", {"ticket": "{e}.ticket"}),
    Group(
        "finished",
        "finished_at",
        "first",
        {
            "final_status": "{e}.status",
            "used_seed": "{e}.seed",
            "elapsed_s": _finite("{e}.elapsed_s"),
            "cost_usd": _finite("{e}.cost_usd"),
            "error": "{e}.error",
            "outcome": "{e}.outcome",
        },
    ),
    Group("delete", "deleted_at", "latest", {"deleted": '{e}."on"', "frees_files": "{e}.files"}),
)
KINDS_OF_MEDIA = {"image": 1, "video": 2, "audio": 4}
"""The bits of the column `media`, which says what a run made without a look at its files."""


def load(connection: DuckDBPyConnection, lines: Sequence[str]) -> list[int]:
    """Read lines into the temporary tables `event` and `patch`; return the places of those that are no events.

    It needs no file, so it is done before one is taken.
    """
    connection.execute(_LOAD, {"lines": list(lines), "structure": json.dumps(FIELD_TYPES)})
    bad = connection.execute(f"SELECT n FROM temp.event WHERE NOT coalesce({_IS_EVENT}, false) ORDER BY n").fetchall()
    if bad:
        connection.execute(f"DELETE FROM temp.event WHERE NOT coalesce({_IS_EVENT}, false)")
    if of_runs := _kinds(connection).intersection(RUN_KINDS):
        connection.execute(_patches(of_runs))
    return [int(n) for (n,) in bad]


def write(connection: DuckDBPyConnection) -> None:
    """Merge the loaded events into the tables; the caller has begun the transaction and commits it."""
    kinds = _kinds(connection)
    if of_runs := kinds.intersection(RUN_KINDS):
        connection.execute(_merge_runs(of_runs))
    for kind, statements in _STATEMENTS.items():
        if kind in kinds:
            for statement in statements:
                connection.execute(statement)


def _kinds(connection: DuckDBPyConnection) -> frozenset[str]:
    return frozenset(kind for (kind,) in connection.execute("SELECT DISTINCT event FROM temp.event").fetchall())


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


_LOAD = """
CREATE OR REPLACE TEMP TABLE event AS
SELECT n, unnest(from_json(CASE WHEN json_valid(line) AND json_type(line) = 'OBJECT' THEN line END, $structure))
FROM (SELECT unnest($lines::VARCHAR[]) AS line, generate_subscripts($lines::VARCHAR[], 1) - 1 AS n)
"""

_FINAL = tuple(str(status) for status in RunStatus if status.is_final)

_IS_EVENT = f"""
ts BETWEEN 0 AND {LATEST_TS} AND CASE
  WHEN event = 'queued' THEN id IS NOT NULL AND engine IS NOT NULL AND model IS NOT NULL AND task IS NOT NULL
    AND json_type(parameters) = 'OBJECT'
  WHEN event = 'finished' THEN id IS NOT NULL AND status IN ({_listed(_FINAL)})
  WHEN event = 'delete' THEN id IS NOT NULL AND "on" IS NOT NULL
  WHEN event IN ({_listed(RUN_KINDS)}) THEN id IS NOT NULL
  WHEN event IN ({_listed(KEYED_KINDS)}) THEN key IS NOT NULL
  WHEN event = 'vote' THEN id IS NOT NULL AND rater IS NOT NULL AND "left" <> "right" AND choice IN ({_listed(CHOICES)})
  WHEN event = 'retract' THEN id IS NOT NULL
  WHEN event = 'measure' THEN measurements IS NOT NULL
  WHEN event = 'board' THEN id IS NOT NULL AND name IS NOT NULL AND len(list_filter(runs, lambda r: r IS NOT NULL)) > 0
  WHEN event = 'board-deleted' THEN id IS NOT NULL
  ELSE false END
"""


_MEDIA = " | ".join(
    f"""CASE WHEN len(list_filter(assets, lambda a: coalesce(a.role, 'output') = 'output'
      AND starts_with(a.media_type, '{kind}/'))) > 0 THEN {bit}::UTINYINT ELSE 0::UTINYINT END"""
    for kind, bit in KINDS_OF_MEDIA.items()
)


@cache
def _patches(kinds: frozenset[str]) -> str:
    """Return the statement that makes one row of `patch` from all events of a run in this batch.

    Parameters
    ----------
    kinds : frozenset of str
        Those in the batch. Most batches are small, and for these every join and column costs more than the rows do.
    """
    picks, columns, joins = ["id"], ["pick.id"], []
    for group in _groups(kinds):
        of_event = f"{group.kind}_event"
        wanted = f"{'arg_min' if group.winner == 'first' else 'arg_max'}(n, ts)"
        picks.append(f"{wanted} FILTER (event = '{group.kind}') AS {group.kind}")
        columns.append(f"make_timestamp({of_event}.ts) AS {group.stamp}")
        columns += [f"{sql.format(e=of_event)} AS {name}" for name, sql in group.columns.items()]
        joins.append(f"LEFT JOIN temp.event AS {of_event} ON {of_event}.n = pick.{group.kind}")
    if "finished" in kinds:
        picks.append(f"bit_or({_MEDIA}) FILTER (event = 'finished') AS media")
        columns.append("pick.media")
    for name in _marks(kinds):
        given = f"FILTER (event = 'mark' AND {name} IS NOT NULL)"
        picks += [f"arg_max({name}, ts) {given} AS {name}", f"make_timestamp(max(ts) {given}) AS {name}_at"]
        columns += [f"pick.{name}", f"pick.{name}_at"]
    return f"""
        CREATE OR REPLACE TEMP TABLE patch AS
        WITH pick AS (SELECT {", ".join(picks)} FROM temp.event WHERE event IN ({_listed(RUN_KINDS)}) GROUP BY id)
        SELECT {", ".join(columns)} FROM pick {" ".join(joins)}
    """


@cache
def _merge_runs(kinds: frozenset[str]) -> str:
    """Return the statement that merges `patch` into the runs; of a batch with events of these kinds."""
    changes: dict[str, str] = {}
    for group in _groups(kinds):
        for name in (*group.columns, group.stamp):
            changes[name] = f"CASE WHEN {group.wins} THEN p.{name} ELSE r.{name} END"
    if "finished" in kinds:  # every end of a run adds its files, so all of them have a say, in any order
        changes["media"] = "coalesce(r.media | p.media, r.media, p.media)"
    for name in _marks(kinds):
        wins = f"coalesce(p.{name}_at > r.{name}_at, p.{name}_at IS NOT NULL)"
        for column in (name, f"{name}_at"):
            changes[column] = f"CASE WHEN {wins} THEN p.{column} ELSE r.{column} END"
    columns = ("id", *changes)
    return f"""
        MERGE INTO log.run_rows AS r USING temp.patch AS p ON r.id = p.id
        WHEN MATCHED THEN UPDATE SET {", ".join(f"{column} = {value}" for column, value in changes.items())}
        WHEN NOT MATCHED THEN INSERT ({", ".join(columns)}) VALUES ({", ".join(f"p.{name}" for name in columns)})
    """


def _groups(kinds: frozenset[str]) -> list[Group]:
    return [group for group in GROUPS if group.kind in kinds]


def _marks(kinds: frozenset[str]) -> tuple[str, ...]:
    return MARKS if "mark" in kinds else ()


_ADD_PROMPTS = """
INSERT INTO log.prompts
SELECT prompt_hash, lower(any_value(prompt)) FROM temp.patch
WHERE prompt_hash IS NOT NULL AND prompt_hash NOT IN (SELECT prompt_hash FROM log.prompts)
GROUP BY prompt_hash
"""

_NEW_ASSETS = """
CREATE OR REPLACE TEMP TABLE asset AS
SELECT DISTINCT ON (run_id, role, index, sha256) * FROM (
  SELECT run_id, coalesce(a.index, 0) AS index, coalesce(a.role, 'output') AS role, a.sha256 AS sha256,
    a.media_type AS media_type, a.size_bytes AS size_bytes, a.width AS width, a.height AS height, a.seed AS seed,
    created_at
  FROM (
    SELECT id AS run_id, make_timestamp(ts) AS created_at, unnest(assets) AS a FROM temp.event WHERE event = 'finished'
  )
  WHERE a.sha256 IS NOT NULL
)
ORDER BY created_at
"""

# The same file logged twice is one row, also when the second line comes in a later batch. The semi-join reads the few
# blocks that can hold these runs; comparing with the whole table took 250 ms at a million runs.
_ADD_ASSETS = """
INSERT INTO log.assets BY NAME
SELECT * FROM temp.asset AS new WHERE NOT EXISTS (
  SELECT 1 FROM (SELECT * FROM log.assets SEMI JOIN temp.asset USING (run_id)) AS old
  WHERE old.run_id = new.run_id AND old.sha256 = new.sha256 AND old.role = new.role AND old.index = new.index
)
"""

_MERGE_PROJECTS = """
MERGE INTO log.projects AS r USING (
  SELECT key AS id, arg_max(title, ts) AS title, arg_max(description, ts) AS description,
    arg_max(archived, ts) AS archived, make_timestamp(min(ts)) AS created_at, make_timestamp(max(ts)) AS changed_at,
    arg_max(settings, ts) FILTER (settings IS NOT NULL) AS settings,
    make_timestamp(max(ts) FILTER (settings IS NOT NULL)) AS settings_at
  FROM temp.event WHERE event = 'project' GROUP BY key
) AS p ON r.id = p.id
WHEN MATCHED THEN UPDATE SET created_at = least(r.created_at, p.created_at),
  title = CASE WHEN p.changed_at > r.changed_at THEN p.title ELSE r.title END,
  description = CASE WHEN p.changed_at > r.changed_at THEN p.description ELSE r.description END,
  archived = CASE WHEN p.changed_at > r.changed_at THEN p.archived ELSE r.archived END,
  changed_at = greatest(p.changed_at, r.changed_at),
  settings = CASE WHEN coalesce(p.settings_at > r.settings_at, p.settings_at IS NOT NULL) THEN p.settings
    ELSE r.settings END,
  settings_at = greatest(p.settings_at, r.settings_at)
WHEN NOT MATCHED THEN INSERT (id, title, description, archived, created_at, changed_at, settings, settings_at)
  VALUES (p.id, p.title, p.description, p.archived, p.created_at, p.changed_at, p.settings, p.settings_at)
"""

_MERGE_SWEEPS = """
MERGE INTO log.sweeps AS r USING (
  SELECT key AS id, arg_min(project, ts) AS project, arg_min(definition, ts) AS definition,
    make_timestamp(min(ts)) AS created_at
  FROM temp.event WHERE event = 'sweep' GROUP BY key
) AS p ON r.id = p.id
WHEN MATCHED AND p.created_at < r.created_at THEN UPDATE SET
  project = p.project, definition = p.definition, created_at = p.created_at
WHEN NOT MATCHED THEN INSERT (id, project, definition, created_at) VALUES (p.id, p.project, p.definition, p.created_at)
"""

_MERGE_QUEUE = """
MERGE INTO log.queue AS r USING (
  SELECT key AS id, arg_max(paused, ts) FILTER (paused IS NOT NULL) AS paused,
    make_timestamp(max(ts) FILTER (paused IS NOT NULL)) AS paused_at,
    arg_max(first, ts) FILTER (first IS NOT NULL) AS first,
    make_timestamp(max(ts) FILTER (first IS NOT NULL)) AS first_at
  FROM temp.event WHERE event = 'queue' GROUP BY key
) AS p ON r.id = p.id
WHEN MATCHED THEN UPDATE SET
  paused = CASE WHEN coalesce(p.paused_at > r.paused_at, p.paused_at IS NOT NULL) THEN p.paused ELSE r.paused END,
  paused_at = greatest(p.paused_at, r.paused_at),
  first = CASE WHEN coalesce(p.first_at > r.first_at, p.first_at IS NOT NULL) THEN p.first ELSE r.first END,
  first_at = greatest(p.first_at, r.first_at)
WHEN NOT MATCHED THEN INSERT (id, paused, paused_at, first, first_at)
  VALUES (p.id, p.paused, p.paused_at, p.first, p.first_at)
"""

# What belongs to a vote is packed: of several events of one id all comes from the first, also where that has NULL.
_MERGE_VOTES = f"""
MERGE INTO log.vote_rows AS r USING (
  SELECT id, make_timestamp(min(ts) FILTER (event = 'vote')) AS created_at,
    arg_min(struct_pack(rater, l := "left", r := "right", choice, ballot, seconds := {_finite("seconds")}), ts)
      FILTER (event = 'vote') AS said,
    make_timestamp(min(ts) FILTER (event = 'retract')) AS retracted_at
  FROM temp.event WHERE event IN ('vote', 'retract') GROUP BY id
) AS p ON r.id = p.id
WHEN MATCHED AND coalesce(p.created_at < r.created_at, p.created_at IS NOT NULL) THEN UPDATE SET
  created_at = p.created_at, rater = p.said.rater, left_run = p.said.l, right_run = p.said.r, choice = p.said.choice,
  ballot = p.said.ballot, seconds = p.said.seconds, retracted_at = least(r.retracted_at, p.retracted_at)
WHEN MATCHED THEN UPDATE SET retracted_at = least(r.retracted_at, p.retracted_at)
WHEN NOT MATCHED THEN INSERT (id, created_at, rater, left_run, right_run, choice, ballot, seconds, retracted_at)
  VALUES (p.id, p.created_at, p.said.rater, p.said.l, p.said.r, p.said.choice, p.said.ballot, p.said.seconds,
    p.retracted_at)
"""

_MERGE_MEASUREMENTS = """
MERGE INTO log.measurements AS r USING (
  SELECT metric, sha256, reference_sha256, sizes, make_timestamp(max(ts)) AS measured_at,
    arg_max(struct_pack(number := CASE WHEN NOT isnan(number) THEN number END), ts).number AS value
  FROM (
    SELECT ts, m.metric AS metric, m.sha256 AS sha256, coalesce(m.reference_sha256, '') AS reference_sha256,
      coalesce(m.sizes, '') AS sizes, try_cast(m.value AS DOUBLE) AS number
    FROM (SELECT ts, unnest(measurements) AS m FROM temp.event WHERE event = 'measure')
    WHERE m.metric IS NOT NULL AND m.sha256 IS NOT NULL
  )
  GROUP BY metric, sha256, reference_sha256, sizes
) AS p
ON r.sha256 = p.sha256 AND r.metric = p.metric AND r.reference_sha256 = p.reference_sha256 AND r.sizes = p.sizes
WHEN MATCHED AND p.measured_at > r.measured_at THEN UPDATE SET value = p.value, measured_at = p.measured_at
WHEN NOT MATCHED THEN INSERT (metric, sha256, reference_sha256, sizes, value, measured_at)
  VALUES (p.metric, p.sha256, p.reference_sha256, p.sizes, p.value, p.measured_at)
"""

# A line that is read twice is one row. The semi-join reads the blocks of those times alone, as with assets.
_ADD_MARKS = f"""
INSERT INTO log.marks BY NAME
SELECT * FROM (
  SELECT DISTINCT id AS run_id, make_timestamp(ts) AS marked_at, "by" AS marked_by, {", ".join(MARKS)} FROM temp.event
  WHERE event = 'mark' AND ({" OR ".join(f"{name} IS NOT NULL" for name in MARKS)})
  EXCEPT SELECT run_id, marked_at, marked_by, {", ".join(MARKS)} FROM log.marks
  SEMI JOIN (SELECT make_timestamp(ts) AS marked_at FROM temp.event WHERE event = 'mark') USING (marked_at)
) ORDER BY marked_at
"""

# All that a board says at once is packed: it comes from its latest event, also where that has NULL.
_MERGE_BOARDS = """
MERGE INTO log.board_rows AS r USING (
  SELECT id, make_timestamp(min(ts) FILTER (event = 'board')) AS created_at,
    arg_min(struct_pack(who := "by"), ts) FILTER (event = 'board') AS made,
    make_timestamp(max(ts) FILTER (event = 'board')) AS changed_at,
    arg_max(struct_pack(name, project, runs := list_filter(runs, lambda r: r IS NOT NULL), settings), ts)
      FILTER (event = 'board') AS said,
    make_timestamp(min(ts) FILTER (event = 'board-deleted')) AS deleted_at
  FROM temp.event WHERE event IN ('board', 'board-deleted') GROUP BY id
) AS p ON r.id = p.id
WHEN MATCHED THEN UPDATE SET
  created_by = CASE WHEN coalesce(p.created_at < r.created_at, p.created_at IS NOT NULL) THEN p.made.who
    ELSE r.created_by END,
  created_at = least(r.created_at, p.created_at),
  name = CASE WHEN coalesce(p.changed_at > r.changed_at, p.changed_at IS NOT NULL) THEN p.said.name ELSE r.name END,
  project = CASE WHEN coalesce(p.changed_at > r.changed_at, p.changed_at IS NOT NULL) THEN p.said.project
    ELSE r.project END,
  runs = CASE WHEN coalesce(p.changed_at > r.changed_at, p.changed_at IS NOT NULL) THEN p.said.runs ELSE r.runs END,
  settings = CASE WHEN coalesce(p.changed_at > r.changed_at, p.changed_at IS NOT NULL) THEN p.said.settings
    ELSE r.settings END,
  changed_at = greatest(r.changed_at, p.changed_at),
  deleted_at = least(r.deleted_at, p.deleted_at)
WHEN NOT MATCHED THEN INSERT (id, name, created_at, changed_at, created_by, project, runs, settings, deleted_at)
  VALUES (p.id, p.said.name, p.created_at, p.changed_at, p.made.who, p.said.project, p.said.runs, p.said.settings,
    p.deleted_at)
"""

_STATEMENTS: dict[Kind, tuple[str, ...]] = {
    "queued": (_ADD_PROMPTS,),
    "finished": (_NEW_ASSETS, _ADD_ASSETS),
    "project": (_MERGE_PROJECTS,),
    "sweep": (_MERGE_SWEEPS,),
    "queue": (_MERGE_QUEUE,),
    "vote": (_MERGE_VOTES,),
    "retract": (_MERGE_VOTES,),  # once more where both are there, which changes nothing
    "measure": (_MERGE_MEASUREMENTS,),
    "mark": (_ADD_MARKS,),
    "board": (_MERGE_BOARDS,),
    "board-deleted": (_MERGE_BOARDS,),  # once more where both are there, which changes nothing
}
