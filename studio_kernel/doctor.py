"""What works on this machine, and what to do about what does not.

Every check is tried for real and none changes anything but for a probe file in the home; mending is in `repair`.
"""

from __future__ import annotations

import platform
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from studio_kernel import keys
from studio_kernel import studio as studio_module
from studio_kernel.dashboards import isolation
from studio_kernel.domain.values import Json
from studio_kernel.errors import StudioError
from studio_kernel.studio import Studio
from studio_kernel.worker import info

State = Literal["works", "limited", "broken"]
MIN_FREE_BYTES = 2 * 1024**3
PACKAGES = (
    "jupyterlab",
    "voila",
    "ipywidgets",
    "anywidget",
    "ipykernel",
    "duckdb",
    "torch",
    "diffusers",
    "transformers",
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    state : {"works", "limited", "broken"}
        Limited = usable, with less than there could be.
    finding : str
        What was seen.
    advice : str
        What to do about it; empty when nothing need be done.
    """

    name: str
    state: State
    finding: str
    advice: str = ""

    @property
    def mark(self) -> str:
        """One character that says the state."""
        return {"works": "✓", "limited": "!", "broken": "✗"}[self.state]

    def to_json(self) -> Json:
        """Return the check as JSON."""
        return asdict(self)


def examine(home: str | Path | None = None) -> list[Check]:
    """Return the result of every check, in the order a newcomer needs them."""
    checks = [_python(), *_packages(), _device(), _dashboards()]
    try:
        with studio_module.open(home) as studio:
            checks += [_home(studio), _disk(studio), _log(studio), *_workers(studio), *_keys(studio), *_models(studio)]
    except StudioError as error:
        checks.append(Check("home and catalog", "broken", str(error)))
    return checks


def _python() -> Check:
    found = (
        f"{platform.python_implementation()} {platform.python_version()} on {platform.system()} {platform.machine()}"
    )
    return Check("python", "works" if sys.version_info >= (3, 11) else "broken", found, "")


def _packages() -> Iterator[Check]:
    for package in PACKAGES:
        try:
            yield Check(package, "works", version(package))
        except PackageNotFoundError:
            yield Check(package, "broken", "not installed", f"pip install {package}, or make setup in a checkout")


def _device() -> Check:
    try:
        import torch
    except ImportError as error:
        return Check("device", "broken", f"torch does not load: {error}", "install torch for this machine")
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        return Check("device", "works", f"{torch.cuda.get_device_name()}, {_gib(free)} free of {_gib(total)}")
    if torch.backends.mps.is_available():
        return Check("device", "works", "Apple GPU (mps)")
    threads = torch.get_num_threads()
    return Check("device", "limited", f"CPU only, {threads} threads", "small models run well; large ones want a GPU")


def _dashboards() -> Check:
    """Whether kernels of viewers can be cut off from the network; tried, with a program that ends at once."""
    why = isolation.hindrance()
    if why:
        advice = "dashboards work; let this user make user namespaces, or bound the network of the container"
        return Check("dashboards", "limited", f"kernels of viewers keep the network: {why}", advice)
    return Check("dashboards", "works", "kernels of viewers have no network")


def _home(studio: Studio) -> Check:
    return Check("home", "works", str(studio.home.root))


def _disk(studio: Studio) -> Check:
    free = shutil.disk_usage(studio.home.root).free
    if free < MIN_FREE_BYTES:
        return Check("disk", "limited", f"{_gib(free)} free", "free some space; a full disk stops new pictures")
    return Check("disk", "works", f"{_gib(free)} free")


def _log(studio: Studio) -> Check:
    health = studio.health()
    if health.quarantined:
        return Check("run log", "limited", f"{health.quarantined} unreadable line(s) set aside in journal/bad")
    if health.error:
        return Check("run log", "limited", health.error, "the journal goes on; runs appear once this is mended")
    return Check("run log", "works", f"{studio.count()} runs")


def _workers(studio: Studio) -> Iterator[Check]:
    known = list(info.known(studio.home))
    for told in known:
        name = f"worker ({told.device})"
        if info.is_alive(studio.home, told):
            yield Check(name, "works", f"process {told.pid}, version {told.version}")
        elif told.state == "failed":
            yield Check(name, "limited", told.error, "mend that, then studio worker start; or use runner='inline'")
        else:
            yield Check(name, "works", f"none at present ({told.state}); the next run starts one")
    if not known:
        yield Check("worker", "works", "none at present; the first run starts one")


def _keys(studio: Studio) -> Iterator[Check]:
    """Yield which services can be used; a key that can be none is a fault, one that is not there is a choice."""
    engines = Counter(card.engine for card in studio.models.values())
    for service in keys.PLACES:
        found = keys.status(service)
        served = f"{engines[service]} models"
        if found.source:
            yield Check(f"key of {found.title}", "works", f"from {found.source}; {served}")
        else:
            yield Check(f"key of {found.title}", "limited", f"{found.problem} ({served})")


def _models(studio: Studio) -> Iterator[Check]:
    local = [card for card in studio.models.values() if not card.source.endpoint and not card.hidden]
    for card in local:
        status = studio.models.status(card)
        if status.selectable:
            yield Check(card.id, "works", f"{card.name}: {', '.join(card.tasks)}")
        else:
            yield Check(card.id, "limited", status.reason)
    for problem in studio.catalog.problems:
        yield Check("catalog", "limited", str(problem), "mend the file; the other entries work")


def _gib(size: int) -> str:
    return f"{size / 1024**3:.1f} GiB"
