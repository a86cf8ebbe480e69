"""Answers as tables of pandas: of runs, and of a query of the user's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from studio_kernel.errors import RunLogError
from studio_kernel.runlog.queries.filters import RunFilter, condition_of
from studio_kernel.runlog.queries.runs import newest

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection


def frame(connection: DuckDBPyConnection, wanted: RunFilter, limit: int | None, where: str | None) -> pd.DataFrame:
    """Return runs as a table; `where` is SQL of the user's, so the connection must be a confined one."""
    source = f"(SELECT * FROM all_runs WHERE {where}\n)" if where else "all_runs"
    chosen = condition_of(wanted)
    shown = "* EXCLUDE (prompt_hash, media, deleted)" if wanted.deleted is False else "* EXCLUDE (prompt_hash, media)"
    return table(connection, newest(shown, source, chosen, limit), chosen.values)


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


def require_query(connection: DuckDBPyConnection, query: str) -> None:
    """Refuse what is anything else than one SELECT."""
    import duckdb

    statements = connection.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise RunLogError(f"only one SELECT is answered, got {query!r}; the log is changed through the studio alone")
