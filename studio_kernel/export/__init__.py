"""Sharing without a server: a folder that works from disk or on any web host."""

from studio_kernel.export.gallery import export_gallery

__all__ = ["export_gallery"]
