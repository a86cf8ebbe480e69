"""What a licence says about commercial use, as far as its name or the catalog's words for it tell; pure."""

from __future__ import annotations

import re
from typing import Literal

CommercialUse = Literal["allowed", "limited", "refused", ""]
"""``limited``: under conditions, such as a revenue; empty: not said."""

_REFUSED = re.compile(r"\bnon-?commercial\b|\bby-nc\b", re.IGNORECASE)
_LIMITED = re.compile(r"\brevenue\b", re.IGNORECASE)
_ALLOWED = re.compile(r"^(apache-2\.0|mit|bsd-[23]-clause|cc0-1\.0|cc-by-4\.0)$|\bopen ?rail\b", re.IGNORECASE)


def commercial_use(licence: str) -> CommercialUse:
    """Return whether a licence allows commercial use.

    Notes
    -----
    Apache-2.0, MIT, BSD, CC0 and CC-BY grant their rights for any purpose; the OpenRAIL licences too, but for the uses
    that they list as harmful. What is called non-commercial, or free up to a revenue, says so in its name or in the
    catalog. Anything else is taken for not said.
    """
    if _REFUSED.search(licence):
        return "refused"
    if _LIMITED.search(licence):
        return "limited"
    return "allowed" if _ALLOWED.search(licence.strip()) else ""
