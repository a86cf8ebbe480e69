"""What Replicate tells of a model.

Notes
-----
``GET /v1/models/{owner}/{name}``, https://replicate.com/docs/reference/http (read 2026-11); every call needs a key.
"""

from __future__ import annotations

from typing import Any

from studio_kernel.listings.asking import Asking, Say

API = "https://api.replicate.com/v1"


class ReplicateListings(Asking):
    """What Replicate offers.

    Parameters
    ----------
    say : callable
        Is told in words why something takes longer.
    """

    def __init__(self, say: Say = lambda _text: None) -> None:
        super().__init__("replicate", "Bearer", say)

    def document(self, endpoint: str) -> dict[str, Any]:
        """Return what the service says of a model, or of one version of it, with its OpenAPI document."""
        return self.get(self.document_address(endpoint), with_key=True)

    def document_address(self, endpoint: str) -> str:
        """Return where that is."""
        model, _, version = endpoint.partition(":")
        return f"{API}/models/{model}" + (f"/versions/{version}" if version else "")
