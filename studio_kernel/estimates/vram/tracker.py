"""Following the life of every tensor while code runs on tensors without contents.

A `Tracker` is a dispatch mode: each operation that torch dispatches passes through it, and each storage that comes out
is counted until the last reference to it is gone. What is live then, and the scratch of the operation at work, is the
memory that the same code takes on a device. Floating-point operations are counted on the way.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from studio_kernel.estimates.vram.allocator import Event
from studio_kernel.estimates.vram.kernels import Kernels

_ATEN = torch.ops.aten
_COPY = _ATEN._to_copy.default
_READ = _ATEN._local_scalar_dense.default
_CONVOLUTION = _ATEN.convolution.default
_MATRIX_PRODUCTS = {
    _ATEN.mm.default: (0, 1),
    _ATEN.bmm.default: (0, 1),
    _ATEN.addmm.default: (1, 2),
    _ATEN.baddbmm.default: (1, 2),
}
"""Which operands are multiplied."""
_IN_WORDS = {"new_empty": "linear", "addmm": "linear", "mm": "linear", "_to_copy": "conversion", "bmm": "product"}
"""Names of operations for people; `operators` makes the results of linear layers with ``new_empty``."""
HALF = (torch.float16, torch.bfloat16)
_WIDE_WINDOW = 3
_LARGE = 2**31
"""From so many elements on cuDNN may choose kernels with far more scratch (pytorch #136479, #132300)."""


@dataclass(slots=True)
class Height:
    """The highest memory of a span of operations, in bytes.

    Attributes
    ----------
    plain : int
        Live tensors and scratch.
    leaf, block : int
        With the weights of the layer, or the block, at work on top.
    """

    plain: int = 0
    leaf: int = 0
    block: int = 0

    def raise_to(self, other: Height) -> None:
        """Become the higher of both, each for itself."""
        self.plain = max(self.plain, other.plain)
        self.leaf = max(self.leaf, other.leaf)
        self.block = max(self.block, other.block)

    def over(self, base: int) -> Height:
        """Return it as seen from `base`."""
        return Height(self.plain - base, self.leaf - base, self.block - base)


class _Storage(weakref.ref[Any]):
    """A storage that is counted, without keeping it alive."""

    __slots__ = ("key", "size")

    key: int
    size: int


@dataclass(slots=True)
class Span:
    """What was in force when a span of operations began."""

    height: Height
    operation: str
    flops: int


class Tracker(TorchDispatchMode):  # type: ignore[no-untyped-call]  # of torch
    """Counts live tensors.

    Parameters
    ----------
    kernels : Kernels
        For whose scratch is counted.
    records : bool
        Whether the sequence of allocations is kept, for `allocator.replay`.

    Attributes
    ----------
    live_bytes : int
        Of all storages that are counted now.
    height : Height
        Since the last `begin`.
    operation : str
        Where `height` was reached.
    leaf_bytes, block_bytes : int
        Weights of the layer and the block at work.
    dequantised_bytes : int
        Most that a linear layer of the component at work writes to compute with quantised weights; 0 = none.
    operations, flops : int
        How many so far.
    flags : set of str
        What may make the figures wrong, in words.
    """

    def __init__(self, kernels: Kernels, records: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kernels = kernels
        self.live_bytes = 0
        self.height = Height()
        self.operation = ""
        self.leaf_bytes = self.block_bytes = self.dequantised_bytes = 0
        self.operations = self.flops = 0
        self.flags: set[str] = set()
        self.events: list[Event] | None = [] if records else None
        self._storages: dict[int, _Storage] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operation and count what it makes."""
        result = _answered(func, args, kwargs or {})
        self.operations += 1
        if sum(map(self.count, _tensors(result))):
            name = func.__name__.split(".")[0]
            self.note(self._scratch(func, args, result), _IN_WORDS.get(name, name))
        self.flops += _flops(func, args, result)
        return result

    def count(self, tensor: torch.Tensor, size: int | None = None) -> int:
        """Count the storage of `tensor` from now on, as `size` bytes if given; return what it adds."""
        storage = tensor.untyped_storage()
        if storage._cdata in self._storages:
            return 0
        size = _rounded(storage.nbytes() if size is None else size, self.kernels.rounding_bytes)
        if size:
            self._watch(storage, size)
            self.live_bytes += size
            self._record(size, storage._cdata)
        return size

    def disregard(self, tensors: Iterable[torch.Tensor]) -> None:
        """Count these no longer, nor from now on: weights, and what is counted elsewhere."""
        for tensor in tensors:
            storage = tensor.untyped_storage()
            known = self._storages.get(storage._cdata)
            if known is None:
                self._watch(storage, 0)
            else:
                self.live_bytes -= known.size
                known.size = 0

    def note(self, scratch: int = 0, operation: str = "") -> None:
        """Note the memory of this moment, with so much scratch."""
        now = self.live_bytes + scratch
        if now > self.height.plain:
            self.height.plain, self.operation = now, operation
        self.height.leaf = max(self.height.leaf, now + self.leaf_bytes)
        self.height.block = max(self.height.block, now + self.block_bytes)
        if scratch and self.events is not None:
            key = -len(self.events) - 1
            self.events += [Event(scratch, key), Event(0, key)]

    def begin(self) -> Span:
        """Begin a span inside the one at work; end it with `end`."""
        outer = Span(self.height, self.operation, self.flops)
        self.height = Height(self.live_bytes, self.live_bytes, self.live_bytes)
        self.operation = ""
        return outer

    def end(self, outer: Span, base: int) -> Height:
        """End a span and return how high it was above `base`."""
        inner = self.height
        if inner.plain < outer.height.plain:
            self.operation = outer.operation
        self.height = outer.height
        self.height.raise_to(inner)
        return inner.over(base)

    def _watch(self, storage: Any, size: int) -> None:
        watched = _Storage(storage, self._forget)
        self._storages[storage._cdata] = watched
        watched.key, watched.size = storage._cdata, size

    def _forget(self, gone: _Storage) -> None:
        if self._storages.get(gone.key) is gone:  # not another storage that came to the same place
            del self._storages[gone.key]
            self.live_bytes -= gone.size
            if gone.size:
                self._record(0, gone.key)

    def _record(self, size: int, key: int) -> None:
        if self.events is not None:
            self.events.append(Event(size, key))

    def _scratch(self, func: Any, args: tuple[Any, ...], result: Any) -> int:
        if func is not _CONVOLUTION:
            return 0
        given, weights = args[0], args[1]
        if self.kernels.device == "cuda" and max(given.numel(), result.numel()) >= _LARGE:
            self.flags.add("a convolution over more than 2^31 elements, for which cuDNN may take far more memory")
        if given.dtype not in HALF:
            if _writes_columns(self.kernels.columns_below, given, weights):
                return _column_bytes(weights, result)
            return self.kernels.full_convolution.bytes_of(given.nbytes, result.nbytes, weights.nbytes)
        if _is_channels_last(given):
            return 0
        return self.kernels.half_convolution.bytes_of(given.nbytes, result.nbytes, weights.nbytes)


def product_flops(rows: int, inner: int, columns: int) -> int:
    """Return the operations of a product of matrices: a multiplication and an addition for each element and term."""
    return 2 * rows * inner * columns


def _answered(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the result of an operation; one that asks for contents gets what makes the code go on."""
    first = args[0] if args else None
    if not isinstance(first, torch.Tensor) or first.device.type != "meta":
        return func(*args, **kwargs)
    if func is _READ:
        return _read(first)
    if func is _COPY and torch.device(kwargs.get("device") or "meta").type != "meta":
        return torch.zeros(first.shape, dtype=kwargs.get("dtype") or first.dtype)  # a buffer that a pipeline looks at
    return func(*args, **kwargs)


def _read(tensor: torch.Tensor) -> bool | int | float:
    """Return a value for a tensor without contents: the branch of no, and sizes of one."""
    if tensor.dtype == torch.bool:
        return False
    return 1.0 if tensor.is_floating_point() else 1


def _tensors(result: Any) -> list[torch.Tensor]:
    several = result if isinstance(result, (tuple, list)) else (result,)
    return [item for item in several if isinstance(item, torch.Tensor)]


def _flops(func: Callable[..., Any], args: tuple[Any, ...], result: Any) -> int:
    if func in _MATRIX_PRODUCTS:
        left, right = (args[place] for place in _MATRIX_PRODUCTS[func])
        return product_flops(math.prod(left.shape[:-1]), left.shape[-1], right.shape[-1])
    if func is _CONVOLUTION:
        each = args[0] if args[6] else result  # a transposed one spreads every value of its input
        return int(2 * math.prod(args[1].shape[1:]) * each.numel())
    return 0


def _writes_columns(below: int, given: torch.Tensor, weights: torch.Tensor) -> bool:
    """Whether torch computes a convolution by itself, not by oneDNN."""
    is_grouped = weights.shape[1] != given.shape[1]
    has_wide_windows = min(weights.shape[-2:]) > _WIDE_WINDOW
    return given.shape[0] == 1 and not is_grouped and not has_wide_windows and math.prod(given.shape[:4]) <= below


def _column_bytes(weights: torch.Tensor, result: torch.Tensor) -> int:
    """Return the size of all windows of a convolution, written side by side; a window of one element is not written."""
    window = math.prod(weights.shape[2:])
    return math.prod(result.shape[2:]) * weights.shape[1] * window * weights.itemsize if window > 1 else 0


def _is_channels_last(tensor: torch.Tensor) -> bool:
    return tensor.dim() == 4 and tensor.shape[1] > 1 and tensor.is_contiguous(memory_format=torch.channels_last)


def _rounded(size: int, step: int) -> int:
    return -(-size // step) * step
