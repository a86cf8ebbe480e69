"""The caching allocator's rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_kernel.estimates.vram.allocator import Event, replay

MIB = 2**20


@pytest.mark.parametrize(
    ("size", "segment"),
    [(512, 2 * MIB), (MIB, 2 * MIB), (2 * MIB, 20 * MIB), (11 * MIB, 12 * MIB), (64 * MIB, 64 * MIB)],
)
def test_a_request_reserves_a_segment_of_its_class(size: int, segment: int) -> None:
    assert replay([Event(size, "a")]).reserved_bytes == segment


def test_a_block_that_was_freed_is_used_again() -> None:
    events = [Event(64 * MIB, "a"), Event(0, "a"), Event(64 * MIB, "b")]
    arena = replay(events)
    assert (arena.reserved_bytes, arena.allocated_bytes) == (64 * MIB, 64 * MIB)


def test_the_rest_of_a_block_is_free_for_others() -> None:
    events = [Event(64 * MIB, "a"), Event(0, "a"), Event(32 * MIB, "b"), Event(32 * MIB, "c")]
    assert replay(events).reserved_bytes == 64 * MIB


def test_free_neighbours_are_joined() -> None:
    halves = [Event(64 * MIB, "a"), Event(0, "a"), Event(32 * MIB, "b"), Event(32 * MIB, "c")]
    again = [Event(0, "b"), Event(0, "c"), Event(64 * MIB, "d")]
    assert replay([*halves, *again]).reserved_bytes == 64 * MIB


def test_what_was_taken_by_a_small_block_is_missing_for_a_large_one() -> None:
    events = [Event(64 * MIB, "a"), Event(0, "a"), Event(32 * MIB, "b"), Event(64 * MIB, "c")]
    assert replay(events).reserved_bytes == 128 * MIB


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 40_000)), max_size=60))
def test_no_byte_is_lost_or_held_twice(steps: list[tuple[int, int]]) -> None:
    events, used = [], dict[int, int]()
    for key, blocks in steps:
        if key in used:
            del used[key]
            events.append(Event(0, key))
        else:
            used[key] = 512 * blocks
            events.append(Event(512 * blocks, key))
    arena = replay(events)
    assert sum(used.values()) <= arena.allocated_bytes <= arena.peak_allocated_bytes <= arena.reserved_bytes
    emptied = replay([*events, *(Event(0, key) for key in used)])
    assert emptied.allocated_bytes == 0
