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
from studio_widgets.generation.state import OWN_TRAITS, GenerationState
from studio_widgets.generation.tips import TipsCard
from studio_widgets.picture.view import Picture
from studio_widgets.strip.view import Strip

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

WHAT = ("prompt", "inputs")
HOW = ("size", "sampling", "seed", "output")
RANDOM_SEED = "A new seed for every picture. Switch it off to use the one in the field again."
FOLDED = ("adapters", "advanced")


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
        asking = [Form(self.state), parts.card(Meter(self.estimate), Actions(self.state))]
        form = parts.styled(ipywidgets.VBox(asking), "st-column")
        beside = parts.styled(ipywidgets.VBox([Outcome(self.state), TipsCard(self.state)]), "st-column", "st-beside")
        split = parts.styled(ipywidgets.HBox([form, beside]), "st-split")
        super().__init__([parts.panel("Generate", head, split)])
        self.state.observe(lambda _change: self._show(), ["status", "model"])
        self._show()

    def _show(self) -> None:
        self._standing.value = f'<span role="status">{escape(_standing(self.state))}</span>'


def _standing(state: GenerationState) -> str:
    return state.status or (f"ready: {state.model}" if state.model else "")


class Form(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """Task, model and a control for every parameter; made anew when the parameters change."""

    def __init__(self, state: GenerationState) -> None:
        self._state = state
        self._controls: dict[str, Control] = {}
        self._what = ipywidgets.VBox()
        self._how = parts.card()
        self._folded = parts.styled(ipywidgets.VBox(), "st-column")
        self._fold = parts.styled(ipywidgets.ToggleButton(description="Advanced"), "st-quiet", "st-fold")
        self._fold.observe(lambda _change: self._unfold(), "value")
        self._random = ipywidgets.ToggleButton(description="Random seed", tooltip=RANDOM_SEED)
        traitlets.link((state, "random_seed"), (self._random, "value"))
        task = Choice(state, "task", "Task", partial(_task_options, state), follow=["model"])
        model = Choice(state, "model", "Model", partial(_model_options, state), follow=["task"])
        chosen = parts.row(parts.field(task), parts.field(model))
        super().__init__([parts.card(chosen, parts.styled(self._what, "st-column")), self._how])
        parts.styled(self, "st-column")
        state.observe(lambda _change: self._build(), "parameters")
        state.observe(lambda _change: self._show(), ["values", "random_seed", *OWN_TRAITS])
        self._build()

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
        self._what.children = self._widgets(WHAT)
        self._folded.children = self._widgets(FOLDED)
        self._how.children = [*self._widgets(HOW), *([self._fold, self._folded] if self._folded.children else [])]
        self._unfold()
        self._show()

    def _widgets(self, groups: tuple[str, ...]) -> list[ipywidgets.Widget]:
        ordered = [parameter for group in groups for parameter in self._state.parameters if parameter.group == group]
        return [self._placed(parameter.name) for parameter in ordered]

    def _placed(self, name: str) -> ipywidgets.Widget:
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


def _value_of(state: GenerationState, parameter: Parameter) -> object:
    return getattr(state, parameter.name) if parameter.name in OWN_TRAITS else state.values.get(parameter.name)


def _tell(state: GenerationState, parameter: Parameter) -> Callable[[object], None]:
    return partial(state.give if parameter.is_media else state.set, parameter.name)


def _task_options(state: GenerationState) -> list[tuple[str, str]]:
    return [(task.label, str(task)) for task in state.tasks()]


def _model_options(state: GenerationState) -> list[tuple[str, str]]:
    return [(card.name or card.id, card.id) for card in state.models()]


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
        state.observe(lambda _change: self._show(), ["status", "parameters"])
        self._show()

    def _show(self) -> None:
        self._generate.disabled = not self._state.can_submit
        self._cancel.disabled = not self._state.is_busy


class Outcome(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """What is being made, and what came of it."""

    def __init__(self, state: GenerationState) -> None:
        self._state = state
        self._error = ipywidgets.HTML()
        self._progress = ipywidgets.HTML()
        self._picture = Picture(placeholder="Your picture appears here.")
        self._strip = Strip(lambda place: state.set_trait("shown", place))
        self._badges = parts.styled(ipywidgets.HTML(), "sg-badges")
        self._facts = ipywidgets.HTML()
        shown = (self._error, self._picture, self._strip, self._progress, self._badges, self._facts)
        super().__init__([parts.card(*shown)])
        parts.styled(self, "st-outcome")
        state.observe(lambda _change: self._show_error(), "error")
        state.observe(lambda _change: self._show_progress(), ["status", "step", "stage", "preview"])
        state.observe(lambda _change: self._show_result(), ["result", "shown"])
        self._show_error()
        self._show_progress()
        self._show_result()

    def _show_error(self) -> None:
        _fill(self._error, parts.alert(self._state.error))

    def _show_progress(self) -> None:
        state = self._state
        _fill(self._progress, _bar(state) if state.is_busy else "")
        if state.preview:
            self._strip.show((), 0)
            self._picture.show(state.preview, "image/webp", f"Preview: {state.prompt}", preview=True)

    def _show_result(self) -> None:
        record = self._state.result
        if record is None:
            _fill(self._badges, "")
            _fill(self._facts, "")
            return
        if record.status is RunStatus.SUCCEEDED or not record.assets:
            self._picture.show(*self._state.file(), alt=title_of(record))
            self._strip.show(self._state.thumbnails() if len(record.assets) > 1 else (), self._state.shown)
        _fill(self._badges, badges_of(record))
        _fill(self._facts, facts_of(record, with_error=False))


def _bar(state: GenerationState) -> str:
    stage = state.stage or state.status
    text = f"{stage}, step {state.step} of {state.total}" if state.total else stage
    value = f'value="{state.step}"' if state.total else ""
    time = f"{state.elapsed_s:.1f} s" + (f", about {state.remaining_s:.0f} s left" if state.remaining_s else "")
    return (
        f'<progress class="st-progress" max="{max(1, state.total)}" {value} aria-label="Progress"></progress>'
        f'<div class="st-sub" role="status">{escape(text)} · {time}</div>'
    )


def _fill(widget: ipywidgets.HTML, html: str) -> None:
    """Show some HTML, or take the widget out of the way when there is none."""
    widget.value = html
    widget.layout.display = None if html else "none"
