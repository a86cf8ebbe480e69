"""Fixtures that need the operating system."""

import subprocess
import sys

import pytest

import studio_kernel as sk
import worker_tools


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MB of its own."""
    place = tmp_path / "small"
    place.mkdir()
    if sys.platform != "linux":
        pytest.skip("mounts a tmpfs, which only Linux has")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"may not mount here: {mounted.stderr.strip()}")
    yield place
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
