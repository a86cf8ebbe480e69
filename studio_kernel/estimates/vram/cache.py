"""Traces that were made before, as files: the same question of the same files and versions has the same answer.

A directory that may be deleted at any time. A file is written whole or not at all, one that cannot be read counts as
absent, and the ones used longest ago leave.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from studio_kernel.engines.diffusers.checkpoint import Fingerprint
from studio_kernel.estimates.vram.subject import Subject
from studio_kernel.estimates.vram.trace import Trace, Untraceable
from studio_kernel.forms import ready

VERSION = 1
"""Of the tracer and its constants; another number lets all traces be made anew."""
CAPACITY = 512
_LIBRARIES = ("torch", "diffusers", "transformers")


class _Entry(msgspec.Struct, frozen=True):
    """The contents of a file; exactly one of the two is set."""

    trace: Trace | None = None
    reason: str = ""


class TraceCache:
    """The traces in a directory, which several processes may use.

    Parameters
    ----------
    directory : pathlib.Path
        Made when something is kept.
    capacity : int
        How many are kept at most.
    """

    def __init__(self, directory: Path, capacity: int = CAPACITY) -> None:
        self._directory, self._capacity = directory, capacity

    def get(self, subject: Subject, fingerprint: Fingerprint, *, reserved: bool = False) -> Trace | Untraceable | None:
        """Return what was kept; `None` when nothing was."""
        path = self._path(subject, fingerprint, reserved)
        try:
            entry = msgspec.json.decode(path.read_bytes(), type=ready(_Entry))
        except (OSError, msgspec.DecodeError):
            return None
        with suppress(OSError):  # a home that may only be read
            os.utime(path)
        if entry.trace is not None:
            return entry.trace
        return Untraceable(entry.reason) if entry.reason else None

    def keep(
        self, subject: Subject, fingerprint: Fingerprint, found: Trace | Untraceable, *, reserved: bool = False
    ) -> None:
        """Keep an answer; where nothing can be written, it is not kept."""
        entry = _Entry(found) if isinstance(found, Trace) else _Entry(reason=found.reason)
        path = self._path(subject, fingerprint, reserved)
        fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
        with suppress(OSError):
            self._directory.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(msgspec.json.encode(entry))
            fresh.replace(path)
            self._thin_out()

    def _path(self, subject: Subject, fingerprint: Fingerprint, reserved: bool) -> Path:
        parts = (VERSION, versions(), subject.digest, fingerprint, _stats((*subject.loras, *subject.weights)), reserved)
        return self._directory / f"{hashlib.sha256(msgspec.json.encode(parts)).hexdigest()}.json"

    def _thin_out(self) -> None:
        """Remove the files that were used longest ago, and what writers that died have left."""
        found = []
        for path in self._directory.iterdir():
            with suppress(OSError):  # another process removes too
                found.append((path.stat().st_mtime_ns, path))
        for _, path in sorted(found)[: max(0, len(found) - self._capacity)]:
            with suppress(OSError):
                path.unlink()


class SpeedCache:
    """How fast the devices of this home compute, in one file that may be deleted at any time.

    Parameters
    ----------
    path : pathlib.Path
        Made when something is kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, device: str, dtype: str) -> float | None:
        """Return the floating-point operations per second of a device; `None` when they were not measured."""
        return self._all().get(_key(device, dtype))

    def keep(self, device: str, dtype: str, flops_per_s: float) -> None:
        """Keep a measurement; where nothing can be written, it is not kept."""
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(msgspec.json.encode(self._all() | {_key(device, dtype): flops_per_s}))
            fresh.replace(self._path)

    def _all(self) -> dict[str, float]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, float])
        except (OSError, msgspec.DecodeError):
            return {}


def _key(device: str, dtype: str) -> str:
    return " ".join((device, dtype, *versions()))


@cache
def versions() -> tuple[str, ...]:
    """Return the versions of the libraries whose code is traced, without importing them."""
    return tuple(map(_version, _LIBRARIES))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _stats(paths: tuple[str, ...]) -> Fingerprint:
    """Return size and time of change of files beside the model's own; `paths` may begin with ``name=``."""
    found = []
    for text in paths:
        path = Path(text if "=" not in text or Path(text).exists() else text.partition("=")[2])
        with suppress(OSError):
            stat = path.stat()
            found.append((text, stat.st_size, stat.st_mtime_ns))
    return tuple(found)
