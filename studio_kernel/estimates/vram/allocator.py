"""What the caching allocator of torch holds for a sequence of allocations: more than is allocated, in blocks.

`max_memory_reserved`, and what the driver shows as used, count whole segments. `replay` makes the allocations of a
dry run by the allocator's own rules.

Notes
-----
Rules after ``c10/cuda/CUDACachingAllocator.cpp``: sizes are multiples of 512 bytes; requests up to 1 MiB come from
segments of 2 MiB, those below 10 MiB from segments of 20 MiB, larger ones have a segment of their own, a multiple of
2 MiB; the smallest free block that suffices is taken; a block is split when at least 512 bytes (small pool) or more
than 1 MiB (large pool) would be left; free neighbours are joined.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

_MIB = 2**20
_SMALL = _MIB
_SMALL_SEGMENT = 2 * _MIB
_LARGE_SEGMENT = 20 * _MIB
_OWN_SEGMENT_FROM = 10 * _MIB
_SEGMENT_STEP = 2 * _MIB
_SMALLEST_REST = 512


class Event(NamedTuple):
    """An allocation of so many bytes, or, of none, the end of the one with that key."""

    size: int
    key: object


class _Free(NamedTuple):
    """A free block; in the order in which they are taken."""

    size: int
    segment: int
    offset: int


@dataclass(slots=True)
class _Block:
    """A block at work or free, and its neighbours in the segment."""

    size: int
    segment: int
    offset: int
    is_small: bool
    is_free: bool = False
    before: _Block | None = None
    after: _Block | None = None

    @property
    def place(self) -> _Free:
        return _Free(self.size, self.segment, self.offset)


class Arena:
    """The blocks of one device.

    Attributes
    ----------
    reserved_bytes, allocated_bytes : int
        Held from the driver, and in use, now; nothing is ever given back.
    peak_allocated_bytes : int
        The most in use so far.
    """

    def __init__(self) -> None:
        self.reserved_bytes = self.allocated_bytes = self.peak_allocated_bytes = 0
        self._segments = 0
        self._free: dict[bool, list[_Free]] = {True: [], False: []}
        self._at: dict[tuple[int, int], _Block] = {}
        self._used: dict[object, _Block] = {}

    def allocate(self, size: int, key: object) -> None:
        """Take `size` bytes, a multiple of 512."""
        block = self._found(size) or self._new_segment(size)
        self._split(block, size)
        self._used[key] = block
        self.allocated_bytes += block.size
        self.peak_allocated_bytes = max(self.peak_allocated_bytes, self.allocated_bytes)

    def free(self, key: object) -> None:
        """Give back what was taken under `key`; nothing when there is nothing."""
        block = self._used.pop(key, None)
        if block is None:
            return
        self.allocated_bytes -= block.size
        if block.before is not None and block.before.is_free:
            block = self._joined(block.before, block)
        if block.after is not None and block.after.is_free:
            block = self._joined(block, block.after)
        self._release(block)

    def _found(self, size: int) -> _Block | None:
        pool = self._free[size <= _SMALL]
        index = bisect.bisect_left(pool, _Free(size, -1, -1))
        if index == len(pool):
            return None
        _, segment, offset = pool.pop(index)
        block = self._at[segment, offset]
        block.is_free = False
        return block

    def _new_segment(self, size: int) -> _Block:
        segment_size = _segment_size(size)
        self._segments += 1
        self.reserved_bytes += segment_size
        block = _Block(segment_size, self._segments, 0, size <= _SMALL)
        self._at[block.segment, 0] = block
        return block

    def _split(self, block: _Block, size: int) -> None:
        rest = block.size - size
        if not (rest >= _SMALLEST_REST if block.is_small else rest > _SMALL):
            return
        second = _Block(rest, block.segment, block.offset + size, block.is_small, before=block, after=block.after)
        if block.after is not None:
            block.after.before = second
        block.after, block.size = second, size
        self._at[second.segment, second.offset] = second
        self._release(second)

    def _joined(self, first: _Block, second: _Block) -> _Block:
        for block in (first, second):
            if block.is_free:
                self._free[block.is_small].remove(block.place)
        del self._at[second.segment, second.offset]
        first.size += second.size
        first.after = second.after
        if second.after is not None:
            second.after.before = first
        first.is_free = False
        return first

    def _release(self, block: _Block) -> None:
        block.is_free = True
        bisect.insort(self._free[block.is_small], block.place)


def replay(events: Iterable[Event]) -> Arena:
    """Return the arena after all of `events`."""
    arena = Arena()
    for size, key in events:
        if size:
            arena.allocate(size, key)
        else:
            arena.free(key)
    return arena


def _segment_size(size: int) -> int:
    if size <= _SMALL:
        return _SMALL_SEGMENT
    return _LARGE_SEGMENT if size < _OWN_SEGMENT_FROM else -(-size // _SEGMENT_STEP) * _SEGMENT_STEP
