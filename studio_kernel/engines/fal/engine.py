"""The engine: one `FalService`, the life of a job around it, and how many jobs at a time."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from studio_kernel import keys
from studio_kernel.domain.events import EngineEvent
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import AssetRef, asset_refs
from studio_kernel.engines.base import Capabilities, EngineContext
from studio_kernel.engines.remote.throttle import Throttle
from studio_kernel.errors import InvalidInputError
from studio_kernel.settings import ServiceSettings

if TYPE_CHECKING:
    from studio_kernel.engines.fal.service import FalService
    from studio_kernel.engines.remote.job import Patience

NAME = "fal"
_PART = re.compile(r"[\w-][\w.-]*", re.ASCII)


class FalEngine:
    """Runs the models of fal.ai.

    Parameters
    ----------
    patience : Patience or None
        How long a job waits for the network; `None` = as long as any.
    """

    name = NAME

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience
        self._settings = ServiceSettings()
        self._throttle = Throttle(self._settings.concurrency)
        self._service: FalService | None = None
        self._lock = threading.Lock()

    @property
    def capabilities(self) -> Capabilities:
        """As many lanes as the settings allow jobs at a time."""
        return Capabilities(remote=True, lanes=self._settings.concurrency, finds_lost_jobs=True)

    def configure(self, settings: ServiceSettings) -> None:
        """Take what the home has settled for fal."""
        self._settings, self._throttle = settings, Throttle(settings.concurrency)

    def unavailable(self, card: ModelCard) -> str | None:
        """Return why a model cannot run: there is no key, or its endpoint can be none."""
        if not _is_endpoint(card.source.endpoint):
            return f"{card.source.endpoint!r} is no endpoint of fal; write it as on its page, such as 'fal-ai/flux/dev'"
        return keys.missing(NAME)

    def check(self, request: GenerationRequest, context: EngineContext) -> None:
        """Refuse input files that are not there, or are empty.

        Raises
        ------
        InvalidInputError
            With the parameter and the file.
        """
        for name, value in request.parameters.items():
            for ref in asset_refs(value):
                _require_file(name, ref, context)

    def stream(self, request: GenerationRequest, context: EngineContext) -> Iterator[EngineEvent]:
        """Yield the events of a job at fal."""
        from studio_kernel.engines.remote.job import Patience, stream_job

        patience = self._patience or Patience()
        yield from stream_job(self._fal(), request, context, self._settings, self._throttle, patience)

    def close(self) -> None:
        """Close the connections; jobs at fal go on."""
        with self._lock:
            if self._service is not None:
                self._service.close()

    def _fal(self) -> FalService:
        from studio_kernel.engines.fal.service import FalService

        with self._lock:
            if self._service is None:
                self._service = FalService(self._settings)
            return self._service


def _is_endpoint(endpoint: str) -> bool:
    """Return whether a text can be the id of an endpoint: it becomes part of an address as it is."""
    parts = endpoint.split("/")
    least = 3 if parts[0] in ("workflows", "comfy") else 2
    return len(parts) >= least and all(_PART.fullmatch(part) for part in parts)


def _require_file(name: str, ref: AssetRef, context: EngineContext) -> None:
    try:
        size = context.read_asset(ref).stat().st_size
    except OSError as error:
        raise InvalidInputError(f"{name}: the file {ref.sha256[:12]}… cannot be read ({error.strerror})") from None
    if size == 0:
        raise InvalidInputError(f"{name}: the file {ref.sha256[:12]}… is empty; choose another")
