"""Tips beside the form: recommended settings, sizes, prompts and words, each a click away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from html import escape

import ipywidgets

from studio_kernel.domain.parameters import STANDARD
from studio_kernel.domain.tips import Tips
from studio_kernel.domain.values import describe
from studio_widgets.discarding import discard
from studio_widgets.frame import panel as parts
from studio_widgets.generation.state import GenerationState, shown

_ADDRESS = re.compile(r"https?://[^\s,;()]+")


class TipsCard(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The tips for the chosen model; takes no room when there are none."""

    def __init__(self, state: GenerationState) -> None:
        self._state = state
        self._title = ipywidgets.HTML()
        apply = ipywidgets.Button(description="Apply", tooltip="Set everything to what is recommended")
        apply.on_click(lambda _button: state.apply_tips())
        self._apply = apply
        self._values = ipywidgets.HTML()
        self._choices = parts.styled(ipywidgets.VBox(), "st-tips-choices")
        self._told = ipywidgets.HTML()
        self._more = ipywidgets.HTML()
        top = parts.styled(ipywidgets.HBox([self._title, apply]), "st-tips-top")
        super().__init__([top, self._told, self._values, self._choices, self._more])
        parts.styled(self, "st-card", "st-tips")
        state.observe(lambda _change: self._build(), ["tips", "parameters"])
        state.observe(lambda _change: self._tell(), "told")
        self._build()
        self._tell()

    def _build(self) -> None:
        tips = self._state.tips
        self.layout.display = None if tips else "none"
        if tips is None:
            return
        self._title.value = f'<span class="st-tips-title" role="heading" aria-level="3">{escape(_title(tips))}</span>'
        self._apply.layout.display = None if tips.offered(self._state.parameters) else "none"
        self._values.value = parts.facts(list(_recommended(self._state, tips)))
        old = self._choices.children
        self._choices.children = [*self._sizes(tips), *self._examples(tips), *self._triggers(tips)]
        self._more.value = _more(tips)
        discard(old)

    def _tell(self) -> None:
        told = self._state.told
        self._told.value = f'<div class="st-sub" role="status">{escape(told)}</div>' if told else ""
        self._told.layout.display = None if told else "none"

    def _sizes(self, tips: Tips) -> list[ipywidgets.Widget]:
        use = self._state.use_size
        offered = tips.offered_sizes(self._state.parameters)
        return _group("Sizes", [(f"{w} × {h}", f"Set the size to {w} × {h}", partial(use, w, h)) for w, h in offered])

    def _examples(self, tips: Tips) -> list[ipywidgets.Widget]:
        use = self._state.use_example
        listed = [(text, "Use this as the prompt", partial(use, i)) for i, text in enumerate(tips.examples)]
        return _group("Example prompts", listed) if self._takes_prompt else []

    def _triggers(self, tips: Tips) -> list[ipywidgets.Widget]:
        add = self._state.add_trigger
        listed = [(f"+ {word}", f"Add {word} to the prompt", partial(add, word)) for word in tips.triggers]
        return _group("Words to add", listed) if self._takes_prompt else []

    @property
    def _takes_prompt(self) -> bool:
        return any(parameter.name == "prompt" for parameter in self._state.parameters)


def _title(tips: Tips) -> str:
    return f"Tips for {tips.name}"


def _group(title: str, listed: Sequence[tuple[str, str, Callable[[], None]]]) -> list[ipywidgets.Widget]:
    """Return a heading and a button for each of (text, what it does, the doing); nothing for nothing."""
    if not listed:
        return []
    buttons = [parts.styled(ipywidgets.Button(description=text, tooltip=tip), "st-chip") for text, tip, _act in listed]
    for button, (_text, _tip, act) in zip(buttons, listed, strict=True):
        button.on_click(lambda _button, act=act: act())
    return [ipywidgets.HTML(f'<span class="st-sub">{escape(title)}</span>'), parts.row(*buttons)]


def _recommended(state: GenerationState, tips: Tips) -> Iterable[tuple[str, str]]:
    """Yield every recommended value with its range; those that the model does not take are marked."""
    known = {parameter.name: parameter for parameter in state.parameters}
    offered = tips.offered(state.parameters)
    for name, value in tips.values.items():
        parameter = known.get(name) or STANDARD.get(name)
        title = parameter.title if parameter else name.replace("_", " ").capitalize()
        text = shown(known[name], value) if name in offered else describe(value)
        yield title, f"{text}{_range(tips, name)}{_refused(name in known, name in offered)}"


def _range(tips: Tips, name: str) -> str:
    low_high = tips.ranges.get(name)
    return f" ({low_high[0]:g} to {low_high[1]:g})" if low_high else ""


def _refused(is_known: bool, is_offered: bool) -> str:
    if is_offered:
        return ""
    return ", not allowed here" if is_known else ", not a setting here"


def _more(tips: Tips) -> str:
    """Return notes, licence, source and date; notes that matter for a click stand first."""
    listed = [*tips.notes]
    if tips.frame_rule:
        listed.append(f"Numbers of frames: {tips.frame_rule}.")
    if tips.multiple:
        listed.append(f"Width and height are multiples of {tips.multiple}.")
    if tips.vram:
        figure = tips.vram
        frames = f", {figure.frames} frames" if figure.frames else ""
        listed.append(f"Seen: {figure.gib:g} GiB at {figure.width} × {figure.height}{frames}, {figure.dtype}.")
    notes = "".join(f"<li>{escape(note)}</li>" for note in listed)
    read = "; ".join(tips.read_from)
    licence = f"<li>Licence: {escape(tips.licence)}.</li>" if tips.licence else ""
    source = f"<li>Read on {escape(tips.as_of)}: {_linked(read)}</li>" if read else ""
    return f'<details class="st-more"><summary>Notes and sources</summary><ul>{notes}{licence}{source}</ul></details>'


def _linked(text: str) -> str:
    """Return escaped text with its addresses as links."""
    link = r'<a href="\g<0>" target="_blank" rel="noopener">\g<0></a>'
    return _ADDRESS.sub(link, escape(text))
