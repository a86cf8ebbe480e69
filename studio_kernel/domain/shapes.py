"""Proportions of a result in the words of each model: an aspect ratio, a named size, a width and a height.

`shaped` translates ``2:3`` into what the parameters of a model can say, and stays near the number of pixels that the
model makes by itself, so that a shape changes neither time nor price by much.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.values import Value

SHAPE = re.compile(r"([1-9]\d{0,3}):([1-9]\d{0,3})")
NEAR = 0.1
"""How far, as a share, proportions that a model offers may be from those that were asked for."""

MEGAPIXEL = 1024 * 1024
"""Pixels, where a model does not say what it makes by itself."""

NAMED: Mapping[str, float] = {
    "square": 1.0,
    "square_hd": 1.0,
    "portrait_4_3": 3 / 4,
    "portrait_3_2": 2 / 3,
    "portrait_16_9": 9 / 16,
    "landscape_4_3": 4 / 3,
    "landscape_3_2": 3 / 2,
    "landscape_16_9": 16 / 9,
}
"""Width over height of the sizes that services have names for (fal's ``ImageSize``)."""


def shaped(parameters: Iterable[Parameter], shape: str) -> dict[str, Value]:
    """Return the values that give a result the proportions of `shape`; none where the model cannot be told.

    Parameters
    ----------
    shape : str
        ``width:height``, such as ``16:9``.

    Raises
    ------
    ValueError
        When it is not written so.
    """
    known = {parameter.name: parameter for parameter in parameters}
    ratio = ratio_of(shape)
    if "width" in known and "height" in known:
        return dict(zip(("width", "height"), _sides(known["width"], known["height"], ratio), strict=True))
    for name in ("aspect_ratio", "image_size", "size", "video_size", "resolution"):
        if name in known and (value := _stated(known[name], ratio)) is not None:
            return {name: value}
    return {}


def ratio_of(shape: str) -> float:
    """Return width over height of a shape such as ``16:9``; a `ValueError` when it is not written so."""
    match = SHAPE.fullmatch(shape)
    if match is None:
        raise ValueError(f"{shape!r} is not width:height, such as 2:3")
    return int(match[1]) / int(match[2])


def _stated(parameter: Parameter, ratio: float) -> Value:
    """Return the choice of a parameter that is nearest; a pair of pixels where it takes any and no choice is near."""
    ratios = {choice: found for choice in parameter.choices if (found := _ratio_of_choice(choice)) is not None}
    near = sorted((abs(found / ratio - 1), place) for place, found in enumerate(ratios.values()))
    if near and near[0][0] <= NEAR:
        return list(ratios)[near[0][1]]
    if parameter.type != "size":
        return None
    bounds = Parameter("side", "integer", min=parameter.min, max=parameter.max, step=parameter.step or 16)
    return _sides(bounds, bounds, ratio)


def _ratio_of_choice(choice: object) -> float | None:
    """Return width over height of a choice such as ``16:9``, ``1024x1536`` or ``portrait_4_3``."""
    if not isinstance(choice, str):
        return None
    if choice in NAMED:
        return NAMED[choice]
    sides = re.fullmatch(r"(\d+)\s*[:x×*]\s*(\d+)", choice)
    return int(sides[1]) / int(sides[2]) if sides and int(sides[2]) else None


def _sides(width: Parameter, height: Parameter, ratio: float) -> tuple[int, int]:
    """Return the sides with that ratio, as many pixels as the model makes by itself, in its steps and bounds."""
    wide = math.sqrt(_default(width) * _default(height) * ratio)
    high = wide / ratio
    # What a bound takes from one side is taken from the other too, as the proportions are what was asked for.
    shrink = min(1.0, _most(width) / wide, _most(height) / high)
    grow = max(1.0, _least(width) / (wide * shrink), _least(height) / (high * shrink))
    return _stepped(width, wide * shrink * grow), _stepped(height, high * shrink * grow)


def _default(parameter: Parameter) -> float:
    default = parameter.default
    return float(default) if isinstance(default, (int, float)) and default else math.sqrt(MEGAPIXEL)


def _most(parameter: Parameter) -> float:
    return parameter.max if parameter.max is not None else math.inf


def _least(parameter: Parameter) -> float:
    return parameter.min if parameter.min is not None else 1.0


def _stepped(parameter: Parameter, side: float) -> int:
    """Return the multiple of the parameter's step next to `side` that is within its bounds."""
    step = int(parameter.step or 1)
    least, most = math.ceil(_least(parameter) / step), _most(parameter)
    count = max(round(side / step), least)
    return step * (count if math.isinf(most) else min(count, int(most // step)))
