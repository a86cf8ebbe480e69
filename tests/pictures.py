"""Pictures for tests of stored files, told apart by a number, and making files old."""

import io
import os
from functools import cache

from PIL import Image

LONG_AGO = 1_000_000_000.0


@cache
def png(number):
    """Return a small PNG that differs from that of every other number below 2**24."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (number & 255, number >> 8 & 255, number >> 16)).save(buffer, "PNG")
    return buffer.getvalue()


def aged(folder):
    """Make every file under `folder` many years old."""
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (LONG_AGO, LONG_AGO))
