"""The form, and what comes into it from elsewhere: runs, what was kept, a project; and it as Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import AssetRef, Json, Value
from studio_kernel.errors import StudioError
from studio_kernel.prompts.template import has_marks
from studio_widgets.generation.asking import OWN_TRAITS, FormState, adapted
from studio_widgets.generation.carrying import Part, fitted, part_of, said, values_from_json, values_to_json

if TYPE_CHECKING:
    from studio_kernel.domain.model import ModelCard
    from studio_kernel.domain.runs import RunRecord
    from studio_kernel.studio import Studio
    from studio_widgets.workspace import Workspace

INPUT_TASKS = (Task.IMAGE_TO_IMAGE, Task.INPAINTING, Task.IMAGE_TO_VIDEO, Task.UPSCALE, Task.VIDEO_TO_VIDEO)
"""Those that a file is an input of first, in this order, before the others."""


class CarriedForm(FormState):
    """A form that can be filled from elsewhere.

    Parameters
    ----------
    workspace : Workspace or None
        Shared with other panels: their runs can be loaded and used as inputs here.
    """

    def __init__(self, studio: Studio, *, task: str, model: str, workspace: Workspace | None = None) -> None:
        super().__init__(studio, task=task, model=model, workspace=workspace)
        if workspace is not None:
            workspace.take("load", self.load)
            workspace.take("input", self.use_as_input)

    def load(self, run: str, part: Part = "all") -> None:
        """Fill the form from a run, also from one whose model is not here; `notice` says what was left out.

        Parameters
        ----------
        part : {"all", "prompt", "seed", "settings"}
            Everything with the seed; the prompts alone; the seed alone; all but prompts, seed and input files.
        """
        self._attempt(lambda: self._load(self._studio.record(run), part))

    def use_as_input(self, run: str, task: str = "", index: int = 0) -> None:
        """Use a file of a run as an input: of `task`, of the task at hand, or else of the first that takes such a file.

        Parameters
        ----------
        index : int
            Which of the files of the run.
        """
        self._attempt(lambda: self._use_as_input(self._studio.record(run), task, index))

    def takers(self, medium: str = "image") -> list[Task]:
        """Return the tasks that take a picture (or a video, a sound) as an input of some model that can be used."""
        order = {task: place for place, task in enumerate(INPUT_TASKS)}
        takers = [task for task in self.tasks() if self._taking(task, medium) is not None]
        return sorted(takers, key=lambda task: order.get(task, len(order)))

    def form_values(self) -> dict[str, Json]:
        """Return what the form says as plain JSON, for `restore`."""
        with self.lock:
            return {
                "task": self.task,
                "model": self.model,
                "prompt": self.prompt,
                "negative_prompt": self.negative_prompt,
                "values": values_to_json(self.values),
                "random_seed": self.random_seed,
            }

    def restore(self, values: Mapping[str, object]) -> None:
        """Take what `form_values` returned, as far as it still fits; `notice` says what was left out."""
        kept = {name: values[name] for name in OWN_TRAITS if isinstance(values.get(name), str)}
        with self.lock:
            self._turn_to(str(values.get("model") or ""), str(values.get("task") or ""))
            left_out = self._fill({**values_from_json(values.get("values")), **kept})  # type: ignore[dict-item]  # asked above
            self.random_seed = values.get("random_seed") is not False
            self.notice = said("Some of what the form was is not here any more.", left_out) if left_out else ""

    def begin_with(self, settings: Mapping[str, object]) -> None:
        """Begin as a project says: with its ``task``, ``model`` and ``preset``; what it does not say stays as it is."""
        preset = self._studio.catalog.presets.get(str(settings.get("preset") or ""))
        with self.lock:
            model = settings.get("model") or (preset.model if preset is not None else "")
            task = settings.get("task") or (preset.task if preset is not None else "")
            self._turn_to(str(model), str(task))
            if preset is not None:
                found = preset.applied(self.parameters)
                left_out = [f"{name}: {reason}" for name, reason in found.left_out.items()]
                self._fill(found.values)
                self.notice = said(f"Preset {preset.name}.", left_out)

    def as_python(self) -> str:
        """Return a cell that asks for what the form says, or in words why there is none.

        A prompt that stands for several texts is told as one of them, with the seed that chooses it.
        """
        try:
            is_template = any(has_marks(getattr(self, name)) for name in OWN_TRAITS)
            request = self._completed() if is_template else self._request()
            return self._studio.as_python(request, project=self.workspace.project or None)
        except (StudioError, ValueError, TypeError) as error:
            return "".join(f"# {line}\n" for line in str(error).splitlines())

    # Inside

    def _completed(self) -> GenerationRequest:
        snapshot = self.resolve()
        values: Mapping[str, Any] = snapshot.values
        return self._studio.request(model=snapshot.model, task=snapshot.task, **values)

    def _request(self) -> GenerationRequest:
        """Return what the form asks for as it stands, unchecked; without a seed where every run gets a new one."""
        snapshot = self.resolve()
        return GenerationRequest(snapshot.model, snapshot.task, values_from_json(values_to_json(snapshot.values)))

    def _load(self, record: RunRecord, part: Part) -> None:
        request, seed = record.request, record.seed if record.seed is not None else record.request.seed
        values = part_of({**request.parameters, **({} if seed is None else {"seed": seed})}, part)
        if not values:
            raise StudioError(f"run {record.id} has nothing of that: {_missing(part)}")
        with self.lock:
            left_out = [] if part in ("prompt", "seed") else self._turn_to(request.model, str(request.task), part)
            left_out += self._fill(values)
            if "seed" in values and self._parameter("seed") is not None:
                self.random_seed = False
            self.notice = said(f"{_LOADED[part]} of run …{record.id[-6:]}.", left_out)

    def _turn_to(self, model: str, task: str, part: Part | None = None) -> list[str]:
        """Choose model and task as far as there are such; return what is not here. A part begins with the defaults."""
        card = self._studio.models.get(model)
        with self.hold_trait_notifications():
            if card is not None:
                self.model = model
                self.task = task if task in card.tasks else str(card.default_task)
            elif task in self.tasks():
                self.task = task
        if part is not None:
            defaults = adapted(self.parameters, {})
            kept = {name: self.values.get(name) for name in self._kept_by(part)}
            self.values = {**defaults, **kept}
        return [] if card is not None or not model else [f"the model {model} (not here)"]

    def _kept_by(self, part: Part) -> list[str]:
        """Return the parameters that loading a part leaves as they are."""
        return [p.name for p in self.parameters if part == "settings" and (p.name == "seed" or p.is_media)]

    def _fill(self, values: Mapping[str, Value]) -> list[str]:
        """Set what the form takes; return what it does not, in words."""
        card = self._card()
        name = (card.name or card.id) if card is not None else self.model
        found = fitted(values, self.parameters, self._studio.assets.has, name)
        with self.hold_trait_notifications():
            for key in OWN_TRAITS:
                if key in values:
                    self.set(key, found.values.get(key))
            self.values = {**self.values, **{k: v for k, v in found.values.items() if k not in OWN_TRAITS}}
        self._keep_ratio()
        return list(found.left_out)

    def _use_as_input(self, record: RunRecord, task: str, index: int) -> None:
        if index >= len(record.assets):
            raise StudioError(f"run {record.id} has no such file to use as an input")
        asset = record.assets[index]
        medium = asset.media_type.partition("/")[0]
        slot = None if task and task != self.task else _slot(self.parameters, medium)
        taker = None if slot is not None else self._taker(medium, task)  # looking for one takes a moment
        with self.lock:
            if taker is not None:
                with self.hold_trait_notifications():
                    self.model, self.task = taker[1].id, str(taker[0])
                slot = _slot(self.parameters, medium)
            if slot is None:
                raise StudioError(f"no model that can be used here takes a file of the kind {medium} as an input")
            ref = AssetRef(asset.sha256, asset.media_type)
            self.set(slot.name, (ref,) if slot.multiple else ref)

    def _taker(self, medium: str, task: str) -> tuple[Task, ModelCard] | None:
        """Return a task and a model that take such a file."""
        candidates = [Task(task)] if task else self.takers(medium)
        found = ((candidate, self._taking(candidate, medium)) for candidate in candidates)
        return next(((candidate, card) for candidate, card in found if card is not None), None)

    def _taking(self, task: Task, medium: str) -> ModelCard | None:
        """Return a model for a task that takes such a file: the chosen one if it does."""
        own = self._card()
        cards = ([own] if own is not None and task in own.tasks and not self.blocked else []) + self.models(task)
        return next((card for card in cards if _slot(card.parameters_for(task), medium) is not None), None)


_LOADED: Mapping[Part, str] = {
    "all": "Everything",
    "prompt": "The prompt",
    "seed": "The seed",
    "settings": "The settings",
}


def _missing(part: Part) -> str:
    return "nobody knows how it was made" if part == "all" else f"no {part}"


def _slot(parameters: Iterable[Parameter], medium: str) -> Parameter | None:
    """Return the parameter that takes a file of a kind, a required one first."""
    slots = [parameter for parameter in parameters if parameter.type == medium]
    return min(slots, key=lambda parameter: not parameter.required, default=None)
