"""From what people write to a complete request: model and task chosen, pictures stored, defaults filled in, checked.

Everything that can be wrong with a request is found here or by the engine's own check, before any work starts.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from studio_kernel.assets import AssetStore
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.parameters import MAX_SEED
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.sweep import Axis, Sweep
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import Value, freeze
from studio_kernel.errors import InvalidRequestError, ModelUnavailableError, Problem, StudioError
from studio_kernel.run import Run

if TYPE_CHECKING:
    from studio_kernel.catalog.models import Models

DEFAULT_TASK = Task.TEXT_TO_IMAGE


@dataclass(frozen=True, slots=True)
class Drafting:
    """Makes requests out of loose values.

    Attributes
    ----------
    models : Models
        What there is to ask.
    assets : AssetStore
        Where pictures given as inputs are put.
    """

    models: Models
    assets: AssetStore

    def draft(self, model: str | None, task: Task | str | None, values: Mapping[str, object]) -> GenerationRequest:
        """Return a request of the values that were given, with model and task chosen and pictures stored.

        Raises
        ------
        StudioError
            For an unknown model or task, or a picture that cannot be read.
        """
        given = {name: value for name, value in values.items() if value is not None}
        named = _task(task) if task is not None else None
        told = named or _told_by(given)
        card = self.models[model] if model else self.default_model(told or DEFAULT_TASK)
        # A task that was only guessed from the inputs gives way to what the model can do.
        chosen = told if told is not None and (named or told in card.tasks) else card.default_task
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

        Raises
        ------
        StudioError
            When it cannot be done as written.
        """
        self._require_usable(draft.model)
        return self._filled(draft)

    def complete_each(self, drafts: Iterable[GenerationRequest]) -> Iterator[GenerationRequest | StudioError]:
        """Yield each draft complete, or why it cannot be done; whether a model can be used is looked at once."""
        usable: dict[str, StudioError | None] = {}
        for draft in drafts:
            try:
                if draft.model not in usable:
                    usable[draft.model] = self._unusable(draft.model)
                yield usable[draft.model] or self._filled(draft)
            except StudioError as error:
                yield error

    def sweep(
        self,
        model: str | None,
        task: Task | str | None,
        values: Mapping[str, object],
        axes: Mapping[str, Sequence[object]],
    ) -> Sweep:
        """Return the sweep of `axes` over a draft of `values`; all its cells share one seed unless it is an axis.

        Raises
        ------
        StudioError
            For what `draft` refuses and for axes without values or with repeated ones.
        """
        listed = {name: _listed(some) for name, some in axes.items()}
        first = {name: some[0] for name, some in listed.items() if some}
        # Model and task are told from the first cell, so that an axis over pictures means image-to-image.
        told = self.draft(str(first.pop("model")) if "model" in first else model, task, {**values, **first})
        base = told.replace(**dict.fromkeys(listed))
        card = self.models[told.model]
        if "seed" not in listed and base.seed is None and _takes_seed(card, told.task):
            base = base.replace(seed=choose_seed())
        try:
            return Sweep(base, tuple(self._axis(card, told.task, name, some) for name, some in listed.items()))
        except ValueError as error:
            if isinstance(error, InvalidRequestError):
                raise
            raise InvalidRequestError([Problem("axes", str(error))], "sweep") from error

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

    def _filled(self, draft: GenerationRequest) -> GenerationRequest:
        card = self.models[draft.model]
        values = card.check(draft.task, draft.parameters)
        if draft.seed is None and _takes_seed(card, draft.task):
            values["seed"] = choose_seed()
        return GenerationRequest(card.id, draft.task, values)

    def _axis(self, card: ModelCard, task: Task, name: str, values: Sequence[object]) -> Axis:
        return Axis(name, tuple(self._take_inputs(card, task, {name: value})[name] for value in values))

    def _take_inputs(self, card: ModelCard, task: Task, given: Mapping[str, object]) -> dict[str, Value]:
        """Store the pictures among the values, freeze the rest."""
        media = {parameter.name: parameter for parameter in card.parameters_for(task) if parameter.is_media}
        values: dict[str, Value] = {}
        for name, value in given.items():
            if name not in media:
                values[name] = _frozen(name, value, card.id)
            elif media[name].multiple and isinstance(value, (list, tuple)):
                values[name] = tuple(self._take(item, name) for item in value)
            else:
                values[name] = self._take(value, name)
        return values

    def _take(self, source: object, what: str) -> Value:
        return self.assets.take(source.first_asset if isinstance(source, Run) else source, what)


def choose_seed() -> int:
    """Return a random seed, 0 … 2³²−1."""
    return secrets.randbelow(MAX_SEED + 1)


def _takes_seed(card: ModelCard, task: Task) -> bool:
    return any(parameter.name == "seed" for parameter in card.parameters_for(task))


def _task(task: Task | str) -> Task:
    try:
        return Task(task)
    except ValueError:
        known = ", ".join(repr(str(each)) for each in Task)
        raise InvalidRequestError([Problem("task", f"{task!r} is not one of {known}")], "request") from None


def _told_by(given: Mapping[str, object]) -> Task | None:
    if "mask_image" in given:
        return Task.INPAINTING
    return Task.IMAGE_TO_IMAGE if "image" in given else None


def _listed(values: object) -> list[object]:
    """Return the values of an axis; one value may stand without its list."""
    many = hasattr(values, "__iter__") and not isinstance(values, (str, bytes, Mapping))
    return list(values) if many else [values]  # type: ignore[call-overload]  # iterable, as just asked


def _frozen(name: str, value: object, model: str) -> Value:
    try:
        return freeze(value)
    except (TypeError, ValueError) as error:
        raise InvalidRequestError([Problem(name, str(error))], f"model {model!r}") from error
