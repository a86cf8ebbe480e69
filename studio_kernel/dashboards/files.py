"""Files beside the dashboards, for pictures in their texts: only with the token, only raster pictures and clips.

Voila 0.5.13 serves ``/voila/files/`` to anybody, and with it SVG, whose scripts run with the rights of the page.
"""

from __future__ import annotations

from jupyter_server.base.handlers import JupyterHandler
from tornado.web import HTTPError, authenticated
from voila.static_file_handler import AllowListFileHandler

from studio_kernel.dashboards.access import Guarded

ALLOWED = [r"[^.].*\.(png|jpe?g|gif|webp|avif|mp4|webm)"]
"""What may be served, as patterns of the whole path; scripts can live in svg and html, so never those."""


class GuardedFiles(Guarded, JupyterHandler, AllowListFileHandler):  # type: ignore[misc]  # untyped bases
    """Serves a file of the dashboards' directory to someone who is logged in."""

    def set_default_headers(self) -> None:
        """Set the headers of the whole server (both bases have a say)."""
        JupyterHandler.set_default_headers(self)

    @authenticated  # type: ignore[untyped-decorator]
    async def get(self, path: str, include_body: bool = True) -> None:
        """Serve the file."""
        if any(part.startswith(".") for part in path.split("/")):
            raise HTTPError(403, "Hidden files are not served")
        await AllowListFileHandler.get(self, path, include_body)

    async def head(self, path: str) -> None:
        """Serve the headers."""
        await self.get(path, include_body=False)
