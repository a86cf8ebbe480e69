"""How to serve: the options of the dashboard server, checked, and how many viewers this machine has room for."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil  # type: ignore[import-untyped]

from studio_kernel.errors import SettingsError

Theme = Literal["light", "dark"]

MIN_TOKEN = 16
MAX_VIEWERS = 50
MEMORY_MIB = 768
"""What one kernel may take, unless told otherwise; a viewer of a small home needs a tenth of that."""

EXPECTED_MIB = 140
"""What one kernel takes as a rule, to count how many fit; measured by ``benchmarks.dashboards``."""

CULL_IDLE_S = 120
START_PAGE = "studio.ipynb"
"""The notebook that has all pages, where it is served: kernels are kept warm for it, links without a name go to it."""

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|[0-9a-fA-F:]+")
_BASE = re.compile(r"/([A-Za-z0-9._~-]+/)*")


def room() -> int:
    """Return how many viewers at a time this machine has room for: three quarters of its free memory, at most 50."""
    free_mib = int(psutil.virtual_memory().available) // 2**20
    return max(4, min(MAX_VIEWERS, free_mib * 3 // 4 // EXPECTED_MIB))


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve.

    Attributes
    ----------
    directory : pathlib.Path
        The notebooks to serve; everything below it can be looked at by whoever has the token.
    host : str
        Address to listen on. Beyond loopback put a proxy with TLS in front: the token travels in the address.
    port : int
        0 = any free one.
    base_url : str
        Path below which everything is served, with a slash at both ends.
    allow_hosts : tuple of str
        Names by which a proxy in front is reached. Given any, the proxy's word on who asks and whether by TLS is
        believed.
    token : str
        What visitors must know; random when empty.
    max_viewers : int
        Kernels at the same time; 0 = as many as there is room for.
    per_address : int
        Kernels for one address; 0 = three quarters of them.
    pool : int
        Kernels kept warm for the page with everything.
    memory_mib : int
        What one kernel may take; 0 = no bound.
    cull_idle_s : int
        Seconds after which a kernel without a connected page ends.
    connections : str
        Where connection files of kernels are written; a private temporary directory when empty.

    Raises
    ------
    SettingsError
        When a value makes no sense.
    """

    directory: Path
    host: str = "127.0.0.1"
    port: int = 8866
    base_url: str = "/"
    allow_hosts: tuple[str, ...] = ()
    token: str = field(default="", repr=False)
    theme: Theme = "light"
    max_viewers: int = 0
    per_address: int = 0
    pool: int = 1
    memory_mib: int = MEMORY_MIB
    cull_idle_s: int = CULL_IDLE_S
    connections: str = ""

    def __post_init__(self) -> None:
        """Fill in what was left out and check the rest."""
        if self.token and len(self.token) < MIN_TOKEN:
            raise SettingsError(f"the token has {len(self.token)} characters; at least {MIN_TOKEN} are needed")
        if not self.directory.is_dir():
            raise SettingsError(f"there is no directory {str(self.directory)!r} to serve")
        base = f"/{self.base_url.strip('/')}/".replace("//", "/")
        if not _BASE.fullmatch(base):
            raise SettingsError(f"the base URL {self.base_url!r} is not a path such as /studio/")
        for name in self.allow_hosts:
            if not _NAME.fullmatch(name):
                raise SettingsError(f"{name!r} is not the name of a host, such as studio.example.org")
        if self.memory_mib and self.memory_mib < 128:
            raise SettingsError(f"{self.memory_mib} MiB are too few for a kernel; 128 is the least")
        object.__setattr__(self, "base_url", base)
        object.__setattr__(self, "token", self.token or secrets.token_urlsafe(24))
        object.__setattr__(self, "max_viewers", self.max_viewers or room())
        object.__setattr__(self, "pool", max(0, self.pool) if (self.directory / START_PAGE).is_file() else 0)
