"""What is done when memory does not suffice, one rung after the other, and what of it stays.

Whatever fails is tried again after each rung that can help there. First other models leave memory, which changes no
picture. Then come the rungs of `Rung`, in their order, those named in a run's ``fallbacks``. Which of them help depends
on where memory ran out:

* In the autoencoder (encoding an input, decoding the result) the call of the autoencoder alone is repeated, inside the
  pipeline's call, which goes on afterwards as if nothing had happened. So a finished denoising is kept whatever the
  pipeline does before and after the decoding, and an autoencoder that gets along without a rung gives the same bytes.
* Anywhere else the call of the pipeline is repeated.

What a model needed stays with the model until it leaves memory, so a sweep climbs once; a pipeline that was given by
the user is arranged anew for each run and left as it was after it. Rungs that did not suffice are taken back.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import torch

from studio_kernel.domain.values import Value
from studio_kernel.engines.diffusers.devices import is_out_of_memory, let_go


class Rung(StrEnum):
    """What can be done, least harm first; each can change pixels, by rounding or, with tiles, at their seams."""

    SMALLER_BATCH = "smaller_batch"
    """The pictures of a run are made in several calls, with the seeds that they would have had in one."""
    VAE_SLICING = "vae_slicing"
    """The autoencoder takes one picture at a time."""
    VAE_TILING = "vae_tiling"
    """The autoencoder takes overlapping tiles, half the picture's longer side at most, which are blended."""
    MODEL_OFFLOAD = "model_offload"
    """Networks wait in the main memory, and are on the device one at a time."""
    SEQUENTIAL_OFFLOAD = "sequential_offload"
    """Layers wait in the main memory, and are on the device one at a time."""


_FOR_AUTOENCODER = (Rung.VAE_SLICING, Rung.VAE_TILING, Rung.MODEL_OFFLOAD, Rung.SEQUENTIAL_OFFLOAD)
_FOR_NETWORKS = (Rung.SMALLER_BATCH, Rung.MODEL_OFFLOAD, Rung.SEQUENTIAL_OFFLOAD)
_OFFLOADS = (Rung.SEQUENTIAL_OFFLOAD, Rung.MODEL_OFFLOAD)
_SWITCHES = {Rung.VAE_SLICING: "use_slicing", Rung.VAE_TILING: "use_tiling"}
_NO_OFFLOAD = "none"
_OF_OFFLOADING = ("_all_hooks", "_offload_device", "_offload_gpu_id")
"""What diffusers leaves on a pipeline that was offloaded."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What is in force for a model.

    Attributes
    ----------
    rungs : frozenset of Rung
        Beside the size of a batch.
    at_once : int or None
        How many pictures a call makes at most; `None` = as many as are asked for.
    """

    rungs: frozenset[Rung] = frozenset()
    at_once: int | None = None


