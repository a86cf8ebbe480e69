"""Threads beside the kernel's own, which change what panels show without having been asked by a page.

What a page sends to a widget goes to the shell whose request published last on that widget, and a thread that has no
request is taken to serve the newest one (ipykernel 7.4, ``BaseComm.publish_msg`` and ``Kernel.get_parent``). Its
subshell may be gone a moment later, as that of a closed comm is; then every click on the widget is lost, until somebody
else publishes on it. So these threads say that they serve no request, which leaves the way of the answers as it was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from IPython import get_ipython

P = ParamSpec("P")
R = TypeVar("R")


def start(target: Callable[[], object], name: str) -> None:
    """Start a thread that ends with the process.

    Parameters
    ----------
    target : callable
        What it does.
    name : str
        What it is called in lists of threads.
    """
    threading.Thread(target=unasked(target), name=name, daemon=True).start()


def unasked(call: Callable[P, R]) -> Callable[P, R]:
    """Return a function that does the same and, in a thread of ours, serves no request."""

    @wraps(call)
    def serving_none(*args: P.args, **kwargs: P.kwargs) -> R:
        _serve_none()
        return call(*args, **kwargs)

    return serving_none


def _serve_none() -> None:
    """Make "none" the request of a thread that has none; one that has, as the kernel's own do, keeps it."""
    kernel = getattr(get_ipython(), "kernel", None)
    request = getattr(kernel, "_shell_parent", None)  # there is no public way to set it for one thread
    if isinstance(request, ContextVar) and request.get(None) is None:
        request.set({})
