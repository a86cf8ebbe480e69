"""The kernels of viewers: one kind, a clean environment, bounded memory, and an end when nobody looks any more.

Voila itself starts a kernel for every page it renders, in whatever kind the notebook names, hands it the whole
environment of the server, and never ends it. Jupyter's culling looks at what a kernel says: a live dashboard of a busy
home always says something, so here a kernel ends when no page has been connected for a while, busy or not.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import OrderedDict
from typing import Any

import psutil  # type: ignore[import-untyped]
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager, NoSuchKernel
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.web import HTTPError
from traitlets import Bool, Integer, Unicode

from studio_kernel.dashboards.admission import RefusedError, Seat, Seats
from studio_kernel.dashboards.environment import for_kernel
from studio_kernel.dashboards.isolation import kernel_command

LOOK_S = 2
"""How often kernels are looked at: for memory, for pages that have gone."""

SPARE_MIB = 384
"""Above its bound a kernel's own limit leaves this much: stacks of threads that are reserved and never touched."""

ENDINGS = {
    "memory": "It needed more memory than a viewer may have.",
    "idle": "Nobody had looked at it for a while.",
    "room": "Its place was needed for others.",
    "crashed": "The program behind it ended by itself.",
}
"""Why a kernel has ended, for the viewer."""

_REMEMBERED = 500


class ViewerKernelSpecs(KernelSpecManager):
    """Knows one kind of kernel, that of viewers, whatever else is installed; notebooks may call it what they like."""

    name = Unicode("python3")
    alone = Bool(False, config=True, help="Start kernels without a network.")
    memory_mib = Integer(0, config=True, help="Memory of a kernel; 0 = no bound.")

    def find_kernel_specs(self) -> dict[str, str]:
        """Return the one kind; it needs no files."""
        return {self.name: ""}

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the specification of viewers' kernels.

        Raises
        ------
        jupyter_client.kernelspec.NoSuchKernel
            For any other.
        """
        if kernel_name != self.name:
            raise NoSuchKernel(kernel_name)
        bound = self.memory_mib + SPARE_MIB if self.memory_mib else 0
        command = kernel_command(alone=self.alone, memory_mib=bound)
        return KernelSpec(argv=command, display_name="Python 3", language="python")

    def get_all_specs(self) -> dict[str, Any]:
        """Return the one kind, in full."""
        return {self.name: {"resource_dir": "", "spec": self.get_kernel_spec(self.name).to_dict()}}


class VisitorKernels(AsyncMappingKernelManager):  # type: ignore[misc]  # untyped base
    """Starts kernels for viewers, watches them and ends them.

    Attributes
    ----------
    max_viewers, per_address : int
        Kernels in use at a time; those kept warm come on top.
    memory_mib : int
        A kernel that takes more private memory than this is ended; 0 = no bound.
    """

    max_viewers = Integer(8, min=1, config=True)
    per_address = Integer(0, config=True)
    pool = Integer(0, config=True)
    memory_mib = Integer(0, config=True)
    ipython_dir = Unicode("", config=True)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.seats = Seats(self.max_viewers, per_address=self.per_address)
        self.endings: OrderedDict[str, str] = OrderedDict()

    # --- who may come ---

    async def admit(self, viewer: str, address: str) -> Seat:
        """Return a seat for a visit.

        Raises
        ------
        tornado.web.HTTPError
            503, when there is none.
        """
        try:
            seat, gone = self.seats.admit(viewer, address, time.monotonic())
        except RefusedError as error:
            raise HTTPError(503, str(error).replace("%", "%%")) from None
        for one in gone:
            await self.end(one.kernel, "room")
        return seat

    async def start_kernel(self, *arguments: Any, **options: Any) -> str:
        """Start a kernel with nothing of the server's environment that is not on the allow-list."""
        if len(self) >= self.max_viewers + self.pool + 1:  # a fence behind `admit`: whatever asks, no more than that
            raise HTTPError(503, "All places are taken.")
        options["env"] = for_kernel(options.get("env") or {}) | {"IPYTHONDIR": self.ipython_dir}
        return str(await super().start_kernel(*arguments, **options))

    # --- who is there ---

    def notify_connect(self, kernel_id: str) -> None:
        """Note that a page has connected to a kernel."""
        super().notify_connect(kernel_id)
        self.seats.joined(kernel_id)

    def notify_disconnect(self, kernel_id: str) -> None:
        """Note that a page has gone."""
        super().notify_disconnect(kernel_id)
        self.seats.left(kernel_id, time.monotonic())

    # --- who goes ---

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End a kernel that takes too much, or that nobody looks at."""
        seat = self.seats.of(kernel_id)
        if self.memory_mib and await asyncio.to_thread(self._taken_mib, kernel_id) > self.memory_mib:
            await self.end(kernel_id, "memory")
        elif seat and not seat.pages and time.monotonic() - seat.since > self.cull_idle_timeout:
            await self.end(kernel_id, "idle")

    async def end(self, kernel_id: str, why: str) -> None:
        """End a kernel now, and remember why for its page."""
        self._remember(kernel_id, why)
        self.log.warning("the kernel %s ended: %s", kernel_id, ENDINGS.get(why, why))
        if kernel_id in self:
            await self.shutdown_kernel(kernel_id, now=True)

    def remove_kernel(self, kernel_id: str) -> Any:
        """Forget a kernel that has ended, in whatever way; its place is free."""
        self.seats.freed(kernel_id)
        return super().remove_kernel(kernel_id)

    def _handle_kernel_died(self, kernel_id: str) -> None:
        self._remember(kernel_id, "crashed")
        super()._handle_kernel_died(kernel_id)

    def _remember(self, kernel_id: str, why: str) -> None:
        self.endings.setdefault(kernel_id, why)
        while len(self.endings) > _REMEMBERED:
            self.endings.popitem(last=False)

    def _taken_mib(self, kernel_id: str) -> int:
        """Return the private memory of a kernel in MiB; 0 when it cannot be told."""
        provisioner = self.get_kernel(kernel_id).provisioner if kernel_id in self else None
        pid = getattr(provisioner, "pid", None)
        if not pid:
            return 0
        try:
            told = psutil.Process(pid).memory_info()
        except psutil.Error:
            return 0
        shared = getattr(told, "shared", 0) if sys.platform == "linux" else 0
        return int(told.rss - shared) // 2**20
