"""An estimate as words and HTML, everything escaped; pure."""

from __future__ import annotations

from html import escape

from studio_kernel.domain import words
from studio_kernel.domain.budget import dollars
from studio_kernel.domain.estimate import (
    MANY_IMAGES,
    CostBasis,
    CostEstimate,
    DeviceMemory,
    Estimate,
    MemoryEstimate,
    TimeBasis,
    TimeEstimate,
)
from studio_widgets.frame.panel import facts
from studio_widgets.wording import counted

KINDS = {"fits": "good", "tight": "warn", "does not fit": "bad", "more than this device has": "bad"}
FREE = "free: runs here"
NO_PRICE = "price not known"


def line(estimate: Estimate | None, reason: str, *, is_stale: bool, has_bar: bool = True) -> str:
    """Return the short form; busy while a newer answer is on its way."""
    shown = _parts(estimate, has_bar=has_bar) if estimate else _span(f"not known: {reason}") if reason else ""
    updating = f'<span class="se-updating">{"updating" if estimate else "estimating"} …</span>' if is_stale else ""
    return f'<div class="se-line" role="status" aria-busy="{_flag(is_stale)}">{shown}{updating}</div>'


def details(estimate: Estimate | None, *, is_stale: bool) -> str:
    """Return the long form; nothing before the first answer."""
    if estimate is None:
        return ""
    bar = _bar(estimate.memory, legend=True) if estimate.memory else ""
    return f'<div class="se-details" aria-busy="{_flag(is_stale)}">{bar}{facts(pairs(estimate))}</div>'


def verdict(memory: MemoryEstimate) -> str:
    """Return ``fits``, ``tight``, ``does not fit`` or that no emptying could help; nothing without a device."""
    if memory.fit is None:
        return ""
    too_much = memory.vram_bytes > memory.fit.device.total_bytes
    return "more than this device has" if too_much else memory.fit.verdict


def pairs(estimate: Estimate) -> list[tuple[str, str]]:
    """Return names and words of everything that is known."""
    found: list[tuple[str, str]] = []
    if estimate.memory:
        found += _memory_pairs(estimate.memory)
    if estimate.time:
        found += [("Time", words.time(estimate.time)), ("Time from", _time_basis(estimate.time))]
    else:
        found.append(("Time", "not known: nothing like it was made here yet"))
    found += [("Cost", cost(estimate.cost)), ("Results", str(estimate.images))]
    return found


def warnings(estimate: Estimate | None) -> list[str]:
    """Return what to look at before pressing the button."""
    if estimate is None:
        return []
    many = f"{estimate.images} pictures at once are more than {MANY_IMAGES}"
    told = [many] if estimate.images > MANY_IMAGES else []
    memory = estimate.memory.warnings if estimate.memory else ()
    return list(dict.fromkeys([*told, *estimate.warnings, *memory]))


def advice(estimate: Estimate | None) -> list[str]:
    """Return what the engine could do where a run does not fit, with what comes of it."""
    fit = estimate.memory.fit if estimate and estimate.memory else None
    return [
        f"{each.words}: {words.size(each.vram_bytes)}, {each.verdict}{_factor(each.time_factor)}"
        for each in (fit.advice if fit else ())
    ]


def cost(estimate: CostEstimate) -> str:
    """Return the amount, the price of one unit, and how old the price is."""
    if estimate.basis is CostBasis.LOCAL:
        return FREE
    if estimate.cost_usd is None:
        return f"{NO_PRICE}{': ' + estimate.note if estimate.note else ''}"
    one = f", {dollars(estimate.cost_usd / estimate.units)} each" if estimate.units not in (0, 1) else ""
    units = f" for {words.counted(estimate.units, estimate.unit)}" if estimate.unit else ""
    dated = f", price of {estimate.as_of}" if estimate.as_of else ""
    note = f" ({estimate.note})" if estimate.note else ""
    return f"{dollars(estimate.cost_usd)}{units}{one}{dated}{note}"


def price(estimate: Estimate | None) -> str:
    """Return what stands behind an amount: what is counted, of when the price is, and what is assumed."""
    if estimate is None or estimate.cost.basis is CostBasis.LOCAL or estimate.cost.cost_usd is None:
        return ""
    cost = estimate.cost
    counted = f"for {words.counted(cost.units, cost.unit)}" if cost.unit and cost.units else ""
    dated = f"price of {cost.as_of}" if cost.as_of else ""
    told = ", ".join(part for part in (counted, dated) if part)
    is_warned_of = any(cost.note in text for text in estimate.warnings)
    note = "" if is_warned_of else cost.note.rstrip(".")
    return "; ".join(part for part in (told, note) if part)


