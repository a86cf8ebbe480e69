"""What is remembered of uploads: until they end, for everyone who may know, and never at the price of a run."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from studio_kernel.engines.base import CancelToken
from studio_kernel.engines.remote.uploads import Uploads, account_of
from studio_kernel.errors import Cancelled
from waiting import until

SHA = "ab" * 32


class Sender:
    def __init__(self):
        self.sent = 0

    def __call__(self):
        self.sent += 1
        return f"https://there/{self.sent}"


@pytest.fixture
def now():
    return [1000.0]


@pytest.fixture
def made(now):
    return lambda account="one": Uploads("fal", account, 100.0, lambda: now[0])


def test_an_upload_is_remembered_until_it_has_little_time_left(made, now, tmp_path):
    uploads, send = made(), Sender()
    first = uploads.address(SHA, tmp_path, CancelToken(), send)
    now[0] += 74
    assert uploads.address(SHA, tmp_path, CancelToken(), send) == first

    now[0] += 2
    assert uploads.address(SHA, tmp_path, CancelToken(), send) != first
    assert made().address(SHA, tmp_path, CancelToken(), send) == "https://there/2"


def test_other_files_and_other_accounts_are_sent(made, tmp_path):
    send = Sender()
    for uploads, sha in ((made(), SHA), (made(), "cd" * 32), (made("two"), SHA)):
        uploads.address(sha, tmp_path, CancelToken(), send)

    assert send.sent == 3


def test_an_address_that_was_forgotten_is_sent_again_by_everyone(made, tmp_path):
    uploads, send = made(), Sender()
    first = uploads.address(SHA, tmp_path, CancelToken(), send)
    uploads.forget(first, tmp_path)

    assert made().address(SHA, tmp_path, CancelToken(), send) != first
    assert uploads.address(SHA, tmp_path, CancelToken(), send) == "https://there/2"
    assert send.sent == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": 1}', '{"url": "https://x", "ends_at": "soon"}', "\x00"])
def test_a_broken_memory_costs_an_upload_and_nothing_else(text, made, tmp_path):
    made().address(SHA, tmp_path, CancelToken(), Sender())
    next(tmp_path.rglob("*.json")).write_text(text)

    assert made().address(SHA, tmp_path, CancelToken(), Sender()) == "https://there/1"


def test_a_cache_that_cannot_be_written_costs_an_upload_and_nothing_else(made, tmp_path):
    cache = tmp_path / "cache"
    cache.write_text("a file, no directory")
    uploads, send = made(), Sender()

    for _ in range(2):
        assert uploads.address(SHA, cache, CancelToken(), send) == "https://there/1"


def test_an_upload_that_fails_is_not_remembered_and_holds_nobody_up(made, tmp_path):
    uploads = made()

    def fail():
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        uploads.address(SHA, tmp_path, CancelToken(), fail)
    assert uploads.address(SHA, tmp_path, CancelToken(), Sender()) == "https://there/1"


@pytest.mark.parametrize("same", [True, False], ids=["one process", "several"])
def test_who_waits_for_an_upload_can_be_cancelled(same, made, tmp_path):
    first = made()
    second = first if same else made()
    going, cancel = threading.Event(), CancelToken()
    begun = threading.Event()

    def slow():
        begun.set()
        going.wait(60)
        return "https://there/slow"

    with ThreadPoolExecutor(2) as pool:
        sending = pool.submit(first.address, SHA, tmp_path, CancelToken(), slow)
        until(begun.is_set)
        waiting = pool.submit(second.address, SHA, tmp_path, cancel, Sender())
        cancel.cancel()
        with pytest.raises(Cancelled):
            waiting.result(10)
        going.set()
        assert sending.result(10) == "https://there/slow"


def test_the_name_of_an_account_tells_nothing_of_its_key():
    key = "0123456789abcdef"

    assert key not in account_of("fal", key)
    assert account_of("fal", key) == account_of("fal", key) != account_of("fal", key + "0")


def test_what_has_ended_is_not_kept(made, now, tmp_path):
    made().address(SHA, tmp_path, CancelToken(), Sender())
    now[0] += 1000

    made().address("cd" * 32, tmp_path, CancelToken(), Sender())

    assert [path.stem for path in tmp_path.rglob("*.json")] == ["cd" * 32]
