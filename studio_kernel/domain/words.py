"""Estimates in words, the same ones on the command line, in notebooks and in panels."""

from __future__ import annotations

from studio_kernel.domain.budget import dollars
from studio_kernel.domain.estimate import CostBasis, CostEstimate, Estimate, MemoryEstimate, TimeEstimate

GIB = 2**30
MIB = 2**20


def size(size_bytes: int) -> str:
    """Return a size, such as ``10.4 GiB``; binary units, as graphics cards are sold by."""
    if size_bytes >= GIB:
        return f"{size_bytes / GIB:.1f} GiB"
    return f"{size_bytes / MIB:.0f} MiB"


def duration(seconds: float) -> str:
    """Return a duration with about two digits, such as ``0.86 s``, ``12 s``, ``4 min`` or ``1.5 h``."""
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def memory(estimate: MemoryEstimate) -> str:
    """Return what a run needs, where most of it goes and whether it fits."""
    limiting = estimate.limiting
    peak = f", most while {limiting.name}" if limiting else ""
    fit = estimate.fit
    where = f"{'in' if fit.device.kind == 'cpu' else 'on'} {fit.device.name}" if fit else ""
    against = f"; {fit.verdict}: {size(fit.device.available_bytes)} available {where}" if fit else ""
    return f"{size(estimate.vram_bytes)}{peak}{against}"


def time(estimate: TimeEstimate) -> str:
    """Return the median and the interval, and what may come before."""
    spread = f"{duration(estimate.seconds)} ({duration(estimate.low_s)} to {duration(estimate.high_s)})"
    loading = f", {duration(estimate.loading_s)} more if the model is not loaded" if estimate.loading_s >= 1 else ""
    return f"{spread}{loading}" + (f", after {duration(estimate.wait_s)} in the queue" if estimate.wait_s >= 1 else "")


def counted(units: float, unit: str) -> str:
    """Return how many of a unit, such as ``2 megapixels`` or ``3 × 1000 chars``."""
    name = unit.replace("_", " ")
    if name[:1].isdigit():
        return f"{units:g} × {name}"
    return f"{units:g} {name if units == 1 or name.endswith('s') else f'{name}s'}"


def cost(estimate: CostEstimate) -> str:
    """Return the amount and what it is for."""
    if estimate.basis is CostBasis.LOCAL:
        return "nothing, it runs here"
    if estimate.cost_usd is None:
        return f"not known{': ' + estimate.note if estimate.note else ''}"
    price = f", price of {estimate.as_of}" if estimate.as_of else ""
    return f"{dollars(estimate.cost_usd)} ({estimate.units:g} × {estimate.unit.replace('_', ' ')}{price})"


def lines(estimate: Estimate) -> dict[str, str]:
    """Return the estimate as names and words; what does not apply is left out."""
    found = memory_lines(estimate.memory) if estimate.memory else {}
    if estimate.time:
        found["time"] = f"{time(estimate.time)} [{estimate.time.basis}, {estimate.time.confidence}]"
    found["cost"] = cost(estimate.cost)
    found["warnings"] = "; ".join(estimate.warnings)
    return {name: words for name, words in found.items() if words}


def memory_lines(estimate: MemoryEstimate) -> dict[str, str]:
    """Return what a run needs, the largest batch that fits and what would help, as names and words."""
    found = {"memory": f"{memory(estimate)} [{estimate.basis}, {estimate.confidence}]"}
    if estimate.fit and estimate.fit.largest_batch is not None:
        found["largest batch"] = str(estimate.fit.largest_batch)
    if estimate.fit and estimate.fit.advice:
        found["advice"] = "; ".join(
            f"{each.words}: {size(each.vram_bytes)}, {each.verdict}" for each in estimate.fit.advice
        )
    return found
