"""How much there is to charge for: the pictures, pixels, seconds, frames, tokens and characters of one request.

What neither the request nor its files say is assumed, and each assumption is remembered: `domain.pricing` tells it
with the amount.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from immutabledict import immutabledict

from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.price import Price
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import AssetRef, Value

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
ASSUMED_COMPUTE_S: Mapping[str, int] = {"image": 10, "video": 120, "audio": 30}
"""How long a service computes at one result, where nobody has ever waited for it; there is no source for it."""
ASSUMED_FPS = 24

_PIXELS = 1024 * 1024
_LENGTHS = ("duration", "seconds", "duration_seconds", "seconds_total", "music_length_ms")
_FRAME_RATES = ("frames_per_second", "fps", "frame_rate")
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
        Input, as `GenerationRequest.inputs` names it, → what is known of the file; also parameters that name a file
        of an earlier run.
    seconds : float or None
        How long the service is expected to compute, for those that charge by it.
    """

    files: Mapping[str, FileFacts] = field(default_factory=immutabledict)
    seconds: float | None = None


class Quantities:
    """What a request has that can be counted.

    Parameters
    ----------
    card : ModelCard
        Its model; defaults of its parameters count where the request says nothing.
    price : Price
        How it wants things counted.
    request : GenerationRequest
        What is asked for.
    facts : InputFacts
        What is known of its files.

    Attributes
    ----------
    values : mapping
        Every parameter that has a value.
    assumed : list of str
        What was taken for granted so far.
    """

    def __init__(self, card: ModelCard, price: Price, request: GenerationRequest, facts: InputFacts) -> None:
        self._card, self._price, self._request, self._facts = card, price, request, facts
        defaults = {p.name: p.default for p in card.parameters_for(request.task) if p.default is not None}
        self.values: Mapping[str, Value] = {**defaults, **request.parameters}
        self.assumed: list[str] = []

    @cached_property
    def images(self) -> int:
        """Pictures of one request; where it may make several of each, as many as it may."""
        count, most = self.values.get("num_images"), self.values.get("max_images")
        number = count if isinstance(count, int) else 1
        if isinstance(most, int) and most > 1:
            self.assumed.append(f"{most} pictures of each, the most it may make")
            number *= most
        return max(1, number)

    @cached_property
    def input_images(self) -> dict[str, AssetRef]:
        """The pictures that are given."""
        return {name: ref for name, ref in self._request.inputs.items() if ref.media_type.startswith("image/")}

    @property
    def input_megapixels(self) -> list[Fraction]:
        """Megapixels of each picture that is given, not rounded."""
        return [self._megapixels_of(name) for name in self.input_images]

    def _megapixels_of(self, name: str) -> Fraction:
        facts = self._facts.files.get(name, FileFacts())
        if facts.width and facts.height:
            return Fraction(facts.width * facts.height, _PIXELS)
        self.assumed.append(f"a megapixel for {name!r}")
        return Fraction(1)

    @property
    def megapixels(self) -> Fraction:
        """Megapixels of one picture of the result, not rounded."""
        width, height = self.sides
        return Fraction(width) * Fraction(height) / _PIXELS

    @cached_property
    def sides(self) -> tuple[Fraction, Fraction]:
        """Width and height of what comes out."""
        upscaled = self._upscaled()
        if upscaled is not None:
            return upscaled
        for parameter in self._card.parameters_for(self._request.task):
            if parameter.type == "size" and (sides := _sides_of(self.values.get(parameter.name))) is not None:
                return sides
        width, height = self.values.get("width"), self.values.get("height")
        if isinstance(width, int) and isinstance(height, int):
            return Fraction(width), Fraction(height)
        resolution = self.values.get("resolution")
        if self._kind == "video" and resolution == "4k":
            return Fraction(3840), Fraction(2160)
        sides = _sides_of(self.values.get("image_size")) or _sides_of(resolution)
        return sides or self._input_sides()

    def _upscaled(self) -> tuple[Fraction, Fraction] | None:
        if self._request.task is not Task.UPSCALE:
            return None
        if self.values.get("upscale_mode") == "target":
            return _sides_of(self.values.get("target_resolution"))
        for name in ("upscale_factor", "scale"):
            factor = self.values.get(name)
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
        self.assumed.append(f"{sides[0]} × {sides[1]} pixels, for nothing says how large it is")
        return Fraction(sides[0]), Fraction(sides[1])

    @cached_property
    def seconds(self) -> Fraction:
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
            self.assumed.append(f"{counting.frames_per_second:g} frames a second")
        said = said_length(self.values)
        if said is not None:
            return said
        given = self._seconds_of_files(None)
        return self._assumed_length() if given is None else given

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
        self.assumed.append(f"{float(seconds):g} s, for nothing says how long it is")
        return seconds

    @property
    def _kind(self) -> str:
        stated = str((self._card.output or {}).get("kind", "")).removesuffix("s")
        return stated if stated in ASSUMED_COMPUTE_S else self._request.task.makes

    @cached_property
    def _frame_count(self) -> Fraction | None:
        """Frames of what comes out, where that is said."""
        value = self.values.get("num_frames")
        follows_input = self.values.get("match_input_num_frames") is True or (
            value is None and self._price.counting.frames_per_second
        )
        if follows_input:
            known = max((facts.frames for facts in self._facts.files.values() if facts.frames), default=None)
            if known is not None:
                return Fraction(known)
            if value is not None:
                self.assumed.append(f"{value} frames, for nothing says how many the input has")
        if isinstance(value, str) and value.isdigit():
            return Fraction(value)
        return Fraction(value) if isinstance(value, int) else None

    @property
    def _frame_rate(self) -> Fraction:
        charged = self._price.counting.frames_per_second
        if charged:
            return Fraction(str(charged))
        for name in _FRAME_RATES:
            value = self.values.get(name)
            if isinstance(value, (int, float)) and value > 0:
                return Fraction(str(value))
        if not self._price.assumes:
            self.assumed.append(f"{ASSUMED_FPS} frames a second")
        return Fraction(ASSUMED_FPS)

    @property
    def frames(self) -> Fraction:
        """Frames of what comes out, also where only its length is known."""
        known = max((facts.frames for facts in self._facts.files.values() if facts.frames), default=None)
        return Fraction(known) if known is not None else self._frame_count or self.seconds * self._frame_rate

    @property
    def tokens(self) -> Fraction:
        """Tokens of a video: height x width x frames a second x seconds / 1024."""
        ratio = self.values.get("aspect_ratio")
        if ratio not in (None, "16:9"):
            self.assumed.append(f"as many pixels at aspect ratio {ratio} as at 16:9")
        width, height = self.sides
        return width * height * ASSUMED_FPS * self.seconds / 1024

    @property
    def compute_seconds(self) -> Fraction:
        """Seconds that the service computes; always an assumption."""
        if self._facts.seconds is not None:
            self.assumed.append(f"{self._facts.seconds:g} s of computing, the expected duration")
            return Fraction(str(self._facts.seconds))
        seconds = ASSUMED_COMPUTE_S[self._kind] * self.images
        self.assumed.append(f"{seconds} s of computing, for no run of it is known")
        return Fraction(seconds)

    @property
    def characters(self) -> int:
        """Length of the text that is spoken."""
        for name in ("text", "prompt"):
            value = self.values.get(name)
            if isinstance(value, str) and value:
                return len(value)
        return 0


def said_length(values: Mapping[str, Value]) -> Fraction | None:
    """Return the seconds that parameters ask for; `None` when none of them says a length."""
    found = (_seconds(values.get(name), 1000 if name.endswith("_ms") else 1) for name in _LENGTHS)
    return next((length for length in found if length), None)


def _seconds(value: Value, scale: int) -> Fraction | None:
    if isinstance(value, str) and (match := _SECONDS.fullmatch(value)):
        return Fraction(match[1])
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return Fraction(str(value)) / scale


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
