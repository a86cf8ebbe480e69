"""What it takes to do a run in a home: the catalog, the engines, the files – joined into a `Work`.

Studios and workers each have one. The catalog is read again when its files have changed, because a worker lives longer
than a user's edit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from studio_kernel.assets import AssetStore
from studio_kernel.catalog.wildcards import wildcard_paths
from studio_kernel.domain.events import Ticket
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.runs import RunRecord
from studio_kernel.domain.values import Value
from studio_kernel.engines.base import CancelToken, Capabilities, Engine, EngineContext, ServiceEngine
from studio_kernel.engines.registry import EngineRegistry
from studio_kernel.errors import ModelUnavailableError, SettingsError
from studio_kernel.jobs import Job, Work
from studio_kernel.private import PrivateSpace
from studio_kernel.providers import Providers
from studio_kernel.settings import Home

if TYPE_CHECKING:
    from studio_kernel.catalog.loader import Catalog
    from studio_kernel.catalog.models import Models


class Workshop:
    """The catalog, engines and files of a home.

    Parameters
    ----------
    home : Home
        Where the user's own catalog and the files are.
    engines : iterable of Engine
        They go before installed ones of the same name.
    """

    def __init__(self, home: Home, engines: Iterable[Engine] = ()) -> None:
        self.home = home
        self.assets = AssetStore(home.assets)
        self.engines = EngineRegistry(prepare=self._prepare)
        self.own_engines: set[str] = set()
        for engine in engines:
            self.engines.register(engine)
            self.own_engines.add(engine.name)
        self._loaded: tuple[object, Catalog, Models] | None = None

    @property
    def catalog(self) -> Catalog:
        """Everything the catalog files say: models, schedulers, LoRAs, and mistakes in the user's own files."""
        return self._read()[0]

    @property
    def models(self) -> Models:
        """Every model of the catalog, those that ship and those of this home."""
        return self._read()[1]

    def work(
        self,
        record: RunRecord,
        *,
        job: Job | None = None,
        private: PrivateSpace | None = None,
        ticket: Ticket | None = None,
        sent_at: datetime | None = None,
        is_taken: Callable[[str], bool] = lambda _remote_id: False,
        earlier: Mapping[str, Value] | None = None,
        attempt: int = 0,
    ) -> Work:
        """Return what it takes to do a run.

        Raises
        ------
        StudioError
            When the catalog has no such model, or nothing here runs it.
        """
        card = self.models[record.request.model]
        read = private.reader(self.assets) if private else self.assets.path
        context = EngineContext(
            card=card,
            cancel=CancelToken(),
            read_asset=read,
            schedulers=self.catalog.schedulers,
            loras=self.catalog.loras,
            ticket=ticket,
            sent_at=sent_at,
            is_taken=is_taken,
            cache=None if private else self.home.cache / card.engine,
            providers=self.providers.of(card, record.request, read) if card.offers else (),
            earlier=earlier or {},
        )
        return Work(job or Job(record), self.engines.get(card.engine), context, private, attempt)

    def engine_of(self, card: ModelCard) -> Engine | None:
        """Return the engine that runs a card; `None` when there is none."""
        try:
            return self.engines.get(card.engine)
        except ModelUnavailableError:
            return None

    def capabilities(self, engine: str) -> Capabilities:
        """Return what an engine can do; nothing, for one that cannot be loaded."""
        try:
            return self.engines.get(engine).capabilities
        except ModelUnavailableError:
            return Capabilities()

    def is_remote(self, engine: str) -> bool:
        """Return whether an engine works elsewhere; one that cannot be loaded does not."""
        return self.capabilities(engine).remote

    def works_elsewhere(self, card: ModelCard) -> bool:
        """Return whether a model is computed by a service; of an engine that is not here its card tells."""
        engine = self.engine_of(card)
        return engine.capabilities.remote if engine else bool(card.source.endpoint)

    @property
    def providers(self) -> Providers:
        """Which services have a model that several have."""
        return Providers(self.models, self.engines, self.home.settings().providers)

    def close(self) -> None:
        """Free what the engines hold; they may be used again afterwards."""
        self.engines.close()

    def _prepare(self, engine: Engine) -> None:
        """Tell an engine of a service what the home has settled for it."""
        if isinstance(engine, ServiceEngine):
            try:
                engine.configure(self.home.settings().service(engine.name))
            except SettingsError as error:
                raise ModelUnavailableError(str(error)) from error

    def _read(self) -> tuple[Catalog, Models]:
        stamp = _stamp(self.home.catalog)
        if self._loaded is None or self._loaded[0] != stamp:
            from studio_kernel.catalog.loader import load
            from studio_kernel.catalog.models import Models

            catalog = load(self.home.catalog)
            checks = {name: partial(self._unavailable, name) for name in self.engines.names}
            self._loaded = stamp, catalog, Models(catalog.models.values(), checks)
        return self._loaded[1:]

    def _unavailable(self, engine: str, card: ModelCard) -> str | None:
        try:
            if card.offers:
                return self.providers.unavailable(card)
            return self.engines.get(engine).unavailable(card)
        except (ModelUnavailableError, SettingsError) as error:
            return str(error)


def _stamp(directory: Path) -> object:
    """Return what changes when a catalog file in `directory` does."""
    try:
        found = [
            # Two writings of a moment may have one time, and have two inodes, as files are replaced as a whole.
            (str(path), (stat := path.stat()).st_mtime_ns, stat.st_ino, stat.st_size)
            for path in chain(directory.iterdir(), wildcard_paths(directory))
        ]
    except OSError:
        return None
    return sorted(found)
