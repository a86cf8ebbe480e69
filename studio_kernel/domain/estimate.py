"""What is known of a run before it is made: memory, time and money, each with where the number comes from.

Pure values; `studio_kernel.estimates` finds them. The idea to know: no number without its basis and its confidence,
and a number that nobody knows is `None` with a reason, never a guess that looks like one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Literal

from studio_kernel.domain.values import Json

MANY_IMAGES = 400
"""More pictures than that at once are warned of: a slip of a finger costs hours, or money."""


class Confidence(StrEnum):
    """How far a number can be trusted, best first."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @classmethod
    def lowest(cls, *these: Confidence) -> Confidence:
        """Return the least of some; high when there are none."""
        return max(these, key=list(cls).index, default=cls.HIGH)


class MemoryBasis(StrEnum):
    """Where a memory figure comes from."""

    DRY_RUN = "dry run"
    """The pipeline's own code was run without weights and every allocation counted."""
    FORMULA = "formula"
    """A rule of thumb over the size of the files, for models whose code cannot be run without weights."""


class TimeBasis(StrEnum):
    """Where a duration comes from."""

    LEARNT = "learnt"
    """From runs of this kind in this home."""
    SCALED = "scaled"
    """From runs of the same model and device with other sizes."""
    PRIOR = "prior"
    """From the amount of computing and the speed of the device, or for a service from the kind of its result."""


class CostBasis(StrEnum):
    """Where an amount of money comes from."""

    LOCAL = "local"
    """It runs here, and nobody charges for it."""
    PRICE_LIST = "price list"
    """The catalog's price for exactly these values."""
    ASSUMED = "assumed"
    """The catalog's price for an amount that the request does not say, such as the length of a clip."""
    UNKNOWN = "unknown"
    """The catalog has no price."""


Offload = Literal["none", "model", "sequential", "block"]
Attention = Literal["fused", "math"]
DeviceKind = Literal["cuda", "mps", "cpu"]
Verdict = Literal["fits", "tight", "does not fit"]


@dataclass(frozen=True, slots=True)
class Setup:
    """How a model is held and computed: what decides its memory beside the request.

    Attributes
    ----------
    device : {"cuda", "mps", "cpu"} or None
        `None` = the one that local engines use here. AMD's cards are ``cuda`` too, as in torch.
    dtype : str
        Such as ``float16``; empty = what is usual on the device.
    quantisation : str
        Of the largest networks, such as ``nf4``, ``int8``, ``fp8`` or ``Q4_K``; empty = as the files have it.
    offload : {"none", "model", "sequential", "block"}
        What waits in the main memory: nothing; networks, one on the device at a time; single layers; blocks of layers.
    vae_tiling, vae_slicing : bool
        Whether the autoencoder takes overlapping tiles, and one picture at a time.
    attention : {"fused", "math"}
        Whether attention writes its scores to memory.
    """

    device: DeviceKind | None = None
    dtype: str = ""
    quantisation: str = ""
    offload: Offload = "none"
    vae_tiling: bool = False
    vae_slicing: bool = False
    attention: Attention = "fused"


@dataclass(frozen=True, slots=True)
class StageMemory:
    """The peak of one stage of a run.

    Attributes
    ----------
    name : str
        ``text encoding``, ``encoding``, ``denoising`` or ``decoding``.
    component : str
        The pipeline's name of the network, such as ``vae``.
    vram_bytes : int
        Highest allocation while it works, everything that is resident included.
    operation : str
        Where it is reached, such as ``convolution``.
    """

    name: str
    component: str
    vram_bytes: int
    operation: str = ""


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """The memory of a device now, in bytes.

    Attributes
    ----------
    kind : {"cuda", "mps", "cpu"}
        As in `Setup`.
    name : str
        Such as ``NVIDIA GeForce RTX 4090``.
    total_bytes : int
        What it has.
    free_bytes : int
        What nobody uses now.
    own_bytes : int
        What models hold that this home keeps loaded, and that would leave for another one.
    dtype : str
        The precision in which models are computed there, such as ``bfloat16``.
    """

    kind: DeviceKind
    name: str
    total_bytes: int
    free_bytes: int
    own_bytes: int = 0
    dtype: str = "float32"

    @property
    def available_bytes(self) -> int:
        """What a run of this home could take."""
        return min(self.total_bytes, self.free_bytes + self.own_bytes)


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing that would lower the memory of a run.

    Attributes
    ----------
    setup : Setup
        With it.
    words : str
        What to do, for people.
    vram_bytes : int
        What it would take then.
    verdict : {"fits", "tight", "does not fit"}
        Whether that suffices.
    time_factor : float or None
        How many times longer a run takes; `None` = not known.
    source : str
        Where the factor was read.
    """

    setup: Setup
    words: str
    vram_bytes: int
    verdict: Verdict
    time_factor: float | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a run fits the memory of a device, and what could be done.

    Attributes
    ----------
    verdict : {"fits", "tight", "does not fit"}
        Tight = only because the allocator gives blocks back that it would rather keep for later.
    device : DeviceMemory
        Which one.
    largest_batch : int or None
        The most pictures in one call that fit; 0 = not even one; `None` = not known.
    advice : tuple of Advice
        In the order of least harm; empty when it fits.
    """

    verdict: Verdict
    device: DeviceMemory
    largest_batch: int | None = None
    advice: tuple[Advice, ...] = ()


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """How much device memory a run takes.

    Attributes
    ----------
    vram_bytes : int
        Highest sum of allocations, what ``torch.cuda.max_memory_allocated`` reports.
    device_bytes : int
        What the device shows as used: with the allocator's blocks and the driver's context.
    weights : mapping
        Component → bytes of its weights.
    stages : tuple of StageMemory
        In the order of the run.
    setup : Setup
        For which this holds, complete.
    fit : Fit or None
        Against the device here; `None` for a device that is not here.
    """

    vram_bytes: int
    device_bytes: int
    weights: Mapping[str, int]
    stages: tuple[StageMemory, ...]
    setup: Setup
    basis: MemoryBasis
    confidence: Confidence
    fit: Fit | None = None
    warnings: tuple[str, ...] = ()

    @property
    def limiting(self) -> StageMemory | None:
        """The stage that needs most."""
        return max(self.stages, key=lambda stage: stage.vram_bytes, default=None)


