"""Past requests and prices, whatever the clocks say."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from studio_kernel.engines.fal.platform import AGAIN_S, DAY_S, Prices, requests_since
from studio_kernel.errors import ServiceDownError

NOW = datetime.now(UTC)


class Platform:
    """Lists requests as fal does, with a clock of its own."""

    def __init__(self, ahead=timedelta(), tells_time=True, price=0.1):
        self.ahead, self.tells_time, self.price = ahead, tells_time, price
        self.sent = []
        self.asked = 0

    def __call__(self, request):
        self.asked += 1
        date = {"Date": format_datetime(datetime.now(UTC) + self.ahead, usegmt=True)} if self.tells_time else {}
        if request.url.path.endswith("/pricing"):
            if self.price is None:
                raise ServiceDownError("fal", "gone")
            price = {"endpoint_id": "a/b", "unit_price": self.price, "unit": "seconds", "currency": "USD"}
            return httpx.Response(200, json={"prices": [price]}, headers=date)
        start = datetime.fromisoformat(request.url.params["start"])
        items = [
            {"request_id": name, "endpoint_id": "a/b", "sent_at": (moment + self.ahead).isoformat(), "json_input": {}}
            for name, moment in self.sent
            if moment + self.ahead >= start
        ]
        return httpx.Response(200, json={"items": items, "next_cursor": None}, headers=date)

    @property
    def client(self):
        return httpx.Client(transport=httpx.MockTransport(self))


@pytest.mark.parametrize("ahead", [0, 3600, -3600, 20, -20, 240, -400])
def test_a_clock_that_differs_is_reckoned_with(ahead):
    platform = Platform(timedelta(seconds=ahead))
    platform.sent = [("before", NOW - timedelta(seconds=15)), ("after", NOW + timedelta(seconds=1))]

    assert [past.id for past in requests_since(platform.client, "a/b", NOW)] == ["after"]


def test_without_a_clock_to_compare_a_minute_is_allowed_for():
    platform = Platform(tells_time=False)
    platform.sent = [("far", NOW - timedelta(seconds=90)), ("near", NOW - timedelta(seconds=30))]

    assert [past.id for past in requests_since(platform.client, "a/b", NOW)] == ["near"]


def test_the_oldest_comes_first():
    platform = Platform()
    platform.sent = [("second", NOW + timedelta(seconds=2)), ("first", NOW + timedelta(seconds=1))]

    assert [past.id for past in requests_since(platform.client, "a/b", NOW)] == ["first", "second"]


def test_a_price_is_asked_for_once_a_day_by_however_many():
    platform, now = Platform(), [0.0]
    prices = Prices(lambda: now[0])

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: prices.unit_price(platform.client, "a/b"), range(8)))
    assert (set(told), platform.asked) == ({0.1}, 1)

    now[0] = DAY_S + 1
    prices.unit_price(platform.client, "a/b")
    assert platform.asked == 2


def test_a_price_that_could_not_be_had_is_asked_for_again_after_a_while():
    platform, now = Platform(price=None), [0.0]
    prices = Prices(lambda: now[0])
    assert [prices.unit_price(platform.client, "a/b") for _ in range(3)] == [None] * 3
    assert platform.asked == 1

    platform.price, now[0] = 0.2, AGAIN_S + 1
    assert prices.unit_price(platform.client, "a/b") == 0.2


@pytest.mark.parametrize(
    "body",
    [
        b"[]", b"{", b"", b'{"prices": null}', b'{"prices": [{}]}', b'{"prices": []}',
        b'{"prices": [{"endpoint_id": "a/b", "currency": "EUR", "unit_price": 1}]}',
        b'{"prices": [{"endpoint_id": "a/b", "currency": "USD", "unit_price": "much"}]}',
        b'{"prices": [{"endpoint_id": "a/b", "currency": "USD", "unit_price": NaN}]}',
        b'{"prices": [{"endpoint_id": "a/c", "currency": "USD", "unit_price": 1}]}',
    ],
)  # fmt: skip
def test_what_is_no_price_is_none(body):
    client = httpx.Client(transport=httpx.MockTransport(lambda _request: httpx.Response(200, content=body)))

    assert Prices().unit_price(client, "a/b") is None
