"""Loaded models, and how many of them are kept.

A model is loaded once, as the pipeline its own files name; the pipelines of other tasks are made from it and share its
networks. The shelf keeps them as long as there is memory, and loads again when files on disk have changed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import torch
from immutabledict import immutabledict

from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task
from studio_kernel.engines.diffusers import batching, checkpoint
from studio_kernel.engines.diffusers.adapters import AdapterRack
from studio_kernel.engines.diffusers.checkpoint import Checkpoint, Fingerprint
from studio_kernel.engines.diffusers.devices import (
    default_device,
    default_dtype,
    is_out_of_memory,
    let_go,
    passes_beside,
    release_memory,
)
from studio_kernel.engines.diffusers.embeddings import Embeddings
from studio_kernel.engines.diffusers.ladder import Ladder, Rung, Taken
from studio_kernel.engines.diffusers.memory import free_bytes, needed_bytes
from studio_kernel.engines.diffusers.preview import LatentPreview
from studio_kernel.engines.diffusers.staging import is_offloaded
from studio_kernel.engines.diffusers.steps import call_parameters
from studio_kernel.errors import EngineError

AUTO_PIPELINES = {
    Task.TEXT_TO_IMAGE: "AutoPipelineForText2Image",
    Task.IMAGE_TO_IMAGE: "AutoPipelineForImage2Image",
    Task.INPAINTING: "AutoPipelineForInpainting",
}
"""Which class of diffusers finds the variant of a pipeline for a task."""
_INPUTS: dict[Task, set[str]] = {
    Task.TEXT_TO_IMAGE: set(),
    Task.IMAGE_TO_IMAGE: {"image"},
    Task.INPAINTING: {"image", "mask_image"},
}


class LoadedModel:
    """A pipeline in memory and what belongs to it.

    Parameters
    ----------
    pipe : diffusers.DiffusionPipeline
        As its files name it.
    weights : str
        Digest of its files; empty when it was made in memory.
    ladder : Ladder, optional
        How it is made to fit into memory; made for `pipe` as the user's own when left out.
    parts : mapping, optional
        Component → digest of its files.
    """

    def __init__(
        self, pipe: Any, weights: str = "", ladder: Ladder | None = None, parts: Mapping[str, str] | None = None
    ) -> None:
        self.pipe = pipe
        self.weights = weights
        self.parts = immutabledict(parts or {})
        self.ladder = ladder or Ladder(pipe, lent=True)
        self.embeddings = Embeddings()
        self.adapters = AdapterRack(pipe)
        self._by_task: dict[Task, Any] = {}

    def pipeline(self, task: Task) -> Any:
        """Return the pipeline of `task`, sharing all components.

        Raises
        ------
        EngineError
            When there is none for this kind of model.
        """
        if task not in self._by_task:
            self._by_task[task] = self._made_for(task)
        return self._by_task[task]

    def embeddings_of_a_run(self) -> Embeddings:
        """Return the prompt embeddings that a run may use: those of a user's own pipeline are new with each run.

        Between two runs its owner can change what they depend on.
        """
        if self.ladder.is_lent:
            self.embeddings.clear()
        return self.embeddings

    @property
    def is_offloaded(self) -> bool:
        """Whether networks wait in the main memory, so that several passes are best made stage by stage."""
        return Rung.MODEL_OFFLOAD in self.ladder.taken.rungs or is_offloaded(self.pipe)

    def fills_with_two(self, request: GenerationRequest, at_once: int) -> bool:
        """Whether passes of so many requests like this one are made two beside each other.

        On the CPU, while they are small. Not with the user's own pipeline, which may hold what a pass changes, and not
        where the call has to change a network.
        """
        is_own = self.ladder.is_lent or self.is_offloaded or "clip_skip" in request.parameters
        on_cpu = self.ladder.device.type == "cpu"
        return at_once > 1 and on_cpu and not is_own and batching.is_small(request, at_once) and passes_beside() > 1

    @cached_property
    def preview(self) -> LatentPreview | None:
        """What shows this model's latents; `None` when it has no autoencoder that could."""
        vae = getattr(self.pipe, "vae", None)
        return LatentPreview(vae) if isinstance(vae, torch.nn.Module) and hasattr(vae, "decode") else None

    def _made_for(self, task: Task) -> Any:
        import diffusers

        try:
            made = getattr(diffusers, AUTO_PIPELINES[task]).from_pipe(self.pipe)
        except ValueError as error:  # a kind of pipeline that diffusers has no variants of
            if _INPUTS[task] <= call_parameters(self.pipe).keys():
                return self.pipe
            raise EngineError(f"{type(self.pipe).__name__} has no variant for {task}; choose another model") from error
        return self.pipe if type(made) is type(self.pipe) else made


