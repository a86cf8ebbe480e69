"""Presets and styles without a screen: choose one, put it into a form, take that back, save what the form says.

The form is a `GenerationState`; nothing here runs anything. A preset changes what it names and leaves the rest; what
the model does not take is said in `told`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.domain.presets import PROMPT_FIELD, Preset, Style
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import asset_refs, freeze
from studio_kernel.errors import StudioError
from studio_kernel.own_presets import id_of
from studio_widgets.generation.state import OWN_TRAITS, GenerationState, shown
from studio_widgets.state import PanelState
from studio_widgets.wording import owned
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

MOST_UNDONE = 20


@dataclass(frozen=True, slots=True)
class _Form:
    """What a form said at one moment."""

    task: str
    model: str
    prompt: str
    negative_prompt: str
    values: Mapping[str, object]
    random_seed: bool


@dataclass(frozen=True, slots=True)
class _Question:
    """Something that is done only after a yes."""

    text: str
    act: Callable[[], None]


class PresetState(PanelState):
    """What can be put into a form, and what was.

    Parameters
    ----------
    studio : Studio
        Opened as an editor.
    form : GenerationState
        Where presets and styles go.

    Attributes
    ----------
    presets, styles : tuple of (str, str)
        What there is for the task of the form: what people read, and the id.
    preset : str
        Id of the preset that is chosen; empty = none.
    style : str
        Id of the style that is chosen; empty = none.
    fields : dict
        Field of that style → what stands in it; replaced as a whole, see `set_field`.
    name : str
        What a preset or style is saved under.
    with_prompt : bool
        Whether the prompt is saved too.
    with_model : bool
        Whether the preset is for this model alone.
    told : str
        What was done last, in words.
    question : str
        What `agree` says yes to; empty when nothing is asked.
    can_undo : bool
        Whether `undo` has something to take back.

    Examples
    --------
    >>> state = PresetState(studio, form)  # doctest: +SKIP
    >>> state.preset = "portrait"  # doctest: +SKIP
    >>> state.apply()  # doctest: +SKIP
    """

    presets = traitlets.Tuple(read_only=True)
    styles = traitlets.Tuple(read_only=True)
    preset = traitlets.Unicode()
    style = traitlets.Unicode()
    fields: traitlets.Dict[str, str] = traitlets.Dict()
    name = traitlets.Unicode()
    with_prompt = traitlets.Bool(False)
    with_model = traitlets.Bool(False)
    told = traitlets.Unicode()
    question = traitlets.Unicode(read_only=True)
    can_undo = traitlets.Bool(False, read_only=True)

    def __init__(self, studio: Studio, form: GenerationState, *, workspace: Workspace | None = None) -> None:
        super().__init__(studio, workspace=workspace or form.workspace)
        self.form = form
        self._earlier: list[_Form] = []
        self._asked: _Question | None = None
        self._filled: tuple[str, str] | None = None
        form.observe(lambda _change: self.refresh(), "task")
        self.observe(lambda _change: self._choose_style(), "style")
        self.observe(lambda _change: self.decline(), ["preset", "style", "name"])
        self.refresh()

    # What there is

    def refresh(self) -> None:
        """Look again what presets and styles there are; what was chosen and is gone is chosen no more."""
        with self.lock:
            catalog = self._studio.catalog
            task = self.form.task
            fitting = sorted(catalog.presets.values(), key=lambda each: (each.task not in ("", task), not each.own))
            self.set_trait("presets", tuple((self._label(each, task), each.id) for each in fitting))
            styles = sorted(catalog.styles.values(), key=lambda each: not each.own)
            self.set_trait("styles", tuple((owned(each.name, each.own), each.id) for each in styles))
            if self.preset not in catalog.presets:
                self.preset = ""
            if self.style not in catalog.styles:
                self.style = ""

    def poll(self) -> None:
        """As `refresh`; cheap when nothing has changed."""
        self._attempt_quietly(self.refresh)

    @property
    def chosen(self) -> Preset | None:
        """The preset that is chosen."""
        return self._studio.catalog.presets.get(self.preset)

    @property
    def chosen_style(self) -> Style | None:
        """The style that is chosen."""
        return self._studio.catalog.styles.get(self.style)

    @property
    def preview(self) -> str:
        """What the prompt would be; with the names of fields where nothing is given yet."""
        style = self.chosen_style
        if style is None:
            return ""
        holes = {name: f"‹{name}›" for name in style.fields}
        return style.fill({**holes, **style.defaults, **self._given(style)})

    # Into the form

    def apply(self) -> None:
        """Put the chosen preset into the form; `told` says what that changed and what was left out."""
        with self.lock:
            if (preset := self.chosen) is not None:
                self._do(partial(self._apply, preset))

    def set_field(self, name: str, text: str) -> None:
        """Fill one field of the chosen style."""
        with self.lock:
            if name in self.fields:
                self.fields = {**self.fields, name: text}

    def apply_style(self) -> None:
        """Make the prompt of the chosen style and its fields; what is missing is named in `error`."""
        with self.lock:
            if (style := self.chosen_style) is not None:
                self._do(partial(self._fill, style))

    def undo(self) -> None:
        """Put the form back to what it said before the last preset or style."""
        with self.lock:
            if self._earlier:
                self._restore(self._earlier.pop())
                self.set_trait("can_undo", bool(self._earlier))
                self.told = "The form is as it was before."

    # Saving

    def save(self) -> None:
        """Save what the form says as a preset called `name`; where there is one already, `question` asks first."""
        with self.lock:
            self._do(lambda: self._ask_or_do("preset", self._studio.catalog.presets, self._save))

    def save_style(self) -> None:
        """Save the prompt of the form as a style called `name`; words in braces are its fields."""
        with self.lock:
            self._do(lambda: self._ask_or_do("style", self._studio.catalog.styles, self._save_style))

    def delete(self) -> None:
        """Take the chosen preset away, once `agree` has said yes; only own ones can be."""
        with self.lock:
            if (preset := self.chosen) is not None and preset.own:
                self._ask(f"Delete the preset “{preset.name}”?", partial(self._delete, preset))

    def delete_style(self) -> None:
        """Take the chosen style away, once `agree` has said yes; only own ones can be."""
        with self.lock:
            if (style := self.chosen_style) is not None and style.own:
                self._ask(f"Delete the style “{style.name}”?", partial(self._delete_style, style))

    def agree(self) -> None:
        """Say yes to `question`."""
        with self.lock:
            asked, self._asked = self._asked, None
            self.set_trait("question", "")
            if asked is not None:
                self._do(asked.act)

    def decline(self) -> None:
        """Say no to `question`; nothing happens."""
        with self.lock:
            self._asked = None
            self.set_trait("question", "")

    # Inside

    def _label(self, preset: Preset, task: str) -> str:
        other = f" – {Task(preset.task).label.lower()}" if preset.task not in ("", task) else ""
        return owned(preset.name, preset.own) + other

    def _do(self, act: Callable[[], None]) -> None:
        """Do something that somebody asked for; what was told before is over."""
        self.told = ""
        self._attempt(act)

    def _attempt_quietly(self, act: Callable[[], None]) -> None:
        """Do something that nobody asked for: what goes wrong is said, what was said before is not taken away."""
        try:
            act()
        except (StudioError, OSError) as error:
            self.error = str(error)

    def _now(self) -> _Form:
        form = self.form
        return _Form(form.task, form.model, form.prompt, form.negative_prompt, dict(form.values), form.random_seed)

    def _restore(self, earlier: _Form) -> None:
        form = self.form
        with form.hold_trait_notifications():
            form.task, form.model = earlier.task, earlier.model
        with form.hold_trait_notifications():
            form.prompt, form.negative_prompt = earlier.prompt, earlier.negative_prompt
            form.random_seed = earlier.random_seed
            form.values = {
                **form.values,
                **{name: earlier.values[name] for name in form.values if name in earlier.values},
            }

    def _remember(self) -> None:
        self._earlier = [*self._earlier[-MOST_UNDONE + 1 :], self._now()]
        self.set_trait("can_undo", True)

    def _apply(self, preset: Preset) -> None:
        if preset.model and preset.model not in self._studio.models:
            raise StudioError(f"this preset is for the model {preset.model!r}, which is not in the catalog")
        self._remember()
        before = self._now()
        form = self.form
        with form.hold_trait_notifications():
            if preset.task:
                form.task = preset.task
            if preset.model:
                form.model = preset.model
        applied = preset.applied(form.parameters)
        with form.hold_trait_notifications():
            for name, value in applied.values.items():
                form.set(name, value)
            if "seed" in applied.values:
                form.random_seed = False
        self.told = self._said(before, applied.values, applied.left_out)

    def _said(self, before: _Form, values: Mapping[str, object], left_out: Mapping[str, str]) -> str:
        known = {parameter.name: parameter for parameter in self.form.parameters}
        old = {**before.values, "prompt": before.prompt, "negative_prompt": before.negative_prompt}
        changed = [
            f"{known[name].title} {_short(shown(known[name], old.get(name)))} → {_short(shown(known[name], value))}"
            for name, value in values.items()
            if old.get(name) != value
        ]
        if before.model != self.form.model:
            changed.insert(0, f"Model {before.model or 'none'} → {self.form.model}")
        if before.task != self.form.task:
            changed.insert(0, f"Task {Task(before.task).label} → {Task(self.form.task).label}")
        titles = {name: known[name].title if name in known else name.replace("_", " ") for name in left_out}
        kept = [f"{titles[name]} ({reason})" for name, reason in left_out.items()]
        done = f"Changed: {', '.join(changed)}." if changed else "Nothing to change."
        return done + (f" Left out: {', '.join(kept)}." if kept else "")

    def _choose_style(self) -> None:
        with self.lock:
            style = self.chosen_style
            self.fields = dict.fromkeys(style.fields, "") if style is not None else {}

    def _given(self, style: Style) -> dict[str, str]:
        """Return what the fields hold; the field of the prompt takes that of the form, as it was before a style."""
        given = {name: text for name, text in self.fields.items() if name in style.fields and text.strip()}
        if PROMPT_FIELD in style.fields and PROMPT_FIELD not in given and (prompt := self._own_prompt().strip()):
            given[PROMPT_FIELD] = prompt
        return given

    def _own_prompt(self) -> str:
        """Return what people wrote: a style over a style would say everything twice."""
        if self._filled is not None and self.form.prompt == self._filled[0]:
            return self._filled[1]
        return self.form.prompt

    def _fill(self, style: Style) -> None:
        own = self._own_prompt()
        text = style.fill(self._given(style))
        self._remember()
        self.form.prompt = text
        self._filled = text, own
        self.told = f"The prompt is filled by the style “{style.name}”."

    def _ask_or_do(self, what: str, known: Mapping[str, Preset | Style], act: Callable[[bool], None]) -> None:
        name = self.name.strip()
        if not name:
            raise StudioError(f"Give the {what} a name first.")
        there = known.get(id_of(name))
        if there is None:
            act(False)
        else:
            self._ask(f"There is a {what} “{there.name}” already. Replace it?", lambda: act(True))

    def _ask(self, text: str, act: Callable[[], None]) -> None:
        self._asked = _Question(text, act)
        self.set_trait("question", text)

    def _save(self, replace: bool) -> None:
        form = self.form
        given: dict[str, object] = {**form.values, **{name: getattr(form, name) for name in OWN_TRAITS}}
        known = {parameter.name for parameter in form.parameters}
        left_out = {"seed"} if form.random_seed else set()
        if not self.with_prompt:
            left_out.add("prompt")
        kept = {
            name: value
            for name, value in given.items()
            if name in known and name not in left_out and value not in (None, "", ())
        }
        files = {name for name, value in kept.items() if any(asset_refs(freeze(value)))}
        saved = self._studio.save_preset(
            self.name.strip(),
            task=form.task,
            model=form.model if self.with_model else "",
            values={name: value for name, value in kept.items() if name not in files},
            replace=replace,
        )
        without = " Input files are not part of it." if files else ""
        self.refresh()
        self.preset, self.name = saved.id, ""
        self.told = f"Saved as the preset “{saved.name}”.{without}"

    def _save_style(self, replace: bool) -> None:
        if not self.form.prompt.strip():
            raise StudioError("Write a prompt first; words in braces, such as {product}, become fields.")
        saved = self._studio.save_style(self.name.strip(), self.form.prompt, replace=replace)
        self.refresh()
        self.style, self.name = saved.id, ""
        fields = f" with the fields {', '.join(saved.fields)}" if saved.fields else ""
        self.told = f"Saved as the style “{saved.name}”{fields}."

    def _delete(self, preset: Preset) -> None:
        self._studio.delete_preset(preset.id)
        self.refresh()
        self.told = f"The preset “{preset.name}” is deleted."

    def _delete_style(self, style: Style) -> None:
        self._studio.delete_style(style.id)
        self.refresh()
        self.told = f"The style “{style.name}” is deleted."


def _short(text: str, length: int = 40) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
