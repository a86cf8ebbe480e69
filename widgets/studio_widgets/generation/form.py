"""The form on a screen: task, model, and a control for every parameter, in sections."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from html import escape

import ipywidgets
import traitlets

from studio_kernel.domain.parameters import Parameter, allowed_range
from studio_kernel.domain.tasks import Task
from studio_widgets.counter.view import SCOPE as COUNTED
from studio_widgets.counter.view import Counter
from studio_widgets.discarding import discard
from studio_widgets.frame import panel as parts
from studio_widgets.generation.controls import Control, Picker, Simple, control_for
from studio_widgets.generation.grouping import Section, sections
from studio_widgets.generation.sizing import SizeBox
from studio_widgets.generation.state import OWN_TRAITS, GenerationState
from studio_widgets.generation.view import TaskChoice
from studio_widgets.picker.panel import PickerButton
from studio_widgets.picker.state import PickerState
from studio_widgets.presets.bar import PresetBar
from studio_widgets.presets.state import PresetState

RANDOM_SEED = "A new seed for every picture. Switch it off to use the one in the field again."
NEW_SEED = "Choose another seed by chance and keep it (key R)"
REUSE_SEED = "Take the seed of the result and keep it"
NARROW = (ipywidgets.Dropdown, ipywidgets.Text, ipywidgets.Checkbox)
"""Controls that may stand two in a row."""


class Form(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """Task, model and a control for every parameter.

    When the parameters change, the controls of those that stay the same are kept, with what is being typed into them;
    the others are made anew.

    Parameters
    ----------
    doing : ipywidgets.Widget
        Stands below what is asked for and above how it is made: nobody has to scroll to it.
    """

    def __init__(self, state: GenerationState, doing: ipywidgets.Widget) -> None:
        self._state = state
        self._controls: dict[str, Control] = {}
        self._marked: dict[str, Marked] = {}
        self._built: dict[str, Parameter] = {}
        self._size: SizeBox | None = None
        self._first = parts.styled(ipywidgets.VBox(), "st-column")
        self._more = parts.card()
        self._folded = parts.styled(ipywidgets.VBox(), "sf-grid")
        self._fold = parts.styled(ipywidgets.ToggleButton(description="Advanced"), "st-quiet", "st-fold")
        self._fold.observe(lambda _change: self._unfold(), "value")
        self._seed_row = SeedButtons(state)
        self._counter = Counter(lambda: state.prompt_limit)
        self._tasks = TaskChoice(lambda value: state.set_trait("task", value))
        self._blocked, self._notice = ipywidgets.HTML(), ipywidgets.HTML()
        chosen = [self._tasks, self._model_choice(), self._presets(), self._blocked, self._notice, self._first]
        super().__init__([parts.card(*chosen), doing, self._more])
        parts.styled(self, "st-column", "sf-form")
        state.observe(lambda _change: self._build(), "parameters")
        state.observe(lambda _change: self._show(), ["values", "random_seed", "lock_ratio", *OWN_TRAITS])
        state.observe(lambda _change: self._mark(), ["wrong", "issues"])
        state.observe(lambda _change: self._show_tasks(), ["task", "model", "blocked"])
        state.observe(lambda _change: self._tell(), ["blocked", "model", "notice"])
        self._show_tasks()
        self._build()
        self._tell()

    @property
    def controls(self) -> dict[str, ipywidgets.Widget]:
        """What stands in the form for each parameter, by its name."""
        return {name: control.widget for name, control in self._controls.items()}

    def _model_choice(self) -> ipywidgets.Widget:
        """Return what chooses the model: the card of the chosen one, with the list of all to unfold."""
        state = self._state
        picker = PickerState(state.studio, workspace=state.workspace, task=state.task, model=state.model)
        traitlets.link((state, "model"), (picker, "chosen"))
        traitlets.dlink((state, "task"), (picker, "task"))
        state.accompany(picker.poll)
        return PickerButton(picker)

    def _presets(self) -> ipywidgets.Widget:
        """Return what fills the form with presets and prompts with styles; folded away until it is wanted."""
        presets = PresetState(self._state.studio, self._state)
        self._state.accompany(presets.poll)
        fold = parts.styled(ipywidgets.ToggleButton(description="Presets and styles"), "st-quiet", "st-fold")
        body = ipywidgets.VBox()

        def unfold(change: traitlets.Bunch) -> None:
            if change.new and not body.children:
                body.children = [PresetBar(presets)]
            parts.place(body, change.new)

        fold.observe(unfold, "value")
        parts.place(body, False)
        return parts.styled(ipywidgets.VBox([fold, body]), "sf-presets")

    def _show_tasks(self) -> None:
        self._tasks.show([(task.label, str(task)) for task in self._state.tasks()], self._state.task)

    # The controls

    def _build(self) -> None:
        state = self._state
        old = [*self._first.children, *self._more.children, *self._folded.children]
        rule = state.size_rule
        sized = set(rule.names) if rule is not None else set()
        self._size = SizeBox(state, rule) if rule is not None else None
        parameters = {p.name: p for p in state.parameters if p.name not in sized}
        kept = {name for name, parameter in parameters.items() if self._stays(parameter)}
        controls, marked = self._controls, self._marked
        self._controls = {name: controls[name] if name in kept else self._control(p) for name, p in parameters.items()}
        self._marked = {name: marked[name] if name in kept else self._whole(p) for name, p in parameters.items()}
        self._built = parameters
        for name in kept & set(OWN_TRAITS):
            if isinstance(control := controls[name], Simple):
                control.explain(parameters[name].description)
        made = sections(state.parameters, Task(state.task)) if state.parameters else []
        self._first.children = [w for section in made if not section.title for w in self._widgets(section)]
        self._folded.children = [w for section in made if section.is_folded for w in self._widgets(section)]
        open_ = [w for section in made if section.title and not section.is_folded for w in self._titled(section)]
        self._more.children = [*open_, *([self._fold, self._folded] if self._folded.children else [])]
        parts.place(self._more, bool(self._more.children))
        self._unfold()
        self._show()
        self._mark()
        discard(old, {self._fold, self._folded, self._seed_row, self._counter, *(marked[name] for name in kept)})

    def _stays(self, parameter: Parameter) -> bool:
        """Whether there is a control that does for a parameter; what earlier runs reported is for one model only."""
        before = self._built.get(parameter.name)
        if before is None or parameter.from_run:
            return False
        return _face(before) == _face(parameter) if parameter.name in OWN_TRAITS else before == parameter

    def _control(self, parameter: Parameter) -> Control:
        state = self._state
        tell = partial(state.give if parameter.is_media else state.set, parameter.name)
        known = state.loras() if parameter.type == "loras" else {}
        giving = state.giving(parameter) if parameter.is_media else None
        offer = partial(state.offer, parameter.name)
        return control_for(parameter, _value_of(state, parameter), tell, known, offer, giving)

    def _whole(self, parameter: Parameter) -> Marked:
        """Return a control with what belongs to it."""
        control = self._controls[parameter.name]
        widget = control.widget
        if parameter.name == "prompt":
            widget = parts.styled(ipywidgets.VBox([widget, self._counter]), COUNTED, "sf-prompt")
        elif parameter.name == "seed":
            return Marked(widget, _hint(parameter, widget), below=self._seed_row)
        is_narrow = isinstance(widget, NARROW) and not isinstance(control, Picker)
        return Marked(widget, _hint(parameter, control.widget), is_wide=not is_narrow)

    def _titled(self, section: Section) -> Iterator[ipywidgets.Widget]:
        yield _heading(section.title)
        yield parts.styled(ipywidgets.VBox(self._widgets(section)), "sf-grid")

    def _widgets(self, section: Section) -> list[ipywidgets.Widget]:
        """Return the controls of a section; both sides of a size have one, where the first of them stands."""
        widgets = [self._marked.get(parameter.name, self._size) for parameter in section.parameters]
        return list(dict.fromkeys(widgets))

    def _unfold(self) -> None:
        self._folded.layout.display = None if self._fold.value else "none"
        self._fold.description = "Fewer settings" if self._fold.value else "Advanced settings"

    def _show(self) -> None:
        state = self._state
        disabled = state.resolve().disabled if state.parameters else {}
        for parameter in state.parameters:
            control = self._controls.get(parameter.name)
            if control is None:
                continue  # values change before the form follows the new parameters
            control.show(_value_of(state, parameter))
            control.disable(disabled.get(parameter.name, ""))
        if self._size is not None and self._size.fits(state.size_rule):
            self._size.show()
        self._counter.show(state.prompt)

    def _mark(self) -> None:
        """Say at each control what is wrong with its value; a folded one is unfolded for that."""
        wrong = {**self._state.issues, **self._state.wrong}
        for name, marked in self._marked.items():
            marked.mark(wrong.get(name, ""))
        if self._size is not None:
            for name in self._size.names:
                self._size.mark(name, wrong.get(name, ""))
        if any(self._marked[name] in self._folded.children for name in wrong if name in self._marked):
            self._fold.value = True

    def _tell(self) -> None:
        state = self._state
        parts.fill(self._blocked, parts.warning(f"{state.model}: {state.blocked}" if state.blocked else ""))
        notice = f'<div class="sf-notice" role="status">{escape(state.notice)}</div>' if state.notice else ""
        parts.fill(self._notice, notice)


class Marked(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """A control, and what is wrong with its value.

    Parameters
    ----------
    hint : str
        What is legal; it stands where the fault is told, so that nothing moves when there is one.
    is_wide : bool
        It takes a row of its own.
    below : ipywidgets.Widget or None
        Stands below what is told.
    """

    def __init__(
        self,
        control: ipywidgets.Widget,
        hint: str = "",
        *,
        is_wide: bool = True,
        below: ipywidgets.Widget | None = None,
    ) -> None:
        self._hint = hint
        self._words = parts.styled(ipywidgets.HTML(), "sf-hint")
        super().__init__([control, self._words, *([below] if below is not None else [])])
        parts.styled(self, "sf-marked")
        if is_wide:
            self.add_class("sf-wide")
        self.mark("")

    def mark(self, words: str) -> None:
        """Say what is wrong; nothing when nothing is."""
        parts.fill(self._words, escape(words or self._hint))
        self.add_class("st-wrong") if words else self.remove_class("st-wrong")
        self._words.add_class("sf-fault") if words else self._words.remove_class("sf-fault")


class SeedButtons(ipywidgets.HBox):  # type: ignore[misc]  # untyped base
    """Where the seed of the next run comes from."""

    def __init__(self, state: GenerationState) -> None:
        self._state = state
        random = ipywidgets.ToggleButton(description="Random seed", tooltip=RANDOM_SEED)
        traitlets.link((state, "random_seed"), (random, "value"))
        new = parts.button("New seed", state.new_seed, NEW_SEED)
        self._reuse = parts.button("Seed of result", state.reuse_seed, REUSE_SEED)
        super().__init__([random, new, self._reuse])
        parts.styled(self, "st-row", "sf-seed-buttons")
        state.observe(lambda _change: self._show(), "result")
        self._show()

    def _show(self) -> None:
        result = self._state.result
        self._reuse.disabled = result is None or result.seed is None


def _value_of(state: GenerationState, parameter: Parameter) -> object:
    return getattr(state, parameter.name) if parameter.name in OWN_TRAITS else state.values.get(parameter.name)


def _face(parameter: Parameter) -> tuple[object, ...]:
    """Return what the control of a text depends on, its help apart."""
    return parameter.type, parameter.title, parameter.unit, parameter.choices, parameter.multiple


def _hint(parameter: Parameter, widget: ipywidgets.Widget) -> str:
    """Return what may be typed, where the control itself does not show it."""
    has_bounds = parameter.min is not None or parameter.max is not None
    is_typed = parameter.type in ("integer", "number") and isinstance(widget, ipywidgets.Text)
    return f"{allowed_range(parameter)}." if is_typed and has_bounds else ""


def _heading(text: str) -> ipywidgets.HTML:
    html = f'<span class="sf-heading" role="heading" aria-level="3">{escape(text)}</span>'
    return parts.styled(ipywidgets.HTML(html), "sf-wide")
