"""The pages of the server: the front page, a dashboard, the one that asks for the token, and how a kernel fares."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from jupyter_core.utils import ensure_async
from jupyter_server.auth.login import LoginFormHandler
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado.escape import url_escape
from tornado.web import HTTPError, authenticated
from voila.request_info_handler import RequestInfoSocketHandler
from voila.tornado.handler import TornadoVoilaHandler

from studio_kernel.dashboards.access import Guarded
from studio_kernel.dashboards.admission import Seat
from studio_kernel.dashboards.kernels import ENDINGS, VisitorKernels
from studio_kernel.dashboards.notebooks import cards
from studio_kernel.dashboards.options import START_PAGE

MAX_QUERY = 8000
ENDED = "<p>The program behind this page ended while the page was made. Load the page again.</p>"


def without_token(query: str) -> str:
    """Return a query without the token in it."""
    return urlencode([(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "token"])


class Page(Guarded, JupyterHandler):  # type: ignore[misc]  # untyped base
    """A page of ours; errors come in our look too."""

    def write_error(self, status_code: int, **options: Any) -> None:
        """Say what went wrong and what to do."""
        self.set_header("Cache-Control", "no-store")
        if status_code == 503:
            self.set_header("Retry-After", "20")
        super().write_error(status_code, **options)

    def strip_token(self) -> bool:
        """Go on to the same address without the token; whoever had it has its cookie by now."""
        if not self.get_query_arguments("token"):
            return False
        query = without_token(self.request.query)
        self.redirect(f"{self.request.path}{'?' if query else ''}{query}")
        return True


class FrontPage(Page):
    """The list of dashboards; made from their files, without a kernel."""

    def initialize(self, directory: Path) -> None:
        """Take what is served."""
        self.directory = directory

    @authenticated  # type: ignore[untyped-decorator]
    def get(self) -> None:
        """Show the list; an address that names a place goes on to the dashboard that has it."""
        query = without_token(self.request.query)[:MAX_QUERY]
        if query and (self.directory / START_PAGE).is_file():
            self.redirect(f"{url_path_join(self.base_url, 'voila/render', START_PAGE)}?{query}")
        elif not self.strip_token():
            self.set_header("Cache-Control", "no-store")
            self.write(self.render_template("front.html", cards=cards(self.directory)))


class LoginPage(Guarded, LoginFormHandler):  # type: ignore[misc]  # untyped base
    """Asks for the token."""

    is_public = True

    def _render(self, message: dict[str, str] | None = None) -> None:
        goes_on = url_escape(self.get_argument("next", default=self.base_url))
        page = self.render_template("login.html", next=goes_on, is_wrong=bool(message))
        self.write(page)


class NotFound(Page):
    """Whatever is not there; that, too, is told to visitors with the token only."""

    @authenticated  # type: ignore[untyped-decorator]
    def get(self) -> None:
        """Say so."""
        raise HTTPError(404)


class _Visit:
    """The kernels of the server as one visit sees them: the kernel that it gets is put on its seat."""

    def __init__(self, kernels: VisitorKernels, seat: Seat) -> None:
        self._kernels, self._seat = kernels, seat

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kernels, name)

    def get_pool_size(self, notebook: str) -> int:
        """Return how many kernels are warm and well."""
        pool = self._kernels._pools.get(notebook, []) if hasattr(self._kernels, "_pools") else []
        well = [task for task in pool if not (task.done() and (task.cancelled() or task.exception()))]
        if len(well) < len(pool):
            pool[:] = well
            self._kernels.fill_if_needed(notebook_name=notebook)
        return len(well)

    async def start_kernel(self, **options: Any) -> str:
        """Start a cold kernel."""
        self._take(kernel := await self._kernels.start_kernel(**options))
        return kernel

    async def get_rendered_notebook(self, **options: Any) -> tuple[Any, list[str], str]:
        """Take a warm kernel."""
        task, cache, kernel = await self._kernels.get_rendered_notebook(**options)
        self._take(kernel)
        return task, cache, kernel

    def _take(self, kernel: str) -> None:
        self._seat.kernel = kernel


class DashboardPage(Page, TornadoVoilaHandler):  # type: ignore[misc]  # untyped base
    """A dashboard, with a kernel of its own, warm where one is ready."""

    _visit: _Visit | None = None

    @property
    def kernel_manager(self) -> Any:
        """Kernels, as this visit sees them."""
        return self._visit or super().kernel_manager

    @authenticated  # type: ignore[untyped-decorator]
    async def get(self, path: str = "") -> None:
        """Serve the page of a notebook."""
        if not await self._is_served(path):
            raise HTTPError(404)
        if self.strip_token():
            return
        kernels: VisitorKernels = super().kernel_manager
        seat = await kernels.admit(self.current_user.username, self.request.remote_ip)
        self._visit = _Visit(kernels, seat)
        try:
            self.xsrf_token  # noqa: B018 - sets the cookie by which the page may say good-bye
            async for html in self.get_generator(path=path):
                self.write(html)
                await self.flush()
                if seat.kernel and seat.kernel not in kernels:  # Voila would send signs of life for ever
                    self.write(ENDED)
                    break
        finally:
            RequestInfoSocketHandler._cache.pop(seat.kernel, None)  # Voila keeps every visit's address for ever
            seat.since = time.monotonic()
            if not seat.kernel or seat.kernel not in kernels:
                kernels.seats.give_up(seat)

    async def _is_served(self, path: str) -> bool:
        """Whether there is such a notebook; not for what is hidden, or leaves the directory."""
        files = self.contents_manager
        if not path.endswith(".ipynb") or any(part.startswith(".") for part in path.split("/")):
            return False
        return bool(await ensure_async(files.file_exists(path)))


class KernelState(Page):
    """How the kernel of a page fares, and a page's good-bye."""

    @authenticated  # type: ignore[untyped-decorator]
    def get(self, kernel_id: str) -> None:
        """Tell whether the kernel is there; if not, why."""
        self.set_header("Cache-Control", "no-store")
        kernels: VisitorKernels = self.kernel_manager
        why = "" if kernel_id in kernels else kernels.endings.get(kernel_id, "idle")
        self.finish({"alive": not why, "reason": why, "text": ENDINGS.get(why, "")})

    @authenticated  # type: ignore[untyped-decorator]
    async def post(self, kernel_id: str) -> None:
        """End the kernel of a page that has been closed."""
        kernels: VisitorKernels = self.kernel_manager
        seat = kernels.seats.of(kernel_id)
        if seat and seat.viewer == self.current_user.username:
            await kernels.end(kernel_id, "idle")
        self.set_status(204)
