"""Fixtures for every test: a home of one's own, and no network beyond this machine."""

import io
import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

from servers.connections import connected
from studio_kernel.keys import PLACES

# Time is measured in benchmarks/, not here; and the gate tries the same examples each time.
settings.register_profile("studio", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("gate", settings.get_profile("studio"), derandomize=True)
settings.load_profile("gate" if os.environ.get("CI") else "studio")


BEGIN_FIRST = ("browser", "processes", "notebooks", "training", "docs", "cli")
"""Folders whose files take longest: begun last, they would keep one process at work while the others are idle."""
TOGETHER = "browser"
"""The folder whose files share a browser and servers, so that one process takes them all; others are taken by file."""


def pytest_collection_modifyitems(items):
    """Bring the slow folders to the front; within them, and behind them, everything stays in its order."""
    places = {name: place for place, name in enumerate(BEGIN_FIRST)}
    root = Path(__file__).parent
    items.sort(key=lambda item: places.get(item.path.relative_to(root).parts[0], len(places)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Hand tests out by file, and those of the browser all to one process."""
    from xdist.scheduler import LoadFileScheduling

    class Handing(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.split("::", 1)[0]
            return TOGETHER if TOGETHER in file.split("/") else file

    return Handing(config, log)


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    """No test touches the home of the machine it runs on."""
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "default-home"))
    monkeypatch.setenv("STUDIO_RUNNER", "inline")  # tests of the worker ask for it, and end it
    for variable in (name for place in PLACES.values() for name in place.variables):
        for name in variable.split("+"):
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STUDIO_KEYS_FROM", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    """Connections leave this machine only in tests that fail."""
    connect = socket.socket.connect

    def guarded(self, address):
        host = address[0] if isinstance(address, tuple) else "local"
        if host not in ("local", "127.0.0.1", "::1", "localhost"):
            raise OSError(f"a test tried to reach {host!r}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def internet(monkeypatch, tmp_path):
    """Return what connects this test, and the processes it starts, to services on the loopback."""
    with ExitStack() as stack:
        yield lambda *sites: stack.enter_context(connected(monkeypatch, tmp_path, *sites))


@pytest.fixture
def picture():
    buffer = io.BytesIO()
    Image.new("RGB", (48, 32), (200, 30, 30)).save(buffer, "PNG")
    return buffer.getvalue()
