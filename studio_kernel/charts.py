"""Charts of the tables in `studio_kernel.reports`: what was used over time or by what, and how models compare.

They are matplotlib figures, for a cell as they are and for a page by `ChartFigure.as_svg`; panels and exported pages
show the same ones. What a part stands for is in `ChartFigure.told`, and in `rows` where it is a row of the table.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from studio_kernel.domain.budget import dollars

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle

    from studio_kernel.figures import ChartFigure

WIDTH = 720
MOST_NAMES = 16
MOST_DAYS = 62
MOST_MODELS = 24
_DAY_PX, _NAME_PX, _FRAME_PX = 150, 24, 64
_SIDE_BY_SIDE_PX = 620
_DATE_PX = 76
_MEASURE_PX = 200
_LEGEND_PX = 480
"""Narrower panels with names have no room for a legend beside the title."""
_LONG_SCALE = 50.0
"""Times and costs that differ by more than this factor stand on a logarithmic scale."""
_BAR = 0.78
_ROUNDING = 1e-9
Step: TypeAlias = Literal["day", "week", "month"]


@dataclass(frozen=True, slots=True)
class _Bar:
    """What a place in a chart of usage stands for."""

    what: str
    name: str
    counts: Mapping[str, float]
    is_row: bool


@dataclass(frozen=True, slots=True)
class _Stack:
    """Numbers that stand on each other, and what they are together."""

    title: str
    parts: tuple[str, ...]
    is_money: bool = False


_RUNS = _Stack("Runs", ("succeeded", "failed", "cancelled"))
_MONEY = _Stack("Spent, $", ("billed", "no bill yet"), is_money=True)
_ESTIMATE = "estimate"
"""What had been expected of the same runs: a line across the bar."""


@dataclass(frozen=True, slots=True)
class _Measure:
    """A column of the report that has a panel of its own."""

    column: str
    title: str
    factor: float = 1.0
    ticks: tuple[float, ...] = ()
    is_open: bool = False
    ends: tuple[str, str] = ("", "")


_MEASURES = (
    _Measure("success_rate", "Succeeded, %", 100.0, (0.0, 25.0, 50.0, 75.0, 100.0)),
    _Measure("median_s", "Time, s", is_open=True, ends=("", "p90_s")),
    _Measure("median_usd", "Cost of a run, $", is_open=True),
    _Measure("rating", "Rating, stars", ticks=(1.0, 2.0, 3.0, 4.0, 5.0)),
    _Measure("strength", "Votes, log odds", ends=("strength_low", "strength_high")),
)


def usage_figure(table: pd.DataFrame, *, by: str = "", width: float = WIDTH) -> ChartFigure:
    """Return runs and what they cost as bars: over time for a table by day, else a bar for each row.

    More than 62 days are drawn as weeks, more than 62 weeks as months; of names the first 16, and the others as one.

    Parameters
    ----------
    table : pandas.DataFrame
        As `Studio.usage` returns it.
    by : str
        What makes a row; left out, days are known by their names.
    width : float
        Pixels of a page.

    Examples
    --------
    >>> usage_figure(studio.usage(by="model"))  # doctest: +SKIP
    """
    rows = [_usage_row(row) for row in table.to_dict("records")]
    is_days = by == "day" or (not by and bool(rows) and all(_is_day(row.what) for row in rows))
    bars = list(_by_time(rows) if is_days and rows else _by_name(rows))
    stacks = [_RUNS, _MONEY] if any(bar.counts[part] for bar in bars for part in _MONEY.parts) else [_RUNS]
    label = _usage_label(bars, is_days)
    if not bars:
        return _nothing(width, label)
    return _over_time(bars, stacks, width, label) if is_days else _beside_names(bars, stacks, width, label)


def report_figure(table: pd.DataFrame, *, width: float = WIDTH) -> ChartFigure:
    """Return what is known of models as dots, a line each and a panel for each number that any of them has.

    The time has a line up to what nine of ten runs took, the strength its interval where the table has one. Times and
    costs that differ more than fifty times stand on a logarithmic scale. Of more than 24 models the first are drawn.

    Parameters
    ----------
    table : pandas.DataFrame
        As `Studio.model_report` returns it.
    width : float
        Pixels of a page.
    """
    shown = table.head(MOST_MODELS)
    measures = [each for each in _MEASURES if each.column in shown and shown[each.column].notna().any()]
    across = max(1, min(len(measures), round(width / _MEASURE_PX)))
    if not measures:
        return _nothing(width, "Nothing is known of any model")
    down = math.ceil(len(measures) / across)
    height = down * (max(1, len(shown)) * _NAME_PX + _FRAME_PX)
    figure = _new_figure(width, height, _report_label(table, len(shown)))
    panels = figure.subplots(down, across, squeeze=False)
    for place, panel in enumerate(panels.flat):
        if place >= len(measures):
            panel.set_axis_off()
            continue
        _dots(figure, panel, shown, measures[place])
        names = [str(name) for name in shown["model"]] if place % across == 0 else [""] * len(shown)
        _name_rows(panel, names, width / across)
    return figure


# Of usage: what there is to draw


def _usage_row(row: Mapping[Hashable, object]) -> _Bar:
    billed, total = _number(row.get("billed_usd")), _number(row.get("total_usd"))
    counts = {name: _number(row.get(name)) for name in ("runs", *_RUNS.parts)}
    what = str(row["what"])
    unbilled = total - billed if total - billed > _ROUNDING else 0.0
    money = {"billed": billed, "no bill yet": unbilled, _ESTIMATE: _number(row.get("estimated_usd"))}
    return _Bar(what, what or "–", {**counts, **money}, is_row=True)


def _by_time(rows: Sequence[_Bar]) -> Iterator[_Bar]:
    """Yield days, weeks or months, also those on which nothing was done."""
    known = {date.fromisoformat(row.what): row for row in rows if _is_day(row.what)}
    first, last = min(known), max(known)
    days = (last - first).days + 1
    step: Step = "day" if days <= MOST_DAYS else "week" if days <= 7 * MOST_DAYS else "month"
    groups: dict[date, list[_Bar]] = {}
    for ago in range(days):
        day = first + timedelta(days=ago)
        groups.setdefault(_start(day, step), []).extend([known[day]] if day in known else [])
    for start, found in groups.items():
        yield _Bar(start.isoformat(), _span(start, step), _sum(found), is_row=step == "day" and bool(found))


def _by_name(rows: Sequence[_Bar]) -> Iterator[_Bar]:
    shown = rows if len(rows) <= MOST_NAMES else rows[: MOST_NAMES - 1]
    yield from shown
    if rest := rows[len(shown) :]:
        yield _Bar("", f"{len(rest)} others", _sum(rest), is_row=False)


def _sum(bars: Sequence[_Bar]) -> dict[str, float]:
    names = ("runs", *_RUNS.parts, *_MONEY.parts, _ESTIMATE)
    return {name: math.fsum(bar.counts[name] for bar in bars) for name in names}


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _start(day: date, step: Step) -> date:
    if step == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step == "month" else day


def _span(start: date, step: Step) -> str:
    if step == "month":
        return f"{start:%B %Y}"
    day = f"{start.day} {start:%b %Y}"
    return f"week of {day}" if step == "week" else day


def _told(bar: _Bar) -> str:
    """Return what a bar says when it is pointed at."""
    counts = bar.counts
    runs = f"{counts['runs']:,.0f} run{'s' * (counts['runs'] != 1)}"
    those = [f"{counts[name]:,.0f} {name}" for name in _RUNS.parts if counts[name]]
    money = [f"{dollars(counts[name])} {name}" for name in (*_MONEY.parts, _ESTIMATE) if counts[name]]
    return f"{bar.name}: {', '.join([runs, *those, *money])}"


def _usage_label(bars: Sequence[_Bar], is_days: bool) -> str:
    total = _sum(bars)
    spent = math.fsum(total[part] for part in _MONEY.parts)
    over = f" from {bars[0].name} to {bars[-1].name}" if is_days and bars else ""
    return f"Runs{over}: {total['runs']:,.0f} runs, {dollars(spent)} spent"


# Of usage: drawing


def _over_time(bars: Sequence[_Bar], stacks: Sequence[_Stack], width: float, label: str) -> ChartFigure:
    figure = _new_figure(width, len(stacks) * _DAY_PX + 24, label)
    panels = figure.subplots(len(stacks), 1, sharex=True, squeeze=False)[:, 0]
    for number, (panel, stack) in enumerate(zip(panels, stacks, strict=True)):
        top = _most(bars, stack)
        for place, bar in enumerate(bars):
            left = place - _BAR / 2
            parts = [_box(panel, (left, low), (_BAR, size), ink) for low, size, ink in _parts(bar, stack, top)]
            _mark(figure, parts, f"mark-{number}-{place}", bar)
            if stack.is_money and bar.counts["billed"]:
                panel.hlines(bar.counts[_ESTIMATE], left, left + _BAR, color=_palette().ink, linewidth=1.5, zorder=3)
        _finish(panel, stack, bars, "y", width)
        panel.set(ylim=(0, top), xlim=(-0.6, max(len(bars), 8) - 0.4))
    every = max(1, math.ceil(len(bars) / max(1, width / _DATE_PX)))
    named = range(len(bars) - 1, -1, -every)  # the last one always
    panels[-1].set_xticks(list(named), [bars[place].name.rsplit(" ", 1)[0] for place in named])
    return figure


def _beside_names(bars: Sequence[_Bar], stacks: Sequence[_Stack], width: float, label: str) -> ChartFigure:
    across = len(stacks) if width >= _SIDE_BY_SIDE_PX else 1
    down = len(stacks) // across
    figure = _new_figure(width, down * (max(1, len(bars)) * _NAME_PX + _FRAME_PX), label)
    panels = figure.subplots(down, across, squeeze=False).flat
    for number, (panel, stack) in enumerate(zip(panels, stacks, strict=True)):
        top = _most(bars, stack)
        for place, bar in enumerate(bars):
            above = place - _BAR / 2
            parts = [_box(panel, (low, above), (size, _BAR), ink) for low, size, ink in _parts(bar, stack, top)]
            _mark(figure, parts, f"mark-{number}-{place}", bar)
            if stack.is_money and bar.counts["billed"]:
                panel.vlines(bar.counts[_ESTIMATE], above, above + _BAR, color=_palette().ink, linewidth=1.5, zorder=3)
        _finish(panel, stack, bars, "x", width / across)
        panel.set_xlim(0, top)
        is_named = number % across == 0
        _name_rows(panel, [bar.name if is_named else "" for bar in bars], width / across)
    return figure


def _parts(bar: _Bar, stack: _Stack, top: float) -> Iterator[tuple[float, float, str]]:
    """Yield where the parts of a bar begin, how long they are, and their colours; first the ground behind all."""
    yield 0.0, top, _palette().ground
    low = 0.0
    for part, colour in zip(stack.parts, _palette().parts(stack), strict=False):
        if bar.counts[part]:
            yield low, bar.counts[part], colour
            low += bar.counts[part]


def _box(panel: Axes, corner: tuple[float, float], size: tuple[float, float], colour: str) -> Rectangle:
    """Draw a rectangle; as `Axes.bar` would, but faster: limits and layout do not ask each."""
    from matplotlib.patches import Rectangle

    above_the_grid = 1 if colour == _palette().ground else 2
    box = Rectangle(corner, *size, color=colour, linewidth=0, zorder=above_the_grid)
    box.set_in_layout(False)
    panel.add_artist(box)
    return box


def _most(bars: Sequence[_Bar], stack: _Stack) -> float:
    heights = [math.fsum(bar.counts[part] for part in stack.parts) for bar in bars]
    expected = [bar.counts[_ESTIMATE] for bar in bars if stack.is_money and bar.counts["billed"]]
    return max([*heights, *expected], default=0.0) * 1.05 or 1.0


def _mark(figure: ChartFigure, patches: Sequence[Rectangle], name: str, bar: _Bar) -> None:
    """Let what was drawn for a bar say what it is."""
    for number, patch in enumerate(patches):
        patch.set_gid(f"{name}-{number}")
        figure.told[f"{name}-{number}"] = _told(bar)
        if bar.is_row:
            figure.rows[f"{name}-{number}"] = bar.what


def _nothing(width: float, label: str) -> ChartFigure:
    figure = _new_figure(width, _FRAME_PX, label)
    figure.text(0.5, 0.5, "No runs", ha="center", va="center", fontsize=12, color=_palette().dim)
    return figure


def _finish(panel: Axes, stack: _Stack, bars: Sequence[_Bar], axis: Literal["x", "y"], width: float) -> None:
    """Give a panel of bars its title, the names of its colours and its scale."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    is_narrow = axis == "x" and width < _LEGEND_PX
    _plain(panel, stack.title, axis, pad=22 if is_narrow else 6)
    colours = dict(zip(stack.parts, _palette().parts(stack), strict=False))
    keys = [
        Patch(color=colour, label=part) for part, colour in colours.items() if any(bar.counts[part] for bar in bars)
    ]
    handles: list[Artist] = [*keys]
    if stack.is_money and any(bar.counts["billed"] for bar in bars):
        handles.append(Line2D([], [], color=_palette().ink, linewidth=1.5, label=_ESTIMATE))
    panel.legend(
        handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(handles) or 1, frameon=False,
        fontsize=11, labelcolor=_palette().dim, handlelength=0.9, handleheight=0.9, columnspacing=1.0,
        borderaxespad=0.2,
    )  # fmt: skip
    scale = panel.xaxis if axis == "x" else panel.yaxis
    scale.set_major_locator(MaxNLocator(4, integer=not stack.is_money))
    scale.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:,.10g}"))


