"""What is known to work well with a model: settings, sizes, words, and what it was seen to take.

Tips are advice of people, read somewhere on some day. They name settings as requests do; what a model does not take
is told in words and never set, so that following a tip cannot make a request invalid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from immutabledict import immutabledict

from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.values import Value


@dataclass(frozen=True, slots=True)
class VramFigure:
    """A published peak of device memory, with everything on the device, one picture (clip) at a time.

    Attributes
    ----------
    gib : float
        GiB, 2³⁰ bytes.
    width, height : int
        Pixels.
    frames : int or None
        Of a clip; `None` for pictures.
    dtype : str
        Of the weights, such as ``bf16``; empty = not said.
    metric : str
        What was counted, such as ``peak max_memory_allocated``.
    quality : str
        ``measured`` (somebody ran it), ``doc_stated`` or ``vendor_stated``.
    source : str
        Where it was read.
    note : str
        What else was said.
    """

    gib: float
    width: int
    height: int
    frames: int | None = None
    dtype: str = ""
    metric: str = ""
    quality: str = ""
    source: str = ""
    note: str = ""

    @property
    def vram_bytes(self) -> int:
        """The figure in bytes."""
        return round(self.gib * 2**30)


@dataclass(frozen=True, slots=True)
class Tips:
    """Recommendations for a model and those like it.

    Attributes
    ----------
    id : str
        Catalog id of the tips.
    name : str
        The model they are about.
    hub : tuple of str
        Its repositories, ``owner/name``.
    families : tuple of str
        Families of the catalog whose models they also hold for.
    values : mapping
        Parameter → recommended value.
    ranges : mapping
        Parameter → lowest and highest value that is recommended.
    sizes : tuple of (int, int)
        Widths and heights in pixels that it was made for.
    multiple : int or None
        Width and height are multiples of it.
    examples : tuple of str
        Prompts that it is known to draw.
    triggers : tuple of str
        Words that call up what it was trained on.
    frame_rule : str
        Which numbers of frames it takes, such as ``4k+1``.
    weights_gib : float or None
        All its networks at two bytes a weight, in GiB.
    vram : VramFigure or None
        A published figure to reckon from.
    notes : tuple of str
        What else to know.
    read_from : tuple of str
        Where all this was read.
    as_of : str
        When.
    """

    id: str
    name: str
    hub: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    values: Mapping[str, Value] = immutabledict()
    ranges: Mapping[str, tuple[float, float]] = immutabledict()
    sizes: tuple[tuple[int, int], ...] = ()
    multiple: int | None = None
    examples: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    frame_rule: str = ""
    weights_gib: float | None = None
    vram: VramFigure | None = None
    notes: tuple[str, ...] = ()
    licence: str = ""
    read_from: tuple[str, ...] = ()
    as_of: str = ""

    def offered(self, parameters: Iterable[Parameter]) -> dict[str, Value]:
        """Return the recommended values that these parameters accept, in their canonical form."""
        known = {parameter.name: parameter for parameter in parameters}
        checked = {name: _accepted(known.get(name), value) for name, value in self.values.items()}
        return {name: value for name, value in checked.items() if value is not None}

    def offered_sizes(self, parameters: Iterable[Parameter]) -> list[tuple[int, int]]:
        """Return the sizes that these parameters accept as width and height."""
        known = {parameter.name: parameter for parameter in parameters}
        width, height = known.get("width"), known.get("height")
        return [size for size in self.sizes if _accepted(width, size[0]) and _accepted(height, size[1])]


def _accepted(parameter: Parameter | None, value: Value) -> Value:
    """Return a value in its canonical form; `None` when the parameter refuses it, or there is none."""
    if parameter is None:
        return None
    try:
        return parameter.check(value)
    except (ValueError, TypeError):
        return None
