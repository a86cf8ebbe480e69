"""What a forked child must make anew: files, locks and threads that belong to its parent."""

from __future__ import annotations

import ctypes
import os
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """Something that holds a file, a lock or a thread."""

    def renew_in_child(self) -> None:
        """Let go of what belongs to the parent, without closing or releasing it."""


_members: WeakSet[Forkable] = WeakSet()


def register(member: Forkable) -> None:
    """Call ``member.renew_in_child()`` in every child that this process forks from now on."""
    _members.add(member)


def abandon(thing: object) -> None:
    """Keep an object of the parent alive for good, because its destructor would act on what the parent still uses.

    A DuckDB instance aborts the child when it is destroyed there, at the child's exit too; a file lock would be
    released for the parent as well. A reference that nobody gives back outlives even the end of the interpreter.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _renew() -> None:
    for member in list(_members):
        member.renew_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
