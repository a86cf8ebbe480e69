"""Headless panels: no event loop runs, as in a script."""

import asyncio

import pytest
from jupyter_client.manager import start_new_kernel


@pytest.fixture(autouse=True)
def no_loop():
    """Hide the loop that browser tests of the same session leave running in this thread."""
    running = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(running)


@pytest.fixture
def kernel():
    """The client of a real kernel."""
    manager, client = start_new_kernel()
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)
