"""The command line as a process of its own."""

import subprocess
import sys

import pytest


@pytest.fixture
def studio(home):
    def run(*args, status=0):
        command = [sys.executable, "-m", "studio_kernel.cli", "--home", str(home), *map(str, args)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == status, done.stderr + done.stdout
        return done

    return run
