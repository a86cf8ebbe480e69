"""What fal's platform API tells about an account: what a unit costs, and which requests there were.

Notes
-----
``GET /v1/models/pricing`` and ``GET /v1/models/requests/by-endpoint`` as in https://fal.ai/docs/platform-apis (read
2026-11). What a job costs is its ``X-Fal-Billable-Units`` times the unit price of its endpoint.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from studio_kernel.engines.fal.refusals import server_time
from studio_kernel.errors import StudioError

BASE = "https://api.fal.ai/v1"
DAY_S = 24 * 3600.0
AGAIN_S = 600.0
"""After so long a price that could not be had is asked for again."""
PAGE = 100
MOST_PAGES = 20
SKEW = timedelta(seconds=60)
"""How far the clocks may differ when the other one does not tell its time."""
TOLERANCE = timedelta(seconds=5)
"""How far they may when it does: it tells whole seconds, and answers take time."""
MARGIN = timedelta(minutes=10)
"""So much earlier than needed the list begins that is asked for."""
_SHORT = httpx.Timeout(10.0)


class Prices:
    """What a unit of each endpoint costs; asked for once a day.

    Parameters
    ----------
    clock : callable
        Seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str, tuple[float, float | None]] = {}
        self._asking: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def unit_price(self, client: httpx.Client, endpoint: str) -> float | None:
        """Return dollars per unit; `None` = they cannot be had, which fails nothing."""
        with self._lock:
            turn = self._asking.setdefault(endpoint, threading.Lock())
        with turn:
            now = self._clock()
            until, price = self._known.get(endpoint, (now, None))
            if until <= now:
                price = _asked_price(client, endpoint)
                self._known[endpoint] = now + (AGAIN_S if price is None else DAY_S), price
            return price


def _asked_price(client: httpx.Client, endpoint: str) -> float | None:
    try:
        said = client.get(f"{BASE}/models/pricing", params={"endpoint_id": endpoint}, timeout=_SHORT).json()
        for price in said["prices"]:
            if price["endpoint_id"] == endpoint and price["currency"] == "USD":
                amount = float(price["unit_price"])
                return amount if 0 <= amount < float("inf") else None
    except (StudioError, httpx.HTTPError, ValueError, KeyError, TypeError):
        pass  # what a job has cost is good to know, and no reason to lose it
    return None


@dataclass(frozen=True, slots=True)
class PastRequest:
    """A request of the account.

    Attributes
    ----------
    id : str
        As in a ticket.
    sent_at : datetime.datetime
        By fal's clock.
    arguments : object
        What it was sent with.
    """

    id: str
    sent_at: datetime
    arguments: object


def requests_since(client: httpx.Client, endpoint: str, since: datetime) -> list[PastRequest]:
    """Return the requests of an endpoint that were sent after `since` (by our clock), the oldest first.

    Raises
    ------
    ServiceError
        When they are not told.
    """
    pages = list(_pages(client, endpoint, since - MARGIN))
    ahead = _ahead(pages)
    if ahead is not None and ahead < -MARGIN / 2:  # by its clock the job was sent before the list began
        pages = list(_pages(client, endpoint, since + ahead - MARGIN))
    earliest = since - SKEW if ahead is None else since + ahead - TOLERANCE
    found = [past for page in pages for item in page.json()["items"] if (past := _past(item, endpoint)) is not None]
    return sorted((past for past in found if past.sent_at >= earliest), key=lambda past: past.sent_at)


def _ahead(pages: list[httpx.Response]) -> timedelta | None:
    """Return how far fal's clock is before ours; `None` = it does not tell."""
    there = server_time(pages[-1])
    return None if there is None else there - datetime.now(UTC)


def _pages(client: httpx.Client, endpoint: str, start: datetime) -> Iterator[httpx.Response]:
    told = start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    asked: dict[str, Any] = {"endpoint_id": endpoint, "start": told, "limit": PAGE, "expand": "payloads"}
    for _ in range(MOST_PAGES):
        response = client.get(f"{BASE}/models/requests/by-endpoint", params=asked)
        yield response
        following = response.json().get("next_cursor")
        if not following:
            return
        asked["cursor"] = following


def _past(item: Mapping[str, Any], endpoint: str) -> PastRequest | None:
    if item.get("endpoint_id", endpoint) != endpoint or "json_input" not in item:
        return None
    moment = datetime.fromisoformat(str(item.get("sent_at") or item["started_at"]))
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return PastRequest(str(item["request_id"]), moment, item["json_input"])
