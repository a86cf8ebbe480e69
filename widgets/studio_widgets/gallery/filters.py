"""What restricts a gallery, as values: periods of days, and each filter in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

PERIODS: Mapping[str, str] = {"today": "Today", "7": "Last 7 days", "30": "Last 30 days", "days": "From … to"}
"""Value → what people see; `days` is bounded by two dates."""
KINDS: Mapping[str, str] = {"image": "Images", "video": "Videos", "audio": "Sounds"}
SOURCES: Mapping[str, str] = {"made": "Made here", "import": "Imported"}


def bounds(
    period: str, first: date | None, last: date | None, now: datetime
) -> tuple[datetime | None, datetime | None]:
    """Return the moments between which a period lies, in the zone of `now`; `None` = open.

    Both days of a period from … to are part of it.
    """
    if period == "days":
        return _midnight(first, now), _midnight(last + timedelta(days=1) if last else None, now)
    if period in PERIODS:
        days = 1 if period == "today" else int(period)
        return _midnight(now.date() - timedelta(days=days - 1), now), None
    return None, None


def period_text(period: str, first: date | None, last: date | None) -> str:
    """Return a period in words."""
    if period != "days":
        return PERIODS.get(period, "")
    if first and last:
        return f"{first:%Y-%m-%d} – {last:%Y-%m-%d}"
    if first:
        return f"From {first:%Y-%m-%d}"
    return f"Until {last:%Y-%m-%d}" if last else ""


def _midnight(day: date | None, now: datetime) -> datetime | None:
    return datetime.combine(day, time(), now.tzinfo) if day else None
