"""What was used and what is left, as HTML with everything escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from studio_kernel.domain.budget import dollars
from studio_kernel.domain.words import duration
from studio_widgets.costs import texts as costs
from studio_widgets.costs.state import Line
from studio_widgets.wording import counted

if TYPE_CHECKING:
    from studio_widgets.reports.state import UsageState

SMALL = 1e-9
"""Sums of amounts may differ by less than that from what was meant."""
NEARLY = 80.0
"""From this share of a budget on, in percent, it is said to be nearly used up."""


def tiles(state: UsageState) -> str:
    """Return the sums of the rows that are shown."""
    runs, succeeded, failed = (state.total(name) for name in ("runs", "succeeded", "failed"))
    ended = succeeded + failed
    billed, spent = state.total("billed_usd"), state.total("total_usd")
    took = state.total("seconds")
    shown = (
        ("Runs", f"{runs:,.0f}", f"{succeeded:,.0f} succeeded, {failed:,.0f} failed"),
        ("Succeeded", f"{100 * succeeded / ended:.1f} %" if ended else "–", "of those that succeeded or failed"),
        ("Files", f"{state.total('pictures'):,.0f}", "pictures, videos and sounds"),
        ("Time", duration(took) if took else "–", "from begin to end, added up"),
        ("Spent", dollars(spent), _made_of(billed, spent - billed)),
    )
    return f'<dl class="so-tiles">{"".join(map(_tile, shown))}</dl>'


def accuracy(above_usd: float | None) -> str:
    """Return how bills compare with what had been expected of the same runs; empty when there were none."""
    return costs.accuracy(Line(billed_usd=1.0, above_usd=above_usd)) if above_usd is not None else ""


def budgets(standing: Sequence[tuple[str, float, float, float, str]]) -> str:
    """Return every budget with what is left of it; a sentence when there are none."""
    if not standing:
        return '<p class="st-sub">No budget is set: nothing stops what services charge.</p>'
    return f'<ul class="so-budgets">{"".join(map(_budget, standing))}</ul>'


def strength(votes: float, ballots: int) -> str:
    """Return what the strength of the models' table is; empty when there are no votes."""
    if not votes:
        return ""
    several = " Votes of several ballots are counted together; choose one to count it alone." if ballots > 1 else ""
    return (
        "Strength is what the votes about pairs of runs say (Bradley-Terry, natural logarithm of odds): 0 is the mean, "
        f"and a model that is 1 above another wins 73 of 100.{several}"
    )


def only(name: str, rows: int) -> str:
    """Return that one row is shown of several."""
    return f"Only {escape(name)}, of {counted(rows, 'row')}"


def _tile(shown: tuple[str, str, str]) -> str:
    name, value, beside = map(escape, shown)
    return f'<div><dt>{name}</dt><dd>{value}</dd><dd class="st-sub">{beside}</dd></div>'


def _made_of(billed: float, estimated: float) -> str:
    parts = [f"{dollars(billed)} billed"] if billed else []
    parts += [f"{dollars(estimated)} estimated, no bill yet"] if estimated > SMALL else []
    return " · ".join(parts) or "nothing charged"


def _budget(each: tuple[str, float, float, float, str]) -> str:
    name, limit, spent, left, window = each
    title = escape(name[:1].upper() + name[1:])
    if window.startswith("each "):
        return f"<li><strong>{title}</strong> <span>at most {dollars(limit)} each</span></li>"
    share = min(100.0, 100 * (1 - left / limit)) if limit else 100.0
    kind, verdict = (
        ("bad", "used up") if left <= 0 else ("warn", "nearly used up") if share >= 80 else ("good", "in bounds")
    )
    waits = limit - left - spent
    parts = [f"{dollars(spent)} spent", *([f"{dollars(waits)} committed"] if waits > SMALL else []), escape(window)]
    return (
        f'<li><strong>{title}</strong> <span class="st-badge {kind}">{verdict}</span>'
        f'<span class="so-meter {kind}" aria-hidden="true"><i style="width: {share:.1f}%"></i></span>'
        f'<span class="so-rest">{dollars(max(0.0, left))} left of {dollars(limit)}</span> '
        f'<span class="st-sub">{" · ".join(parts)}</span></li>'
    )


def _verdict(left: float, share: float) -> tuple[str, str]:
    if left <= 0:
        return "bad", "used up"
    return ("warn", "nearly used up") if share >= NEARLY else ("good", "in bounds")
