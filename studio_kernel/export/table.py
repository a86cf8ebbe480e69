"""A table of settings: a row a file, with everything that decided it, as CSV for people or Parquet for programs."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from studio_kernel.comparing.tables import plain, type_of
from studio_kernel.domain.runs import RunRecord
from studio_kernel.domain.values import Value, describe

if TYPE_CHECKING:
    import pandas as pd

TableFormat = Literal["csv", "parquet"]
Row: TypeAlias = tuple[str, RunRecord]
"""The name of a file, and the run that it is of."""

HEAD = ("file", "run", "created_at", "model", "task", "project")
TAIL = ("elapsed_s", "cost_usd", "rating", "favourite", "tags", "note")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(rows: Sequence[Row]) -> bytes:
    """Return a table of settings as CSV."""
    names = _settings(rows)
    lines = []
    for file, record in rows:
        values = [describe(found[name]) if name in (found := record.request.parameters) else "" for name in names]
        created = record.created_at.isoformat(timespec="seconds")
        facts = [file, record.id, created, record.request.model, str(record.request.task), record.origin.project or ""]
        said = [record.elapsed_s, record.cost_usd, record.rating, record.favourite or "", ", ".join(record.tags)]
        lines.append([*facts, *values, *said, record.note or ""])
    return csv_of([*HEAD, *map(_heading, names), *TAIL], lines)


def csv_of(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return any table as CSV, in UTF-8 with the mark that spreadsheets look for.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([_shown(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return buffer.getvalue().encode("utf-8-sig")


def as_parquet(rows: Sequence[Row]) -> bytes:
    """Return a table as Parquet: columns have the type of their values, texts are as they were typed."""
    import duckdb
    import pandas as pd

    records, names = [record for _file, record in rows], _settings(rows)
    facts: dict[str, Sequence[Value]] = {
        "file": [file for file, _record in rows],
        "run": [record.id for record in records],
        "model": [record.request.model for record in records],
        "task": [str(record.request.task) for record in records],
        "project": [record.origin.project for record in records],
        **{_heading(name): [record.request.parameters.get(name) for record in records] for name in names},
        "tags": [", ".join(record.tags) for record in records],
        "note": [record.note for record in records],
    }
    columns = {name: _column(values, "str") for name, values in facts.items()}
    columns["created_at"] = pd.Series([record.created_at for record in records], dtype="datetime64[us, UTC]")
    columns["elapsed_s"] = _column([record.elapsed_s for record in records], "Float64")
    columns["cost_usd"] = _column([record.cost_usd for record in records], "Float64")
    columns["rating"] = _column([record.rating for record in records], "Int64")
    columns["favourite"] = _column([record.favourite for record in records], "boolean")
    frame = pd.DataFrame({name: columns[name] for name in [*HEAD, *map(_heading, names), *TAIL]})
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder) / "settings.parquet"
        connection.from_df(frame).write_parquet(str(path), compression="zstd")
        return path.read_bytes()


def _settings(rows: Sequence[Row]) -> list[str]:
    """Return the names of all settings, the prompt and the seed first."""
    names = sorted({name for _file, record in rows for name in record.request.parameters})
    return sorted(names, key=lambda name: name not in ("prompt", "seed"))


def _heading(name: str) -> str:
    """Return the column of a setting; some models have settings that are called like facts of runs, such as tags."""
    return f"{name}_setting" if name in (*HEAD, *TAIL) else name


def _column(values: Sequence[Value], empty: str) -> pd.Series:
    """Return a column in the type of its values; in the type `empty` when there are none."""
    import pandas as pd

    cells = [plain(value) for value in values]
    found = type_of(cells)
    if found == "object" and any(cell is not None for cell in cells):  # numbers beside texts
        cells, found = [None if value is None else describe(value) for value in values], "str"
    return pd.Series(cells, dtype=empty if found == "object" else found)


def _shown(text: str) -> str:
    """Return a text that spreadsheets show as it is; a number stays one."""
    if not text.startswith(_FORMULA):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text
