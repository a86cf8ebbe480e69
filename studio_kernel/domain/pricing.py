"""What a request costs: the catalog's price held against its values.

`cost_of` is the one way from a price to an amount. The idea to know: what decides an amount is a field of the price or
a value of the request; what neither says is assumed, each assumption is told in the note, and the amount is then
called assumed. Amounts are computed as fractions and rounded once, so that no order of adding matters; several are
added with `math.fsum`, which rounds once too.
"""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from functools import cached_property

from immutabledict import immutabledict

from studio_kernel.domain.estimate import FREE, Confidence, CostBasis, CostEstimate
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.price import Bounds, Price, PriceCondition, PriceTerm
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import AssetRef, Value

OLD_PRICE = timedelta(days=365)

# What fal's presets stand for, in pixels: IMAGE_SIZE_PRESETS of its toolkit, fal/toolkit/image/image.py of fal-ai/fal.
PRESETS: Mapping[str, tuple[int, int]] = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
ASSUMED_SECONDS: Mapping[str, int] = {"video": 5, "audio": 30}
"""Length of a clip or a sound of which nothing says how long it is."""
ASSUMED_COMPUTE_S: Mapping[str, int] = {"image": 10, "images": 10, "video": 120, "audio": 30}
"""How long a service computes at one result, where nobody has ever waited for it."""
ASSUMED_FPS = 24

