"""Finding a prediction again whose acceptance was not heard, in the list that the service keeps.

The list has every prediction of the account, newest first, a hundred to a page. One is taken for ours when its model
and everything in its input are what was sent. Where the service shows an input no more, or shows a file of it in
another form, nobody can tell: then no job is found and none is ruled out.

Notes
-----
That it is complete and in this order says Replicate's HTTP reference, ``predictions.list``, read 2026-11. How soon a
new one shows is not promised, so for `SETTLED_S` a list proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

from studio_kernel.engines.replicate.refusals import is_object, texts_in

SETTLED_S = 30.0
"""Seconds after which a prediction that was accepted stands in the list."""
MARGIN = timedelta(seconds=5)
"""Clocks are compared to the second, and the answer that tells the service's took its time."""

Likeness = Literal["same", "other", "unclear"]


def server_time(since: datetime, date: str, now: datetime) -> datetime:
    """Return a time of this machine's clock by the clock of the service, a little earlier.

    Parameters
    ----------
    since : datetime.datetime
        The time.
    date : str
        The ``Date`` header of an answer that has just come; without one both clocks are taken to agree.
    now : datetime.datetime
        When it came.
    """
    try:
        theirs = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        theirs = now
    return since + (theirs.replace(tzinfo=theirs.tzinfo or UTC) - now) - MARGIN


def created_at(prediction: Mapping[str, object]) -> datetime | None:
    """Return when the service accepted a prediction."""
    try:
        return datetime.fromisoformat(str(prediction.get("created_at")))
    except ValueError:
        return None


def likeness(prediction: Mapping[str, object], endpoint: str, given: Mapping[str, object]) -> Likeness:
    """Return whether a prediction is of that model and input."""
    if not _is_of(prediction, endpoint):
        return "other"
    shown = prediction.get("input")
    if prediction.get("data_removed") or not is_object(shown):
        return "unclear"
    found = {_compared(value, shown.get(key)) for key, value in given.items()}
    return "other" if "other" in found else "unclear" if "unclear" in found else "same"


def _is_of(prediction: Mapping[str, object], endpoint: str) -> bool:
    version = endpoint.rpartition(":")[2]
    return endpoint == prediction.get("model") or version == prediction.get("version")


def _compared(sent: object, shown: object) -> Likeness:
    if sent == shown:
        return "same"
    has_files = any(text.startswith(("data:", "https://")) for text in texts_in(sent))
    return "unclear" if has_files and shown is not None else "other"
