"""How much memory a run takes: from the trace of its pipeline to a peak, and whether that fits what is here.

A trace tells the peaks of every placement at once, so what offloading would save costs nothing to know; tiles and
smaller batches are traced when they are asked for. Where a pipeline cannot be traced, a rule of thumb over the size of
its files stands in and says so.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from studio_kernel.domain.estimate import (
    Advice,
    Confidence,
    DeviceMemory,
    Fit,
    MemoryBasis,
    MemoryEstimate,
    Setup,
    StageMemory,
    Verdict,
)
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import Value
from studio_kernel.engines.diffusers import checkpoint
from studio_kernel.engines.diffusers.checkpoint import Fingerprint
from studio_kernel.errors import ModelUnavailableError, StudioError
from studio_kernel.estimates.vram import formula
from studio_kernel.estimates.vram.architectures import architecture, architecture_of
from studio_kernel.estimates.vram.quantisation import scheme_of
from studio_kernel.estimates.vram.subject import Subject
from studio_kernel.estimates.vram.trace import Stage, Trace, Untraceable
from studio_kernel.estimates.vram.weights import component_bytes, value_bytes_of

if TYPE_CHECKING:
    from studio_kernel.catalog.loader import Catalog

TRACED_ENGINE = "diffusers"
"""The engine whose pipelines can be traced."""

RESERVE = 1.2
"""How many times its live tensors the caching allocator of CUDA holds, where that was not simulated: 1.07 to 1.4 in the
published pairs of `max_memory_allocated` and `max_memory_reserved`; only what is computed counts, weights do not."""

MOST_IN_A_CALL = 64
"""Larger batches are not looked for."""

_OFFLOAD_COST = "FLUX.1, 1024 x 1024, one card: 21.7 s in place of 6.6 s (diffusers pull request 11682)"


class Traces(Protocol):
    """Where traces and the state of devices come from."""

    def trace(self, subject: Subject, fingerprint: Fingerprint) -> Trace | Untraceable:
        """Return the trace of a subject; it takes up to some seconds the first time."""

    def devices(self) -> tuple[DeviceMemory, ...]:
        """Return the devices here, the one that models use first."""

    def speed(self, device: DeviceMemory) -> float | None:
        """Return how many floating-point operations a device does in a second; `None` when that is not known."""


@dataclass(frozen=True, slots=True)
class Memories:
    """Estimates memory.

    Attributes
    ----------
    traces : Traces
        Asked for traces and devices.
    catalog : Catalog
        Knows adapters, and published figures of models.
    usual_device : str
        What local engines compute on, as the settings of the home say it: ``auto``, ``cpu``, ``cuda:1``.
    """

    traces: Traces
    catalog: Catalog
    usual_device: str = "auto"

    def case(
        self, card: ModelCard, request: GenerationRequest, setup: Setup | None = None, batch_size: int = 1
    ) -> Case | None:
        """Return a request held against the device it would run on; `None` where it needs none here.

        Parameters
        ----------
        setup : Setup
            How the model is held; as it would be here when left out.
        batch_size : int
            Requests like it in one pass.
        """
        if card.engine != TRACED_ENGINE:
            return None
        device = self._device(setup)
        complete = _complete(setup or Setup(), device)
        subject = subject_of(card, request, complete, self._adapters(request), batch_size)
        stamp = fingerprint(card, subject)
        return Case(card, subject, complete, self.traces.trace(subject, stamp), device, self.traces, stamp)

    def case_of_architecture(self, subject: Subject, setup: Setup | None = None) -> Case:
        """Return an architecture that ships, held against the device it would run on.

        Parameters
        ----------
        subject : Subject
            Its call; what `setup` says is filled in.

        Raises
        ------
        ModelUnavailableError
            When none of that name ships.
        """
        device = self._device(setup)
        usual = architecture(subject.architecture).dtype
        complete = _complete(replace(setup or Setup(), dtype=setup.dtype if setup and setup.dtype else usual), device)
        subject = _changed(subject, **_of_setup(complete))
        return Case(None, subject, complete, self.traces.trace(subject, ()), device, self.traces, ())

    def _device(self, setup: Setup | None) -> DeviceMemory | None:
        """Return the device that is meant, when it is here: the first of its kind, or the one of that number."""
        here = self.traces.devices()
        if setup is None or setup.device is None:
            kind, _, number = self.usual_device.partition(":")
            meant = [device for device in here if kind in ("auto", device.kind)]
            return meant[int(number or 0)] if len(meant) > int(number or 0) else None
        return next((device for device in here if device.kind == setup.device), None)

    def estimate(self, case: Case) -> MemoryEstimate | None:
        """Return the memory of a case; by a rule of thumb where there is no trace of it, `None` without even that."""
        if not isinstance(case.trace, Untraceable):
            return case.estimate(case.trace)
        base = self._base(case)
        if base is None or case.subject.width is None or case.subject.height is None:
            return None
        frames, images = case.subject.num_frames or 1, case.subject.num_images
        found = formula.estimate(
            base, case.setup, case.subject.width, case.subject.height, frames, num_images=images, weights=case.weights()
        )
        needs = Needs(found.vram_bytes, found.device_bytes, 0)
        fit = Fit(needs.verdict(case.device), case.device) if case.device else None
        reason = f"the pipeline could not be traced: {case.trace.reason}"
        return replace(found, fit=fit, warnings=(*found.warnings, reason))

    def peak(self, case: Case) -> int | None:
        """Return the peak alone, without what would be asked of the device: for the many cells of a sweep."""
        if isinstance(case.trace, Untraceable):
            found = self.estimate(case)
            return found.vram_bytes if found else None
        return needed(case.trace, case.setup).live_bytes

    def _base(self, case: Case) -> formula.Base | None:
        """Return what the rule scales: a published peak, else the weights."""
        tips = self.catalog.tips_for(case.card) if case.card else None
        if tips is not None and tips.vram is not None:
            figure = tips.vram
            source = f"{figure.source} ({figure.quality})"
            return formula.Base(figure.vram_bytes, figure.width, figure.height, figure.frames or 1, source)
        weights = sum(case.weights().values())
        usual = {parameter.name: parameter.default for parameter in case.card.parameters} if case.card else {}
        width, height = _whole(usual.get("width")), _whole(usual.get("height"))
        return formula.base_of_weights(weights, width, height) if weights and width and height else None

    def _adapters(self, request: GenerationRequest) -> tuple[str, ...]:
        """Return the files of the adapters of a request."""
        cards = ((lora, self.catalog.loras.get(lora.id)) for lora in request.loras)
        return tuple(card.file if card else lora.id for lora, card in cards)


def subject_of(
    card: ModelCard, request: GenerationRequest, setup: Setup, loras: tuple[str, ...] = (), batch_size: int = 1
) -> Subject:
    """Return what to trace for a request: all of it and of its setup that decides memory."""
    values, directory = request.parameters, _directory(card)
    return Subject(
        directory=directory,
        architecture="" if directory else architecture_of(card.tips),
        variant=card.source.variant,
        weights=(f"*={card.source.file}",) if card.source.file else (),
        loras=loras,
        task=request.task,
        width=_whole(values.get("width")),
        height=_whole(values.get("height")),
        num_frames=_whole(values.get("num_frames")),
        num_images=(_whole(values.get("num_images")) or 1) * batch_size,
        is_guided=_is_guided(request),
        # The engine decodes the pictures of several runs one by one.
        **_of_setup(replace(setup, vae_slicing=setup.vae_slicing or batch_size > 1)),
    )


def _of_setup(setup: Setup) -> dict[str, Any]:
    """Return what of a setup is traced."""
    return {
        "device": setup.device or "cpu",
        "dtype": setup.dtype,
        "quantisation": setup.quantisation,
        "vae_tiling": setup.vae_tiling,
        "vae_slicing": setup.vae_slicing,
        "attention": setup.attention,
    }


def shape_of(request: GenerationRequest, batch_size: int) -> Hashable:
    """Return what decides the memory of a request under one setup; equal for all that need the same."""
    sizes = tuple(request.parameters.get(name) for name in ("width", "height", "num_frames", "num_images"))
    adapters = tuple(lora.id for lora in request.loras)
    return request.model, request.task, sizes, _is_guided(request), adapters, batch_size


def _is_guided(request: GenerationRequest) -> bool:
    """Whether classifier-free guidance may be on, which a scale of 1 or less turns off."""
    guidance = request.parameters.get("guidance_scale")
    return not isinstance(guidance, (int, float)) or guidance > 1


def _directory(card: ModelCard) -> str:
    """Return where the configuration of a model is; empty when it is not on this machine."""
    try:
        directory = checkpoint.configuration(card)
    except ModelUnavailableError:
        return ""
    return str(directory) if directory.is_dir() else ""


def fingerprint(card: ModelCard, subject: Subject) -> Fingerprint:
    """Return name, size and time of change of every file that decides the trace; empty where they cannot be told."""
    try:
        model = checkpoint.find(card).fingerprint
    except StudioError:
        model = ()
    return (*model, *_stamps(Path(path) for path in subject.loras))


def _stamps(paths: Iterable[Path]) -> Iterator[tuple[str, int, int]]:
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            continue
        yield str(path), stat.st_size, stat.st_mtime_ns


def _complete(setup: Setup, device: DeviceMemory | None) -> Setup:
    """Return `setup` with device and precision filled in.

    Raises
    ------
    InvalidRequestError
        When its precision or quantisation is not known.
    """
    kind = setup.device or (device.kind if device else "cpu")
    usual = device.dtype if device else "bfloat16" if kind == "cuda" else "float32"
    dtype = setup.dtype or usual
    value_bytes_of(dtype)
    scheme = scheme_of(setup.quantisation) if setup.quantisation else ""
    return replace(setup, device=kind, dtype=dtype, quantisation=scheme)


@dataclass(frozen=True, slots=True)
class Case:
    """One request, its trace, and the device that it would run on.

    Attributes
    ----------
    setup : Setup
        Complete.
    trace : Trace or Untraceable
        Of `subject`.
    device : DeviceMemory or None
        `None` = such a device is not here.
    """

    card: ModelCard | None
    subject: Subject
    setup: Setup
    trace: Trace | Untraceable
    device: DeviceMemory | None
    traces: Traces
    fingerprint: Fingerprint

    def weights(self) -> Mapping[str, int]:
        """Return the weights of each component, from the headers of their files; empty when those cannot be read."""
        try:
            return component_bytes(self.subject).components
        except StudioError:
            return {}

    def estimate(self, trace: Trace) -> MemoryEstimate:
        """Return the memory that a trace tells of."""
        needs = needed(trace, self.setup)
        return MemoryEstimate(
            vram_bytes=needs.live_bytes,
            device_bytes=needs.device_bytes,
            weights=trace.weights,
            stages=tuple(_stage(stage, trace, self.setup) for stage in trace.stages),
            setup=self.setup,
            basis=MemoryBasis.DRY_RUN,
            confidence=_confidence(self.setup, trace),
            fit=self._fit(needs) if self.device else None,
            warnings=trace.flags,
        )

    def _fit(self, needs: Needs) -> Fit:
        assert self.device is not None
        verdict = needs.verdict(self.device)
        advice = () if verdict == "fits" else tuple(self._advice(self.device))
        return Fit(verdict, self.device, self._largest_batch(self.device), advice)

    def _advice(self, device: DeviceMemory) -> Iterator[Advice]:
        """Yield what would lower the need, least harm first, until something fits."""
        current = self._needs(self.subject, self.setup)
        for setup, subject, words, factor, source in self._rungs():
            needs = self._needs(subject, setup)
            if needs is None or (current and needs.live_bytes >= current.live_bytes):
                continue
            verdict = needs.verdict(device)
            yield Advice(setup, words, needs.live_bytes, verdict, factor, source)
            if verdict == "fits":
                return

    def _rungs(self) -> Iterator[tuple[Setup, Subject, str, float | None, str]]:
        """Yield what the engine does by itself when memory runs out, in its order."""
        setup, subject = self.setup, self.subject
        if subject.num_images > 1:
            half = math.ceil(subject.num_images / 2)
            words = f"make the {subject.num_images} pictures in calls of {half}"
            subject = _changed(subject, num_images=half)
            yield setup, subject, words, None, ""
            setup, subject = replace(setup, vae_slicing=True), _changed(subject, vae_slicing=True)
            yield setup, subject, "decode one picture at a time", None, ""
        setup, subject = replace(setup, vae_tiling=True), _changed(subject, vae_tiling=True)
        yield setup, subject, "decode in tiles", None, ""
        if setup.device != "cpu":
            moved = replace(setup, offload="model")
            yield moved, subject, "keep one network at a time on the device", 3.3, _OFFLOAD_COST
            yield replace(setup, offload="sequential"), subject, "keep one layer at a time on the device", None, ""

    def _largest_batch(self, device: DeviceMemory) -> int | None:
        """Return the most pictures in a call that fit; memory grows by the same amount with each."""
        one, two = self._needs_of(1), self._needs_of(2)
        if one is None or two is None:
            return None
        if one.verdict(device) == "does not fit":
            return 0
        growth = two.live_bytes - one.live_bytes
        room = device.available_bytes - one.floor_bytes
        count = min(self._most, 1 + int(room / growth)) if growth > 0 else self._most
        while count > 1 and ((needs := self._needs_of(count)) is None or needs.verdict(device) == "does not fit"):
            count -= max(1, count // 8)
        return count

    @property
    def _most(self) -> int:
        """Return how many pictures may be asked for in a call."""
        parameters = self.card.parameters if self.card else ()
        limits = (parameter.max for parameter in parameters if parameter.name == "num_images")
        return int(min(MOST_IN_A_CALL, *(limit for limit in limits if limit is not None), MOST_IN_A_CALL))

    def _needs_of(self, count: int) -> Needs | None:
        return self._needs(_changed(self.subject, num_images=count), self.setup)

    def _needs(self, subject: Subject, setup: Setup) -> Needs | None:
        found = self.trace if subject == self.subject else self.traces.trace(subject, self.fingerprint)
        return None if isinstance(found, Untraceable) else needed(found, setup)


@dataclass(frozen=True, slots=True)
class Needs:
    """What a run needs of a device, in bytes.

    Attributes
    ----------
    live_bytes : int
        Highest sum of allocations.
    reserved_bytes : int
        What the allocator would hold.
    context_bytes : int
        What the driver takes beside.
    """

    live_bytes: int
    reserved_bytes: int
    context_bytes: int

    @property
    def device_bytes(self) -> int:
        """What the device shows as used."""
        return self.reserved_bytes + self.context_bytes

    @property
    def floor_bytes(self) -> int:
        """What it cannot do without."""
        return self.live_bytes + self.context_bytes

    def verdict(self, device: DeviceMemory) -> Verdict:
        """Return whether that fits what is available."""
        if self.device_bytes <= device.available_bytes:
            return "fits"
        return "tight" if self.floor_bytes <= device.available_bytes else "does not fit"


def needed(trace: Trace, setup: Setup) -> Needs:
    """Return what the run of a trace needs under a setup."""
    live = trace.peaks[setup.offload]
    if setup.device != "cuda":
        return Needs(live, live, trace.context_bytes)
    limiting = max(trace.stages, key=lambda stage: _resident(stage, trace, setup) + _work(stage, setup), default=None)
    computed = live - (_resident(limiting, trace, setup) if limiting else 0)
    reserved = live + int((RESERVE - 1) * computed)
    if setup.offload == "none" and trace.reserved_bytes:
        reserved = trace.reserved_bytes
    return Needs(live, max(live, reserved), trace.context_bytes)


def _stage(stage: Stage, trace: Trace, setup: Setup) -> StageMemory:
    vram = _resident(stage, trace, setup) + _work(stage, setup)
    return StageMemory(stage.name, stage.component, vram, stage.operation)


def _resident(stage: Stage, trace: Trace, setup: Setup) -> int:
    """Return the weights that are on the device for the whole of a stage."""
    everything = sum(trace.weights.values())
    return {"none": everything, "model": stage.weights_bytes}.get(setup.offload, 0)


def _work(stage: Stage, setup: Setup) -> int:
    """Return what a stage takes beside those."""
    peak = {"sequential": stage.leaf_bytes, "block": stage.block_bytes}.get(setup.offload, stage.peak_bytes)
    return stage.before_bytes + peak


def _confidence(setup: Setup, trace: Trace) -> Confidence:
    """Return how far a dry run can be trusted: as far as it was held against measurements.

    Notes
    -----
    Nine of ten published figures of half-precision pipelines on CUDA within 0.5 %, allocations on a CPU within 5 %;
    single precision on CUDA and quantised weights were hardly compared with anything, Apple's devices never.
    """
    if setup.device == "mps" or trace.flags:
        return Confidence.LOW
    if setup.quantisation or (setup.device == "cuda" and setup.dtype == "float32"):
        return Confidence.MEDIUM
    return Confidence.HIGH


def _changed(subject: Subject, **changes: object) -> Subject:
    return msgspec.structs.replace(subject, **changes)


def _whole(value: Value | None) -> int | None:
    return value if isinstance(value, int) else None
