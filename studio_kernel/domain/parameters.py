"""One parameter, described once.

A `Parameter` says everything the rest of the studio needs to know about one knob: the panel makes its control from
it, a request is checked against it, the command line takes its option from it, a sweep its legal values, a diff its
label. `STANDARD` holds the studio's own definitions; a catalog entry names one of them and changes what differs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from immutabledict import immutabledict

from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import AssetRef, Lora, Scalar, Value, freeze

ParameterType = Literal[
    "text", "integer", "number", "boolean", "size", "image", "mask", "video", "audio", "loras", "object"
]
Group = Literal["prompt", "inputs", "size", "sampling", "seed", "adapters", "output", "advanced"]

MEDIA_TYPES: frozenset[str] = frozenset({"image", "mask", "video", "audio"})
GROUPS: tuple[Group, ...] = get_args(Group)
MAX_SEED = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named, typed, bounded input of a model.

    Attributes
    ----------
    name : str
        The key in a request, in the field's standard spelling where there is one.
    type : ParameterType
        ``size`` takes a preset from `choices` or a ``(width, height)`` pair in pixels; ``image``, ``mask``, ``video``
        and ``audio`` take a file; ``loras`` a list of adapters; ``object`` any JSON object.
    label : str
        What people see; made from the name when empty.
    default : Value
        Used when a request leaves the parameter out; `None` = not sent.
    min, max : float or None
        Inclusive bounds of a number (for a ``size``: of each side, in pixels).
    step : float or None
        For integers, values are multiples of it counted from 0 (so a width step of 8 means multiples of 8); for
        numbers it is only the granularity of the control.
    choices : tuple
        The closed set of values, empty when open; for a ``size`` the presets.
    choice_labels : tuple of str
        What people see for each of `choices`; empty = the choices themselves.
    open_choices : bool
        `choices` are suggestions: the list is known to be incomplete, and other values of `type` are allowed.
    unit : str
        Such as ``px`` or ``s``; shown behind the number. What is in seconds takes ``4``, ``"4"`` and ``"4s"``, and
        gives what the service wants.
    group : Group
        Where a form shows it; ``advanced`` starts folded away.
    description : str
        One sentence of help.
    required : bool
        A request without it is refused.
    max_length : int or None
        Characters allowed in a text.
    multiple : bool
        A tuple of values of `type` instead of one.
    max_items : int or None
        How many, when `multiple`.
    tasks : tuple of Task
        The tasks that know this parameter; empty = every task of the model.
    sent_as : str
        What the service calls it, where a request cannot: `model` and `task` are words of its own; empty = by `name`.
    from_run : str
        Its value is what an earlier run reported under this name, such as ``video_id``; empty = it is not.
    from_models : tuple of str
        Catalog ids of the models whose runs count for `from_run`.
    from_where : mapping
        What such a run must have been asked for besides: parameter → value.
    """

    name: str
    type: ParameterType
    label: str = ""
    default: Value = None
    min: float | None = None
    max: float | None = None
    step: float | None = None
    choices: tuple[Scalar, ...] = ()
    choice_labels: tuple[str, ...] = ()
    open_choices: bool = False
    unit: str = ""
    group: Group = "advanced"
    description: str = ""
    required: bool = False
    max_length: int | None = None
    multiple: bool = False
    max_items: int | None = None
    tasks: tuple[Task, ...] = ()
    sent_as: str = ""
    from_run: str = ""
    from_models: tuple[str, ...] = ()
    from_where: Mapping[str, Scalar] = field(default_factory=immutabledict)

    @property
    def title(self) -> str:
        """The label, or the name in words when no label is given."""
        return self.label or self.name.replace("_", " ").capitalize()

    @property
    def is_media(self) -> bool:
        """Whether its value is a file."""
        return self.type in MEDIA_TYPES

    def serves(self, task: Task) -> bool:
        """Whether requests of `task` know this parameter."""
        return not self.tasks or task in self.tasks

    def check(self, value: object) -> Value:
        """Return `value` in its canonical form.

        Raises
        ------
        ValueError
            What is wrong with it and what is allowed, as one sentence without the parameter's name.
        """
        if value is None:
            if self.required:
                raise ValueError("is required")
            return None
        if self.multiple:
            return self._check_many(value)
        return self._check_one(value)

    def _check_many(self, value: object) -> tuple[Value, ...]:
        items = value if isinstance(value, (tuple, list)) else (value,)
        if self.max_items is not None and len(items) > self.max_items:
            raise ValueError(f"{len(items)} items given, at most {self.max_items} allowed")
        if self.required and not items:
            raise ValueError("is required")
        return tuple(self._check_one(item) for item in items)

    def _check_one(self, value: object) -> Value:
        checked = _CHECKS[self.type](self, _spelled(self, value))
        if self.choices and not self.open_choices and self.type != "size" and checked not in self.choices:
            raise ValueError(f"{value!r} is not one of {_listed(self.choices)}")
        return checked


