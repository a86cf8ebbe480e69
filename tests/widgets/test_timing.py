"""Doing things later: on an event loop, without one, and in spite of one that is kept busy."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from studio_widgets import timing
from studio_widgets.timing import Debounced, Pulse
from waiting import until


def alone(act):
    """Do something in a thread of its own: the browser tests of the same session leave a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(act).result()


def test_a_debounced_call_takes_the_last_value_only():
    async def scenario():
        said = []
        told = asyncio.Event()
        search = Debounced(lambda text: (said.append(text), told.set()), wait_s=0.02)
        for text in ("b", "bo", "boat"):
            search(text)
        assert said == []
        await asyncio.wait_for(told.wait(), 5)
        return said

    assert alone(lambda: asyncio.run(scenario())) == ["boat"]


def test_without_a_loop_a_debounced_call_happens_at_once():
    said = []
    alone(lambda: Debounced(said.append)("boat"))
    assert said == ["boat"]


def no_pulse_is_left():
    return not any(thread.name == "studio-panels" for thread in threading.enumerate())


def test_a_pulse_beats_until_nobody_looks(monkeypatch):
    monkeypatch.setattr(timing, "BEATS_LAST_S", 0.1)
    beats = []

    async def scenario():
        Pulse(lambda: beats.append(1), interval_s=0.01).beat()
        while not no_pulse_is_left():
            await asyncio.sleep(0.01)

    alone(lambda: asyncio.run(scenario()))
    assert 1 <= len(beats) <= 11


def test_a_pulse_goes_on_while_the_loop_is_kept_busy(monkeypatch):
    monkeypatch.setattr(timing, "BEATS_LAST_S", 0.1)
    monkeypatch.setattr(timing, "DEAF_AFTER_S", 0.05)
    beats = []

    async def scenario():
        Pulse(lambda: beats.append(time.monotonic()), interval_s=0.01).beat()
        time.sleep(0.5)
        return time.monotonic()

    ended = alone(lambda: asyncio.run(scenario()))
    assert max(beats) > ended - 0.1
    until(no_pulse_is_left)


def test_a_tick_that_fails_does_not_end_the_pulse(caplog):
    beats = []

    def tick():
        beats.append(1)
        raise RuntimeError("no disk")

    async def scenario():
        pulse = Pulse(tick, interval_s=0.01)
        pulse.beat()
        while len(beats) < 2:
            await asyncio.sleep(0.01)
        pulse.stop()

    alone(lambda: asyncio.run(scenario()))
    assert "could not be brought up to date" in caplog.text


def test_a_pulse_that_is_stopped_beats_no_more():
    async def scenario():
        beats = []
        pulse = Pulse(lambda: beats.append(1), interval_s=0.01)
        pulse.beat()
        while not beats:
            await asyncio.sleep(0.01)
        pulse.stop()
        await asyncio.sleep(0.1)  # a call that is under way
        before = len(beats)
        await asyncio.sleep(0.3)
        return len(beats) - before

    assert alone(lambda: asyncio.run(scenario())) == 0


def test_without_a_loop_nobody_looks():
    beats = []
    alone(Pulse(lambda: beats.append(1)).beat)
    until(no_pulse_is_left)
    assert beats == []
