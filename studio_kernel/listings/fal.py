"""fal's platform API as far as it tells about models, and the documents that its site publishes without a key.

Notes
-----
``GET /v1/models``, ``GET /v1/models/pricing`` and ``/api/openapi/queue/openapi.json`` as documented at
https://fal.ai/docs/platform-apis (read 2026-11). The key is optional for the list and needed for prices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from studio_kernel.catalog.refresh import Listing, UnitPrice
from studio_kernel.errors import BadAnswerError, EndpointGoneError
from studio_kernel.listings.asking import Asking, Say

PLATFORM = "https://api.fal.ai/v1"
DOCUMENTS = "https://fal.ai/api/openapi/queue/openapi.json"
PRICES_A_CALL = 50
MOST_PAGES = 500


class FalListings(Asking):
    """What fal offers.

    Parameters
    ----------
    say : callable
        Is told in words why something takes longer.
    """

    def __init__(self, say: Say = lambda _text: None) -> None:
        super().__init__("fal", "Key", say)

    def document(self, endpoint: str) -> dict[str, Any]:
        """Return the OpenAPI document of an endpoint; needs no key."""
        return self.get(DOCUMENTS, {"endpoint_id": endpoint})

    def document_address(self, endpoint: str) -> str:
        """Return where the document of an endpoint is."""
        return f"{DOCUMENTS}?endpoint_id={endpoint}"

    def models(self, *, text: str = "", category: str = "") -> Iterator[Listing]:
        """Yield the endpoints that are listed, each with its document; needs no key.

        Parameters
        ----------
        text : str
            Only those that the service finds by these words.
        category : str
            Only those of this category, such as ``image-to-video``.

        Raises
        ------
        ServiceError
            When a page is missing or is none; what was yielded before is then not the whole list.
        """
        wanted = {name: value for name, value in (("q", text), ("category", category)) if value}
        asked: dict[str, Any] = {"expand": "openapi-3.0", **wanted}
        for _ in range(MOST_PAGES):
            page = self.get(f"{PLATFORM}/models", asked, with_key=self.has_key)
            entries = page.get("models")
            if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
                raise BadAnswerError("fal", f"its list of models is none: {str(page)[:80]!r}")
            yield from (listing for entry in entries if (listing := Listing.of(entry)) is not None)
            following = page.get("next_cursor")
            if not following or not page.get("has_more", True):
                return
            if following == asked.get("cursor"):
                raise BadAnswerError("fal", f"its list of models leads back to the same page ({following!r})")
            asked["cursor"] = following
        raise BadAnswerError("fal", f"its list of models has not ended after {MOST_PAGES} pages")

    def prices(self, endpoints: Sequence[str]) -> Iterator[UnitPrice]:
        """Yield what a unit of each endpoint costs; those without a price are left out. Needs a key."""
        for start in range(0, len(endpoints), PRICES_A_CALL):
            yield from self._prices(endpoints[start : start + PRICES_A_CALL])

    def _prices(self, endpoints: Sequence[str]) -> Iterator[UnitPrice]:
        """Ask for some at once; one that is not known refuses them all, so that it is searched for by halves."""
        try:
            page = self.get(f"{PLATFORM}/models/pricing", {"endpoint_id": list(endpoints)}, with_key=True)
        except EndpointGoneError:
            if len(endpoints) > 1:
                half = len(endpoints) // 2
                yield from self._prices(endpoints[:half])
                yield from self._prices(endpoints[half:])
            return
        entries = page.get("prices")
        if not isinstance(entries, list):
            raise BadAnswerError("fal", f"its list of prices is none: {str(page)[:80]!r}")
        yield from (price for entry in entries if (price := UnitPrice.of(entry)) is not None)
