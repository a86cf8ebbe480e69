"""Who gets a kernel of the dashboard server, how much a browser may say, and what the front page says of a notebook."""

import json
import math
import resource
import subprocess
import sys

import pytest

from studio_kernel.dashboards import isolation
from studio_kernel.dashboards.admission import LEFT_S, UNOPENED_S, RefusedError, Seats
from studio_kernel.dashboards.kernel import limit
from studio_kernel.dashboards.notebooks import MAX_DESCRIPTION, cards
from studio_kernel.dashboards.options import Options
from studio_kernel.dashboards.rates import BYTES_AT_ONCE, MESSAGES_AT_ONCE, MESSAGES_PER_S, Allowance
from studio_kernel.errors import SettingsError

TOKEN = "a-token-for-tests-0123456789"


def sit(seats, viewer="ada", address="1.1.1.1", now=0.0, *, opened=True):
    """Take a seat as a page does: it is made, and its websocket opens."""
    seat, gone = seats.admit(viewer, address, now)
    seat.kernel, seat.since = f"kernel-{id(seat)}", now
    if opened:
        seats.joined(seat.kernel)
    return seat, gone


def test_there_is_no_place_beyond_the_last():
    seats = Seats(2, per_address=9)
    sit(seats, "ada")
    sit(seats, "bob")
    with pytest.raises(RefusedError, match="All places"):
        seats.admit("eve", "2.2.2.2", 100.0)


def test_one_browser_cannot_take_all_places():
    seats = Seats(50, per_viewer=3)
    for _ in range(3):
        sit(seats, "eve")
    with pytest.raises(RefusedError, match="3 pages open"):
        seats.admit("eve", "1.1.1.1", 100.0)
    sit(seats, "ada")


def test_one_address_cannot_take_all_places():
    seats = Seats(50)
    for number in range(37):
        sit(seats, f"eve {number}")
    with pytest.raises(RefusedError, match="where you are"):
        seats.admit("eve 38", "1.1.1.1", 100.0)
    sit(seats, "ada", "2.2.2.2")


def test_a_page_that_was_left_makes_room():
    seats = Seats(1)
    left, _ = sit(seats)
    seats.left(left.kernel, 10.0)
    with pytest.raises(RefusedError):
        seats.admit("bob", "2.2.2.2", 10.0 + LEFT_S)
    _, gone = sit(seats, "bob", "2.2.2.2", 10.1 + LEFT_S)
    assert gone == [left]
    assert left not in seats.taken


def test_a_page_that_never_spoke_with_its_kernel_makes_room_after_a_while():
    seats = Seats(1)
    silent, _ = sit(seats, opened=False)
    with pytest.raises(RefusedError):
        seats.admit("bob", "2.2.2.2", UNOPENED_S)
    assert sit(seats, "bob", "2.2.2.2", UNOPENED_S + 1)[1] == [silent]


def test_a_page_in_the_making_keeps_its_place():
    seats = Seats(1)
    seat, _ = seats.admit("ada", "1.1.1.1", 0.0)
    seat.kernel = "kernel"
    assert seat.since == math.inf
    with pytest.raises(RefusedError):
        seats.admit("bob", "2.2.2.2", 1e6)


def test_a_viewer_with_two_windows_on_a_page_stays_while_one_is_open():
    seats = Seats(1)
    seat, _ = sit(seats)
    seats.joined(seat.kernel)
    seats.left(seat.kernel, 1.0)
    assert not seat.is_empty(1e6)


def test_a_flood_of_messages_is_cut_to_a_rate():
    now = [0.0]
    allowance = Allowance(lambda: now[0])
    passed = sum(allowance.covers(100) for _ in range(10_000))
    assert passed == MESSAGES_AT_ONCE
    now[0] = 2.0
    assert sum(allowance.covers(100) for _ in range(10_000)) == 2 * MESSAGES_PER_S


def test_a_flood_of_bytes_is_cut_to_a_rate():
    allowance = Allowance(lambda: 0.0)
    assert sum(allowance.covers(2**20) for _ in range(100)) == BYTES_AT_ONCE / 2**20


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"token": "short"}, "at least 16"),
        ({"base_url": "/a b/"}, "is not a path"),
        ({"base_url": "//evil.example/<x>"}, "is not a path"),
        ({"allow_hosts": ("https://studio.example.org",)}, "name of a host"),
        ({"allow_hosts": ("*",)}, "name of a host"),
        ({"memory_mib": 3}, "too few"),
    ],
)
def test_options_that_make_no_sense_are_refused_in_words(tmp_path, wrong, why):
    with pytest.raises(SettingsError, match=why):
        Options(tmp_path, **wrong)


@pytest.mark.parametrize("given", ["/studio/", "studio", "/studio", "studio/"])
def test_a_base_url_gets_its_slashes(tmp_path, given):
    assert Options(tmp_path, base_url=given).base_url == "/studio/"


def test_a_token_is_made_where_none_is_given(tmp_path):
    assert len({Options(tmp_path).token for _ in range(3)}) == 3
    assert TOKEN not in repr(Options(tmp_path, token=TOKEN))


def test_kernels_are_kept_warm_for_the_notebook_with_everything_only(tmp_path):
    assert Options(tmp_path, pool=3).pool == 0
    (tmp_path / "studio.ipynb").write_text("{}")
    assert Options(tmp_path, pool=3).pool == 3


def test_what_a_notebook_says_of_itself_is_on_its_card(tmp_path):
    told = {"title": "Boats", "studio": {"description": "All  of\nthem", "pages": {"home": "Home", "../x": "no"}}}
    (tmp_path / "boats.ipynb").write_text(json.dumps({"metadata": told, "cells": []}))
    text = {"cell_type": "markdown", "source": ["# Cars\n", "\n", "Fast " * 200]}
    (tmp_path / "cars.ipynb").write_text(json.dumps({"metadata": {}, "cells": [text]}))
    (tmp_path / "studio.ipynb").write_text("[broken")
    (tmp_path / ".hidden.ipynb").write_text("{}")
    first, boats, cars = cards(tmp_path)
    assert (first.path, first.title) == ("studio.ipynb", "Studio")
    assert (boats.title, boats.description, boats.pages) == ("Boats", "All of them", (("home", "Home"),))
    assert cars.title == "Cars"
    assert len(cars.description) == MAX_DESCRIPTION


@pytest.mark.skipif(bool(isolation.hindrance()), reason="no user namespaces here")
def test_a_kernel_command_reaches_nobody():
    program = "import socket; print([name for _, name in socket.if_nameindex()])"
    said = subprocess.run(
        [*isolation.UNSHARE, sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "['lo']"
    assert isolation.kernel_command(alone=True, memory_mib=5)[:4] == list(isolation.UNSHARE)


def test_a_machine_without_unshare_says_so(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    isolation.hindrance.cache_clear()
    try:
        assert "unshare" in isolation.hindrance()
    finally:
        isolation.hindrance.cache_clear()


def test_long_paths_of_sockets_are_replaced_by_a_short_one():
    assert isolation.short_directory("/a/" + "b" * 90) == "/tmp"
    assert isolation.short_directory("/run") == "/run"


def test_a_kernel_cannot_take_more_memory_than_its_limit():
    program = f"from {limit.__module__} import limit; limit(300); print('small'); bytearray(500 * 2**20)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.stdout == "small\n"
    assert "MemoryError" in ended.stderr
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] == resource.RLIM_INFINITY  # of this process
