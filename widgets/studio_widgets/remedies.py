"""What is to be asked before a run that has failed is asked for again; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio_kernel.domain.budget import dollars

if TYPE_CHECKING:
    from studio_kernel.domain.runs import RunRecord


def question_of(record: RunRecord) -> str:
    """Return what to ask before a run that has failed is asked for anew; nothing where it was certainly not charged."""
    said = record.provenance
    expected = record.estimate.cost_usd if record.estimate is not None else None
    amount = f" about {dollars(expected)}" if expected else ""
    if said.get("can_be_fetched"):
        return (
            f"The service may still have the result, and fetching it costs nothing. Pay{amount} for a new one instead?"
        )
    if said.get("may_be_billed"):
        return f"This run may have been charged already: look at your account there first. Pay{amount} once more?"
    return ""
