"""How long a test works: seconds in the suite, minutes with ``make soak``, which sets ``STUDIO_SOAK=1``."""

import os
from typing import TypeVar

import pytest

T = TypeVar("T")

IS_LONG = os.environ.get("STUDIO_SOAK") == "1"
soak = pytest.mark.soak


def length(short: T, long: T) -> T:
    """Return how much of something a test does: `short` in the suite, `long` in a soak."""
    return long if IS_LONG else short
