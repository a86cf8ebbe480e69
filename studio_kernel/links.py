"""The address of a page of the dashboards of a home, to be sent to somebody.

What can be said in it is what `studio_widgets.dashboard` understands. Nothing secret is ever in it: whoever opens it
is asked for the token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args
from urllib.parse import quote, urlencode, urlsplit

from studio_kernel.errors import InvalidRequestError, Problem

DEFAULT_ADDRESS = "http://127.0.0.1:8866/"
"""Where `studio dashboards` serves when nothing else is said."""
PageName: TypeAlias = Literal["home", "gallery", "run", "sweep", "compare", "judge", "costs", "models"]


def link(
    address: str,
    page: str,
    *,
    project: str = "",
    run: str = "",
    runs: Sequence[str] = (),
    sweep: str = "",
    board: str = "",
) -> str:
    """Return the address of a page.

    Parameters
    ----------
    address : str
        Where the dashboards are, such as ``https://example.org/studio/``; what is a query in it is left out.

    Raises
    ------
    InvalidRequestError
        For a page that there is not, and for what is no address of a web server.

    Examples
    --------
    >>> link("https://example.org/studio", "compare", runs=["0192a", "0192b"])
    'https://example.org/studio/?page=compare&runs=0192a,0192b'
    """
    if page not in get_args(PageName):
        raise _refused("page", f"{page!r} is none of {', '.join(get_args(PageName))}")
    said = {"page": page, "project": project, "run": run, "runs": ",".join(runs), "sweep": sweep, "board": board}
    query = urlencode({name: text for name, text in said.items() if text}, quote_via=quote, safe=",")
    return f"{_base(address)}?{query}"


def _base(address: str) -> str:
    """Return an address without query, user and password, with a slash at its end."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise _refused("address", f"{address!r}: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _refused("address", f"{address!r} is no address of a web server, such as https://example.org/studio/")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}/"


def _refused(field: str, text: str) -> InvalidRequestError:
    return InvalidRequestError([Problem(field, text)], "link")