_PIXELS = 1024 * 1024
_LENGTHS = ("duration", "seconds", "duration_seconds", "seconds_total", "music_length_ms")
_FRAME_RATES = ("frames_per_second", "fps", "frame_rate")
_CHOSEN_BY_SERVICE = frozenset({"auto", "adaptive"})
_SECONDS = re.compile(r"(\d+(?:\.\d+)?) ?s?")
_SIDES = re.compile(r"(\d+)\s*[x*]\s*(\d+)")
_THOUSANDS = re.compile(r"(?:auto_)?(\d+(?:\.\d+)?)k", re.IGNORECASE)
_SQUARE = re.compile(r"(\d+)sq", re.IGNORECASE)
_MILLIONS = re.compile(r"(\d+)mp", re.IGNORECASE)
_LINES = re.compile(r"(\d+)p", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of a file that is given; `None` = not.

    Attributes
    ----------
    width, height : int or None
        Pixels.
    seconds : float or None
        How long it plays.
    frames : int or None
        How many pictures it has.
    """

    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    frames: int | None = None


@dataclass(frozen=True, slots=True)
class InputFacts:
    """What is known beside the request.

    Attributes
    ----------
    files : mapping
        Input, as `GenerationRequest.inputs` names it, → what is known of the file.
    seconds : float or None
        How long the service is expected to compute, for those that charge by it.
    """

    files: Mapping[str, FileFacts] = field(default_factory=immutabledict)
    seconds: float | None = None


NOTHING_KNOWN = InputFacts()


def cost_of(
    card: ModelCard, request: GenerationRequest, facts: InputFacts = NOTHING_KNOWN, *, is_remote: bool | None = None
) -> CostEstimate:
    """Return what a request costs.

    Parameters
    ----------
    card : ModelCard
        Its model; defaults of its parameters count where the request says nothing.
    facts : InputFacts
        What is known of its files.
    is_remote : bool or None
        Whether its engine works elsewhere, so that no price means an unknown one; `None` = if the card has an endpoint.
    """
    price = card.price
    if price is None:
        remote = bool(card.source.endpoint) if is_remote is None else is_remote
        return _unknown(None, f"the catalog has no price for {card.id!r}") if remote else FREE
    return _Bill(card, price, request, facts).estimate()


def total_of(costs: Iterable[CostEstimate]) -> CostEstimate:
    """Return what several cost together: `math.fsum` of the amounts, unknown if one of them is."""
    listed = list(costs)
    known = [cost.cost_usd for cost in listed if cost.cost_usd is not None]
    unknown = [cost for cost in listed if cost.cost_usd is None]
    basis = max((cost.basis for cost in listed), key=list(CostBasis).index, default=CostBasis.LOCAL)
    notes = dict.fromkeys(cost.note for cost in unknown or listed if cost.note)
    units = {cost.unit for cost in listed}
    return CostEstimate(
        None if unknown else math.fsum(known),
        basis,
        Confidence.lowest(*(cost.confidence for cost in listed)),
        unit=units.pop() if len(units) == 1 else "",
        units=math.fsum(cost.units for cost in listed) if not units else 0.0,
        as_of=min((cost.as_of for cost in listed if cost.as_of), default=""),
        source=next((cost.source for cost in listed if cost.source), ""),
        note=" ".join(notes),
    )


def price_warnings(cost: CostEstimate, today: date) -> tuple[str, ...]:
    """Return what to know of an amount before relying on it, such as that its price was read long ago."""
    found = []
    read = _last_day(cost.as_of)
    if read is not None and today - read > OLD_PRICE:
        found.append(f"the price was read in {cost.as_of}; it may have changed: {cost.source}")
    if cost.basis is CostBasis.ASSUMED or (cost.is_known and cost.confidence is Confidence.LOW):
        found.append(f"the amount is uncertain: {cost.note}")
    return tuple(found)


class _Unpriced(Exception):  # noqa: N818 - a way out of counting, caught in this module
    """There is no amount; the message says why."""


class _Bill:
    """One request held against one price; remembers what it had to assume."""

    def __init__(self, card: ModelCard, price: Price, request: GenerationRequest, facts: InputFacts) -> None:
        self._card, self._price, self._request, self._facts = card, price, request, facts
        defaults = {p.name: p.default for p in card.parameters_for(request.task) if p.default is not None}
        self._values: Mapping[str, Value] = {**defaults, **request.parameters}
        self._assumed: list[str] = []

    def estimate(self) -> CostEstimate:
        price = self._price
        try:
            unit, units, amount = self._amount()
            amount += sum((self._extra(term) for term in price.extras if self._holds(term.holds)), Fraction(0))
            for factor in price.factors:
                if self._holds(factor.holds):
                    amount *= Fraction(str(factor.factor))
        except _Unpriced as reason:
            return _unknown(price, str(reason))
        if price.assumes and unit not in _WHOLE:
            self._assumed.append(price.assumes)
        assumed = list(dict.fromkeys(self._assumed))
        confidence = Confidence.MEDIUM if assumed else Confidence.HIGH
        if price.is_tentative or unit == "compute_second":
            confidence = Confidence.LOW
        return CostEstimate(
            float(amount),
            CostBasis.ASSUMED if assumed else CostBasis.PRICE_LIST,
            confidence,
            unit,
            float(units),
            price.as_of,
            price.source,
            " ".join(filter(None, [*(f"Assumed: {text}." for text in assumed), price.note])),
        )

    # Which amount

    def _amount(self) -> tuple[str, Fraction, Fraction]:
        """Return the unit, how many, and what they cost."""
        price = self._price
        terms = [term for term in price.variants if not term.in_words_only]
        holding = [term for term in terms if self._matches(term.holds) is True]
        if holding:
            return self._charged(max(holding, key=lambda term: term.holds.size))
        possible = [term for term in terms if self._matches(term.holds) is None]
        if possible:
            names = dict.fromkeys(name for term in possible for name in term.holds.when if self._is_open(name))
            self._assumed.append(f"the dearest {' and '.join(names)}, which the service chooses")
            charged = [self._cost(term.unit or price.unit, Fraction(str(term.amount_usd))) for term in possible]
            return max(charged, key=lambda each: each[2])
        if not self._holds(price.only_when):
            raise _Unpriced(f"no price for {self._said(price.only_when)}")
        if price.amount_usd is None:
            raise _Unpriced("no amount is known")
        return self._cost(price.unit, Fraction(str(price.amount_usd)))

    def _charged(self, term: PriceTerm) -> tuple[str, Fraction, Fraction]:
        if term.assumes:
            self._assumed.append(term.assumes)
        return self._cost(term.unit or self._price.unit, Fraction(str(term.amount_usd)))

    def _cost(self, unit: str, amount: Fraction) -> tuple[str, Fraction, Fraction]:
        count, each = self._images if unit in _PER_PICTURE else 1, self._units(unit)
        further = self._price.further_usd
        if further is None:
            return unit, count * each, count * each * amount
        first = min(each, Fraction(1))
        return unit, count * each, count * (first * amount + (each - first) * Fraction(str(further)))

    def _extra(self, term: PriceTerm) -> Fraction:
        if term.assumes and self._images > 1:
            self._assumed.append(term.assumes)
        count = max(Fraction(0), self._units(term.unit or self._price.unit) - Fraction(str(term.after)))
        return count * Fraction(str(term.amount_usd))

    # Whether a condition holds

    def _holds(self, condition: PriceCondition) -> bool:
        return self._matches(condition) is True

    def _matches(self, condition: PriceCondition) -> bool | None:
        """Return whether a condition holds; `None` when only the service knows."""
        if any(self._values.get(name) in (None, "", ()) for name in condition.given):
            return False
        if not all(self._is_within(name, bounds) for name, bounds in condition.between.items()):
            return False
        found = [self._is_said(name, wanted) for name, wanted in condition.when.items()]
        return False if False in found else None if None in found else True

    def _is_said(self, name: str, wanted: Value) -> bool | None:
        value = _plain(self._values.get(name))
        if value in [_plain(each) for each in (wanted if isinstance(wanted, tuple) else (wanted,))]:
            return True
        return None if self._is_open(name) and wanted is not None else False

    def _is_open(self, name: str) -> bool:
        value = self._values.get(name)
        return value is None or value in _CHOSEN_BY_SERVICE

    def _is_within(self, name: str, bounds: Bounds) -> bool:
        value = self._quantity(name)
        above, up_to = (None if bound is None else Fraction(str(bound)) for bound in bounds)
        return value is not None and (above is None or value > above) and (up_to is None or value <= up_to)

    def _quantity(self, name: str) -> Fraction | None:
        if name == "seconds":
            return self._seconds
        if name == "megapixels":
            return self._megapixels
        if name == "short_side":
            return Fraction(min(self._sides))
        value = self._values.get(name)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return Fraction(str(value)) if is_number else None

    def _said(self, condition: PriceCondition) -> str:
        """Return what the request has of a condition's subjects, for people."""
        values = [f"{name} {self._values.get(name)!r}" for name in condition.when]
        return ", ".join([*values, *(f"{float(self._quantity(name) or 0):g} {name}" for name in condition.between)])

    # How many units

    def _units(self, unit: str) -> Fraction:
        if unit in _WHOLE:
            return Fraction(1)
        if unit == "megapixel":
            return self._charged_megapixels()
        if unit in _UNIT_SECONDS:
            return self._stepped(self._seconds / _UNIT_SECONDS[unit])
        if unit in _UNIT_CHARACTERS:
            return Fraction(self._characters, _UNIT_CHARACTERS[unit])
        if unit == "1m_tokens":
            return self._tokens / 1_000_000
        if unit == "compute_second":
            return self._compute_seconds
        if unit == "input_image":
            return Fraction(len(self._input_images))
        raise _Unpriced(f"it is charged by {unit!r}, which cannot be counted")

    def _stepped(self, units: Fraction) -> Fraction:
        step = Fraction(str(self._price.counting.step))
        return math.ceil(units / step) * step if step else units

    def _charged_megapixels(self) -> Fraction:
        counting = self._price.counting
        if counting.frames:
            return self._megapixels * self._frames
        step = Fraction(str(counting.step)) or Fraction(1)
        pictures = [self._megapixels, *(self._input_megapixels if counting.inputs else ())]
        return sum((math.ceil(picture / step) * step for picture in pictures), Fraction(0))

    @cached_property
    def _images(self) -> int:
        """Pictures of one request; where it may make several of each, as many as it may."""
        count, most = self._values.get("num_images"), self._values.get("max_images")
        number = count if isinstance(count, int) else 1
        if isinstance(most, int) and most > 1:
            self._assumed.append(f"{most} pictures of each, the most it may make")
            number *= most
        return max(1, number)

    @cached_property
    def _input_images(self) -> dict[str, AssetRef]:
        return {name: ref for name, ref in self._request.inputs.items() if ref.media_type.startswith("image/")}

    @property
    def _input_megapixels(self) -> list[Fraction]:
        return [self._megapixels_of(name) for name in self._input_images]

    def _megapixels_of(self, name: str) -> Fraction:
        facts = self._facts.files.get(name, FileFacts())
        if facts.width and facts.height:
            return Fraction(facts.width * facts.height, _PIXELS)
        self._assumed.append(f"a megapixel for {name!r}")
        return Fraction(1)

    @property
    def _megapixels(self) -> Fraction:
        """Megapixels of one picture of the result, not rounded."""
        width, height = self._sides
        return Fraction(width) * Fraction(height) / _PIXELS

    @cached_property
    def _sides(self) -> tuple[Fraction, Fraction]:
        """Width and height of what comes out."""
        upscaled = self._upscaled()
        if upscaled is not None:
            return upscaled
        for parameter in self._card.parameters_for(self._request.task):
            if parameter.type == "size" and (sides := _sides_of(self._values.get(parameter.name))) is not None:
                return sides
        width, height = self._values.get("width"), self._values.get("height")
        if isinstance(width, int) and isinstance(height, int):
            return Fraction(width), Fraction(height)
        resolution = self._values.get("resolution")
        if self._kind == "video" and resolution == "4k":
            return Fraction(3840), Fraction(2160)
        sides = _sides_of(self._values.get("image_size")) or _sides_of(resolution)
        return sides or self._input_sides()

    def _upscaled(self) -> tuple[Fraction, Fraction] | None:
        if self._request.task is not Task.UPSCALE:
            return None
        if self._values.get("upscale_mode") == "target":
            return _sides_of(self._values.get("target_resolution"))
        for name in ("upscale_factor", "scale"):
            factor = self._values.get(name)
            if isinstance(factor, (int, float)):
                width, height = self._input_sides()
                return width * Fraction(str(factor)), height * Fraction(str(factor))
        return None

    def _input_sides(self) -> tuple[Fraction, Fraction]:
        """Width and height of the first picture or video that is given; taken as a megapixel when not known."""
        for name in self._request.inputs:
            facts = self._facts.files.get(name, FileFacts())
            if facts.width and facts.height:
                return Fraction(facts.width), Fraction(facts.height)
        is_video = any(parameter.type == "video" and parameter.required for parameter in self._card.parameters)
        sides = (1280, 720) if is_video else (1024, 1024)
        self._assumed.append(f"{sides[0]} × {sides[1]} pixels, for nothing says how large it is")
        return Fraction(sides[0]), Fraction(sides[1])

    @cached_property
    def _seconds(self) -> Fraction:
        """Seconds that are charged."""
        counting = self._price.counting
        seconds = self._length()
        if counting.most_seconds:
            seconds = min(seconds, Fraction(str(counting.most_seconds)))
        return seconds * Fraction(str(counting.seconds_factor))

    def _length(self) -> Fraction:
        counting = self._price.counting
        if counting.seconds_from:
            given = self._seconds_of_files(counting.seconds_from)
            return self._assumed_length() if given is None else given
        frames = self._frame_count
        if frames is not None:
            return frames / self._frame_rate
        if counting.frames_per_second:
            self._assumed.append(f"{counting.frames_per_second:g} frames a second")
        said = next((length for name in _LENGTHS if (length := self._said_length(name))), None)
        if said is not None:
            return said
        given = self._seconds_of_files(None)
        return self._assumed_length() if given is None else given

    def _said_length(self, name: str) -> Fraction | None:
        value = self._values.get(name)
        if isinstance(value, str) and (match := _SECONDS.fullmatch(value)):
            return Fraction(match[1])
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return None
        return Fraction(str(value)) / (1000 if name.endswith("_ms") else 1)

    def _seconds_of_files(self, names: Iterable[str] | None) -> Fraction | None:
        wanted = None if names is None else set(names)
        known = [
            Fraction(str(facts.seconds))
            for name, facts in self._facts.files.items()
            if facts.seconds is not None and (wanted is None or name.partition("[")[0] in wanted)
        ]
        return max(known, default=None)

    def _assumed_length(self) -> Fraction:
        seconds = Fraction(ASSUMED_SECONDS.get(self._kind, ASSUMED_SECONDS["video"]))
        for parameter in self._card.parameters_for(self._request.task):
            if parameter.name in _LENGTHS:
                scale = 1000 if parameter.name.endswith("_ms") else 1
                if parameter.max is not None:
                    seconds = min(seconds, Fraction(str(parameter.max)) / scale)
                if parameter.min is not None:
                    seconds = max(seconds, Fraction(str(parameter.min)) / scale)
        self._assumed.append(f"{float(seconds):g} s, for nothing says how long it is")
        return seconds

    @property
    def _kind(self) -> str:
        return str((self._card.output or {}).get("kind", ""))

    @cached_property
    def _frame_count(self) -> Fraction | None:
        """Frames of what comes out, where that is said."""
        value = self._values.get("num_frames")
        follows_input = self._values.get("match_input_num_frames") is True or (
            value is None and self._price.counting.frames_per_second
        )
        if follows_input:
            known = max((facts.frames for facts in self._facts.files.values() if facts.frames), default=None)
            if known is not None:
                return Fraction(known)
            if value is not None:
                self._assumed.append(f"{value} frames, for nothing says how many the input has")
        if isinstance(value, str) and value.isdigit():
            return Fraction(value)
        return Fraction(value) if isinstance(value, int) else None

    @property
    def _frame_rate(self) -> Fraction:
        charged = self._price.counting.frames_per_second
        if charged:
            return Fraction(str(charged))
        for name in _FRAME_RATES:
            value = self._values.get(name)
            if isinstance(value, (int, float)) and value > 0:
                return Fraction(str(value))
        if not self._price.assumes:
            self._assumed.append(f"{ASSUMED_FPS} frames a second")
        return Fraction(ASSUMED_FPS)

    @property
    def _frames(self) -> Fraction:
        known = max((facts.frames for facts in self._facts.files.values() if facts.frames), default=None)
        return Fraction(known) if known is not None else self._frame_count or self._seconds * self._frame_rate

    @property
    def _tokens(self) -> Fraction:
        """Tokens of a video: height x width x frames a second x seconds / 1024."""
        ratio = self._values.get("aspect_ratio")
        if ratio not in (None, "16:9"):
            self._assumed.append(f"as many pixels at aspect ratio {ratio} as at 16:9")
        width, height = self._sides
        return width * height * ASSUMED_FPS * self._seconds / 1024

    @property
    def _compute_seconds(self) -> Fraction:
        if self._facts.seconds is not None:
            self._assumed.append(f"{self._facts.seconds:g} s of computing, the expected duration")
            return Fraction(str(self._facts.seconds))
        seconds = ASSUMED_COMPUTE_S.get(self._kind, 60) * self._images
        self._assumed.append(f"{seconds} s of computing, for no run of it is known")
        return Fraction(seconds)

    @property
    def _characters(self) -> int:
        for name in ("text", "prompt"):
            value = self._values.get(name)
            if isinstance(value, str) and value:
                return len(value)
        return 0


_WHOLE = frozenset({"image", "generation", "video", "audio", "request"})
_PER_PICTURE = frozenset({"image", "generation", "megapixel"})
_UNIT_SECONDS: Mapping[str, int] = {"second": 1, "5_seconds": 5, "30_seconds": 30, "minute": 60}
_UNIT_CHARACTERS: Mapping[str, int] = {"100_chars": 100, "1000_chars": 1000}


def _sides_of(value: Value) -> tuple[Fraction, Fraction] | None:
    """Return width and height of a size in any of its forms; `None` when it says none."""
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(side, int) for side in value):
        return Fraction(str(value[0])), Fraction(str(value[1]))
    if not isinstance(value, str):
        return None
    if value in PRESETS:
        return Fraction(PRESETS[value][0]), Fraction(PRESETS[value][1])
    if match := _SIDES.fullmatch(value):
        return Fraction(match[1]), Fraction(match[2])
    if match := _THOUSANDS.fullmatch(value):
        return Fraction(match[1]) * 1024, Fraction(match[1]) * 1024
    if match := _SQUARE.fullmatch(value):
        return Fraction(match[1]), Fraction(match[1])
    if match := _MILLIONS.fullmatch(value):
        return Fraction(match[1]) * 1024, Fraction(1024)
    if match := _LINES.fullmatch(value):
        return Fraction(math.ceil(int(match[1]) * 16 / 9)), Fraction(match[1])
    return None


def _plain(value: Value) -> object:
    """Return a value as it is compared: text in lower case, two sides as ``1024x1536``."""
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(side, int) for side in value):
        return f"{value[0]}x{value[1]}"
    if isinstance(value, bool) or value is None:
        return ("is", value)  # True is 1 otherwise
    return value.lower() if isinstance(value, str) else value


def _unknown(price: Price | None, reason: str) -> CostEstimate:
    if price is None:
        return CostEstimate(None, CostBasis.UNKNOWN, Confidence.LOW, note=reason)
    note = " ".join(filter(None, [f"{reason[0].upper()}{reason[1:]}.", price.note]))
    return CostEstimate(
        None, CostBasis.UNKNOWN, Confidence.LOW, unit=price.unit, as_of=price.as_of, source=price.source, note=note
    )


def _last_day(as_of: str) -> date | None:
    """Return the last day that a date, as far as it is known, can mean."""
    parts = [int(part) for part in as_of.split("-") if part.isdigit()]
    if len(parts) == 3:
        return date(*parts)
    if len(parts) == 2:
        return date(parts[0], parts[1], calendar.monthrange(parts[0], parts[1])[1])
    return date(parts[0], 12, 31) if parts else None
