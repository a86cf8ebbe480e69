"""Presets, styles and export presets: what people use again, as the catalog files state it.

A preset is part of a request and fits many models, so applying one never makes a request invalid: what a model does
not take is left out and told. A style is a prompt with gaps. An export preset says how a picture leaves the studio.
All of it is pure; the files are read by `catalog` and written by `own_presets`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from immutabledict import immutabledict

from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.shapes import shaped
from studio_kernel.domain.values import Value
from studio_kernel.errors import InvalidRequestError, Problem, closest

ExportFormat = Literal["original", "png", "jpeg", "webp", "tiff"]
Fit = Literal["inside", "cover", "pad"]

_FIELD = re.compile(r"(?<!\\)\{([A-Za-z][A-Za-z0-9_ -]*)\}")
PROMPT_FIELD = "prompt"
"""The field of a style that stands for what is in the form already."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a preset comes to for one model.

    Attributes
    ----------
    values : mapping
        Parameter → value, each accepted by the model.
    left_out : mapping
        What the model does not take → why, in words.
    """

    values: Mapping[str, Value] = immutabledict()
    left_out: Mapping[str, str] = immutabledict()


@dataclass(frozen=True, slots=True)
class Preset:
    """A part of a request, to begin with.

    Attributes
    ----------
    id, name, description : str
        What it is called, and what it is for.
    task : str
        The task it is for; empty = any.
    model : str
        Catalog id; empty = any model that takes the values.
    values : mapping
        Parameter → value.
    shape : str
        Proportions of the result, ``width:height`` such as ``2:3``, in whatever way a model states them; empty = as
        the model has it.
    factors : mapping
        Parameter → what the model's own default is multiplied with, such as ``num_inference_steps`` → 0.5.
    own : bool
        Of this home, and not of this version: it can be changed and deleted.
    """

    id: str
    name: str
    description: str = ""
    task: str = ""
    model: str = ""
    values: Mapping[str, Value] = field(default_factory=immutabledict)
    shape: str = ""
    factors: Mapping[str, float] = field(default_factory=immutabledict)
    own: bool = False

    def applied(self, parameters: Iterable[Parameter]) -> Applied:
        """Return what it comes to for a model that takes `parameters`."""
        known = {parameter.name: parameter for parameter in parameters}
        values: dict[str, Value] = {}
        left_out: dict[str, str] = {}
        for name, factor in self.factors.items():
            _take(name, known, _scaled(known.get(name), factor), values, left_out)
        if self.shape:
            found = shaped(known.values(), self.shape)
            values |= found
            if not found:
                left_out["shape"] = f"the proportions {self.shape} cannot be chosen for this model"
        for name, value in self.values.items():
            _take(name, known, value, values, left_out)
        return Applied(immutabledict(values), immutabledict(left_out))


def _take(
    name: str, known: Mapping[str, Parameter], value: Value, values: dict[str, Value], left_out: dict[str, str]
) -> None:
    """Put `value` among the values, or why not among what is left out."""
    if name not in known:
        left_out[name] = "this model has no such setting"
        return
    try:
        checked = known[name].check(value)
    except (TypeError, ValueError) as error:
        left_out[name] = str(error)
        return
    if checked is None:
        left_out[name] = "this model has no default to start from"
    else:
        values[name] = checked


def _scaled(parameter: Parameter | None, factor: float) -> Value:
    """Return the default of a number times `factor`, in its steps and bounds; `None` when it has no such default."""
    default = parameter.default if parameter is not None else None
    if parameter is None or isinstance(default, bool) or not isinstance(default, (int, float)):
        return None
    step = parameter.step or (1 if parameter.type == "integer" else 0)
    wanted = default * factor
    nearest = round(wanted / step) * step if step else wanted
    low = parameter.min if parameter.min is not None else nearest
    high = parameter.max if parameter.max is not None else nearest
    return min(max(nearest, low), high)


@dataclass(frozen=True, slots=True)
class Style:
    r"""A prompt with gaps.

    Attributes
    ----------
    id, name, description : str
        What it is called, and what it is for.
    text : str
        The prompt; ``{prompt}``, ``{product}`` and so on are its fields. Alternatives ``{red|blue}`` and wildcards stay
        what they are, and ``\{prompt}`` is no field.
    defaults : mapping
        Field → what it holds when nothing is given.
    own : bool
        Of this home, and not of this version.
    """

    id: str
    name: str
    text: str
    description: str = ""
    defaults: Mapping[str, str] = field(default_factory=immutabledict)
    own: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of its gaps, each once, in the order of the text."""
        return tuple(dict.fromkeys(_FIELD.findall(self.text)))

    def fill(self, fields: Mapping[str, str]) -> str:
        """Return the prompt with its gaps filled.

        Raises
        ------
        InvalidRequestError
            With every field that is missing or that the style does not have.

        Examples
        --------
        >>> Style("shot", "Shot", "{product} on {surface}").fill({"product": "a cup", "surface": "oak"})
        'a cup on oak'
        """
        given = {**self.defaults, **{name: text for name, text in fields.items() if text.strip()}}
        problems = [Problem(name, "is missing; this style needs it") for name in self.fields if name not in given]
        problems += [Problem(name, self._unknown(name)) for name in fields if name not in self.fields]
        if problems:
            raise InvalidRequestError(problems, f"style {self.name!r}")
        return _FIELD.sub(lambda found: given[found[1]].strip(), self.text)

    def _unknown(self, name: str) -> str:
        close = closest(name, self.fields)
        hint = (
            f"did you mean {' or '.join(map(repr, close))}?" if close else f"it has {', '.join(self.fields) or 'none'}"
        )
        return f"is no field of this style; {hint}"


@dataclass(frozen=True, slots=True)
class ExportPreset:
    """How a picture leaves the studio.

    Attributes
    ----------
    id, name, description : str
        What it is called, and what it is for.
    format : {"original", "png", "jpeg", "webp", "tiff"}
        ``original`` copies the file as it is.
    width, height : int or None
        Pixels at most (``inside``), or of the frame to be filled; `None` = no bound.
    fit : {"inside", "cover", "pad"}
        ``inside`` keeps the whole picture and its proportions; ``cover`` fills the frame and cuts off what stands over;
        ``pad`` keeps the whole picture and fills the rest of the frame with `background`.
    enlarge : bool
        Whether a smaller picture is made larger; else the frame becomes smaller with it.
    turns : bool
        Whether width and height change places for a picture that lies where the frame stands, or the other way round.
    dpi : int or None
        Dots per inch at full size; a smaller picture gets fewer, so that it prints as large.
    quality : int
        Of JPEG and WebP, 1 … 100.
    background : str
        Colour, ``#rrggbb``: behind transparent pictures where the format has no transparency, and around padded ones.
    metadata : bool
        Whether the provenance goes into the file: prompt, settings, versions.
    own : bool
        Of this home, and not of this version.
    """

    id: str
    name: str
    description: str = ""
    format: ExportFormat = "original"
    width: int | None = None
    height: int | None = None
    fit: Fit = "inside"
    enlarge: bool = False
    turns: bool = False
    dpi: int | None = None
    quality: int = 90
    background: str = "#ffffff"
    metadata: bool = True
    own: bool = False
