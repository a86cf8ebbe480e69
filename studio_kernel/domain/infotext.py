"""The settings that the A1111 web UI, and many programs after it, write into a picture as one text.

A prompt, a line ``Negative prompt: …`` when there is one, and a line of ``Key: value`` pairs:
`provenance.parameters_text` writes such a text, this reads it. The grammar is that of the web UI 1.10
(``modules/infotext_utils.py``); what CivitAI adds to the last line, JSON without quotes, is cut out first, as its own
reader does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from immutabledict import immutabledict

from studio_kernel.domain.model import SchedulerCard
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import Value

MAX_TEXT_LENGTH = 1 << 18
"""A longer text is not read: it is no setting of a picture."""
_PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
_SIZE = re.compile(r"(\d{1,6})x(\d{1,6})")
_NEGATIVE = "Negative prompt:"
_FEWEST_PAIRS = 3  # fewer make no line of settings: "8k: yes" stands in many prompts
_ADDED_JSON = re.compile(r"(?:^|,)\s*(?:Hashes|Civitai resources|Civitai metadata):\s*(?=[{\[])")
_HIRES = ("Hires upscale", "Hires resize", "Hires upscaler", "Hires steps")
_LARGEST_SEED = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Infotext:
    """What such a text says.

    Attributes
    ----------
    prompt, negative_prompt : str
        Empty when there is none.
    fields : mapping
        The pairs of the last line, as they stand there.
    """

    prompt: str
    negative_prompt: str = ""
    fields: Mapping[str, str] = field(default_factory=immutabledict)

    @property
    def task(self) -> Task:
        """What was asked for: a strength without a second pass means that there was an input picture."""
        if "Mask blur" in self.fields:
            return Task.INPAINTING
        return Task.IMAGE_TO_IMAGE if self._has_input else Task.TEXT_TO_IMAGE

    def parameters(self, schedulers: Iterable[SchedulerCard] = ()) -> dict[str, Value]:
        """Return the parameters of a request; a scheduler only where one of `schedulers` is known by that name."""
        found: dict[str, Value | None] = {
            "prompt": self.prompt,
            "negative_prompt": self.negative_prompt or None,
            "num_inference_steps": self._integer("Steps", 1, 10_000),
            "guidance_scale": self._number("CFG scale"),
            "seed": self._integer("Seed", 0, _LARGEST_SEED),
            "scheduler": self._scheduler(schedulers),
            "strength": self._number("Denoising strength") if self._has_input else None,
        }
        if size := _SIZE.fullmatch(self.fields.get("Size", "")):
            found |= {"width": int(size[1]), "height": int(size[2])}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def _has_input(self) -> bool:
        return "Denoising strength" in self.fields and not any(name in self.fields for name in _HIRES)

    def _integer(self, name: str, low: int, high: int) -> int | None:
        text = self.fields.get(name, "")
        is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(high))
        return int(text) if is_number and low <= int(text) <= high else None

    def _number(self, name: str) -> float | None:
        try:
            value = float(self.fields.get(name, ""))
        except ValueError:
            return None
        return value if 0 <= value <= 1000 else None

    def _scheduler(self, schedulers: Iterable[SchedulerCard]) -> str | None:
        """Return the scheduler that is known by the words of the text, `None` when none is for certain."""
        sampler, schedule = (self.fields.get(name, "").casefold() for name in ("Sampler", "Schedule type"))
        by_name = {name.casefold(): card.id for card in schedulers for name in (card.id, card.name, *card.aliases)}
        if schedule == "automatic":
            # The web UI then chooses for itself, by a list of its own, wherever there is a choice.
            return None if any(f"{sampler} {each}" in by_name for each in _SCHEDULES) else by_name.get(sampler)
        return by_name.get(f"{sampler} {schedule}".strip())


_SCHEDULES = ("karras", "exponential", "sgm uniform")


def read(text: str) -> Infotext | None:
    """Return what a text says; `None` when it has no line of settings, or is too long to be one."""
    if len(text) > MAX_TEXT_LENGTH:
        return None
    *lines, last = _without_added_json(text.strip()).split("\n")
    pairs = _PAIR.findall(last)
    if len(pairs) < _FEWEST_PAIRS:
        return None
    place = next((i for i, line in enumerate(lines) if line.strip().startswith(_NEGATIVE)), len(lines))
    negative = "\n".join(lines[place:]).strip().removeprefix(_NEGATIVE).strip()
    return Infotext("\n".join(lines[:place]).strip(), negative, immutabledict({key: _plain(v) for key, v in pairs}))


def _plain(value: str) -> str:
    if not value.startswith('"'):
        return value.strip()
    try:
        return str(json.loads(value))
    except ValueError:
        return value


def _without_added_json(text: str) -> str:
    decoder = json.JSONDecoder()
    while (found := _ADDED_JSON.search(text)) is not None:
        try:
            _, end = decoder.raw_decode(text, found.end())
        except (ValueError, RecursionError):
            return text
        text = text[: found.start()] + text[end:]
    return text