@dataclass(frozen=True, slots=True)
class TimeEstimate:
    """How long a run takes.

    Attributes
    ----------
    seconds : float
        Median of the work itself.
    low_s, high_s : float
        Four of five runs end between them.
    wait_s : float
        Median of the time in the queue before it.
    loading_s : float
        What it takes longer when the model is not in memory yet, as far as it was learnt.
    runs : int
        How many runs it was learnt from.
    """

    seconds: float
    low_s: float
    high_s: float
    basis: TimeBasis
    confidence: Confidence
    wait_s: float = 0.0
    loading_s: float = 0.0
    runs: int = 0


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """What a run costs.

    Attributes
    ----------
    cost_usd : float or None
        US dollars; 0 where nobody charges; `None` = the catalog has no price.
    unit : str
        What is counted, such as ``megapixel``.
    units : float
        How many of it.
    as_of : str
        When the price was read, as far as known: ``2026-03``.
    source : str
        Where.
    note : str
        What else there is to know, or why there is no price.
    """

    cost_usd: float | None
    basis: CostBasis
    confidence: Confidence
    unit: str = ""
    units: float = 0.0
    as_of: str = ""
    source: str = ""
    note: str = ""

    @property
    def is_known(self) -> bool:
        """Whether there is an amount."""
        return self.cost_usd is not None


FREE = CostEstimate(0.0, CostBasis.LOCAL, Confidence.HIGH)


@dataclass(frozen=True, slots=True, repr=False)
class Estimate:
    """What a run would take, before it is made.

    Attributes
    ----------
    memory : MemoryEstimate or None
        `None` where it needs no device here.
    time : TimeEstimate or None
        `None` where nothing at all is known.
    cost : CostEstimate
        Also where it is nothing.
    images : int
        Pictures (clips, sounds) that it makes.
    warnings : tuple of str
        What to look at before pressing the button.
    """

    memory: MemoryEstimate | None
    time: TimeEstimate | None
    cost: CostEstimate = FREE
    images: int = 1
    warnings: tuple[str, ...] = field(default=())

    @property
    def vram_bytes(self) -> int | None:
        """Highest device memory; `None` where it needs no device here."""
        return self.memory.vram_bytes if self.memory else None

    @property
    def seconds(self) -> float | None:
        """Median duration of the work; `None` when nothing is known."""
        return self.time.seconds if self.time else None

    @property
    def cost_usd(self) -> float | None:
        """What it costs; `None` when there is no price."""
        return self.cost.cost_usd

    @property
    def basis(self) -> str:
        """Where the memory figure comes from; where none is needed here, where the price does."""
        return str(self.memory.basis if self.memory else self.cost.basis)

    @property
    def confidence(self) -> Confidence:
        """The least of its parts."""
        return Confidence.lowest(*(part.confidence for part in (self.memory, self.time, self.cost) if part is not None))

    def __repr__(self) -> str:
        from studio_kernel.domain import words  # it is about the types of this module

        lines = words.lines(self)
        width = max(map(len, lines), default=0)
        return "\n".join(["Estimate", *(f"  {name:<{width}}  {text}" for name, text in lines.items())])

    def to_json(self) -> dict[str, Json]:
        """Return the estimate as JSON."""
        data: dict[str, Json] = {
            "vram_bytes": self.vram_bytes,
            "seconds": self.seconds,
            "cost_usd": self.cost_usd,
            "images": self.images,
            "basis": self.basis,
            "confidence": str(self.confidence),
            "warnings": list(self.warnings),
            "memory": _plain(self.memory),
            "time": _plain(self.time),
            "cost": _plain(self.cost),
        }
        return data


def _plain(part: MemoryEstimate | TimeEstimate | CostEstimate | None) -> Json:
    return _jsonable(asdict(part)) if part is not None else None


def _jsonable(value: object) -> Json:
    if isinstance(value, Mapping):
        return {str(name): _jsonable(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)