def _parts(estimate: Estimate, *, has_bar: bool) -> str:
    shown = []
    if estimate.memory:
        said = verdict(estimate.memory)
        shown += [_bar(estimate.memory, legend=False) if has_bar else "", _verdict(said)]
        shown.append(_span(_memory(estimate.memory)))
    shown += [_span(_time(estimate.time)), _span(_amount(estimate.cost))]
    if estimate.images > 1:
        shown.append(_span(f"{estimate.images} results"))
    return "".join(shown)


def _span(text: str) -> str:
    return f"<span>{escape(text)}</span>"


def _verdict(said: str) -> str:
    return f'<span class="se-verdict {KINDS[said]}">{escape(said)}</span>' if said else ""


def _memory(memory: MemoryEstimate) -> str:
    total = f" of {words.size(memory.fit.device.total_bytes)}" if memory.fit else ""
    return f"{words.size(memory.device_bytes)}{total}"


def _time(time: TimeEstimate | None) -> str:
    if time is None:
        return "time not known"
    queue = f" after {words.duration(time.wait_s)}" if time.wait_s >= 1 else ""
    return f"about {words.duration(time.seconds)}{queue}"


def _amount(estimate: CostEstimate) -> str:
    if estimate.basis is CostBasis.LOCAL:
        return FREE
    return NO_PRICE if estimate.cost_usd is None else dollars(estimate.cost_usd)


def _memory_pairs(memory: MemoryEstimate) -> list[tuple[str, str]]:
    said, fit, limiting = verdict(memory), memory.fit, memory.limiting
    found = [("Memory", f"{_memory(memory)}{f', {said}' if said else ''}")]
    if fit:
        found.append(("Device", f"{fit.device.name}, {words.size(fit.device.available_bytes)} available"))
    if limiting:
        found.append(("Most while", f"{limiting.name} ({limiting.component}), {words.size(limiting.vram_bytes)}"))
    weights = words.size(sum(memory.weights.values()))
    found.append(("Weights", f"{weights}, {memory.setup.dtype}" if memory.setup.dtype else weights))
    found.append(("Memory from", f"{memory.basis}, {memory.confidence} confidence"))
    if fit and fit.largest_batch is not None:
        found.append(("Largest batch", str(fit.largest_batch or "not even one picture fits")))
    return found


def _time_basis(time: TimeEstimate) -> str:
    runs = counted(time.runs, "run")
    told = {
        TimeBasis.LEARNT: f"{runs} like it here",
        TimeBasis.SCALED: f"{runs} of other settings, scaled",
        TimeBasis.PRIOR: "a first guess, no run of it yet",
    }
    return f"{told[time.basis]}, {time.confidence} confidence; four of five end in that range"


def _factor(factor: float | None) -> str:
    return f", {factor:.2g} times as long" if factor is not None else ""


def _bar(memory: MemoryEstimate, *, legend: bool) -> str:
    """Return the memory of the device as a bar, with the same in words for those who do not see it."""
    if memory.fit is None:
        return ""
    device = memory.fit.device
    used = _used_by_others(device)
    whole = max(device.total_bytes, used + memory.device_bytes, 1)
    edges = [used, used + memory.device_bytes]
    x, y, end = (round(100 * each / whole, 2) for each in (*edges, device.total_bytes))
    left = device.total_bytes - edges[1]
    told = [
        f"used by others {words.size(used)}",
        f"this run {words.size(memory.device_bytes)}",
        f"{words.size(left)} left" if left >= 0 else f"{words.size(-left)} missing",
    ]
    limit = f'<rect class="se-limit" x="{max(0, end - 0.6)}" width="0.6" height="10"/>' if left < 0 else ""
    name = f"Memory of {device.name}, {words.size(device.total_bytes)}: {', '.join(told)}"
    picture = (
        f'<svg class="se-bar {KINDS[verdict(memory)]}" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(name)}">'
        f'<rect class="se-others" width="{x}" height="10"/>'
        f'<rect class="se-run" x="{x}" width="{round(y - x, 2)}" height="10"/>{limit}</svg>'
    )
    keys = f'<div class="se-legend {KINDS[verdict(memory)]}">{_legend(told, device)}</div>'
    return picture + keys if legend else picture


def _legend(told: list[str], device: DeviceMemory) -> str:
    names = ("se-others", "se-run", "se-left")
    keys = [f'<span><i class="{name}"></i>{escape(text)}</span>' for name, text in zip(names, told, strict=True)]
    if device.own_bytes:
        keys.append(f"<span>{escape(words.size(device.own_bytes))} of other models here would leave</span>")
    return "".join(keys)


def _used_by_others(device: DeviceMemory) -> int:
    return max(0, device.total_bytes - device.free_bytes - device.own_bytes)


def _flag(value: bool) -> str:
    return "true" if value else "false"
