"""One line a figure: what was measured, its value, its bound."""

from __future__ import annotations

_failures: list[str] = []


def report(what: str, value: float, bound: float, unit: str) -> None:
    """Print one figure and remember when it is beyond its bound."""
    holds = value <= bound
    print(f"{'✓' if holds else '✗'} {what:<66} {value:10.3f} {unit:<3} (≤ {bound:g})", flush=True)
    if not holds:
        _failures.append(what)


def report_gain(what: str, value: float, least: float) -> None:
    """Print how many times as fast something is and remember when that is less than it should be."""
    holds = value >= least
    print(f"{'✓' if holds else '✗'} {what:<66} {value:10.2f} x   (≥ {least:g})", flush=True)
    if not holds:
        _failures.append(what)


def failed() -> bool:
    """Whether any figure so far was beyond its bound."""
    return bool(_failures)
