"""The kernels of visitors: a clean environment, a limit on their number, and an end when nobody looks any more.

Voila itself starts a kernel for every page it renders, hands it the whole environment of the server, and never ends
it: the request by which a closing page would do so is refused (Voila 0.5.13 sends it without the anti-forgery
cookie). Idle kernels without a connected page are therefore culled.
"""

from __future__ import annotations

from typing import Any

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.web import HTTPError
from traitlets import Integer

from studio_kernel.dashboards.environment import for_kernel

CULL_IDLE_S = 120
CULL_INTERVAL_S = 20


class VisitorKernels(AsyncMappingKernelManager):  # type: ignore[misc]  # untyped base
    """Starts kernels for visitors.

    Attributes
    ----------
    max_kernels : int
        Visits beyond this number are answered with 503 until others have ended.
    """

    max_kernels = Integer(8, min=1, config=True)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._starting = 0

    async def start_kernel(self, *arguments: Any, **options: Any) -> str:
        """Start a kernel with nothing of the server's environment that is not on the allow-list."""
        if len(self) + self._starting >= self.max_kernels:
            raise HTTPError(503, "All places are taken; try again in a few minutes.")
        options["env"] = for_kernel(options.get("env") or {})
        self._starting += 1
        try:
            return str(await super().start_kernel(*arguments, **options))
        finally:
            self._starting -= 1
