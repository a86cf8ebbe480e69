"""Small pieces of text that several panels say alike."""

from __future__ import annotations


def counted(count: int, thing: str) -> str:
    """Return how many there are of something whose plural ends in s, such as ``1 run`` or ``1,200 runs``."""
    return f"1 {thing}" if count == 1 else f"{count:,} {thing}s"


def owned(name: str, own: bool) -> str:
    """Return a name out of the catalog, marked when the user has made it."""
    return f"{name} (own)" if own else name
