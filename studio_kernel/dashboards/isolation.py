"""Kernels without a network: whether this machine can make them, and the command that starts one.

A viewer's kernel reads a home and writes marks; it never needs to reach anybody. Linux takes the network away from a
process that gets a network namespace of its own, which an ordinary user may make inside a user namespace. Messages
then go over Unix sockets, which are files. Some containers and distributions forbid user namespaces: there kernels
keep the network of their user, and the server and ``studio doctor`` say so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

UNSHARE = ("unshare", "--map-root-user", "--net", "--")

SOCKET_PATH_BYTES = 104 - 66
"""How long the directory of connection files may be for Unix sockets: their path must fit into 104 bytes (macOS; 108
on Linux), and ``/voila_…/kernel-<id>-ipc-<n>`` takes 66 of them."""


@cache
def hindrance() -> str:
    """Return why a kernel cannot be cut off from the network here; empty when it can. Tried, not guessed."""
    if sys.platform != "linux":
        return "only Linux has network namespaces"
    program = shutil.which(UNSHARE[0])
    if program is None:
        return "the program unshare (util-linux) is missing"
    try:
        tried = subprocess.run([program, *UNSHARE[1:], "true"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"unshare does not run: {error}"
    return "" if tried.returncode == 0 else f"user namespaces are not allowed ({tried.stderr.strip()[:120]})"


def transport(connections: str) -> str:
    """Return how the server talks to its kernels: by Unix sockets in a directory of its own where paths allow.

    Then nobody else on the machine can connect to a kernel.
    """
    return "ipc" if os.name == "posix" and len(os.fsencode(connections)) <= SOCKET_PATH_BYTES else "tcp"


def kernel_command(*, alone: bool, memory_mib: int) -> list[str]:
    """Return the command of a viewer's kernel, for a kernel specification.

    Parameters
    ----------
    alone : bool
        Without a network.
    memory_mib : int
        Bound of its private memory; 0 = none.
    """
    kernel = [sys.executable, "-m", "studio_kernel.dashboards.kernel", f"--memory={memory_mib}"]
    return [*(UNSHARE if alone else ()), *kernel, "-f", "{connection_file}"]


def short_directory(given: str) -> str:
    """Return a directory whose path is short enough for Unix sockets, `given` if it is."""
    fallback = "/tmp"
    return given if transport(given) == "ipc" or not Path(fallback).is_dir() else fallback
