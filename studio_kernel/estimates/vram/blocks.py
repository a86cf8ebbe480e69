"""Running equal blocks of a network once.

Networks are stacks of equal blocks, and tiles and time slices of an autoencoder are equal calls. Each distinct call –
the same structure, the same kinds of arguments – is run the first time and replayed afterwards: its height above what
is live, its floating-point operations, and results that share storage with the arguments as the real ones did. The
peaks stay the same and a trace takes a fraction of the time.

Lists among the arguments are taken for state that the block changes (Wan's cache of time slices); what they hold
afterwards is replayed too. A call with an argument of an unknown kind is not replayed.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch.utils import _pytree as pytree

from studio_kernel.estimates.vram.tracker import Height, Tracker

_PLAIN = (int, float, str, bool, type(None), torch.dtype, torch.device, torch.memory_format)
_Signature: TypeAlias = tuple[object, ...]


class _UnknownKindError(Exception):
    """An argument, or a result, of which nothing is known."""


@dataclass(frozen=True, slots=True)
class _Constant:
    """A result that is no tensor."""

    value: object


@dataclass(frozen=True, slots=True)
class _View:
    """A result that is a tensor.

    Attributes
    ----------
    argument : int or None
        Whose storage it shares, by number; `None` = a new one.
    storage : int
        Which new one: results with the same share it.
    storage_bytes : int
        Its size.
    """

    argument: int | None
    storage: int
    storage_bytes: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    dtype: torch.dtype


_Plan: TypeAlias = list[_Constant | _View]


@dataclass(frozen=True, slots=True)
class _Replay:
    """What a call did."""

    height: Height
    flops: int
    result: _Plan
    tree: Any
    lists: list[_Plan]


class BlockMemo:
    """The distinct calls of all blocks so far.

    Parameters
    ----------
    tracker : Tracker
        Whose figures are replayed.
    """

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._replays: dict[_Signature, _Replay] = {}

    def remember(self, module: torch.nn.Module, structure: int) -> None:
        """Let `module`, and all others of the same structure, run each distinct call once."""
        run = module.forward

        def forward(*args: Any, **named: Any) -> Any:
            return self._call(run, structure, args, named)

        module.forward = forward

    def _call(self, run: Callable[..., Any], structure: int, args: Any, named: Any) -> Any:
        try:
            signature = (structure, self._tracker.block_bytes, _signature((args, named), {}))
        except _UnknownKindError:
            return run(*args, **named)
        found = self._replays.get(signature)
        if found is not None:
            return self._replayed(found, args, named)
        return self._run(run, signature, args, named)

    def _replayed(self, found: _Replay, args: Any, named: Any) -> Any:
        tracker, base, height = self._tracker, self._tracker.live_bytes, found.height
        outer = tracker.begin()
        given, made = _all_tensors((args, named)), dict[int, torch.Tensor]()
        result = pytree.tree_unflatten(_built(found.result, given, made), found.tree)
        for changed, plan in zip(_lists((args, named)), found.lists, strict=True):
            changed[:] = _built(plan, given, made)
        tracker.height, tracker.operation = outer.height, outer.operation  # how high it was is known better
        tracker.height.raise_to(Height(base + height.plain, base + height.leaf, base + height.block))
        tracker.flops += found.flops
        return result

    def _run(self, run: Callable[..., Any], signature: _Signature, args: Any, named: Any) -> Any:
        tracker, base, flops = self._tracker, self._tracker.live_bytes, self._tracker.flops
        lists, arguments = _lists((args, named)), _Arguments(_all_tensors((args, named)))
        outer = tracker.begin()
        try:
            result = run(*args, **named)
        finally:
            height = tracker.end(outer, base)
        leaves, tree = pytree.tree_flatten(result)
        try:
            plans = [arguments.plan(leaves), *(arguments.plan(changed) for changed in lists)]
        except _UnknownKindError:
            return result
        self._replays[signature] = _Replay(height, tracker.flops - flops, plans[0], tree, plans[1:])
        return result


class _Arguments:
    """The storages of a call's tensors, by number, without keeping them alive: code frees what it got, too."""

    def __init__(self, tensors: list[torch.Tensor]) -> None:
        self._places: dict[int, tuple[int, weakref.ref[Any]]] = {}
        for number, tensor in enumerate(tensors):
            storage = tensor.untyped_storage()
            self._places.setdefault(storage._cdata, (number, weakref.ref(storage)))

    def plan(self, values: Iterable[object]) -> _Plan:
        """Return how to make values such as these out of other arguments."""
        return [self._described(value) for value in values]

    def _described(self, value: object) -> _Constant | _View:
        if isinstance(value, torch.Tensor):
            storage = value.untyped_storage()
            number, known = self._places.get(storage._cdata, (None, None))
            is_given = known is not None and known() is not None
            return _View(
                number if is_given else None,
                storage._cdata,
                storage.nbytes(),
                tuple(value.shape),
                value.stride(),
                int(value.storage_offset()),
                value.dtype,
            )
        if isinstance(value, _PLAIN):
            return _Constant(value)
        raise _UnknownKindError


def structure_of(module: torch.nn.Module, children: tuple[int, ...]) -> int:
    """Return a number that is the same for modules which allocate the same: class, settings, sizes, children."""
    own = [*module._parameters.values(), *module._buffers.values()]
    sizes = tuple((tuple(tensor.shape), tensor.dtype) for tensor in own if tensor is not None)
    return hash((type(module).__name__, module.extra_repr(), sizes, children))


def _signature(value: Any, storages: dict[int, int]) -> object:
    """Return what a call's cost depends on: shapes, and which tensors share a storage, not contents."""
    if isinstance(value, torch.Tensor):
        number = storages.setdefault(value.untyped_storage()._cdata, len(storages))
        return tuple(value.shape), value.dtype, value.stride(), number
    if isinstance(value, (tuple, list)):
        return type(value).__name__, *(_signature(item, storages) for item in value)
    if isinstance(value, dict):
        return tuple((name, _signature(item, storages)) for name, item in value.items())
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, torch.nn.Module) or callable(value):
        return id(value)
    raise _UnknownKindError


def _all_tensors(value: Any) -> list[torch.Tensor]:
    return [leaf for leaf in pytree.tree_leaves(value) if isinstance(leaf, torch.Tensor)]


def _lists(value: Any) -> list[list[Any]]:
    """Return all lists among the arguments, in their order."""
    found = [value] if isinstance(value, list) else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [*found, *(one for item in inner for one in _lists(item))]


def _built(plan: _Plan, given: list[torch.Tensor], made: dict[int, torch.Tensor]) -> list[Any]:
    return [part.value if isinstance(part, _Constant) else _viewed(part, given, made) for part in plan]


def _viewed(part: _View, given: list[torch.Tensor], made: dict[int, torch.Tensor]) -> torch.Tensor:
    if part.argument is not None:
        storage = given[part.argument]
    else:
        if part.storage not in made:
            length = part.storage_bytes // part.dtype.itemsize
            made[part.storage] = torch.empty(length, dtype=part.dtype, device="meta")
        storage = made[part.storage]
    return storage.as_strided(part.shape, part.stride, part.offset)
