"""What the page is told of a clip beside its bytes, so that it can go from one frame to the next."""

from __future__ import annotations

from dataclasses import asdict

from studio_kernel.assets.clips import clip_of


def clip_facts(data: bytes, media_type: str) -> dict[str, object] | None:
    """Return what the player has to know of a file, or `None` when it does not move.

    Parameters
    ----------
    data : bytes
        The whole file.
    media_type : str
        What it is.
    """
    found = clip_of(data, media_type)
    return asdict(found) if found is not None else None
