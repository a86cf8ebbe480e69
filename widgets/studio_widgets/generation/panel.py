"""The generation panel on a screen: a form on the left, progress and result on the right."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape
from typing import TYPE_CHECKING

import ipywidgets
import traitlets

from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.runs import RunStatus
from studio_kernel.domain.tasks import Task
from studio_widgets.choice import Choice
from studio_widgets.estimate.panel import Meter
from studio_widgets.estimate.state import EstimateState
from studio_widgets.facts import badges_of, facts_of, title_of
from studio_widgets.frame import panel as parts
from studio_widgets.generation.controls import Control, control_for
from studio_widgets.generation.standing import bar_of, stage_of, time_of
from studio_widgets.generation.state import OWN_TRAITS, GenerationState
from studio_widgets.generation.tips import TipsCard
from studio_widgets.picture.view import Picture
from studio_widgets.strip.view import Strip
from studio_widgets.timing import Pulse

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

WHAT = ("prompt", "inputs")
HOW = ("size", "sampling", "seed", "output")
RANDOM_SEED = "A new seed for every picture. Switch it off to use the one in the field again."
FOLDED = ("adapters", "advanced")
NEEDS_KEY = "needs a key"
FETCH = "Fetch what the service may still have of it; that is not charged again"


class GenerationPanel(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """Makes one picture after another.

    Parameters
    ----------
    studio : Studio
        Opened as an editor.
    task, model : str
        What to begin with; the first model that serves the task when none is named.

    Attributes
    ----------
    state : GenerationState
        Everything the panel shows and does.
    estimate : EstimateState
        What the run that the form describes would take.

    Examples
    --------
    >>> panel = GenerationPanel(studio)  # doctest: +SKIP
    >>> panel.state.prompt = "a red boat on the sea"  # doctest: +SKIP
    """

    def __init__(self, studio: Studio, *, task: str = str(Task.TEXT_TO_IMAGE), model: str = "") -> None:
        self.state = GenerationState(studio, task=task, model=model)
        head, self._standing = parts.head("Generate")
        self.estimate = EstimateState(studio, self.state)
        asking = [Form(self.state), parts.card(Meter(self.estimate, beside_form=True), Actions(self.state))]
        form = parts.styled(ipywidgets.VBox(asking), "st-column")
        beside = parts.styled(ipywidgets.VBox([Outcome(self.state), TipsCard(self.state)]), "st-column", "st-beside")
        split = parts.styled(ipywidgets.HBox([form, beside]), "st-split")
        self._pulse = Pulse(self.state.tick)
        super().__init__([parts.panel("Generate", head, split, on_beat=self._beat)])
        self.state.observe(lambda _change: self._show(), ["status", "model"])
        self._show()

    def _beat(self) -> None:
        self.state.look_again()
        self._pulse.beat()

    def _show(self) -> None:
        self._standing.value = f'<span role="status">{escape(_standing(self.state))}</span>'


def _standing(state: GenerationState) -> str:
    return state.status or (f"ready: {state.model}" if state.model else "")


class Form(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """Task, model and a control for every parameter; made anew when the parameters change."""

    def __init__(self, state: GenerationState) -> None:
        self._state = state
        self._controls: dict[str, Control] = {}
        self._marked: dict[str, Marked] = {}
        self._what = ipywidgets.VBox()
        self._how = parts.card()
        self._folded = parts.styled(ipywidgets.VBox(), "st-column")
        self._fold = parts.styled(ipywidgets.ToggleButton(description="Advanced"), "st-quiet", "st-fold")
        self._fold.observe(lambda _change: self._unfold(), "value")
        self._random = ipywidgets.ToggleButton(description="Random seed", tooltip=RANDOM_SEED)
        traitlets.link((state, "random_seed"), (self._random, "value"))
        task = Choice(state, "task", "Task", partial(_task_options, state), follow=["model"])
        model = Choice(state, "model", "Model", partial(_model_options, state), follow=["task", "blocked"])
        chosen = parts.row(parts.field(task), parts.field(model))
        self._blocked = ipywidgets.HTML()
        super().__init__([parts.card(chosen, self._blocked, parts.styled(self._what, "st-column")), self._how])
        parts.styled(self, "st-column")
        state.observe(lambda _change: self._build(), "parameters")
        state.observe(lambda _change: self._show(), ["values", "random_seed", *OWN_TRAITS])
        state.observe(lambda _change: self._mark(), "wrong")
        state.observe(lambda _change: self._show_blocked(), ["blocked", "model"])
        self._build()
        self._show_blocked()

    def _build(self) -> None:
        state = self._state
        known = state.loras()
        self._controls = {
            parameter.name: control_for(
                parameter,
                _value_of(state, parameter),
                _tell(state, parameter),
                known,
                partial(state.offer, parameter.name),
            )
            for parameter in state.parameters
        }
        self._marked = {name: Marked(self._whole(name)) for name in self._controls}
        self._what.children = self._widgets(WHAT)
        self._folded.children = self._widgets(FOLDED)
        self._how.children = [*self._widgets(HOW), *([self._fold, self._folded] if self._folded.children else [])]
        self._unfold()
        self._show()
        self._mark()

    def _widgets(self, groups: tuple[str, ...]) -> list[ipywidgets.Widget]:
        ordered = [parameter for group in groups for parameter in self._state.parameters if parameter.group == group]
        return [self._marked[parameter.name] for parameter in ordered]

    def _whole(self, name: str) -> ipywidgets.Widget:
        widget = self._controls[name].widget
        return parts.styled(parts.row(widget, self._random), "st-seed") if name == "seed" else widget

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

    def _mark(self) -> None:
        """Say at each control what is wrong with its value; a folded one is unfolded for that."""
        wrong = self._state.wrong
        for name, marked in self._marked.items():
            marked.mark(wrong.get(name, ""))
        if any(parameter.group in FOLDED and parameter.name in wrong for parameter in self._state.parameters):
            self._fold.value = True

    def _show_blocked(self) -> None:
        state = self._state
        _fill(self._blocked, parts.warning(f"{state.model}: {state.blocked}" if state.blocked else ""))


class Marked(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """A control, and what is wrong with its value."""

    def __init__(self, control: ipywidgets.Widget) -> None:
        self._words = parts.styled(ipywidgets.HTML(), "st-wrong-words")
        super().__init__([control, self._words])
        self.mark("")

    def mark(self, words: str) -> None:
        """Say what is wrong; nothing when nothing is."""
        _fill(self._words, escape(words))
        self.add_class("st-wrong") if words else self.remove_class("st-wrong")


def _value_of(state: GenerationState, parameter: Parameter) -> object:
    return getattr(state, parameter.name) if parameter.name in OWN_TRAITS else state.values.get(parameter.name)


def _tell(state: GenerationState, parameter: Parameter) -> Callable[[object], None]:
    return partial(state.give if parameter.is_media else state.set, parameter.name)


def _task_options(state: GenerationState) -> list[tuple[str, str]]:
    return [(task.label, str(task)) for task in state.tasks()]


def _model_options(state: GenerationState) -> list[tuple[str, str]]:
    usable = [(card.name or card.id, card.id) for card in state.models()]
    return [*usable, *((f"{card.name or card.id} ({NEEDS_KEY})", card.id) for card in state.locked())]


class Actions(ipywidgets.HBox):  # type: ignore[misc]  # untyped base
    """Generate and Cancel."""

    def __init__(self, state: GenerationState) -> None:
        self._state = state
        self._generate = parts.styled(ipywidgets.Button(description="Generate"), "st-primary")
        self._generate.on_click(lambda _button: state.submit())
        self._cancel = ipywidgets.Button(description="Cancel", tooltip="Stop the picture that is being made")
        self._cancel.on_click(lambda _button: state.cancel())
        super().__init__([self._generate, self._cancel])
        parts.styled(self, "st-actions")
        state.observe(lambda _change: self._show(), ["status", "parameters", "blocked"])
        self._show()

    def _show(self) -> None:
        self._generate.disabled = not self._state.can_submit
        self._generate.tooltip = self._state.blocked
        self._cancel.disabled = not self._state.is_busy


class Outcome(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """What is being made, and what came of it."""

    def __init__(self, state: GenerationState) -> None:
        self._state = state
        self._error = ipywidgets.HTML()
        self._picture = Picture(placeholder="Your picture appears here.")
        self._strip = Strip(lambda place: state.set_trait("shown", place))
        self._badges = parts.styled(ipywidgets.HTML(), "sg-badges")
        self._facts = ipywidgets.HTML()
        shown = (self._error, Remedies(state), self._picture, self._strip, Working(state), self._badges, self._facts)
        super().__init__([parts.card(*shown)])
        parts.styled(self, "st-outcome")
        state.observe(lambda _change: self._show_error(), "error")
        state.observe(lambda _change: self._show_preview(), "preview")
        state.observe(lambda _change: self._show_result(), ["result", "shown"])
        state.observe(lambda _change: self._show_facts(), "status")
        self._show_error()
        self._show_preview()
        self._show_result()

    def _show_error(self) -> None:
        _fill(self._error, parts.alert(self._state.error))

    def _show_preview(self) -> None:
        state = self._state
        if state.preview:
            self._strip.show((), 0)
            self._picture.show(state.preview, "image/webp", f"Preview: {state.prompt}", preview=True)

    def _show_result(self) -> None:
        record = self._state.result
        self._show_facts()
        if record is None:
            return
        if record.status is RunStatus.SUCCEEDED or not record.assets:
            self._picture.show(*self._state.file(), alt=title_of(record))
            self._strip.show(self._state.thumbnails() if len(record.assets) > 1 else (), self._state.shown)

    def _show_facts(self) -> None:
        """Tell about the picture that is shown: nothing of a failed run while the next one is at work."""
        record = self._state.result
        if record is None or (record.status is RunStatus.FAILED and self._state.is_busy):
            _fill(self._badges, "")
            _fill(self._facts, "")
        else:
            _fill(self._badges, badges_of(record))
            _fill(self._facts, facts_of(record, with_error=False))


class Working(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """How far a run is. Bar, words and clock stand apart: the clock goes on without the words being read out again."""

    def __init__(self, state: GenerationState) -> None:
        self._state = state
        self._bar, self._stage, self._time = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        line = parts.styled(ipywidgets.HBox([self._stage, self._time]), "st-working")
        super().__init__([self._bar, line])
        state.observe(lambda _change: self._show(), ["status", "step", "stage", "total", "position", "passed_s"])
        self._show()

    def _show(self) -> None:
        state = self._state
        self.layout.display = None if state.is_busy else "none"
        if state.is_busy:
            self._bar.value = bar_of(state.step, state.total)
            self._stage.value = f'<span class="st-sub" role="status">{escape(stage_of(state))}</span>'
            self._time.value = f'<span class="st-sub">{escape(time_of(state))}</span>'


class Remedies(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """What can be done about a run that has failed, and the question that goes before what may cost twice."""

    def __init__(self, state: GenerationState) -> None:
        self._state = state
        self._fetch = _button("Fetch result", FETCH, state.fetch)
        self._again = _button("Run again", "Ask for the same once more", state.run_again)
        self._question = ipywidgets.HTML()
        yes, no = _button("Yes, run again", "", state.agree), _button("No", "", state.decline)
        self._asking = ipywidgets.VBox([self._question, parts.row(yes, no)])
        super().__init__([parts.row(self._fetch, self._again), parts.styled(self._asking, "st-asking")])
        parts.styled(self, "st-remedies")
        state.observe(lambda _change: self._show(), ["status", "result", "question"])
        self._show()

    def _show(self) -> None:
        state = self._state
        asks = bool(state.question)
        _place(self, state.can_fetch or state.can_run_again)
        _place(self._fetch, state.can_fetch)
        _place(self._again, state.can_run_again and not asks)
        _fill(self._question, parts.warning(state.question))
        _place(self._asking, asks)


def _button(text: str, tooltip: str, act: Callable[[], None]) -> ipywidgets.Button:
    button = ipywidgets.Button(description=text, tooltip=tooltip)
    button.on_click(lambda _button: act())
    return button


def _fill(widget: ipywidgets.HTML, html: str) -> None:
    """Show some HTML, or take the widget out of the way when there is none."""
    widget.value = html
    _place(widget, bool(html))


def _place(widget: ipywidgets.Widget, is_there: bool) -> None:
    widget.layout.display = None if is_there else "none"
