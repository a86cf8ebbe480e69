"""One control per parameter, chosen by what the parameter says of itself.

A control shows a value and tells of a new one; what the value means is for the state to know.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Protocol

import ipywidgets
import traitlets

from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.reported import ReportedChoices
from studio_kernel.domain.values import Lora, freeze, to_json
from studio_widgets.frame.panel import field, styled
from studio_widgets.generation.stepping import notch_of
from studio_widgets.mask.panel import MaskInput
from studio_widgets.media.giving import Giving
from studio_widgets.media.panel import MediaInput

Tell = Callable[[object], None]

WIDEST_SLIDER = 10_000
WIDEST_LIST = 16
DEFAULT_LABEL = "Model default"


class Control(Protocol):
    """What a form needs of a control."""

    widget: ipywidgets.Widget

    def show(self, value: object) -> None:
        """Show a value without telling of it."""

    def disable(self, reason: str) -> None:
        """Refuse changes for a reason; an empty one allows them again."""


def control_for(
    parameter: Parameter,
    value: object,
    tell: Tell,
    loras: Mapping[str, str],
    offer: Callable[[], ReportedChoices] = ReportedChoices,
    giving: Giving | None = None,
) -> Control:
    """Return a control for `parameter` that shows `value` and calls `tell` with new ones.

    Parameters
    ----------
    loras : mapping
        Id → name of the adapters there are to choose from.
    offer : callable
        Returns what earlier runs reported, for a parameter that takes that.
    giving : Giving or None
        Where files go, for a parameter that takes those; `tell` gets their bytes when left out.
    """
    if parameter.from_run:
        return Picker(parameter, value, tell, offer)
    if parameter.is_media:
        kind = MaskInput if parameter.type == "mask" else MediaInput
        return kind(parameter, value, giving or Giving(lambda data, _name: tell(data)))
    if parameter.type == "loras":
        return LoraRows(parameter, value, tell, loras)
    widget, read, write = _simple(parameter)
    return Simple(parameter, styled(widget, f"st-p-{parameter.name}"), value, tell, read, write)


class Simple:
    """A single widget with a value trait."""

    def __init__(
        self,
        parameter: Parameter,
        widget: ipywidgets.Widget,
        value: object,
        tell: Tell,
        read: Callable[[Any], object],
        write: Callable[[Any], object],
    ) -> None:
        self.widget = widget
        self._help = parameter.description
        self._read, self._write, self._tell = read, write, tell
        self._showing = False
        widget.tooltip = self._help
        self.show(value)
        widget.observe(self._changed, "value")

    def show(self, value: object) -> None:
        """Show a value without telling of it."""
        self._showing = True
        try:
            self.widget.value = self._write(value)
        except traitlets.TraitError:
            pass  # a value this control cannot show, such as a pair in a list of presets; the state keeps it
        finally:
            self._showing = False

    def disable(self, reason: str) -> None:
        """Refuse changes for a reason; an empty one allows them again."""
        self.widget.disabled = bool(reason)
        self.widget.tooltip = reason or self._help

    def explain(self, text: str) -> None:
        """Say what it is for: another model may read the same in another way."""
        self._help = self.widget.tooltip = text

    def _changed(self, change: traitlets.Bunch) -> None:
        if not self._showing:
            self._tell(self._read(change.new))


def _same(value: Any) -> Any:
    return value


def _simple(parameter: Parameter) -> tuple[ipywidgets.Widget, Callable[[Any], object], Callable[[Any], object]]:
    """Return a widget, how to read its value and how to write one."""
    title = f"{parameter.title} ({parameter.unit})" if parameter.unit else parameter.title
    if parameter.multiple or parameter.type == "object":
        return _json_text(title)
    if parameter.choices:
        return _dropdown(parameter, title)
    if parameter.type == "boolean":
        return ipywidgets.Checkbox(description=title, indent=False), _same, bool
    if parameter.type == "text":
        return _text(parameter, title), _same, lambda value: str(value or "")
    if parameter.type == "size":
        return _size_text(title)
    return _number(parameter, title)


def _text(parameter: Parameter, title: str) -> ipywidgets.Widget:
    if parameter.name == "prompt":
        hint = "What should the picture show? Enter begins."
        text = ipywidgets.Textarea(description=title, placeholder=hint, rows=3, continuous_update=False)
        return styled(field(text), "st-enter")
    hint = "What it should not show" if parameter.name == "negative_prompt" else ""
    return field(ipywidgets.Text(description=title, placeholder=hint, continuous_update=False))


def _dropdown(
    parameter: Parameter, title: str
) -> tuple[ipywidgets.Widget, Callable[[Any], object], Callable[[Any], object]]:
    labels = parameter.choice_labels or tuple(str(choice) for choice in parameter.choices)
    options = list(zip(labels, parameter.choices, strict=True))
    if parameter.default is None and not parameter.required:
        options.insert(0, (DEFAULT_LABEL, None))
    return field(ipywidgets.Dropdown(description=title, options=options)), _same, _same


def _number(
    parameter: Parameter, title: str
) -> tuple[ipywidgets.Widget, Callable[[Any], object], Callable[[Any], object]]:
    low, high, whole = parameter.min, parameter.max, parameter.type == "integer"
    if low is None or high is None or high - low > WIDEST_SLIDER:
        hint = "Chosen for you" if parameter.name == "seed" else DEFAULT_LABEL
        return _number_text(title, int if whole else float, hint)
    if parameter.default is None:
        if not whole or high - low >= WIDEST_LIST:
            return _number_text(title, int if whole else float)
        options = [
            (DEFAULT_LABEL, None),
            *((str(n), n) for n in range(int(low), int(high) + 1, int(parameter.step or 1))),
        ]
        return field(ipywidgets.Dropdown(description=title, options=options)), _same, _same
    step = notch_of(parameter)
    notches = Notches(step)
    if whole:
        slider = ipywidgets.IntSlider(min=int(low), max=int(high), step=int(step))
    else:
        slider = ipywidgets.FloatSlider(min=low, max=high, step=step, readout_format=f".{notches.decimals}f")
    slider.description = title
    return slider, notches.read, notches.write


class Notches:
    """Tells a slider that was moved from one that only came to rest on its nearest notch.

    A slider that tells of its moves while it is dragged also tells, as it appears, of the notch it stands on:
    4.999999999999999 where it was given 5, 5.3 where it was given 5.25. That is nobody's wish.

    Parameters
    ----------
    step : float
        From notch to notch.
    """

    def __init__(self, step: float) -> None:
        self._step = step
        self._shown: float | None = None
        self.decimals = len(f"{step:g}".partition(".")[2])

    def write(self, value: Any) -> Any:
        """Remember what the slider is given."""
        self._shown = value
        return value

    def read(self, moved: float) -> object:
        """Return what the slider says, without the noise of binary fractions."""
        rests = self._shown is not None and abs(moved - self._shown) <= self._step / 2 * (1 + 1e-6)
        if not rests:
            self._shown = moved if isinstance(moved, int) else round(moved, self.decimals)
        return self._shown


def _number_text(
    title: str, kind: type[int] | type[float], hint: str = DEFAULT_LABEL
) -> tuple[ipywidgets.Widget, Callable[[Any], object], Callable[[Any], object]]:
    widget = field(ipywidgets.Text(description=title, placeholder=hint, continuous_update=False))
    return widget, lambda text: _parsed(kind, text), lambda value: "" if value is None else f"{value}"


def _parsed(kind: Callable[[str], object], text: str) -> object:
    """Return what a text says; what cannot be read stays as it is, for the check of the request to refuse in words."""
    stripped = text.strip()
    if not stripped:
        return None
    try:
        return kind(stripped)
    except ValueError:
        return stripped


def _size_text(title: str) -> tuple[ipywidgets.Widget, Callable[[Any], object], Callable[[Any], object]]:
    widget = field(ipywidgets.Text(description=title, placeholder="1024 × 768", continuous_update=False))
    return widget, lambda text: _parsed(_pair, text), lambda value: " × ".join(map(str, value)) if value else ""


def _pair(text: str) -> object:
    width, height = re.split(r"\s*[x×,]\s*", text)
    return int(width), int(height)


def _json_text(title: str) -> tuple[ipywidgets.Widget, Callable[[Any], object], Callable[[Any], object]]:
    widget = field(ipywidgets.Text(description=f"{title} (JSON)", continuous_update=False))
    return (
        widget,
        lambda text: _parsed(json.loads, text),
        lambda value: "" if value in (None, ()) else _written(value),
    )


def _written(value: object) -> str:
    """Return a value as JSON; what was typed and could not be read stays as it is."""
    return value if isinstance(value, str) else json.dumps(to_json(freeze(value)), ensure_ascii=False)


class Picker:
    """What earlier runs reported, such as clips to remix; a sentence where there is nothing yet."""

    def __init__(self, parameter: Parameter, value: object, tell: Tell, offer: Callable[[], ReportedChoices]) -> None:
        self._tell, self._offer, self._help = tell, offer, parameter.description
        self._showing = False
        self._choices = field(ipywidgets.Dropdown(description=parameter.title))
        self._choices.observe(self._changed, "value")
        self._advice = styled(ipywidgets.HTML(), "st-sub")
        self._again = styled(ipywidgets.Button(description="Look again"), "st-quiet")
        self._again.on_click(lambda _button: self.show(self._choices.value))
        row = [self._choices, self._advice, self._again]
        self.widget = styled(ipywidgets.HBox(row), "st-row", f"st-p-{parameter.name}")
        self.show(value)

    def show(self, value: object) -> None:
        """Show a value, among those there are now, without telling of it."""
        offer = self._offer()
        self._showing = True
        try:
            self._choices.options = [("Choose …", None), *((each.label, each.value) for each in offer)]
            self._choices.value = value if value in [each.value for each in offer] else None
        finally:
            self._showing = False
        self._choices.layout.display = None if offer else "none"
        self._choices.tooltip = self._help
        self._advice.value = escape(f"{self._choices.description}: {offer.advice}" if offer.advice else "")

    def disable(self, reason: str) -> None:
        """Refuse changes for a reason; an empty one allows them again."""
        self._choices.disabled = bool(reason)

    def _changed(self, change: traitlets.Bunch) -> None:
        if not self._showing:
            self._tell(change.new)


class LoraRows:
    """Adapters and their weights, a row each."""

    def __init__(self, parameter: Parameter, value: object, tell: Tell, known: Mapping[str, str]) -> None:
        self._known, self._tell = known, tell
        self._limit = parameter.max_items or WIDEST_LIST
        self._rows: list[tuple[ipywidgets.Combobox, ipywidgets.FloatText, ipywidgets.HBox]] = []
        self._add = ipywidgets.Button(description=f"Add {parameter.title.removesuffix('s')}")
        self._add.tooltip = parameter.description
        self._add.on_click(lambda _button: self._append(Lora("", 1.0)))
        self.widget = styled(ipywidgets.VBox(), "st-loras")
        self._shown: object = None
        self.show(value)

    def show(self, value: object) -> None:
        """Show a value without telling of it."""
        if value == self._shown:
            return
        self._shown = value
        self._rows = []
        for lora in value if isinstance(value, tuple) else ():
            self._append(lora)
        self._arrange()

    def disable(self, reason: str) -> None:
        """Refuse changes for a reason; an empty one allows them again."""
        self._add.disabled = bool(reason)

    def _append(self, lora: Lora) -> None:
        name = field(
            ipywidgets.Combobox(
                description="LoRA", value=lora.id, options=tuple(self._known), placeholder="Name or .safetensors file"
            )
        )
        weight = field(ipywidgets.FloatText(description="Weight", value=lora.weight, step=0.05))
        remove = styled(ipywidgets.Button(description="Remove"), "st-quiet")
        row = (name, weight, styled(ipywidgets.HBox([name, weight, remove]), "st-row"))
        self._rows.append(row)
        for control in (name, weight):
            control.observe(lambda _change: self._changed(), "value")
        remove.on_click(lambda _button: self._drop(row))
        self._arrange()

    def _drop(self, row: tuple[ipywidgets.Combobox, ipywidgets.FloatText, ipywidgets.HBox]) -> None:
        self._rows.remove(row)
        self._arrange()
        self._changed()

    def _arrange(self) -> None:
        self._add.layout.display = None if len(self._rows) < self._limit else "none"
        self.widget.children = [*(box for _name, _weight, box in self._rows), self._add]

    def _changed(self) -> None:
        value = tuple(Lora(name.value.strip(), weight.value) for name, weight, _box in self._rows if name.value.strip())
        self._shown = value
        self._tell(value)
