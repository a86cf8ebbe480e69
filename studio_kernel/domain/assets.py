"""A stored file as the log knows it."""

from __future__ import annotations

from dataclasses import dataclass

from studio_kernel.domain.values import AssetRef


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of a run.

    Attributes
    ----------
    sha256 : str
        Digest of its bytes; its name in the asset store.
    media_type : str
        Read from the bytes, such as ``image/png``.
    size_bytes : int
        Length of the file.
    width, height : int or None
        Pixels, for images and videos.
    index : int
        Place among the files of its run, from 0.
    seed : int or None
        The seed that made this file, when the run made several.
    role : str
        ``output`` or the name of the parameter it was given as.
    """

    sha256: str
    media_type: str
    size_bytes: int
    width: int | None = None
    height: int | None = None
    index: int = 0
    seed: int | None = None
    role: str = "output"

    @property
    def ref(self) -> AssetRef:
        """The asset as an input of another request."""
        return AssetRef(self.sha256, self.media_type)

    def is_a(self, kind: str) -> bool:
        """Return whether it is an ``image``, a ``video`` or ``audio``."""
        return self.media_type.startswith(f"{kind}/")