def _listed(choices: tuple[Scalar, ...], shown: int = 12) -> str:
    text = ", ".join(repr(choice) for choice in choices[:shown])
    return f"{text}, … ({len(choices)} in all)" if len(choices) > shown else text


_SECONDS = re.compile(r"\s*(\d+(?:\.\d+)?)\s*s?\s*")


def _spelled(parameter: Parameter, value: object) -> object:
    """Return `value` in the parameter's own spelling, where people and services write the same number differently.

    Services want a length as 4, "4" or "4s", and numbers as the texts of a list; a request may have any of them.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if parameter.unit == "s" and (is_number or isinstance(value, str)):
        return _spelled_seconds(parameter, value)
    if is_number and parameter.type == "text" and parameter.choices:
        same = [choice for choice in parameter.choices if isinstance(choice, str) and _as_number(choice) == value]
        return same[0] if same else str(value)
    return value


def _spelled_seconds(parameter: Parameter, value: object) -> object:
    seconds = _seconds_of(value)
    if seconds is None:
        if parameter.type != "text":
            raise ValueError(f"{value!r} is not a number of seconds, such as 4 or '4s'")
        return value
    if parameter.type != "text":
        return seconds
    same = [choice for choice in parameter.choices if _seconds_of(choice) == seconds]
    if same:
        return same[0]
    known = next((choice for choice in (parameter.default, *parameter.choices) if _seconds_of(choice) is not None), "")
    return f"{seconds:.12g}s" if str(known).endswith("s") else f"{seconds:.12g}"


def _seconds_of(value: object) -> int | float | None:
    """Return how many seconds a value in any of its spellings means; `None` when it is none, such as ``auto``."""
    if isinstance(value, str):
        match = _SECONDS.fullmatch(value)
        return _as_number(match[1]) if match else None
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _as_number(text: str) -> int | float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number.is_integer() else number


def _check_text(parameter: Parameter, value: object) -> Value:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")
    if parameter.required and not value.strip():
        raise ValueError("is empty; describe what you want to see")
    if parameter.max_length is not None and len(value) > parameter.max_length:
        raise ValueError(f"has {len(value)} characters, at most {parameter.max_length} allowed")
    return value


def _check_integer(parameter: Parameter, value: object) -> Value:
    number = _number(value)
    if number != int(number):
        raise ValueError(f"{value!r} is not a whole number")
    whole = int(number)
    _check_bounds(parameter, whole)
    if parameter.step and whole % int(parameter.step):
        raise ValueError(f"{whole} is not a multiple of {int(parameter.step)}")
    return whole


def _check_number(parameter: Parameter, value: object) -> Value:
    number = _number(value)
    _check_bounds(parameter, number)
    return float(number)


def _number(value: object) -> int | float:
    frozen = freeze(value)
    if isinstance(frozen, bool) or not isinstance(frozen, (int, float)):
        raise ValueError(f"{value!r} is not a number")
    return frozen


def _check_bounds(parameter: Parameter, number: float) -> None:
    low, high = parameter.min, parameter.max
    if (low is not None and number < low) or (high is not None and number > high):
        raise ValueError(f"{number!r} is outside {allowed_range(parameter)}")


def allowed_range(parameter: Parameter) -> str:
    """Return the bounds of a numeric parameter in words, such as ``1 … 20`` or ``at least 0``."""
    unit = f" {parameter.unit}" if parameter.unit else ""
    if parameter.min is not None and parameter.max is not None:
        return f"{parameter.min:.12g} … {parameter.max:.12g}{unit}"
    if parameter.min is not None:
        return f"at least {parameter.min:.12g}{unit}"
    return f"at most {parameter.max:.12g}{unit}" if parameter.max is not None else "any number"


def _check_boolean(_parameter: Parameter, value: object) -> Value:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither True nor False")
    return value


def _check_size(parameter: Parameter, value: object) -> Value:
    if isinstance(value, str):
        if value in parameter.choices:
            return value
        raise ValueError(f"{value!r} is not one of {_listed(parameter.choices)} and not a (width, height) pair")
    if isinstance(value, Mapping):
        value = (value.get("width"), value.get("height"))
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(f"{value!r} is not a (width, height) pair")
    return tuple(_check_integer(parameter, side) for side in value)


def _check_media(parameter: Parameter, value: object) -> Value:
    if not isinstance(value, AssetRef):
        raise ValueError(f"{value!r} is not a stored file; give a path, bytes, a picture or a run")
    wanted = "image" if parameter.type == "mask" else parameter.type
    if not value.media_type.startswith(f"{wanted}/"):
        raise ValueError(f"a file of type {value.media_type} is not {'an' if wanted[0] in 'ai' else 'a'} {wanted}")
    return value


def _check_loras(parameter: Parameter, value: object) -> Value:
    items = value if isinstance(value, (tuple, list)) else (value,)
    loras = tuple(item if isinstance(item, Lora) else _lora(item) for item in items)
    if parameter.max_items is not None and len(loras) > parameter.max_items:
        raise ValueError(f"{len(loras)} LoRAs given, at most {parameter.max_items} allowed")
    for lora in loras:
        _check_bounds(parameter, lora.weight)
    return loras


def _lora(item: object) -> Lora:
    """Read the forms people write: ``"id"``, ``"id:0.8"``, ``("id", 0.8)``."""
    if isinstance(item, str):
        name, colon, weight = item.rpartition(":")
        if colon:
            try:
                return Lora(name, float(weight))
            except ValueError:
                pass  # a colon inside a path, not a weight
        return Lora(item)
    if isinstance(item, (tuple, list)) and len(item) == 2:
        return Lora(str(item[0]), float(_number(item[1])))
    raise ValueError(f"{item!r} is not a LoRA; give an id, 'id:weight' or (id, weight)")


def _check_object(_parameter: Parameter, value: object) -> Value:
    if not isinstance(value, Mapping):
        raise ValueError(f"{value!r} is not an object of named values")
    return freeze(value)


_CHECKS = {
    "text": _check_text,
    "integer": _check_integer,
    "number": _check_number,
    "boolean": _check_boolean,
    "size": _check_size,
    "image": _check_media,
    "mask": _check_media,
    "video": _check_media,
    "audio": _check_media,
    "loras": _check_loras,
    "object": _check_object,
}

_FROM_IMAGE = (Task.IMAGE_TO_IMAGE, Task.INPAINTING)

_DEFINITIONS = (
    Parameter("prompt", "text", "Prompt", required=True, group="prompt", description="What the result should show."),
    Parameter(
        "negative_prompt",
        "text",
        "Negative prompt",
        group="prompt",
        description="What the result should not show; acts only with a guidance scale above 1.",
    ),
    Parameter(
        "image",
        "image",
        "Input image",
        group="inputs",
        required=True,
        tasks=_FROM_IMAGE,
        description="The picture to start from.",
    ),
    Parameter(
        "mask_image",
        "mask",
        "Mask",
        group="inputs",
        required=True,
        tasks=(Task.INPAINTING,),
        description="White is repainted, black is kept; the same size as the input image.",
    ),
    Parameter(
        "strength",
        "number",
        "Strength",
        default=0.6,
        min=0.01,
        max=1.0,
        step=0.01,
        group="sampling",
        tasks=_FROM_IMAGE,
        description="How far the result may leave the input image: near 0 keeps it, 1 ignores it.",
    ),
    Parameter(
        "width",
        "integer",
        "Width",
        default=512,
        min=64,
        max=2048,
        step=8,
        unit="px",
        group="size",
        description="Width of the result.",
    ),
    Parameter(
        "height",
        "integer",
        "Height",
        default=512,
        min=64,
        max=2048,
        step=8,
        unit="px",
        group="size",
        description="Height of the result.",
    ),
    Parameter(
        "num_inference_steps",
        "integer",
        "Steps",
        default=25,
        min=1,
        max=150,
        step=1,
        group="sampling",
        description="Denoising steps; more is slower and usually finer.",
    ),
    Parameter(
        "guidance_scale",
        "number",
        "Guidance scale",
        default=5.0,
        min=0.0,
        max=30.0,
        step=0.1,
        group="sampling",
        description="How strictly the result follows the prompt; 1 turns classifier-free guidance off.",
    ),
    Parameter(
        "scheduler",
        "text",
        "Scheduler",
        group="sampling",
        description="Noise schedule and update rule.",
    ),
    Parameter(
        "seed",
        "integer",
        "Seed",
        min=0,
        max=MAX_SEED,
        group="seed",
        description="Start of the random numbers; the same seed and settings give the same result. Empty = choose one.",
    ),
    Parameter(
        "num_images",
        "integer",
        "Images",
        default=1,
        min=1,
        max=16,
        step=1,
        group="output",
        description="How many pictures to make in one batch; picture i uses seed + i.",
    ),
    Parameter(
        "loras",
        "loras",
        "LoRAs",
        default=(),
        min=-4.0,
        max=4.0,
        max_items=8,
        group="adapters",
        description="Low-rank adapters and their weights; 1 = as trained.",
    ),
    Parameter(
        "clip_skip",
        "integer",
        "CLIP skip",
        min=1,
        max=4,
        step=1,
        group="advanced",
        description="How many of the text encoder's last layers to leave out.",
    ),
    Parameter(
        "eta",
        "number",
        "Eta",
        default=0.0,
        min=0.0,
        max=1.0,
        step=0.05,
        group="advanced",
        description="Share of fresh noise per step of a DDIM scheduler; 0 = none. Other schedulers ignore it.",
    ),
    Parameter(
        "guidance_rescale",
        "number",
        "Guidance rescale",
        default=0.0,
        min=0.0,
        max=1.0,
        step=0.05,
        group="advanced",
        description="Counters the overexposure of a high guidance scale; 0 = off.",
    ),
)

STANDARD: Mapping[str, Parameter] = immutabledict({parameter.name: parameter for parameter in _DEFINITIONS})
"""The studio's own definition of every parameter that more than one model shares, by name."""


def standard(name: str, **changes: object) -> Parameter:
    """Return the standard parameter `name` with some of its fields changed.

    Raises
    ------
    KeyError
        When the studio has no standard parameter of that name.
    """
    return replace(STANDARD[name], **changes)  # type: ignore[arg-type]  # field names are checked by replace()


def label_of(name: str) -> str:
    """Return what people call a parameter, also one that only some model has."""
    return STANDARD[name].title if name in STANDARD else name.replace("_", " ").capitalize()
