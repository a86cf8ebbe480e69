"""What is written into a file."""

from __future__ import annotations

from dataclasses import dataclass

KEY = "studio"
"""Names our JSON in containers whose tags have names."""


@dataclass(frozen=True, slots=True)
class Notes:
    """Two texts.

    Attributes
    ----------
    json : str
        Ours; ASCII only, so that no container has to care for its encoding.
    text : str
        What other programs show, such as prompt and settings as A1111 writes them.
    """

    json: str
    text: str


class OddFileError(ValueError):
    """A file is not as its format says, or is signed; it stays as it is."""
