"""From what people write to a complete request: model and task chosen, pictures stored, defaults filled in, checked.

Everything that can be wrong with a request is found here or by the engine's own check, before any work starts.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from immutabledict import immutabledict

from studio_kernel.assets import AssetStore
from studio_kernel.axes import Axes, as_list, groups_of, parameter_of
from studio_kernel.domain.model import Checker, ModelCard
from studio_kernel.domain.parameters import MAX_SEED, Parameter
from studio_kernel.domain.refining import refined
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.rules import Rule
from studio_kernel.domain.sweep import REPLICATE, AxisGroup, AxisValue, Computed, Sweep
from studio_kernel.domain.tasks import MAKING, Task
from studio_kernel.domain.values import Value, freeze
from studio_kernel.errors import InvalidRequestError, ModelUnavailableError, Problem, StudioError
from studio_kernel.prompts.template import alternatives, has_marks, may_have_marks, resolve
from studio_kernel.run import Run

if TYPE_CHECKING:
    from studio_kernel.catalog.models import Models
    from studio_kernel.reported import ReportedValues

DEFAULT_TASK = Task.TEXT_TO_IMAGE

Rules: TypeAlias = (
    "str | Callable[[Mapping[str, Value]], object] | Sequence[str | Callable[[Mapping[str, Value]], object]]"
)


@dataclass(frozen=True, slots=True)
class Drafting:
    """Makes requests out of loose values.

    Attributes
    ----------
    models : Models
        What there is to ask.
    assets : AssetStore
        Where pictures given as inputs are put.
    wildcards : mapping
        What ``__name__`` in a prompt stands for: name → texts.
    reported : ReportedValues or None
        Knows what services reported of earlier runs; `None` = nothing was.
    """

    models: Models
    assets: AssetStore
    wildcards: Mapping[str, tuple[str, ...]] = field(default_factory=immutabledict)
    reported: ReportedValues | None = None

    def draft(self, model: str | None, task: Task | str | None, values: Mapping[str, object]) -> GenerationRequest:
        """Return a request of the values that were given, with model and task chosen and pictures stored.

        Raises
        ------
        StudioError
            For an unknown model or task, or a picture that cannot be read.
        """
        given = {name: value for name, value in values.items() if value is not None}
        named = _task(task) if task is not None else None
        card = self.models[model] if model else self.default_model(named or _told_by(given) or DEFAULT_TASK)
        chosen = task_meant(card, named, given)
        return GenerationRequest(card.id, chosen, self._take_inputs(card, chosen, given))

    def default_model(self, task: Task) -> ModelCard:
        """Return the model meant when none is named: the first that can be used, recommended ones first.

        Raises
        ------
        ModelUnavailableError
            When none for that task can be used here.
        """
        for card in chain(self.models.recommended(task), self.models.for_task(task)):
            if self.models.status(card).selectable:
                return card
        raise ModelUnavailableError(
            f"no model for {task} can be used here; studio.models.for_task({str(task)!r}) says why"
        )

    def complete(self, draft: GenerationRequest) -> GenerationRequest:
        """Return `draft` with defaults filled in, values in their canonical form and a seed chosen.

        The seed also chooses what alternatives and wildcards in its prompts stand for.

        Raises
        ------
        StudioError
            When it cannot be done as written.
        """
        self._require_usable(draft.model)
        return self._filled(draft, Checker(self.models[draft.model], draft.task), choose_seed())

    def sketched(self, draft: GenerationRequest) -> GenerationRequest:
        """Return `draft` as `complete` does, to be estimated and not to be run.

        What is required may be missing, such as a prompt that is not typed yet, and the model need not be usable here.
        """
        card = self.models[draft.model]
        lenient = replace(card, parameters=tuple(replace(each, required=False) for each in card.parameters))
        return self._filled(draft, Checker(lenient, draft.task), choose_seed())

    def complete_each(self, drafts: Iterable[GenerationRequest]) -> Iterator[GenerationRequest | StudioError]:
        """Yield each draft complete, or why it cannot be done; whether a model can be used is looked at once.

        Where a model takes no seed, the texts of all of them are chosen alike, today as tomorrow.
        """
        usable: dict[str, StudioError | None] = {}
        checkers: dict[tuple[str, Task], Checker] = {}
        for draft in drafts:
            kind = draft.model, draft.task
            try:
                if draft.model not in usable:
                    usable[draft.model] = self._unusable(draft.model)
                if kind not in checkers and usable[draft.model] is None:
                    checkers[kind] = Checker(self.models[draft.model], draft.task)
                yield usable[draft.model] or self._filled(draft, checkers[kind], 0)
            except StudioError as error:
                yield error

    def sweep(
        self,
        model: str | None,
        task: Task | str | None,
        values: Mapping[str, object],
        axes: Axes,
        *,
        where: Rules = (),
        seeds: int | None = None,
        paired: bool = True,
        batch_size: int | None = None,
    ) -> Sweep:
        """Return the sweep of `axes` over a draft of `values`; its cells share one seed unless seeds are an axis.

        Alternatives in a prompt become the outermost axes.

        Raises
        ------
        StudioError
            For what `draft` refuses, for axes without values or with repeated ones, for text to be replaced that is
            not there, and for rules that cannot be applied or leave nothing.
        """
        with _named("axes"):
            reads = self._told(model, task, values, axes)
            groups = [self._with_models(group, reads) for group in groups_of(axes, reads)]
        first = {
            name: value
            for group in groups
            for point in group.points[:1]
            for name, value in zip(group.names, point, strict=False)
        }
        plain = {name: value for name, value in first.items() if _is_plain(name, value)}
        # Model and task are told from the first cell, so that an axis over pictures means image-to-image.
        told = self.draft(str(first["model"]) if first.get("model") else model, task, {**values, **plain})
        card = self.models[told.model]
        own = {name: _frozen(name, values.get(name), told.model) for name in plain}
        base = told.replace(**own)  # type: ignore[arg-type]  # neither model nor task, but parameters alone
        groups = [self._stored(card, told.task, group) for group in groups]
        named = {name for group in groups for name in group.names}
        groups = [*_alternatives(base, named), *groups]
        if "seed" not in named and base.seed is None and _takes_seed(card, told.task):
            base = base.replace(seed=choose_seed(_largest_seed(card)))
        if seeds is not None:
            groups.append(_replicates(base, seeds, paired))
        with _named("axes"):
            sweep = Sweep(base, tuple(groups), tuple(Rule.of(rule) for rule in _listed(where)), batch_size)
        _require_cells(sweep)
        return sweep

    def refined(self, sweep: Sweep, around: Mapping[str, Value], points: int, seed: int) -> Sweep:
        """Return a finer sweep around one cell of another.

        Raises
        ------
        InvalidRequestError
            When there is no such cell, nothing to refine, or the rules leave nothing.
        """
        model = str(around.get("model") or sweep.base.model)
        with _named("around"):
            finer = refined(sweep, around, partial(parameter_of, self.models[model]), points=points, seed=seed)
        _require_cells(finer)
        return finer

    def _unusable(self, model: str) -> StudioError | None:
        try:
            self._require_usable(model)
        except StudioError as error:
            return error
        return None

    def _require_usable(self, model: str) -> None:
        status = self.models.status(self.models[model])
        if not status.selectable:
            named = repr(model) in status.reason
            raise ModelUnavailableError(status.reason if named else f"model {model!r}: {status.reason}")

    def _filled(self, draft: GenerationRequest, checker: Checker, chance: int) -> GenerationRequest:
        """Return `draft` complete; `chance` chooses its texts when there is no seed."""
        given = dict(draft.parameters)
        if given.get("seed") is None and _takes_seed(self.models[draft.model], draft.task):
            given["seed"] = choose_seed(_largest_seed(self.models[draft.model]))
        self._require_reported(draft, checker, given)
        values = checker.check(self._resolved(given, chance, draft.model))
        return GenerationRequest.of_frozen(draft.model, draft.task, values)

    def _require_reported(self, draft: GenerationRequest, checker: Checker, given: Mapping[str, Value]) -> None:
        """Refuse what should be the word of an earlier run and is not."""
        for parameter in checker.parameters:
            if parameter.from_run and self.reported is not None:
                value = given.get(parameter.name)
                with _named(parameter.name, f"model {draft.model!r} ({draft.task})"):
                    if isinstance(value, str) and value:
                        self.reported.require(parameter, value)
                    elif parameter.required:
                        raise ValueError(self.reported.missing(parameter))

    def _resolved(self, values: dict[str, Value], chance: int, model: str) -> dict[str, Value]:
        """Return `values` with prompts in place of their templates."""
        for name, text in values.items():
            if isinstance(text, str) and may_have_marks(text) and is_prompt(name):
                with _named(name, f"model {model!r}"):
                    if has_marks(text):
                        values[name] = resolve(text, _seed(values, chance), self.wildcards, name)
        return values

    def _told(self, model: str | None, task: Task | str | None, values: Mapping[str, object], axes: Axes) -> ModelCard:
        """Return the model whose parameters say how the text of an axis is read."""
        named = model or next(iter(_models_of(axes)), None)
        if named is not None:
            return self.models[named]
        given = {name: value for name, value in values.items() if value is not None}
        return self.default_model((_task(task) if task is not None else _told_by(given)) or DEFAULT_TASK)

    def _with_models(self, group: AxisGroup, card: ModelCard) -> AxisGroup:
        """Return `group` with the model that each engine stands for beside it, when it is an axis of engines."""
        if group.names != ("engine",):
            return group
        points = tuple((engine, self._on_engine(card, str(engine)).id) for (engine,) in group.points)
        return AxisGroup(("engine", "model"), points)

    def _on_engine(self, card: ModelCard, engine: str) -> ModelCard:
        """Return the card of the same model on another engine: of the same name, else the only one of its family."""
        here = [other for other in self.models.values() if other.engine == engine and not other.hidden]
        named = [other for other in here if other.name.casefold() == card.name.casefold()]
        family = [other for other in here if card.family and other.family == card.family]
        for found in ([card] if card.engine == engine else named, family):
            if len(found) == 1:
                return found[0]
        near = ", ".join(repr(other.id) for other in named or family or here[:5]) or "no models at all"
        raise ValueError(
            f"engine {engine!r} has no one model that is {card.name!r}; it has {near}; name them in an axis 'model'"
        )

    def _stored(self, card: ModelCard, task: Task, group: AxisGroup) -> AxisGroup:
        """Return `group` with its pictures stored."""
        return AxisGroup(
            group.names,
            tuple(
                tuple(
                    value if isinstance(value, Computed) else self._take_inputs(card, task, {name: value})[name]
                    for name, value in zip(group.names, point, strict=True)
                )
                for point in group.points
            ),
        )

    def _take_inputs(self, card: ModelCard, task: Task, given: Mapping[str, object]) -> dict[str, Value]:
        """Store the pictures among the values, freeze the rest."""
        known = {parameter.name: parameter for parameter in card.parameters_for(task)}
        media = {name: parameter for name, parameter in known.items() if parameter.is_media}
        values: dict[str, Value] = {}
        for name, value in given.items():
            if name in known and known[name].from_run:
                values[name] = self._word_of(known[name], value, card.id)
            elif name not in media:
                values[name] = _frozen(name, value, card.id)
            elif media[name].multiple and isinstance(value, (list, tuple)):
                values[name] = tuple(self._take(item, name) for item in value)
            else:
                values[name] = self._take(value, name)
        return values

    def _word_of(self, parameter: Parameter, source: object, model: str) -> Value:
        """Return what an earlier run reported, from the run, its id or the word itself."""
        if self.reported is None or not isinstance(source, (Run, str)):
            return _frozen(parameter.name, source, model)
        with _named(parameter.name, f"model {model!r}"):
            if isinstance(source, Run):
                return self.reported.of_run(parameter, source.id)
            return self.reported.resolved(parameter, source)

    def _take(self, source: object, what: str) -> Value:
        return self.assets.take(source.first_asset if isinstance(source, Run) else source, what)


def _require_cells(sweep: Sweep) -> None:
    with _named("where"):
        if not sweep.size:
            raise ValueError(f"the rules leave none of {sweep.full_size} cells")


def choose_seed(largest: int = MAX_SEED) -> int:
    """Return a random seed, 0 … `largest`."""
    return secrets.randbelow(largest + 1)


def _largest_seed(card: ModelCard) -> int:
    """Return the largest seed that is chosen for a model; where it states none, one that most services take."""
    stated = card.parameter("seed").max
    return int(stated) if stated is not None else 2**31 - 1


def _takes_seed(card: ModelCard, task: Task) -> bool:
    return any(parameter.name == "seed" for parameter in card.parameters_for(task))


def _task(task: Task | str) -> Task:
    if task in MAKING:
        return Task(task)
    known = ", ".join(repr(str(each)) for each in MAKING)
    raise InvalidRequestError([Problem("task", f"{str(task)!r} is not one of {known}")], "request")


def task_meant(card: ModelCard, named: Task | None, given: Mapping[str, object]) -> Task:
    """Return the task of a request with the values `given`: the one that was named, else the one that they tell.

    What was only guessed from the inputs gives way to what the model can do.
    """
    told = named or _told_by(given)
    return told if told is not None and (named or told in card.tasks) else card.default_task


def _told_by(given: Mapping[str, object]) -> Task | None:
    if "mask_image" in given:
        return Task.INPAINTING
    return Task.IMAGE_TO_IMAGE if "image" in given else None


def is_prompt(name: str) -> bool:
    """Whether marks in a text parameter of that name stand for other texts."""
    return name == "prompt" or name.endswith("_prompt")


def _seed(values: Mapping[str, Value], chance: int) -> int:
    seed = values.get("seed")
    return int(seed) if isinstance(seed, (int, float)) else chance


def template_of(draft: GenerationRequest) -> str | None:
    """Return the prompt of `draft` when it holds alternatives or wildcards; `None` for a plain one."""
    with _named("prompt", f"model {draft.model!r}"):
        return draft.prompt if has_marks(draft.prompt) else None


def _alternatives(base: GenerationRequest, named: set[str]) -> list[AxisGroup]:
    """Return an axis for each pair of braces in the prompts, as far as the caller has no other use for them."""
    groups = []
    for name, text in base.parameters.items():
        if not (isinstance(text, str) and is_prompt(name)) or name in named:
            continue
        with _named(name):
            found = {f"{name}:{braces}": texts for braces, texts in alternatives(text).items()}
        groups += [AxisGroup.of(axis, texts) for axis, texts in found.items() if axis not in named]
    return groups


@contextmanager
def _named(field: str, subject: str = "sweep") -> Iterator[None]:
    """Turn what the domain says of a sweep, or of a request, into a problem of `field`."""
    try:
        yield
    except InvalidRequestError:
        raise
    except ValueError as error:
        raise InvalidRequestError([Problem(field, str(error))], subject) from error


def _listed(rules: Rules) -> list[str | Callable[[Mapping[str, Value]], object]]:
    return [rules] if isinstance(rules, str) or callable(rules) else list(rules)


def _models_of(axes: Axes) -> Iterator[str]:
    for part in [axes] if isinstance(axes, (Mapping, AxisGroup)) else axes:
        if isinstance(part, Mapping) and "model" in part:
            yield from map(str, as_list(part["model"])[:1])


def _is_plain(name: str, value: AxisValue) -> bool:
    """Whether an axis changes a parameter of that name to just that value."""
    is_other = ":" in name or name in ("model", "engine", REPLICATE)
    return not is_other and not isinstance(value, Computed)


def _replicates(base: GenerationRequest, count: int, paired: bool) -> AxisGroup:
    """Return the axis of repeats: the seeds that follow the base's, the same for every cell, or others for each."""
    if count < 1:
        raise InvalidRequestError([Problem("seeds", f"{count!r} is below 1")], "sweep")
    if not paired:
        return AxisGroup.of(REPLICATE, range(1, count + 1))
    first = base.seed or 0
    return AxisGroup.of("seed", [(first + place) % (MAX_SEED + 1) for place in range(count)])


def _frozen(name: str, value: object, model: str) -> Value:
    try:
        return freeze(value)
    except (TypeError, ValueError) as error:
        raise InvalidRequestError([Problem(name, str(error))], f"model {model!r}") from error
