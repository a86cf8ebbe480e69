"""Under which conditions a result came about, beside its request, and which of them are others for another result.

What engines say when they start, and what is known of each file, is one flat mapping here: ``dtype``, ``threads``,
``scheduler.beta_start``, ``weights.unet``. Only names that both sides recorded can differ; what one of them did not
record is told apart from that, for nobody knows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from immutabledict import immutabledict

from studio_kernel.domain.values import Json, Value, canonical, describe, to_json

Effect: TypeAlias = Literal["rounding", "precision", "seams", "anything"]
"""How far a condition can change pixels: by rounding in the last digits; by rounding to fewer digits; where tiles
meet; in any way."""

Conditions: TypeAlias = Mapping[str, Value]

_OUTCOMES = frozenset(
    {"peak_memory_bytes", "may_be_billed", "can_be_fetched", "problems", "passed_over", "seed", "source", "fallbacks"}
)
"""What a record keeps in the same place, and what decides nothing."""
_TILING, _SLICING, _OFFLOAD, _BATCH = "vae_tiling", "vae_slicing", "offload", "batch_size"
_WEIGHTS, _SCHEDULER = "weights", "scheduler"
_SERVICE = frozenset({"service", "offer", "endpoint", "model_version", "host", "openai", "fal_client", "httpx", _BATCH})
"""What is a condition of a run at a service: the rest of what is kept of it is the answer of the model."""
_HISTORY = ("fallbacks", "passed_over")
"""How a run came to its conditions: what was done for want of memory, and which services were passed over."""
_LABELS: Mapping[str, str] = immutabledict(
    {
        "engine": "engine",
        "service": "service",
        "offer": "offer",
        "endpoint": "endpoint",
        "model_version": "version of the model",
        "host": "host",
        "passed_over": "passed over",
        "device": "device",
        "dtype": "dtype",
        "attention": "attention",
        "threads": "threads",
        _BATCH: "batch size",
        "fallbacks": "fallbacks",
        "offload": "offload",
        _TILING: "tiling",
        _SLICING: "slicing",
        "matmul_precision": "precision of matrix products",
        "pipeline": "pipeline",
        _SCHEDULER: "scheduler",
        _WEIGHTS: "weights",
        "loras": "LoRA weights",
        "model_card": "model card",
        "studio": "studio version",
    }
)
"""Name → what it is called, in the order of tables; others, such as versions of packages, come behind."""
_EFFECTS: Mapping[str, Effect] = {
    "device": "rounding",
    "threads": "rounding",
    "attention": "rounding",
    _BATCH: "rounding",
    _OFFLOAD: "rounding",
    _SLICING: "rounding",
    "cuda": "rounding",
    "cudnn": "rounding",
    "cudnn_benchmark": "rounding",
    "dtype": "precision",
    "matmul_precision": "precision",
    _TILING: "seams",
}


@dataclass(frozen=True, slots=True)
class ConditionChange:
    """A condition that was recorded, and is another now.

    Attributes
    ----------
    name : str
        Such as ``dtype``, ``weights.unet`` or ``scheduler.beta_start``.
    recorded, now : Value
        `None` = there was, or is, no such thing.
    """

    name: str
    recorded: Value
    now: Value

    @property
    def label(self) -> str:
        """What people call it."""
        return label_of(self.name)

    @property
    def effect(self) -> Effect:
        """How far it can change pixels."""
        return _EFFECTS.get(self.name, "anything")

    @property
    def text(self) -> str:
        """It in words."""
        recorded, now = self.values_in_words
        return f"{self.label}: recorded {recorded}, now {now}"

    @property
    def values_in_words(self) -> tuple[str, str]:
        """What was recorded and what is now, as people read it."""
        return _text(self.recorded), _text(self.now)

    def to_json(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "label": self.label,
            "recorded": to_json(self.recorded),
            "now": to_json(self.now),
            "effect": self.effect,
        }


@dataclass(frozen=True, slots=True)
class ConditionChanges:
    """What differs between the conditions of two results.

    Attributes
    ----------
    differs : tuple of ConditionChange
        Recorded for both, and not the same.
    unrecorded : tuple of str
        What is known now and was not recorded then, as people call it.
    same : int
        How many are alike.
    """

    differs: tuple[ConditionChange, ...] = ()
    unrecorded: tuple[str, ...] = ()
    same: int = 0


def conditions(engine: str, environment: Mapping[str, Value]) -> Conditions:
    """Return what an engine said of a run or file, flat.

    Parameters
    ----------
    engine : str
        Its name.
    environment : mapping
        As provenance has it; empty = nothing was recorded.

    Examples
    --------
    >>> found = conditions("diffusers", {"dtype": "float32", "vae_tiling": False, "fallbacks": ("vae_tiling",)})
    >>> found["dtype"], found["vae_tiling"]
    ('float32', True)
    """
    found: dict[str, Value] = {"engine": engine}
    for name, value in environment.items():
        if _is_condition(name, value, at_service="service" in environment):
            found |= _flat(name, value)
    return immutabledict(found | _as_it_ended(environment))


def changes(recorded: Conditions, now: Conditions) -> ConditionChanges:
    """Return what is another `now`.

    Examples
    --------
    >>> [each.text for each in changes({"threads": 1}, {"threads": 2, "torch": "2"}).differs]
    ['threads: recorded 1, now 2']
    """
    names = compared([recorded, now])
    known = [name for name in names if name in recorded]
    differs = [name for name in known if _key(recorded[name]) != _key(now.get(name))]
    if _SCHEDULER in differs:  # another class has other options
        differs = [name for name in differs if not name.startswith(f"{_SCHEDULER}.")]
    wholes = {name.partition(".")[0] for name in names if name not in recorded}
    unrecorded = sorted(whole for whole in wholes if not _was_recorded(whole, recorded))
    told = tuple(ConditionChange(name, recorded[name], now.get(name)) for name in differs)
    return ConditionChanges(told, tuple(map(label_of, unrecorded)), len(known) - len(differs))


def compared(sides: Sequence[Conditions]) -> list[str]:
    """Return the names that say something: no digest of a whole whose parts are known on every side."""
    everywhere = frozenset.intersection(*(frozenset(side) for side in sides)) if sides else frozenset()
    has_parts = any(name.startswith(f"{_WEIGHTS}.") for name in everywhere)
    has_config = any(name.startswith(f"{_SCHEDULER}.") for name in everywhere)
    dropped = ({_WEIGHTS} if has_parts else set()) | ({f"{_WEIGHTS}.{_SCHEDULER}"} if has_config else set())
    return sorted({name for side in sides for name in side} - dropped)


def made_with(engine: str, environment: Mapping[str, Value]) -> Conditions:
    """Return the conditions of a run, and how it came to them: for people who look at several runs."""
    history = {name: environment[name] for name in _HISTORY if environment.get(name)}
    return immutabledict({**conditions(engine, environment), **history})


def titles_of(names: Iterable[str]) -> dict[str, str]:
    """Return what conditions are called in a table, in its order."""
    order = {name: place for place, name in enumerate(_LABELS)}
    rows = sorted(names, key=lambda name: (order.get(name.partition(".")[0], len(order)), name))
    return {name: label[:1].upper() + label[1:] for name in rows for label in [label_of(name)]}


def _was_recorded(whole: str, recorded: Conditions) -> bool:
    """Whether something of it was recorded: parts that it has only now are other options, or in the whole's digest."""
    return any(name.partition(".")[0] == whole for name in recorded)


