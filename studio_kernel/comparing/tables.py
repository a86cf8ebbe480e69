"""Differences as pandas tables: a row a run, named by its letter, and a column for everything that differs.

Columns have the type of their values; numbers have a second column, ``NAME_delta``, their distance from the first run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.captions import letter_of, peak_memory_of, where_of
from studio_kernel.domain.difference import Difference, Differences
from studio_kernel.domain.runs import RunRecord
from studio_kernel.domain.values import Value, describe

if TYPE_CHECKING:
    import pandas as pd


def frame_of(found: Differences, count: int) -> pd.DataFrame:
    """Return differences between `count` runs as a table; without columns when there are none."""
    import pandas as pd

    columns: dict[str, pd.Series] = {}
    for difference in found.differences:
        columns[difference.name] = _column(difference)
        if any(cell.delta for cell in difference.cells):
            numbers = columns[difference.name].astype("Float64")
            columns[f"{difference.name}_delta"] = numbers - numbers.iloc[0]
    return pd.DataFrame(columns, index=letters_of(count))


def captions_of(records: Sequence[RunRecord], assets: Sequence[Asset | None], endpoints: Sequence[str]) -> pd.DataFrame:
    """Return what runs took: where, engine, seconds, bytes of peak memory, dollars, pixels; empty cells = not known.

    ``cost_usd`` is what was billed, ``expected_usd`` what was expected of runs that nobody has billed.
    """
    import pandas as pd

    rows = [
        {
            "id": record.id,
            "model": record.request.model,
            "engine": record.engine,
            "where": where_of(record, endpoint),
            "status": str(record.status),
            "elapsed_s": record.elapsed_s,
            "peak_memory_bytes": peak_memory_of(record),
            "cost_usd": record.cost_usd,
            "expected_usd": record.estimate.cost_usd if record.estimate and record.cost_usd is None else None,
            "seed": asset.seed if asset and asset.seed is not None else record.seed,
            "width": asset.width if asset else None,
            "height": asset.height if asset else None,
        }
        for record, asset, endpoint in zip(records, assets, endpoints, strict=True)
    ]
    whole = dict.fromkeys(("peak_memory_bytes", "seed", "width", "height"), "Int64")
    parts = dict.fromkeys(("elapsed_s", "cost_usd", "expected_usd"), "float64")
    table = pd.DataFrame(rows, index=letters_of(len(rows))).astype({**whole, **parts})
    table.attrs["units"] = {"elapsed_s": "s", "peak_memory_bytes": "B", "cost_usd": "USD", "expected_usd": "USD"}
    return table


def letters_of(count: int) -> pd.Index:
    """Return the letters of so many runs as the index of a table."""
    import pandas as pd

    return pd.Index([letter_of(place) for place in range(count)], name="run", dtype="str")


def plain(value: Value) -> str | int | float | bool | None:
    """Return a value as a cell of a table holds it: numbers, texts and switches as they are, others as text."""
    return value if value is None or isinstance(value, (str, int, float, bool)) else describe(value)


def type_of(values: Sequence[object]) -> str:
    """Return the pandas type of a column that holds all of `values`; empty cells are `None`."""
    types = {type(value) for value in values if value is not None}
    for name, kinds in (("boolean", {bool}), ("Int64", {int}), ("Float64", {int, float}), ("str", {str})):
        if types and types <= kinds:
            return name
    return "object"


def _column(difference: Difference) -> pd.Series:
    import pandas as pd

    values = [plain(cell.value) for cell in difference.cells]
    return pd.Series(values, index=letters_of(len(values)), dtype=type_of(values))
