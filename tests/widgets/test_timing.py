"""Doing things later: on an event loop, and without one."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from studio_widgets import timing
from studio_widgets.timing import Debounced, Pulse


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


def test_a_pulse_beats_until_nobody_looks(monkeypatch):
    async def scenario():
        monkeypatch.setattr(timing, "BEATS_LAST_S", 0.1)
        beats = []
        pulse = Pulse(lambda: beats.append(1), interval_s=0.01)
        pulse.beat()
        while pulse._next is not None:
            await asyncio.sleep(0.01)
        return len(beats)

    assert 1 <= alone(lambda: asyncio.run(scenario())) <= 11


def test_a_pulse_that_is_stopped_beats_no_more():
    async def scenario():
        beats = []
        pulse = Pulse(lambda: beats.append(1), interval_s=0.01)
        pulse.beat()
        pulse.stop()
        await asyncio.sleep(0.05)
        return beats

    assert alone(lambda: asyncio.run(scenario())) == []


def test_without_a_loop_a_pulse_waits_for_its_owner():
    beats = []
    alone(Pulse(lambda: beats.append(1)).beat)
    assert beats == []
