"""Checks of what comes from a browser, for the ``intents.py`` of every panel.

Whoever opens a dashboard can send anything over its websocket: a value is taken only when it is what it should be.
"""

from __future__ import annotations

from typing import TypeGuard

MAX_ID = 64
LARGEST = 2**53
"""Numbers of JavaScript are exact below that."""


def is_id(value: object, longest: int = MAX_ID) -> TypeGuard[str]:
    """Whether something can be an id: a text that is not empty and not too long."""
    return isinstance(value, str) and 0 < len(value) <= longest


def is_whole(value: object) -> TypeGuard[int]:
    """Whether something is a whole number; neither JSON nor we take true and false for one."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST


def is_place(value: object, most: int = LARGEST - 1) -> TypeGuard[int]:
    """Whether something is a whole number from nought to `most`."""
    return is_whole(value) and 0 <= value <= most
