"""Spans of time that end now. Days begin at midnight of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

PERIODS: Mapping[str, tuple[str, int | None]] = {
    "today": ("Today", 1),
    "7 days": ("Last 7 days", 7),
    "30 days": ("Last 30 days", 30),
    "90 days": ("Last 90 days", 90),
    "year": ("Last 12 months", 365),
    "all": ("Ever", None),
}
"""Value → what people see, and how many days that are; `None` = all there are."""


def since(period: str, today: date) -> date | None:
    """Return the first day of a period; `None` = it has none."""
    days = PERIODS[period][1]
    return today - timedelta(days=days - 1) if days is not None else None