class Shelf:
    """The models kept in memory, last used last.

    Parameters
    ----------
    device, dtype : str or None
        Such as ``cuda:1`` and ``bfloat16``; chosen by what this machine has when left out.
    capacity : int
        How many models are kept at most, however small they are.
    free_bytes : callable
        Returns the free memory of a device. Models that were not used for longest leave until the next one fits.
    """

    def __init__(
        self,
        device: str | None = None,
        dtype: str | None = None,
        capacity: int = 8,
        free_bytes: Callable[[torch.device], int] = free_bytes,
    ) -> None:
        self._device, self._dtype = device, dtype
        self._capacity = capacity
        self._free_bytes = free_bytes
        self._models: OrderedDict[tuple[Checkpoint, Fingerprint], LoadedModel] = OrderedDict()

    def get(self, card: ModelCard) -> LoadedModel:
        """Return the model of `card`, loaded.

        Raises
        ------
        ModelUnavailableError, UnsafeFileError
            When its files are not fit to be loaded.
        """
        found = checkpoint.find(card)
        key = (found, found.fingerprint)
        if key in self._models:
            self._models.move_to_end(key)
            return self._models[key]
        device = torch.device(self._device or default_device())
        dtype = getattr(torch, self._dtype) if self._dtype else default_dtype(device)
        self._make_room(found, device, dtype)
        pipe = _from_disk(found, dtype)
        self._models[key] = LoadedModel(pipe, found.digest, placed(pipe, device, self.clear), found.parts)
        return self._models[key]

    def clear(self) -> bool:
        """Forget all models and give their memory back; whether there were any."""
        return self.keep_only(None)

    def keep_only(self, model: LoadedModel | None) -> bool:
        """Forget all models but `model`; whether there were others."""
        others = [key for key, kept in self._models.items() if kept is not model]
        for key in others:
            del self._models[key]
        release_memory()
        return bool(others)

    def _make_room(self, coming: Checkpoint, device: torch.device, dtype: torch.dtype) -> None:
        """Drop an older state of the same files, and what was used longest ago until `coming` fits."""
        older = [key for key in self._models if key[0] == coming]
        for key in older:
            del self._models[key]
        if older:
            release_memory()
        needed = needed_bytes(coming, dtype)
        while self._models and (len(self._models) >= self._capacity or self._free_bytes(device) < needed):
            self._models.popitem(last=False)
            release_memory()


def placed(pipe: Any, device: torch.device, make_room: Callable[[], bool]) -> Ladder:
    """Move `pipe` to `device` and return its ladder; a rung of it is taken when the whole pipeline does not fit there.

    Parameters
    ----------
    make_room : callable
        Drops other models from memory; whether there were any.
    """
    try:
        _move(pipe, device, make_room)
    except Exception as error:
        ladder = Ladder(pipe, device)
        if not (is_out_of_memory(error) and ladder.can(Rung.MODEL_OFFLOAD, pipe, 1)):
            raise
        pipe.to("cpu", silence_dtype_warnings=True)
        let_go(error)
        ladder.taken = Taken(frozenset({Rung.MODEL_OFFLOAD}))
        return ladder
    return Ladder(pipe, device)


def _move(pipe: Any, device: torch.device, make_room: Callable[[], bool]) -> None:
    try:
        pipe.to(device)
        return
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        let_go(error)
        if not make_room():
            raise
    pipe.to(device)


def _from_disk(found: Checkpoint, dtype: torch.dtype) -> Any:
    import diffusers

    options: dict[str, object] = {"dtype": dtype, "local_files_only": True}
    if found.file is None:
        variant = found.variant or None
        return diffusers.DiffusionPipeline.from_pretrained(
            str(found.directory), use_safetensors=True, variant=variant, **options
        )
    class_name = str(found.index["_class_name"])
    pipeline_class: Any = getattr(diffusers, class_name, None) if class_name.endswith("Pipeline") else None
    if not hasattr(pipeline_class, "from_single_file"):
        raise EngineError(f"{class_name} cannot be loaded from a single file; use a diffusers directory of the model")
    return pipeline_class.from_single_file(str(found.file), config=str(found.directory), **options)
