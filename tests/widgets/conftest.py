"""Headless panels: no event loop runs, as in a script."""

import asyncio

import pytest


@pytest.fixture(autouse=True)
def no_loop():
    """Hide the loop that browser tests of the same session leave running in this thread."""
    running = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(running)
