"""The engine of Replicate: its service, and the life of a job that all services share."""

from __future__ import annotations

from collections.abc import Iterator

from studio_kernel import keys
from studio_kernel.domain.events import EngineEvent
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.engines.base import Capabilities, EngineContext
from studio_kernel.engines.remote.job import Patience, stream_job
from studio_kernel.engines.remote.throttle import Throttle
from studio_kernel.engines.replicate import listing
from studio_kernel.engines.replicate.refusals import SERVICE
from studio_kernel.engines.replicate.service import ReplicateService, version_of
from studio_kernel.errors import ModelUnavailableError
from studio_kernel.settings import ServiceSettings


class ReplicateEngine:
    """Runs predictions at Replicate: official models, and any model by the id of one of its versions.

    Parameters
    ----------
    settled_s : float
        Seconds after which a prediction that was accepted is taken to stand in the service's list of all.
    patience : Patience or None
        How long a job waits; `None` = as long as all do.
    """

    def __init__(self, *, settled_s: float = listing.SETTLED_S, patience: Patience | None = None) -> None:
        self._settled_s, self._patience = settled_s, patience or Patience()
        self.configure(ServiceSettings())

    @property
    def name(self) -> str:
        """The name cards use."""
        return SERVICE

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return Capabilities(remote=True, lanes=self._settings.concurrency, finds_lost_jobs=True)

    def configure(self, settings: ServiceSettings) -> None:
        """Take what the home has settled for Replicate."""
        self._settings = settings
        self._throttle = Throttle(settings.concurrency)
        self._service = ReplicateService(settings.base_url, self._settled_s)

    def unavailable(self, card: ModelCard) -> str | None:
        """Return why `card` cannot run here; `None` when it can."""
        try:
            version_of(card)
        except ModelUnavailableError as error:
            return str(error)
        return keys.missing(SERVICE)

    def check(self, request: GenerationRequest, context: EngineContext) -> None:
        """Refuse nothing: what a model takes stands in its card, and the service checks the rest."""

    def stream(self, request: GenerationRequest, context: EngineContext) -> Iterator[EngineEvent]:
        """Yield the events of one prediction."""
        return stream_job(self._service, request, context, self._settings, self._throttle, self._patience)

    def close(self) -> None:
        """Close the connections."""
        self._service.close()
