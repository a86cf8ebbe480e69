"""The process of one viewer's kernel: it limits itself, then becomes an ordinary ipykernel.

Limits bind only what a process does after it set them, so they are set before anything else is imported.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

NICE = 5
"""A viewer's kernel yields to the server and to a worker on the same machine."""

OPEN_FILES = 1024
THREADS = 256
"""Counted per user namespace, so it says something only where the kernel has one of its own."""

_MIB = 2**20


def limit(memory_mib: int) -> None:
    """Bound what this process, and whatever it starts, can take of the machine.

    Parameters
    ----------
    memory_mib : int
        Private memory in MiB; an allocation beyond it fails inside this process. 0 = no bound.

    Notes
    -----
    ``RLIMIT_DATA`` counts private writable memory (Linux ≥ 4.7, getrlimit(2)); ``RLIMIT_AS`` would count mapped
    libraries and files as well, which costs viewers nothing. Where a limit is not known, it is left out.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    os.nice(NICE)
    wanted = {"RLIMIT_CORE": 0, "RLIMIT_NOFILE": OPEN_FILES, "RLIMIT_NPROC": THREADS}
    if memory_mib:
        wanted["RLIMIT_DATA"] = memory_mib * _MIB
    if not _is_alone():
        del wanted["RLIMIT_NPROC"]
    for name, most in wanted.items():
        with contextlib.suppress(AttributeError, ValueError, OSError):
            which = getattr(resource, name)
            hard = resource.getrlimit(which)[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(which, (most, most))


def _is_alone() -> bool:
    """Whether this process has a user namespace of its own: then not all numbers of users are mapped."""
    try:
        return Path("/proc/self/uid_map").read_text().split()[-1:] == ["1"]
    except OSError:
        return False


def main(arguments: Sequence[str] | None = None) -> None:
    """Limit this process and start the kernel in it."""
    parser = argparse.ArgumentParser(description="The kernel of one viewer of a dashboard.")
    parser.add_argument("--memory", type=int, default=0, metavar="MIB")
    asked, rest = parser.parse_known_args(arguments)
    limit(asked.memory)
    from ipykernel.kernelapp import launch_new_instance

    sys.argv[1:] = rest
    launch_new_instance(["--HistoryManager.enabled=False", *rest])


if __name__ == "__main__":
    main()
