"""Files by their digest: storing, describing, thumbnails, provenance inside the file. Knows no runs and no log."""

from studio_kernel.assets.store import AssetStore

__all__ = ["AssetStore"]
