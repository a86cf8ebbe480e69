"""What is said of a run beside its picture: a letter, where it worked, and what it took, in words."""

from __future__ import annotations

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.budget import dollars
from studio_kernel.domain.runs import RunRecord
from studio_kernel.domain.words import duration, size

LETTERS = 26


def letter_of(place: int) -> str:
    """Return what the run at a place of a comparison is called: ``A`` … ``Z``, ``AA`` …."""
    before, last = divmod(place, LETTERS)
    return (letter_of(before - 1) if before else "") + chr(ord("A") + last)


def where_of(record: RunRecord, endpoint: str = "") -> str:
    """Return where a run worked: ``here``, ``at SERVICE``, or that it was imported.

    Parameters
    ----------
    endpoint : str
        Of its model, when a service runs that.
    """
    if record.is_import:
        return "imported"
    is_charged = record.cost_usd or (record.estimate is not None and record.estimate.cost_usd)
    service = record.provenance.get("service") or (record.engine if endpoint or is_charged else "")
    return f"at {service}" if service else "here"


def facts_of(record: RunRecord, asset: Asset | None) -> list[tuple[str, str]]:
    """Return engine, seconds, peak memory, price, seed and pixels of a run as names and words; known ones only."""
    memory = peak_memory_of(record)
    seed = asset.seed if asset and asset.seed is not None else record.seed
    found = [
        ("Engine", record.engine),
        ("Time", duration(record.elapsed_s) if record.elapsed_s is not None else ""),
        ("Peak memory", size(memory) if memory is not None else ""),
        ("Price", price_of(record)),
        ("Seed", str(seed) if seed is not None else ""),
        ("Size", f"{asset.width} × {asset.height}" if asset and asset.width and asset.height else ""),
    ]
    return [(name, words) for name, words in found if words]


def peak_memory_of(record: RunRecord) -> int | None:
    """Return the most device memory a run took, in bytes; `None` where nobody measured it."""
    memory = record.provenance.get("peak_memory_bytes")
    return int(memory) if isinstance(memory, (int, float)) else None


def price_of(record: RunRecord) -> str:
    """Return what was billed, or expected where nobody has said."""
    if record.cost_usd is not None:
        return dollars(record.cost_usd) if record.cost_usd else "free"
    expected = record.estimate.cost_usd if record.estimate is not None else None
    if expected:
        return f"about {dollars(expected)}"
    return "free" if expected == 0 and "service" not in record.provenance else ""