class Ladder:
    """How one loaded model is made to fit into memory.

    Parameters
    ----------
    pipe : diffusers.DiffusionPipeline
        Any pipeline of the model; pipelines of other tasks share its networks.
    device : torch.device, optional
        Where it computes; where `pipe` does when left out.
    lent : bool
        The pipeline is the user's, and left as it was after each run.
    offloads : bool, optional
        Whether networks can wait in the main memory; when left out: if that is another memory than the device's.
    """

    def __init__(
        self, pipe: Any, device: torch.device | None = None, lent: bool = False, offloads: bool | None = None
    ) -> None:
        self.taken = Taken()
        self._device = device
        self._lent, self._offloads = lent, offloads
        self._found = _Found.of(pipe)
        self._arranged: tuple[int, Rung] | None = None
        self._slices = False

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        return self._device or self._found.device

    @property
    def is_lent(self) -> bool:
        """Whether the pipeline is the user's."""
        return self._lent

    def fallbacks(self, pictures: int) -> tuple[str, ...]:
        """Return the names of what is in force for a run of so many pictures, in the order of the rungs."""
        smaller = self.batch(pictures) < pictures
        return tuple(
            rung.value for rung in Rung if rung in self.taken.rungs or (rung is Rung.SMALLER_BATCH and smaller)
        )

    def batch(self, pictures: int) -> int:
        """Return how many of `pictures` the next call is to make."""
        return min(pictures, self.taken.at_once or pictures)

    def arrangement(self, pipe: Any) -> dict[str, Value]:
        """Return how `pipe` is made to fit, for provenance: by its owner, or by what is in force."""
        vae, rungs = autoencoder(pipe), self.taken.rungs
        found = {name: bool(getattr(vae, switch, False)) for name, switch in _SWITCHES.items()}
        own = self._found.offload if self._arranged is not None else _offload_of(pipe, dict(_networks(pipe)))
        offload = next((rung.value for rung in _OFFLOADS if rung in rungs), own)
        return {
            "offload": offload.removesuffix("_offload"),
            "vae_slicing": Rung.VAE_SLICING in rungs or found[Rung.VAE_SLICING],
            "vae_tiling": Rung.VAE_TILING in rungs or found[Rung.VAE_TILING],
        }

    @contextmanager
    def standing(self, pipe: Any, slices: bool = False) -> Iterator[None]:
        """Arrange `pipe` as the model needs it, for the calls made inside.

        Parameters
        ----------
        slices : bool
            The autoencoder takes one picture at a time whatever the memory.
        """
        if self._arranged is None and (self._lent or not self.taken.rungs):
            self._found = _Found.of(pipe)
        self._slices = slices
        self._arrange(pipe)
        try:
            yield
        finally:
            self._slices = False
            self._switch(pipe)
            if self._lent:
                self._leave(pipe)

    def lift(self, pipe: Any) -> None:
        """Take offloading off `pipe` while its networks are changed; `standing` arranges it again."""
        if self._arranged is not None:
            pipe.remove_all_hooks()
            self._arranged = None

    def can(self, rung: Rung, pipe: Any, batch: int) -> bool:
        """Whether `rung` is there for `pipe`, not in force, and of use with a batch of that size."""
        if rung is Rung.SMALLER_BATCH:
            return batch > 1
        if rung in self.taken.rungs:
            return False
        if rung in _SWITCHES:
            vae = autoencoder(pipe)
            enough = rung is not Rung.VAE_SLICING or batch > 1
            return enough and getattr(vae, _SWITCHES[rung], True) is False
        return self._can_offload(rung, pipe)

    def take(self, rung: Rung, pipe: Any, batch: int) -> None:
        """Put `rung` in force, now and for later runs."""
        if rung is Rung.SMALLER_BATCH:
            self.taken = Taken(self.taken.rungs, (batch + 1) // 2)
            return
        self.taken = Taken(self.taken.rungs - set(_OFFLOADS if rung in _OFFLOADS else ()) | {rung}, self.taken.at_once)
        self._arrange(pipe)

    def back_to(self, taken: Taken, pipe: Any) -> None:
        """Take back what was put in force since `taken`: it did not help."""
        self.taken = taken
        try:
            self._arrange(pipe)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            let_go(error)  # no room on the device any more, where the networks were before: they go on waiting outside
            self.take(Rung.MODEL_OFFLOAD, pipe, 1)

    def _can_offload(self, rung: Rung, pipe: Any) -> bool:
        possible = self.device.type != "cpu" if self._offloads is None else self._offloads
        if not possible or self._found.offloaded or Rung.SEQUENTIAL_OFFLOAD in self.taken.rungs:
            return False
        return rung is Rung.SEQUENTIAL_OFFLOAD or getattr(pipe, "model_cpu_offload_seq", None) is not None

    def _arrange(self, pipe: Any) -> None:
        """Bring `pipe` into the state that is in force."""
        self._switch(pipe)
        wanted = next((rung for rung in _OFFLOADS if rung in self.taken.rungs), None)
        if wanted is None:
            if self._arranged is not None:
                self.lift(pipe)
                self._found.bring_home(pipe)
        elif self._arranged != (id(pipe), wanted):
            self._offload(pipe, wanted)

    def _switch(self, pipe: Any) -> None:
        vae = autoencoder(pipe)
        for rung, switch in _SWITCHES.items():
            if hasattr(vae, switch):
                wanted = rung in self.taken.rungs or (rung is Rung.VAE_SLICING and self._slices)
                setattr(vae, switch, wanted or self._found.switches[switch])

    def _offload(self, pipe: Any, rung: Rung) -> None:
        pipe.remove_all_hooks()
        pipe.to("cpu", silence_dtype_warnings=True)
        whole = rung is Rung.MODEL_OFFLOAD
        (pipe.enable_model_cpu_offload if whole else pipe.enable_sequential_cpu_offload)(device=self.device)
        self._arranged = (id(pipe), rung)

    def _leave(self, pipe: Any) -> None:
        """Leave `pipe` as it was found."""
        vae = autoencoder(pipe)
        for switch, value in self._found.switches.items():
            setattr(vae, switch, value)
        if self._arranged is not None:
            self.lift(pipe)
            self._found.bring_home(pipe)


@dataclass(slots=True)
class _Found:
    """How a pipeline was before anything was done to it."""

    device: torch.device
    switches: Mapping[str, bool]
    places: Mapping[str, torch.device]
    marks: Mapping[str, object]
    offload: str

    @property
    def offloaded(self) -> bool:
        """Whether networks or layers of it wait in another memory than they compute in."""
        return self.offload != _NO_OFFLOAD

    @classmethod
    def of(cls, pipe: Any) -> _Found:
        vae, networks = autoencoder(pipe), dict(_networks(pipe))
        return cls(
            device=torch.device(getattr(pipe, "_execution_device", None) or pipe.device),
            switches={name: getattr(vae, name) for name in _SWITCHES.values() if hasattr(vae, name)},
            places={name: next(network.parameters(), torch.empty(0)).device for name, network in networks.items()},
            marks={name: vars(pipe)[name] for name in _OF_OFFLOADING if name in vars(pipe)},
            offload=_offload_of(pipe, networks),
        )

    def bring_home(self, pipe: Any) -> None:
        """Bring the networks of `pipe`, which has no hooks now, to where they were."""
        for name, network in _networks(pipe):
            network.to(self.places.get(name, self.device))
        for name in _OF_OFFLOADING:
            vars(pipe).pop(name, None)
        vars(pipe).update(self.marks)


def _offload_of(pipe: Any, networks: Mapping[str, torch.nn.Module]) -> str:
    """Return in which way `pipe` was offloaded before."""
    if getattr(pipe, "hf_device_map", None) is not None:
        return "device_map"
    if any(getattr(network, "_diffusers_hook", None) is not None for network in networks.values()):
        return "group_offload"
    if any(type(getattr(network, "_hf_hook", None)).__name__ == "CpuOffload" for network in networks.values()):
        return Rung.MODEL_OFFLOAD.value
    hooked = any(hasattr(module, "_hf_hook") for network in networks.values() for module in network.modules())
    return Rung.SEQUENTIAL_OFFLOAD.value if hooked else _NO_OFFLOAD


def autoencoder(pipe: Any) -> Any:
    """Return what `pipe` encodes and decodes pictures with, without a compiler's wrapping; `None` when not known."""
    vae = getattr(pipe, "vae", None)
    return getattr(vae, "_orig_mod", vae) if isinstance(vae, torch.nn.Module) else None


def _networks(pipe: Any) -> Iterator[tuple[str, torch.nn.Module]]:
    for name, component in pipe.components.items():
        if isinstance(component, torch.nn.Module):
            yield name, component


@dataclass
class Climb:
    """One run on the ladder.

    Parameters
    ----------
    ladder : Ladder
        Of the run's model.
    pipe : diffusers.DiffusionPipeline
        Of the run's task.
    make_room : callable
        Drops other models from memory; whether there were any.
    check : callable
        Raises to stop the run.

    Attributes
    ----------
    tried : list of str
        What was done, in words.
    """

    ladder: Ladder
    pipe: Any
    make_room: Callable[[], bool]
    check: Callable[[], None]
    tried: list[str] = field(default_factory=list)
    _asked_for_room: bool = False
    _in_autoencoder: bool = False
    _aside: bool = False

    def after_a_call(self, batch: int) -> str | None:
        """Take the next rung after a call that made `batch` pictures failed; return what is different in words.

        `None` when there is none left.
        """
        rungs: tuple[Rung, ...] = _FOR_NETWORKS
        if self._in_autoencoder:  # it has been all the way up already; fewer pictures help where it has no slicing
            sliceable = hasattr(autoencoder(self.pipe), _SWITCHES[Rung.VAE_SLICING])
            rungs = () if sliceable else (Rung.SMALLER_BATCH,)
        return self._next(rungs, batch)

    @contextmanager
    def watching(self, again: Callable[[str], None]) -> Iterator[None]:
        """Repeat calls of the autoencoder that run out of memory, while the pipeline is called inside.

        Parameters
        ----------
        again : callable
            Told what is done now, such as ``decoding again, in tiles``.
        """
        self._in_autoencoder = False
        vae = autoencoder(self.pipe)
        calls = {name: getattr(vae, name) for name in ("encode", "decode") if hasattr(vae, name)}
        before = {name: vars(vae)[name] for name in calls if name in vars(vae)}
        for name, call in calls.items():
            setattr(vae, name, self._patient(vae, name, call, again))
        try:
            yield
        finally:
            for name in calls:
                delattr(vae, name)
                if name in before:
                    setattr(vae, name, before[name])

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Use the autoencoder for something that may as well fail."""
        self._aside = True
        try:
            yield
        finally:
            self._aside = False

    def _next(self, rungs: Sequence[Rung], batch: int) -> str | None:
        self.check()
        if not self._asked_for_room:
            self._asked_for_room = True
            if self.make_room():
                return self._noted("without other models in memory")
        for rung in rungs:
            if self.ladder.can(rung, self.pipe, batch):
                self.ladder.take(rung, self.pipe, batch)
                return self._noted(_in_words(rung, self.ladder.taken))
        return None

    def _noted(self, words: str) -> str:
        self.tried.append(words)
        return words

    def _patient(
        self, vae: Any, name: str, call: Callable[..., Any], again: Callable[[str], None]
    ) -> Callable[..., Any]:
        @functools.wraps(call)
        def patient(*args: Any, **named: Any) -> Any:
            given = next((value for value in (*args, *named.values()) if isinstance(value, torch.Tensor)), None)
            if self._aside or given is None:
                return call(*args, **named)
            generators = [(source, source.get_state()) for source in _generators(named)]
            while True:
                try:
                    with tiles(vae, given, encodes=name == "encode"):
                        return call(*args, **named)
                except Exception as error:
                    if not is_out_of_memory(error):
                        raise
                    let_go(error)
                    how = self._next(_FOR_AUTOENCODER, len(given))
                    if how is None:
                        self._in_autoencoder = True
                        raise
                for source, state in generators:
                    source.set_state(state)
                again(f"{name[:-1]}ing again, {how}")

        return patient


def _in_words(rung: Rung, taken: Taken) -> str:
    match rung:
        case Rung.SMALLER_BATCH:
            return f"{taken.at_once} at a time" if taken.at_once != 1 else "one at a time"
        case Rung.VAE_SLICING:
            return "one picture at a time"
        case Rung.VAE_TILING:
            return "in tiles"
        case Rung.MODEL_OFFLOAD:
            return "with one network at a time on the device"
        case Rung.SEQUENTIAL_OFFLOAD:
            return "with one layer at a time on the device"


def _generators(named: Mapping[str, Any]) -> list[torch.Generator]:
    given = named.get("generator")
    return [one for one in (given if isinstance(given, list) else [given]) if isinstance(one, torch.Generator)]


@contextmanager
def tiles(vae: Any, given: torch.Tensor, encodes: bool) -> Iterator[None]:
    """Make tiles that are smaller than the picture, when tiling is in force.

    Some autoencoders have tiles as large as the pictures they were trained with (1024 pixels with SDXL), which leaves
    those whole. The side follows from the picture alone, so that the same request has the same tiles again.

    Notes
    -----
    A multiple of 4 latents, so that a quarter of overlap, which `AutoencoderKL` has, is a whole number of them.
    """
    latent, pixels = getattr(vae, "tile_latent_min_size", None), getattr(vae, "tile_sample_min_size", None)
    quarter = getattr(vae, "tile_overlap_factor", None) == 0.25
    if not (isinstance(latent, int) and isinstance(pixels, int) and quarter and vae.use_tiling):
        yield
        return
    scale = pixels // latent
    side = max(given.shape[-2:]) // (scale if encodes else 1)
    vae.tile_latent_min_size = min(latent, 4 * math.ceil(side / 8))
    vae.tile_sample_min_size = vae.tile_latent_min_size * scale
    try:
        yield
    finally:
        vae.tile_latent_min_size, vae.tile_sample_min_size = latent, pixels
