"""Forms of what is read: classes that data is checked against, made ready for several threads.

msgspec 0.22 works out what a class consists of when it is read for the first time, and lets other threads use that
while it is being worked out. Whoever reads the same class at that moment crashes the process.
"""

from __future__ import annotations

import threading
from typing import TypeVar

import msgspec

Form = TypeVar("Form")

_lock = threading.Lock()
_ready: set[object] = set()


def ready(form: Form) -> Form:
    """Return a form that any thread may read now; every form that msgspec gets goes through here.

    Parameters
    ----------
    form : type
        A struct, a dataclass, or a union or a list of them.
    """
    if form not in _ready:
        with _lock:
            msgspec.json.Decoder(form)
            _ready.add(form)
    return form
