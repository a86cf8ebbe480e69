"""Where things are on disk, and what a home's ``settings.toml`` says.

The one place that knows the layout of a home directory; everything else asks `Home` for a path.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from studio_kernel.errors import HomeError, SettingsError
from studio_kernel.forms import ready

HOME_VARIABLE = "STUDIO_HOME"


def data_dir() -> Path:
    """Return the directory of the data that ships: ``data/`` of a checkout, or its copy inside an installed package."""
    packaged = Path(__file__).parent / "data"
    return packaged if packaged.is_dir() else checkout_dir() / "data"


def checkout_dir() -> Path:
    """Return the directory that holds the package; the top of the repository in a checkout."""
    return Path(__file__).parent.parent


def default_home() -> Path:
    """Return the home meant when none is named.

    ``STUDIO_HOME``, else ``data/studio`` of a checkout, else the user's data directory.
    """
    named = os.environ.get(HOME_VARIABLE)
    if named:
        return Path(named).expanduser()
    if (checkout_dir() / "pyproject.toml").is_file():
        return checkout_dir() / "data" / "studio"
    from platformdirs import user_data_path

    return user_data_path("studio-workbench", appauthor=False)


class WorkerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How workers behave: the table ``[worker]`` of ``settings.toml``.

    Attributes
    ----------
    device : str
        What local engines compute on, such as ``cuda:1`` or ``cpu``; ``auto`` is the best of the machine.
    free_after_s : float
        Seconds without work after which models leave the memory.
    exit_after_s : float
        Seconds without work after which the worker ends.
    after_crash : {"queue", "interrupt"}
        What becomes of a local run whose worker was killed: it is queued again, or ends as failed.
    """

    device: str = "auto"
    free_after_s: float = 600.0
    exit_after_s: float = 1800.0
    after_crash: Literal["queue", "interrupt"] = "queue"

    @property
    def requeues(self) -> bool:
        """Whether a local run whose worker was killed is queued again."""
        return self.after_crash == "queue"

    def __post_init__(self) -> None:
        """Refuse times that mean nothing."""
        for name in ("free_after_s", "exit_after_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)!r}; give seconds, more than 0")


class BudgetSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be spent, in US dollars: the table ``[budget]`` of ``settings.toml``; what is left out has no limit.

    Attributes
    ----------
    run_usd, sweep_usd : float or None
        One run; all runs of one sweep.
    day_usd : float or None
        All runs of a day, from midnight to midnight of this machine.
    project_usd : float or None
        All runs of a project, of each that `projects` does not name.
    projects : dict
        Id of a project → all of its runs.
    warn_at : float
        Share of a budget from which it is warned of.
    """

    run_usd: float | None = None
    sweep_usd: float | None = None
    day_usd: float | None = None
    project_usd: float | None = None
    projects: dict[str, float] = msgspec.field(default_factory=dict)
    warn_at: float = 0.8

    def __post_init__(self) -> None:
        """Refuse amounts that mean nothing."""
        limits = {name: getattr(self, name) for name in ("run_usd", "sweep_usd", "day_usd", "project_usd")}
        limits |= {f"projects.{name}": amount for name, amount in self.projects.items()}
        for name, amount in limits.items():
            if amount is not None and not 0 <= amount < math.inf:
                raise ValueError(f"{name} is {amount!r}; give US dollars, 0 or more")
        if not 0 < self.warn_at <= 1:
            raise ValueError(f"warn_at is {self.warn_at!r}; give a share of a budget, more than 0 and at most 1")

    @property
    def is_unlimited(self) -> bool:
        """Whether there is no budget at all."""
        return not self.projects and all(
            limit is None for limit in (self.run_usd, self.sweep_usd, self.day_usd, self.project_usd)
        )

    def for_project(self, project: str) -> float | None:
        """Return the budget of a project."""
        return self.projects.get(project, self.project_usd)


class ServiceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a remote service is used: a table ``[services.NAME]`` of ``settings.toml``, such as ``[services.fal]``.

    Attributes
    ----------
    concurrency : int
        Jobs at a time, 1 … 40; what the account allows is its owner's to know (a new one at fal has 2).
    image_timeout_s, video_timeout_s : float
        Seconds to wait for a picture or a sound, and for a video, before the job is cancelled.
    lookup_s : float
        Seconds to look for a job whose acceptance was not heard.
    base_url : str
        Another address of a service of the same protocol; empty = its own.
    own_keys : bool
        Whether models that can be billed to another service's account are, where its key is there too.
    priority : {"normal", "low"}
        The place of jobs in the service's own queue, where it has more than one.
    """

    concurrency: int = 2
    image_timeout_s: float = 300.0
    video_timeout_s: float = 1800.0
    lookup_s: float = 120.0
    base_url: str = ""
    own_keys: bool = False
    priority: Literal["normal", "low"] = "normal"

    def __post_init__(self) -> None:
        """Refuse what means nothing."""
        if not 1 <= self.concurrency <= 40:
            raise ValueError(f"concurrency is {self.concurrency!r}; give 1 … 40 jobs")
        for name in ("image_timeout_s", "video_timeout_s", "lookup_s"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)!r}; give seconds, more than 0")
        if self.base_url and not self.base_url.startswith(("https://", "http://")):
            raise ValueError(f"base_url is {self.base_url!r}; give an address that begins with https:// or http://")


class ProviderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which service is chosen for a model that several have: the table ``[providers]`` of ``settings.toml``.

    Attributes
    ----------
    choose : {"order", "price"}
        By `order`, or the cheapest first.
    order : tuple of str
        Services, such as ``["replicate", "fal"]``; those that are not named come after them, as the card has them.
    fallback : bool
        Whether the next one is tried when one cannot accept a run.
    """

    choose: Literal["order", "price"] = "order"
    order: tuple[str, ...] = ()
    fallback: bool = True


class DashboardSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where people find the dashboards of this home: the table ``[dashboards]`` of ``settings.toml``.

    Attributes
    ----------
    address : str
        What links to them begin with, such as ``https://example.org/studio/``; empty = this machine alone.
    """

    address: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no address."""
        if self.address and not self.address.startswith(("https://", "http://")):
            raise ValueError(f"address is {self.address!r}; give one that begins with https:// or http://")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``settings.toml`` of a home says; no secrets, those come from the environment or the OS keyring.

    The table ``[metrics]`` names weights: metric → path of a file or folder, from the home where it is relative.
    """

    worker: WorkerSettings = WorkerSettings()
    budget: BudgetSettings = BudgetSettings()
    services: dict[str, ServiceSettings] = msgspec.field(default_factory=dict)
    providers: ProviderSettings = ProviderSettings()
    dashboards: DashboardSettings = DashboardSettings()
    metrics: dict[str, str] = msgspec.field(default_factory=dict)

    def service(self, name: str) -> ServiceSettings:
        """Return how a service is used."""
        return self.services.get(name, ServiceSettings())


@dataclass(frozen=True, slots=True)
class Home:
    """A directory that holds one studio.

    Attributes
    ----------
    root : pathlib.Path
        Absolute.
    """

    root: Path

    @property
    def runlog(self) -> Path:
        """Directory of the run log: ``journal/`` and the folded DuckDB files are in it."""
        return self.root

    @property
    def assets(self) -> Path:
        """Directory of the content-addressed files."""
        return self.root / "assets"

    @property
    def live(self) -> Path:
        """Directory of progress and previews of running jobs."""
        return self.root / "live"

    @property
    def locks(self) -> Path:
        """Directory of the locks that tell who is alive."""
        return self.root / "locks"

    @property
    def workers(self) -> Path:
        """Directory of what each worker tells about itself, and of its log."""
        return self.root / "workers"

    @property
    def panels(self) -> Path:
        """Directory of what panels showed when they were last used."""
        return self.root / "panels"

    @property
    def private(self) -> Path:
        """Directory of what private runs ask for and make, as long as their studio is open."""
        return self.root / "private"

    @property
    def cache(self) -> Path:
        """Directory of what can be made again at any time, and may be deleted."""
        return self.root / "cache"

    @property
    def upkeep_lock(self) -> Path:
        """Held by whoever removes or mends files of this home."""
        return self.locks / "upkeep.lock"

    @property
    def catalog(self) -> Path:
        """Directory of the user's own catalog files."""
        return self.root / "catalog"

    def metric_weights(self, metric: str) -> Path:
        """Return where the weights of a metric are, or would be: as ``settings.toml`` says, else in ``models/metrics``.

        Raises
        ------
        SettingsError
            When ``settings.toml`` cannot be understood.
        """
        named = self.settings().metrics.get(metric)
        return self.root / (Path(named).expanduser() if named else Path("models", "metrics", metric))

    @property
    def settings_file(self) -> Path:
        """What people have settled for this home."""
        return self.root / "settings.toml"

    def settings(self) -> Settings:
        """Return what ``settings.toml`` says; the defaults where it says nothing.

        Raises
        ------
        SettingsError
            When the file cannot be understood.
        """
        path = self.settings_file
        try:
            return msgspec.toml.decode(path.read_bytes(), type=ready(Settings), strict=True)
        except FileNotFoundError:
            return Settings()
        except (msgspec.DecodeError, OSError) as error:
            tables: dict[str, type[msgspec.Struct]] = {
                "worker": WorkerSettings,
                "budget": BudgetSettings,
                "services.NAME": ServiceSettings,
                "providers": ProviderSettings,
                "dashboards": DashboardSettings,
            }
            allowed = ", ".join(f"[{name}] may have {', '.join(it.__struct_fields__)}" for name, it in tables.items())
            allowed += ", [metrics] names paths of weights by metric"
            raise SettingsError(f"{str(path)!r}: {error}; the table {allowed}") from error

    @classmethod
    def at(cls, path: str | os.PathLike[str] | None = None) -> Home:
        """Return the home at `path`, or the default one; nothing is created."""
        return cls(Path(path).expanduser().absolute() if path is not None else default_home().absolute())

    def prepare(self) -> None:
        """Create the home's directories and make sure that they can be written.

        Raises
        ------
        HomeError
            With the reason and what to do about it.
        """
        try:
            for directory in (self.root, self.assets, self.live, self.locks):
                directory.mkdir(parents=True, exist_ok=True)
            probe = self.root / f".write-test-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise HomeError(
                f"the home {str(self.root)!r} cannot be written ({reason}); "
                f"choose another with sk.open(home=…) or the environment variable {HOME_VARIABLE}"
            ) from error

    def require(self) -> None:
        """Make sure that there is a home here to look at.

        Raises
        ------
        HomeError
            When the directory does not exist or cannot be read.
        """
        if not self.root.is_dir() or not os.access(self.root, os.R_OK | os.X_OK):
            raise HomeError(f"there is no readable home at {str(self.root)!r}; generate something there first")