# Of the report


def _dots(figure: ChartFigure, panel: Axes, table: pd.DataFrame, measure: _Measure) -> None:
    _plain(panel, measure.title, "x")
    values = [_number(value, math.nan) * measure.factor for value in table[measure.column]]
    is_long = measure.is_open and _is_long([value for value in values if math.isfinite(value)])
    if is_long:
        panel.set_xscale("log")
    for place, (value, row) in enumerate(zip(values, table.to_dict("records"), strict=True)):
        panel.axhline(place, color=_palette().ground, linewidth=10, zorder=0, solid_capstyle="butt")
        if not math.isfinite(value) or (is_long and value <= 0):
            continue
        low, high = (_number(row.get(end), value) * measure.factor if end in row else value for end in measure.ends)
        if low != value or high != value:
            panel.plot([low, high], [place, place], color=_palette().third, linewidth=2, zorder=2)
        (dot,) = panel.plot([value], [place], marker="o", markersize=8, color=_palette().first, zorder=3)
        name = f"mark-{measure.column}-{place}"
        dot.set_gid(name)
        figure.told[name] = f"{row['model']}: {measure.title} {value:,.4g}{_beside(measure, low, high, value)}"
        figure.rows[name] = str(row["model"])
    _scale(panel, measure, values, is_long=is_long)


