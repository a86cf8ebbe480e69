"""The reference page of the run log, made from the schema itself.

``python -m studio_kernel.runlog.reference`` writes ``docs/reference/run-log.md``.
"""

from __future__ import annotations

from studio_kernel.runlog import schema
from studio_kernel.settings import checkout_dir

_TABLES = ("runs", "assets", "prompts", "projects", "sweeps")
_COLUMNS = "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() ORDER BY table_oid, column_index"
_COMMENTS = """
SELECT table_name, comment FROM duckdb_tables() UNION ALL SELECT view_name, comment FROM duckdb_views()
"""
_COLUMNS = "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() ORDER BY table_oid, column_index"
_COMMENTS = """
SELECT table_name, comment FROM duckdb_tables() UNION ALL SELECT view_name, comment FROM duckdb_views()
"""
_INTRODUCTION = """\
# Run log: tables and columns

Made from the schema by `python -m studio_kernel.runlog.reference`; do not edit.

`studio.sql("SELECT …")` answers questions about these, and so does any DuckDB tool on the file `runs.duckdb` of a
home. That file may be kept open for as long as you like: it is brought up to date when it is free, and tables and
views of your own in it are kept. What you change in the tables below is not seen by the studio; marks go through
`studio.mark()`. `live.duckdb` beside it is the studio's own: leave it closed.

All times are UTC. JSON columns are asked with `->>`, for example `parameters->>'$.clip_skip'`.
"""


def page() -> str:
    """Return the page as Markdown."""
    with schema.empty(confined=False) as connection:
        columns = connection.execute(_COLUMNS).fetchall()
        comments = dict(connection.execute(_COMMENTS).fetchall())
    lines = [_INTRODUCTION]
    for table in _TABLES:
        lines += [f"## {table}", "", comments[table], "", "| column | type | meaning |", "|---|---|---|"]
        lines += [f"| `{name}` | {kind} | {comment} |" for owner, name, kind, comment in columns if owner == table]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    target = checkout_dir() / "docs" / "reference" / "run-log.md"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page(), encoding="utf-8")
