"""The form of the generation panel without a screen: what is asked of which model, and what is wrong with it.

`CarriedForm` in ``carried.py`` is this form with what comes from elsewhere, `GenerationState` in ``state.py`` with what
becomes of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import traitlets

from studio_kernel import keys
from studio_kernel.domain.parameters import MAX_SEED, Parameter
from studio_kernel.domain.reported import ReportedChoices
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.tips import Tips
from studio_kernel.domain.values import AssetRef, Value, describe
from studio_kernel.errors import InvalidRequestError, Problem, StudioError, UnknownModelError
from studio_kernel.prompt_length import PromptLimit, limit_of
from studio_widgets.generation import inputs
from studio_widgets.generation.carrying import PROMPTS
from studio_widgets.generation.sizes import SIDES, SizePreset, SizeRule, rule_of
from studio_widgets.generation.snapshot import Snapshot, resolve
from studio_widgets.generation.stepping import GUIDANCE, STEPS, stepped
from studio_widgets.media.checks import kind_of
from studio_widgets.media.earlier import EarlierState
from studio_widgets.media.giving import Giving
from studio_widgets.state import PanelState

if TYPE_CHECKING:
    from studio_kernel.domain.model import ModelCard
    from studio_kernel.studio import Studio
    from studio_widgets.workspace import Workspace

OWN_TRAITS = PROMPTS


class FormState(PanelState):
    """What is asked of which model.

    Parameters
    ----------
    studio : Studio
        Opened as an editor.
    task, model : str
        What to begin with; the first model that serves the task when none is named.
    workspace : Workspace or None
        Shared with other panels.

    Attributes
    ----------
    task, model : str
        What is asked of which model; an unknown one is said in `error`.
    prompt, negative_prompt : str
        Texts.
    values : dict
        Every other parameter by name; replaced as a whole, see `set`.
    random_seed : bool
        A new seed for every run; the one that was used is then found in `values`.
    lock_ratio : bool
        `set_side` changes both sides.
    accept_unknown_price : bool
        Ask also where nobody knows what it will cost; forgotten when the model changes.
    parameters : tuple of Parameter
        What model and task take, in form order.
    tips : Tips or None
        What is known to work well with the model.
    told : str
        What following a tip has changed.
    notice : str
        What was loaded into the form, and what of it was left out.
    blocked : str
        Why the model cannot be used now, such as a key that is missing; empty when it can.
    wrong : dict
        Parameter → what is wrong with its value, as the check before sending or the service says; until it is changed.
    issues : dict
        Parameter → what is wrong with its value as it stands, before anything is sent.
    """

    task = traitlets.Unicode(str(Task.TEXT_TO_IMAGE))
    model = traitlets.Unicode()
    prompt = traitlets.Unicode()
    negative_prompt = traitlets.Unicode()
    values: traitlets.Dict[str, object] = traitlets.Dict()
    random_seed = traitlets.Bool(True)
    lock_ratio = traitlets.Bool(False)
    accept_unknown_price = traitlets.Bool(False)
    parameters = traitlets.Tuple(read_only=True)
    tips = traitlets.Instance(Tips, allow_none=True, read_only=True)
    told = traitlets.Unicode()
    notice = traitlets.Unicode()
    blocked = traitlets.Unicode()
    wrong: traitlets.Dict[str, str] = traitlets.Dict()
    issues: traitlets.Dict[str, str] = traitlets.Dict(read_only=True)

    def __init__(self, studio: Studio, *, task: str, model: str, workspace: Workspace | None = None) -> None:
        super().__init__(studio, task=task, model=model, workspace=workspace)
        self._ratio = 1.0
        self.observe(lambda _change: self._choose_model(), "task")
        self.observe(lambda _change: self._adapt(), ["task", "model"])
        self.observe(lambda _change: self.set_trait("accept_unknown_price", False), "model")
        self.observe(lambda _change: self._keep_ratio(), "lock_ratio")
        self.observe(self._forget_wrong, ["values", *OWN_TRAITS])
        self.observe(lambda _change: self._look_for_issues(), ["values", "parameters", *OWN_TRAITS])
        if not model:
            self._choose_model()
        self._adapt()

    # What can be asked for

    def tasks(self) -> list[Task]:
        """Return the tasks of the chosen model, and those that another model serves, if need be once it has a key."""
        card = self._card()
        own = card.tasks if card is not None else ()
        missing = _missing_keys()
        return [task for task in Task if task in own or any(self._is_offered(c, missing) for c in self._serving(task))]

    def models(self, task: str | None = None) -> list[ModelCard]:
        """Return the usable models for a task, recommended ones first."""
        status = self._studio.models.status
        return [card for card in self._serving(task or self.task) if status(card).selectable]

    def locked(self, task: str | None = None) -> list[ModelCard]:
        """Return the models for a task that lack nothing but the key of their service."""
        missing = _missing_keys()
        return [card for card in self._serving(task or self.task) if self._lacks_key(card, missing)]

    def _serving(self, task: str) -> Iterable[ModelCard]:
        return self._studio.models.for_task(task)

    def _is_offered(self, card: ModelCard, missing: Mapping[str, str | None]) -> bool:
        return self._studio.models.status(card).selectable or self._lacks_key(card, missing)

    def _lacks_key(self, card: ModelCard, missing: Mapping[str, str | None]) -> bool:
        models = self._studio.models
        status = models.status(card)
        if status.selectable:
            return False
        offered = (models[offer.model] for offer in card.offers if offer.model in models)
        return status.reason == missing.get(card.engine) or any(self._lacks_key(there, missing) for there in offered)

    def loras(self) -> dict[str, str]:
        """Return the adapters of the catalog: id → name."""
        return {lora.id: lora.name for lora in self._studio.catalog.loras.values()}

    def offer(self, name: str) -> ReportedChoices:
        """Return what a parameter that takes a value of an earlier run can be given, newest first."""
        return self._studio.reported(self.model, name)

    @property
    def prompt_limit(self) -> PromptLimit:
        """How long a prompt the model takes, and what is counted."""
        card = self._card()
        return limit_of(card) if card is not None else PromptLimit()

    # Setting it

    def set(self, name: str, value: object) -> None:
        """Set one parameter; `None` means the model's default."""
        if name in OWN_TRAITS:
            self.set_trait(name, str(value or ""))
        else:
            with self.lock:
                self.values = {**self.values, name: value}

    def give(self, name: str, data: bytes, file_name: str = "") -> None:
        """Take a file, such as an input image, as the value of a parameter; no bytes take away what it has.

        A parameter of several files gets one more. All but masks are found in the gallery from then on, as imports.

        Parameters
        ----------
        file_name : str
            What the file is called where it comes from.
        """
        if not data:
            self.set(name, None)
        else:
            project = self.workspace.project or None
            self._take(name, lambda parameter: inputs.stored(self._studio, parameter, data, file_name, project))

    def give_run(self, name: str, run_id: str) -> None:
        """Take the result of a run as the value of a parameter: its first file of the kind that is wanted."""
        self._take(name, lambda parameter: inputs.of_run(self._studio, parameter, run_id))

    def take_away(self, name: str, place: int) -> None:
        """Take away one of several files."""
        self.set(name, inputs.without(self.values.get(name), place))

    def giving(self, parameter: Parameter) -> Giving:
        """Return what the control of a parameter needs to give it files."""
        return Giving(
            partial(self.give, parameter.name),
            partial(self.give_run, parameter.name),
            partial(self.take_away, parameter.name),
            partial(EarlierState, self._studio, kind_of(parameter), workspace=self.workspace),
            picture=lambda: inputs.picture_of(self.parameters, self.values),
            assets=self._studio.assets,
        )

    def new_seed(self) -> None:
        """Choose a seed by chance and keep it for the runs to come."""
        seed = self._parameter("seed")
        if seed is not None:
            highest = int(seed.max) if seed.max is not None else MAX_SEED
            self._use_seed(int(seed.min or 0) + secrets.randbelow(highest - int(seed.min or 0) + 1))

    def nudge_guidance(self, notches: int) -> None:
        """Move the guidance by so many steps of its control."""
        self._nudge(GUIDANCE, notches)

    def nudge_steps(self, notches: int) -> None:
        """Move the number of steps."""
        self._nudge(STEPS, notches)

    def _nudge(self, names: tuple[str, ...], notches: int) -> None:
        parameter = next((found for name in names if (found := self._parameter(name)) is not None), None)
        if parameter is not None:
            self.set(parameter.name, stepped(parameter, self.values.get(parameter.name), notches))

    def _use_seed(self, seed: int) -> None:
        with self.lock, self.hold_trait_notifications():
            self.set("seed", seed)
            self.random_seed = False

    # Size

    @property
    def size_rule(self) -> SizeRule | None:
        """How the model takes a size in pixels; `None` when it takes none."""
        return rule_of(self.parameters)

    def sizes(self) -> list[SizePreset]:
        """Return the sizes worth offering."""
        rule = self.size_rule
        return rule.presets(self.tips) if rule is not None else []

    def sides(self) -> tuple[object, object]:
        """Return width and height as they stand in the form; `None` for what is left to the model."""
        rule = self.size_rule
        return rule.read(self.values) if rule is not None else (None, None)

    def choose_size(self, preset: SizePreset) -> None:
        """Take one of `sizes`."""
        self._put(preset.changes)

    def set_side(self, side: str, pixels: object) -> None:
        """Set ``width`` or ``height``; with a locked ratio the other follows. What is illegal is kept and marked."""
        rule = self.size_rule
        if rule is None:
            return
        sides = dict(zip(SIDES, self.sides(), strict=True))
        other = SIDES[side == SIDES[0]]
        sides[side] = pixels
        if isinstance(pixels, int) and pixels > 0:
            if self.lock_ratio:
                follows = pixels / self._ratio if side == SIDES[0] else pixels * self._ratio
                sides[other] = rule.fit(other, follows)
            elif sides[other] is None and rule.is_pair:
                sides[other] = rule.fit(other, pixels)
        self._put(rule.changes(sides["width"], sides["height"]), keep_ratio=True)

    def swap_sides(self) -> None:
        """Make the width the height and the height the width."""
        rule, (width, height) = self.size_rule, self.sides()
        if rule is not None and (width, height) != (None, None):
            self._put(rule.changes(height, width))

    def _put(self, changes: Mapping[str, object], *, keep_ratio: bool = False) -> None:
        with self.lock:
            self.values = {**self.values, **changes}
            if not keep_ratio:
                self._keep_ratio()

    def _keep_ratio(self) -> None:
        width, height = self.sides()
        if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
            self._ratio = width / height

    # Tips

    def apply_tips(self) -> None:
        """Take every recommended value that the model accepts; `told` says what that changed."""
        if self.tips is not None:
            self._change(self.tips.offered(self.parameters))

    def use_size(self, width: int, height: int) -> None:
        """Take a recommended size."""
        self._change({"width": width, "height": height})

    def use_example(self, index: int) -> None:
        """Take one of the example prompts."""
        if self.tips is not None:
            self.prompt = self.tips.examples[index]

    def add_trigger(self, word: str) -> None:
        """Put a word behind the prompt, unless it is in it."""
        if word.casefold() not in self.prompt.casefold():
            self.prompt = f"{self.prompt.rstrip(' ,')}, {word}" if self.prompt.strip() else word

    def _change(self, values: Mapping[str, Value]) -> None:
        known = {parameter.name: parameter for parameter in self.parameters}
        now = {name: getattr(self, name) if name in OWN_TRAITS else self.values.get(name) for name in values}
        changed = {name: value for name, value in values.items() if now[name] != value}
        said_ = [
            f"{known[name].title} {shown(known[name], now[name])} → {shown(known[name], value)}"
            for name, value in changed.items()
        ]
        with self.lock, self.hold_trait_notifications():
            for name, value in changed.items():
                self.set(name, value)
            self._keep_ratio()
            self.told = f"Changed: {', '.join(said_)}." if said_ else "It is set like that already."

    # What it says

    def resolve(self) -> Snapshot:
        """Return what the form says now; changes nothing."""
        card = self._card()
        if card is None:
            raise UnknownModelError(self.model, self._studio.models)
        form = {**self.values, **{name: getattr(self, name) for name in OWN_TRAITS}}
        return resolve(card, Task(self.task), form, random_seed=self.random_seed)

    def in_words(self, problem: Problem) -> str:
        """Return a problem with the name that the form shows."""
        titles = {parameter.name: parameter.title for parameter in self.parameters}
        return f"{titles[problem.field]} {problem.message}" if problem.field in titles else str(problem)

    def refusal(self, error: Exception) -> str:
        """Return why something that was asked for with this form cannot be done, with the names that it shows."""
        if isinstance(error, InvalidRequestError):
            return "; ".join(self.in_words(problem) for problem in error.problems)
        return str(error) if isinstance(error, (StudioError, OSError)) else f"{type(error).__name__}: {error}"

    def look_again(self) -> None:
        """Look whether the model can be used by now: its key may have been put into its place meanwhile."""
        card = self._card()
        self.blocked = self._studio.models.status(card).reason if card is not None else ""

    # Inside

    def _take(self, name: str, find: Callable[[Parameter], AssetRef]) -> None:
        """Add a file to a parameter; what is wrong with it is found in `error`, and in `wrong` beside the control."""
        with self.lock:
            self._attempt(lambda: self._add(name, find))
            self.wrong = {other: words for other, words in self.wrong.items() if other != name}
            if self.error:
                self.wrong = {**self.wrong, name: self.error}

    def _add(self, name: str, find: Callable[[Parameter], AssetRef]) -> None:
        parameter = inputs.parameter_of(self.parameters, name)
        self.set(name, inputs.added(parameter, self.values.get(name), find(parameter)))

    def _parameter(self, name: str) -> Parameter | None:
        return next((parameter for parameter in self.parameters if parameter.name == name), None)

    def _forget_wrong(self, change: traitlets.Bunch) -> None:
        """Unmark what was changed: whether it is still wrong nobody knows."""
        changed = {change.name}
        if change.name == "values":
            names = {*change.old, *change.new}
            changed = {name for name in names if change.old.get(name) != change.new.get(name)}
        self._touch(changed)
        if changed & self.wrong.keys():
            self.wrong = {name: words for name, words in self.wrong.items() if name not in changed}

    def _touch(self, names: Iterable[str]) -> None:
        """Hear which parameters were changed."""

    def _look_for_issues(self) -> None:
        form = {**self.values, **{name: getattr(self, name) for name in OWN_TRAITS}}
        rule = self.size_rule
        found = {}
        for parameter in self.parameters:
            issue = _issue(parameter, form.get(parameter.name))
            if issue:
                found[parameter.name] = f"{issue}{_nearest(rule, parameter, form.get(parameter.name))}"
        if found != self.issues:
            self.set_trait("issues", found)

    # Following model and task

    def _card(self) -> ModelCard | None:
        return self._studio.models.get(self.model)

    def _choose_model(self) -> None:
        """Keep the model if it serves the task, else take the first that does."""
        card = self._card()
        if card is None or self.task not in card.tasks:
            offered = self.models() or self.locked()
            self.model = offered[0].id if offered else ""

    def _adapt(self) -> None:
        """Follow the model: keep the values it also takes, forget the others, fill in its defaults."""
        card = self._card()
        self.look_again()
        if card is None:
            self.set_trait("parameters", ())
            self.set_trait("tips", None)
            self.error = self._why_no_model()
            return
        if self.task not in card.tasks:
            self.task = str(card.default_task)
            return
        self._forget_news()
        parameters = card.parameters_for(Task(self.task))
        with self.hold_trait_notifications():
            self.set_trait("tips", self._studio.catalog.tips_for(card))
            self.values = adapted(parameters, self.values)
            self.set_trait("parameters", parameters)

    def _forget_news(self) -> None:
        """Say no more what was true of another model."""
        self.error = self.told = self.notice = ""
        self.wrong = {}

    def _why_no_model(self) -> str:
        if not self.model:
            return f"No model that can be used here does {Task(self.task).label.lower()}."
        return str(UnknownModelError(self.model, self._studio.models))