def _beside(measure: _Measure, low: float, high: float, value: float) -> str:
    """Return what the line beside a dot says."""
    if measure.column == "median_s" and high != value:
        return f" (median; nine of ten took at most {high:,.4g} s)"
    return f" ({low:,.3g} to {high:,.3g})" if low != high else ""


def _scale(panel: Axes, measure: _Measure, values: Sequence[float], *, is_long: bool) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    if is_long:
        panel.xaxis.set_major_locator(LogLocator(numticks=4))
        panel.xaxis.set_minor_formatter(NullFormatter())
    else:
        panel.xaxis.set_major_locator(MaxNLocator(4))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:,.6g}"))
    if measure.ticks:
        low, high = measure.ticks[0], measure.ticks[-1]
        panel.set_xticks(measure.ticks)
        panel.set_xlim(low - 0.04 * (high - low), high * 1.04)
    elif measure.is_open and not is_long:
        most = max(panel.get_xlim()[1], *(value for value in values if math.isfinite(value)))
        panel.set_xlim(-0.04 * most, most * 1.04)


def _is_long(values: Sequence[float]) -> bool:
    above = [value for value in values if value > 0]
    return bool(above) and max(above) > _LONG_SCALE * min(above)


def _report_label(table: pd.DataFrame, shown: int) -> str:
    of = f"the first {shown} of {len(table)} models" if shown < len(table) else f"{shown} model{'s' * (shown != 1)}"
    return f"How {of} did: {', '.join(each.title for each in _MEASURES if each.column in table)}"


