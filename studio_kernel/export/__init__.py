"""Sharing without a server: pages that work from disk or on any web host, and files for other programs."""

from studio_kernel.export.files import Exported, Exporter

__all__ = ["Exported", "Exporter"]
