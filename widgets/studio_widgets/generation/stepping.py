"""One notch up or down of a number; pure, and the same notches that its slider has."""

from __future__ import annotations

import math

from studio_kernel.domain.parameters import Parameter

GUIDANCE = ("guidance_scale", "cfg_scale", "true_cfg_scale", "guidance")
STEPS = ("num_inference_steps", "steps")
"""What models call the two numbers that keys change, the standard name first."""


def notch_of(parameter: Parameter) -> float:
    """Return the distance from notch to notch: as the parameter says, else a power of ten with a hundred or more."""
    if parameter.step:
        return parameter.step
    if parameter.type == "integer":
        return 1
    span = (parameter.max if parameter.max is not None else 10.0) - (parameter.min or 0.0)
    return float(10.0 ** math.floor(math.log10(span / 100))) if span > 0 else 0.1


def stepped(parameter: Parameter, value: object, notches: int) -> int | float:
    """Return the number so many notches from `value`, inside what is allowed."""
    notch = notch_of(parameter)
    default = parameter.default if isinstance(parameter.default, (int, float)) else (parameter.min or 0)
    begin = value if isinstance(value, (int, float)) and not isinstance(value, bool) else default
    moved = begin + notches * notch
    low = -math.inf if parameter.min is None else parameter.min
    high = math.inf if parameter.max is None else parameter.max
    kept = min(max(moved, low), high)
    return int(kept) if parameter.type == "integer" else round(kept, 6)