# What both share


@dataclass(frozen=True, slots=True)
class _Palette:
    ink: str
    dim: str
    line: str
    ground: str
    first: str
    second: str
    third: str

    def parts(self, stack: _Stack) -> tuple[str, ...]:
        """Return the colours of what stands on each other."""
        return (self.first, self.third) if stack.is_money else (self.first, self.second, self.third)


def _palette() -> _Palette:
    from studio_kernel import figures

    return _Palette(
        figures.INK, figures.DIM, figures.LINE, figures.GROUND, figures.FIRST, figures.SECOND, figures.THIRD
    )


def _new_figure(width: float, height: float, label: str) -> ChartFigure:
    from studio_kernel.figures import ChartFigure

    # matplotlib's own font has not the signs of every language; browsers write the texts of an SVG in theirs
    warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)
    return ChartFigure(width, height, label)


def _plain(panel: Axes, title: str, axis: Literal["x", "y"], pad: float = 6) -> None:
    """Take away what a panel does not need."""
    colours = _palette()
    panel.set_title(title, loc="left", fontsize=12, color=colours.ink, pad=pad, parse_math=False)
    panel.spines[["top", "right", "left", "bottom"]].set_visible(False)
    panel.tick_params(which="both", length=0, labelsize=11, labelcolor=colours.dim)
    panel.grid(axis=axis, color=colours.line, linewidth=0.8)
    panel.set_axisbelow("line")  # above the ground, below what stands on it


def _name_rows(panel: Axes, names: Sequence[str], width: float) -> None:
    most = max(12, int(width / 17))
    panel.set_yticks(range(len(names)), [_short(name, most) for name in names], parse_math=False)
    panel.set_ylim(len(names) - 0.4 if names else 0.6, -0.6)


def _short(name: str, most: int) -> str:
    """Return a name that fits; of the path of a model its end says more than its beginning."""
    one_line = " ".join(name.split())
    if len(one_line) <= most:
        return one_line
    return f"…{one_line[1 - most :]}" if "/" in one_line else f"{one_line[: most - 1]}…"


def _number(value: object, otherwise: float = 0.0) -> float:
    """Return a value of a table; NaN and what is missing as `otherwise`."""
    if isinstance(value, (int, float)) or hasattr(value, "__float__"):
        number = float(value)
        return number if math.isfinite(number) else otherwise
    return otherwise
