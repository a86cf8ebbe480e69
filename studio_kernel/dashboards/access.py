"""Who gets in: the token for every single address, the names under which the server answers, and its cookies.

Voila 0.5.13 serves its scripts and the files beside the notebooks to anybody. Here every route is wrapped: without
the token there is the page that asks for it, and nothing else.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from typing import Any
from urllib.parse import unquote

from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.base.handlers import JupyterHandler
from tornado.web import HTTPError, StaticFileHandler

KEPT_S = 600
"""How long browsers keep scripts and styles; after an upgrade of a package that long may be out of date."""


class TokenIdentity(IdentityProvider):  # type: ignore[misc]  # untyped base
    """Lets in whoever knows the token; there are no accounts and no passwords to set."""

    @property
    def logout_available(self) -> bool:
        """There is nothing to log out of but a cookie."""
        return False

    def process_login_form(self, handler: JupyterHandler) -> User | None:
        """Return a user for the right token."""
        typed = str(handler.get_argument("password", default="", strip=True))
        if not hmac.compare_digest(typed.encode(), str(self.token).encode()):
            return None
        return self.generate_anonymous_user(handler)


class Guarded:
    """Put before a handler class: asks for the token, refuses foreign hosts, keeps cookies to this site and to TLS."""

    is_public = False

    async def prepare(self, **options: Any) -> None:
        """Let the visitor in, or send him to the page that asks for the token; refuse paths that climb."""
        await super().prepare(**options)  # type: ignore[misc]  # of the handler
        if not (self.is_public or self.current_user or self._finished):  # type: ignore[attr-defined]
            raise HTTPError(403)
        if not self._finished and _climbs(self.request.path):  # type: ignore[attr-defined]
            raise HTTPError(404)

    def check_host(self) -> bool:
        """Whether the server was asked for by a name of its own.

        A foreign page reaches a server by letting its own name point to it, so names have to be known; a number in
        the address is where the browser really went.
        """
        host = self.request.host_name.strip("[]").lower()  # type: ignore[attr-defined]
        settings = self.settings  # type: ignore[attr-defined]
        if host in settings["local_hostnames"]:
            return True
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return False
        return True

    def set_cookie(self, name: str, value: Any, *arguments: Any, **options: Any) -> None:
        """Set a cookie that other sites do not send along and that never leaves TLS where there is some."""
        options.setdefault("samesite", "Lax")
        if self.request.protocol == "https":  # type: ignore[attr-defined]
            options["secure"] = True
        super().set_cookie(name, value, *arguments, **options)  # type: ignore[misc]  # of the handler


class Kept:
    """Put before a handler of installed files: browsers keep them a while, or a page would ask a hundred times."""

    def set_headers(self) -> None:
        """Set the headers of a file."""
        super().set_headers()  # type: ignore[misc]  # of the handler
        self.set_header("Cache-Control", f"private, max-age={KEPT_S}")  # type: ignore[attr-defined]


def _climbs(path: str) -> bool:
    """Whether a path wants to leave its directory, in any spelling."""
    named = unquote(path)
    return "\0" in named or ".." in re.split(r"[/\\]", named)


def guarded(handler: type[Any]) -> type[Any]:
    """Return `handler` behind the token."""
    if issubclass(handler, Guarded):
        return handler
    before = (Guarded, Kept) if issubclass(handler, StaticFileHandler) else (Guarded,)
    bases = (*before, handler) if issubclass(handler, JupyterHandler) else (*before, JupyterHandler, handler)
    return type(f"Guarded{handler.__name__}", bases, {})