def label_of(name: str) -> str:
    """Return what people call a condition."""
    first, _, rest = name.partition(".")
    label = _LABELS.get(first, first.replace("_", " "))
    if not rest:
        return label
    return f"{label} of {rest.replace('_', ' ')}" if first == _WEIGHTS else f"{label} {rest}"


def _flat(name: str, value: Value) -> dict[str, Value]:
    if name == "weights_sha256":
        return {_WEIGHTS: str(value)[:16]}
    if not isinstance(value, Mapping):
        return {name: value}
    if name == _SCHEDULER:
        options = value.get("changes")
        return {name: value.get("class"), **(_parts(name, options) if isinstance(options, Mapping) else {})}
    return _parts(_SCHEDULER if name == "scheduler_config" else name, value)


def _parts(name: str, values: Mapping[str, Value]) -> dict[str, Value]:
    return {f"{name}.{part}": value for part, value in values.items()}


def _as_it_ended(environment: Mapping[str, Value]) -> dict[str, Value]:
    """Return how the result came about in the end: what was done for want of memory counts as if it had always been."""
    fallbacks = environment.get("fallbacks")
    taken = set(fallbacks) if isinstance(fallbacks, tuple) else set()
    ended: dict[str, Value] = {name: True for name in (_TILING, _SLICING) if name in taken}
    for offload in ("model", "sequential"):
        if f"{offload}_offload" in taken:
            ended[_OFFLOAD] = offload
    if environment and _BATCH not in environment and "service" not in environment:
        ended[_BATCH] = 1  # only larger ones are written down
    return ended


def _is_condition(name: str, value: Value, *, at_service: bool) -> bool:
    if at_service:
        return name in _SERVICE
    is_timing = name.endswith("_s") and isinstance(value, (int, float))
    return name not in _OUTCOMES and not is_timing


def _key(value: Value) -> str:
    return canonical(to_json(value))


def _text(value: Value) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "on" if value else "off"
    return describe(value)