def _missing_keys() -> dict[str, str | None]:
    """Return for each service why its key is missing; `None` when it is not."""
    return {service: keys.missing(service) for service in keys.PLACES}


def adapted(parameters: tuple[Parameter, ...], values: Mapping[str, object]) -> dict[str, object]:
    """Return a value for each parameter: the given one where it is legal, else the default."""
    return {
        parameter.name: _legal(parameter, values.get(parameter.name))
        for parameter in parameters
        if parameter.name not in OWN_TRAITS
    }


def _legal(parameter: Parameter, value: object) -> object:
    """Return a value as the parameter spells it, such as ``4s`` for 4; its default when it does not take it."""
    try:
        return parameter.default if value is None else parameter.check(value)
    except (ValueError, TypeError):
        return parameter.default


def _issue(parameter: Parameter, value: object) -> str:
    """Return what is wrong with a value; what is not there yet is no matter before something is asked for."""
    if value in (None, "", ()):
        return ""
    try:
        parameter.check(value)
    except (ValueError, TypeError) as error:
        return str(error)
    return ""


def _nearest(rule: SizeRule | None, parameter: Parameter, value: object) -> str:
    """Return the legal length nearest to an illegal one of a size."""
    if rule is None or parameter.name not in SIDES or not isinstance(value, int):
        return ""
    return f"; {rule.fit(parameter.name, value)} is the nearest that is"


def shown(parameter: Parameter, value: object) -> str:
    """Return a value as the form shows it."""
    if value in parameter.choices and parameter.choice_labels:
        return parameter.choice_labels[parameter.choices.index(value)]
    unit = f" {parameter.unit}" if parameter.unit and not isinstance(value, str) else ""
    return "none" if value in (None, "") else f"{describe(value)}{unit}"  # type: ignore[arg-type]  # of a request
