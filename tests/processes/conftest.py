"""Fixtures that need the operating system."""

import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

import studio_kernel as sk
import worker_tools
from servers.job_service import JobService

SERVERS = Path(__file__).parent.parent / "servers"
REMOTE_CATALOG = """
models:
  loopback:
    name: Loopback
    creator: Tests
    engine: loopback
    tasks: [text-to-image]
    licence: none
    price: {unit: image, amount_usd: 0.25, as_of: "2026-01", source: a page}
    parameters: &own
      prompt:
      seed:
  priceless:
    engine: loopback
    tasks: [text-to-image]
    licence: none
    price: {unit: compute_second, note: It depends on the machine.}
    parameters: *own
"""


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MB of its own."""
    with disk(tmp_path / "small", 4) as place:
        yield place


@pytest.fixture
def roomy_disk(tmp_path):
    """A file system of 8 MB of its own: both DuckDB files, their logs and some pictures fit."""
    with disk(tmp_path / "roomy", 8) as place:
        yield place


@contextmanager
def disk(place, megabytes):
    """A file system of its own, mounted at a place."""
    if sys.platform != "linux":
        pytest.skip("mounts a tmpfs, which only Linux has")
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", place]
    mounted = subprocess.run(mount, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"may not mount here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
def working_home(home):
    """A home whose workers do not outlive the test."""
    worker_tools.settle(home, exit_after_s=120.0)
    yield home
    worker_tools.end_workers(home)


@pytest.fixture
def studio(working_home):
    """An editor that leaves its work to a worker."""
    with sk.open(working_home, runner="worker") as studio:
        yield studio


@pytest.fixture
def service():
    service = JobService(steps=15)
    yield service
    service.close()


@pytest.fixture
def installed_engine(tmp_path, monkeypatch, service):
    """Install the loopback engine as a package beside the studio, for this process and the workers it starts."""
    site = tmp_path / "site"
    about = site / "loopback_engine-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: loopback-engine\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[studio.engines]\nloopback = loopback_engine:LoopbackEngine\n")
    shutil.copy(SERVERS / "loopback_engine.py", site)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=":")
    monkeypatch.setenv("STUDIO_TEST_SERVICE", service.url)
    yield
    sys.modules.pop("loopback_engine", None)


@pytest.fixture
def remote_home(home, installed_engine):
    """A home whose workers do not outlive the test."""
    worker_tools.settle(home, exit_after_s=120.0)
    (home / "catalog").mkdir()
    (home / "catalog" / "loopback.yaml").write_text(REMOTE_CATALOG)
    yield home
    worker_tools.end_workers(home)
