"""What was spent, as HTML with everything escaped: tiles, a chart of days, budgets. No script is needed for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape

from studio_kernel.domain.budget import Demand, dollars
from studio_widgets.costs.state import Line

CHART_HEIGHT = 90
BAR_WIDTH = 14
GAP = 4
LEAST_BAR = 2


def tiles(today: Line, month: Line, total: Line) -> str:
    """Return the three sums, each with what it is made of."""
    named = (("Today", today), ("This month", month), ("In all", total))
    return f'<dl class="so-tiles">{"".join(_tile(name, line) for name, line in named)}</dl>'


def accuracy(total: Line) -> str:
    """Return how bills compare with what had been expected; empty when nothing was billed."""
    if not total.billed_usd:
        return ""
    if abs(total.above_usd) < 0.00005:
        return "Services billed what was expected."
    more = "more" if total.above_usd > 0 else "less"
    return f"Services billed {dollars(abs(total.above_usd))} {more} than had been expected of the same runs."


def free(engines: Sequence[tuple[str, int]]) -> str:
    """Return which engines charge nothing, and how many runs they made; empty when there are none."""
    if not engines:
        return ""
    runs = sum(count for _name, count in engines)
    named = ", ".join(f"{name} {count:,}" for name, count in engines)
    return f"{runs:,} {'run' if runs == 1 else 'runs'} cost nothing: {named}."


def chart(days: Sequence[Line]) -> str:
    """Return a bar for each day, with its amount as a text that is read out and shown when pointed at."""
    most = max((line.total_usd for line in days), default=0.0)
    if not most:
        return '<p class="st-sub">Nothing was spent in the last 30 days.</p>'
    width = len(days) * (BAR_WIDTH + GAP)
    bars = "".join(_bar(place, line, most) for place, line in enumerate(days))
    peak = max(days, key=lambda line: line.total_usd)
    spent = sum(line.total_usd for line in days)
    summary = f"{dollars(spent)} in the last {len(days)} days, most on {peak.what}: {dollars(peak.total_usd)}"
    return (
        f'<figure class="so-chart"><figcaption>{escape(summary)}</figcaption>'
        f'<svg viewBox="0 0 {width} {CHART_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(_in_words(days))}">{bars}</svg>'
        f'<div class="so-axis"><span>{_short(days[0].what)}</span><span>{_short(days[-1].what)}</span></div></figure>'
    )


def budgets(demands: Sequence[Demand], warn_at: float) -> str:
    """Return every budget with what is spent, committed and left; a sentence when there are none."""
    if not demands:
        return '<p class="st-sub">No budget is set: nothing stops what services charge.</p>'
    return f'<ul class="so-budgets">{"".join(_budget(demand, warn_at) for demand in demands)}</ul>'


def lines(text: str, path: str) -> str:
    """Return what to write into the settings, and where."""
    return (
        '<details class="st-more so-lines"><summary>Change budgets</summary>'
        f"<p>They are in <code>{escape(path)}</code>, which is yours to edit; this panel reads it again at once. "
        f'The lines are now, with what else can be set as comments:</p><pre tabindex="0">{escape(text)}</pre></details>'
    )


def _tile(name: str, line: Line) -> str:
    parts = [f"{dollars(line.billed_usd)} billed"] if line.billed_usd else []
    parts += [f"{dollars(line.estimated_usd)} estimated, no bill yet"] if line.estimated_usd else []
    parts += [f"{dollars(line.committed_usd)} committed"] if line.committed_usd else []
    said = " · ".join(parts) or "nothing spent"
    return f'<div><dt>{name}</dt><dd>{dollars(line.total_usd)}</dd><dd class="st-sub">{said}</dd></div>'


def _bar(place: int, line: Line, most: float) -> str:
    height = max(LEAST_BAR, line.total_usd / most * CHART_HEIGHT) if line.total_usd else 0
    x, y = place * (BAR_WIDTH + GAP), CHART_HEIGHT - height
    shape = f'<rect class="so-bar" x="{x}" y="{y:.1f}" width="{BAR_WIDTH}" height="{height:.1f}"></rect>'
    ground = f'<rect class="so-ground" x="{x}" y="0" width="{BAR_WIDTH}" height="{CHART_HEIGHT}"></rect>'
    return f"<g><title>{escape(line.what)}: {dollars(line.total_usd)}</title>{ground}{shape}</g>"


def _in_words(days: Sequence[Line]) -> str:
    spent = [f"{line.what} {dollars(line.total_usd)}" for line in days if line.total_usd]
    return f"Spent by day: {', '.join(spent)}"


def _short(day: str) -> str:
    return f"{date.fromisoformat(day):%-d %b}"


def _budget(demand: Demand, warn_at: float) -> str:
    name = escape(demand.budget[0].upper() + demand.budget[1:])
    if demand.setting in ("run_usd", "sweep_usd"):
        return f"<li><strong>{name}</strong> <span>at most {dollars(demand.limit_usd)} each</span></li>"
    left = demand.limit_usd - demand.total_usd
    kind, verdict = _verdict(demand, warn_at)
    parts = [f"{dollars(demand.spent_usd)} spent"]
    parts += [f"{dollars(demand.committed_usd)} committed"] if demand.committed_usd else []
    rest = f"{dollars(max(0.0, left))} left of {dollars(demand.limit_usd)}"
    return (
        f'<li><strong>{name}</strong> <span class="st-badge {kind}">{verdict}</span>'
        f'<span class="so-meter {kind}" aria-hidden="true"><i style="width: {_share(demand.spent_usd, demand)}"></i>'
        f'<i class="so-committed" style="width: {_share(demand.committed_usd, demand)}"></i></span>'
        f'<span class="so-rest">{rest}</span> <span class="st-sub">{" · ".join(parts)}</span></li>'
    )


def _verdict(demand: Demand, warn_at: float) -> tuple[str, str]:
    if demand.is_exceeded or demand.total_usd >= demand.limit_usd:
        return "bad", "used up"
    return ("warn", "nearly used up") if demand.is_near(warn_at) else ("good", "in bounds")


def _share(usd: float, demand: Demand) -> str:
    return f"{min(100.0, 100 * usd / demand.limit_usd) if demand.limit_usd else 100.0:.1f}%"
