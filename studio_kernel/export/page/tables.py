"""Reports as one folder: charts, and tables that can be sorted.

The charts are those of `studio_kernel.charts`, as SVG in the page, whose colours follow it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

from studio_kernel.domain.values import Json
from studio_kernel.export.page.folder import PageFolder
from studio_kernel.export.page.wording import Wording
from studio_kernel.report_columns import Column, Row, rows_of

if TYPE_CHECKING:
    import pandas as pd

    from studio_kernel.figures import ChartFigure


@dataclass(frozen=True, slots=True)
class Section:
    """A table with its chart.

    Attributes
    ----------
    heading : str
        Above them.
    table : pandas.DataFrame
        Of `studio_kernel.reports`.
    columns : sequence of Column
        Which of it are shown, and how they are read.
    figure : ChartFigure
        Its chart.
    """

    heading: str
    table: pd.DataFrame
    columns: Sequence[Column]
    figure: ChartFigure


def write_tables(sections: Sequence[Section], page: PageFolder, *, title: str, told: str) -> None:
    """Write a page of sections.

    Parameters
    ----------
    sections : sequence of Section
        In their order.
    page : PageFolder
        Takes it.
    title : str
        Above the page.
    told : str
        A sentence about what is counted.
    """
    tables: list[Json] = [_table(section, page.wording) for section in sections]
    page.data("head", {"title": title, "told": told, "tables": tables})
    page.use("page.css", "page.js", "tables.css", "tables.js")
    parts = [_markup(number, section, page.wording) for number, section in enumerate(sections)]
    page.finish("tables.html", sections="\n".join(parts))


def _markup(number: int, section: Section, wording: Wording) -> str:
    """Return the chart in its place; every text in it is escaped where it is made."""
    chart = wording.of_settings(section.figure.as_svg())
    name = f"section-{number}"
    return (
        f'<section aria-labelledby="{name}"><h2 id="{name}">{escape(section.heading)}</h2>'
        f'<div class="chart-box">{chart}</div><div class="table-box" data-table="{number}"></div></section>'
    )


def _table(section: Section, wording: Wording) -> Json:
    rows = rows_of(section.table)
    shown = [column for column in section.columns if any(row.get(column.key) is not None for row in rows)]
    return {
        "columns": [column.heading for column in shown],
        "rows": [[_cell(column, row, wording) for column in shown] for row in rows],
    }


def _cell(column: Column, row: Row, wording: Wording) -> Json:
    """Return what a cell is sorted by, and what is read in it."""
    value = row.get(column.key)
    by: Json = value.timestamp() if isinstance(value, datetime) else value
    return [wording.of_settings(by) if isinstance(by, str) else by, wording.of_settings(column.shown(row))]
