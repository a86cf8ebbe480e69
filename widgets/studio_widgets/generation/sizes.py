"""The size of a result: which parameters say it, what is legal, and which sizes are worth offering; pure.

Models say sizes in two ways: by a width and a height, or by one parameter that takes the name of a preset and, mostly,
a pair of numbers too. `SizeRule` makes one of both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from studio_kernel.domain.parameters import Parameter, allowed_range
from studio_kernel.domain.shapes import shaped
from studio_kernel.domain.tips import Tips

SIDES = ("width", "height")
RATIOS = ((1, 1), (4, 3), (3, 2), (16, 9), (21, 9), (3, 4), (2, 3), (9, 16))
MOST_OFF = 0.08
"""A size whose ratio is further off, because of the multiple it must keep to, is not offered under that ratio."""


@dataclass(frozen=True, slots=True)
class SizePreset:
    """A size that can be chosen by name.

    Attributes
    ----------
    label : str
        What people see.
    changes : mapping
        Parameter → value.
    """

    label: str
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SizeRule:
    """How a model takes the size of its result.

    Attributes
    ----------
    width, height : Parameter
        What bounds each side; the same one where a single parameter takes a pair.
    """

    width: Parameter
    height: Parameter

    @property
    def is_pair(self) -> bool:
        """Whether one parameter takes both sides."""
        return self.width.name == self.height.name

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that say the size."""
        return (self.width.name,) if self.is_pair else (self.width.name, self.height.name)

    def side(self, side: str) -> Parameter:
        """Return what bounds ``width`` or ``height``."""
        return self.width if side == SIDES[0] else self.height

    def read(self, values: Mapping[str, object]) -> tuple[object, object]:
        """Return width and height as a form has them: numbers, what was typed in their place, or `None`."""
        if not self.is_pair:
            return values.get(self.width.name), values.get(self.height.name)
        pair = values.get(self.width.name)
        return (pair[0], pair[1]) if isinstance(pair, tuple) and len(pair) == len(SIDES) else (None, None)

    def changes(self, width: object, height: object) -> dict[str, object]:
        """Return what to set for a width and a height; a pair without one of them is the model's default."""
        if not self.is_pair:
            return {self.width.name: width, self.height.name: height}
        is_whole = width is not None and height is not None
        return {self.width.name: (width, height) if is_whole else self.width.default}

    def fit(self, side: str, pixels: float) -> int:
        """Return the legal length that is nearest to one of ``width`` or ``height``."""
        parameter = self.side(side)
        step = int(parameter.step or 1)
        low, high = parameter.min or step, parameter.max if parameter.max is not None else math.inf
        nearest = max(1, math.floor(pixels / step + 0.5)) * step
        lowest = math.ceil(low / step) * step
        highest = math.floor(high / step) * step if math.isfinite(high) else nearest
        return int(min(max(nearest, lowest), highest))

    @property
    def allowed(self) -> str:
        """What is legal, in words, such as ``64 … 256 px, multiples of 8``."""
        each = [_allowed(self.width), _allowed(self.height)]
        return each[0] if each[0] == each[1] else f"width {each[0]}; height {each[1]}"

    def presets(self, tips: Tips | None) -> list[SizePreset]:
        """Return the sizes worth offering: named ones, recommended ones, the default, and one for every usual ratio."""
        listed = [*self._named(), *(() if self.is_pair else self._numbered(tips))]
        unique: dict[tuple[object, ...], SizePreset] = {}
        for preset in listed:
            unique.setdefault(tuple(preset.changes.values()), preset)
        return list(unique.values())

    def _named(self) -> Iterable[SizePreset]:
        default = self.changes(self.width.default, self.height.default) if not self.is_pair else {}
        if None in default.values() or (self.is_pair and self.width.default is None and not self.width.required):
            yield SizePreset("Model default", dict.fromkeys(self.names))
        if self.is_pair:
            name, default_pair = self.width.name, self.width.default
            if isinstance(default_pair, tuple):
                yield SizePreset(f"{default_pair[0]} × {default_pair[1]}", {name: default_pair})
            for choice in self.width.choices:
                yield SizePreset(_words(str(choice)), {name: choice})

    def _numbered(self, tips: Tips | None) -> Iterable[SizePreset]:
        default = (self.width.default, self.height.default)
        recommended = tips.offered_sizes((self.width, self.height)) if tips is not None else []
        own = [(int(w), int(h)) for w, h in [default] if isinstance(w, (int, float)) and isinstance(h, (int, float))]
        by_ratio = (self._shaped(a, b) for a, b in RATIOS)
        for width, height in recommended:
            yield self._preset(width, height, "recommended")
        for width, height in own:
            yield self._preset(width, height, "default")
        for size, (a, b) in zip(by_ratio, RATIOS, strict=True):
            if size is not None:
                yield self._preset(*size, "square" if a == b else f"{a}:{b}")

    def _preset(self, width: int, height: int, said: str) -> SizePreset:
        return SizePreset(f"{width} × {height} · {said}", self.changes(width, height))

    def _shaped(self, a: int, b: int) -> tuple[int, int] | None:
        """Return the legal size whose sides are about as `a` to `b`."""
        found = shaped((self.width, self.height), f"{a}:{b}")
        width, height = found[self.width.name], found[self.height.name]
        if not isinstance(width, int) or not isinstance(height, int):
            return None
        return (width, height) if abs(width * b / (height * a) - 1) <= MOST_OFF else None


def rule_of(parameters: Iterable[Parameter]) -> SizeRule | None:
    """Return how a model with these parameters takes a size; `None` when it takes none in pixels."""
    known = {parameter.name: parameter for parameter in parameters}
    width, height = (known.get(side) for side in SIDES)
    if width is not None and height is not None and width.type == height.type == "integer":
        return None if width.choices or height.choices else SizeRule(width, height)
    pair = next((parameter for parameter in known.values() if parameter.type == "size"), None)
    return SizeRule(pair, pair) if pair is not None and not pair.multiple else None


def _allowed(parameter: Parameter) -> str:
    has_bounds = parameter.min is not None or parameter.max is not None
    pixels = allowed_range(parameter) if has_bounds else "Whole numbers of pixels"
    unit = "" if parameter.unit or not has_bounds else " px"
    step = f", multiples of {int(parameter.step)}" if parameter.step and parameter.step > 1 else ""
    return f"{pixels}{unit}{step}"


def _words(choice: str) -> str:
    """Return a preset's name as people write it: ``landscape_4_3`` is Landscape 4:3, ``1024x1536`` is 1024 × 1536."""
    sides = re.fullmatch(r"(\d+)\s*[x×*]\s*(\d+)", choice)
    if sides:
        return f"{sides[1]} × {sides[2]}"
    text = re.sub(r"_(\d+)_(\d+)$", r" \1:\2", choice).replace("_", " ").replace(" hd", " HD")
    return text[:1].upper() + text[1:]
