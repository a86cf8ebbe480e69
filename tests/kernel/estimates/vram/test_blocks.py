"""Running equal blocks once, and what stays as if each had run."""

from typing import Any

import pytest
import torch

from studio_kernel.estimates.vram.blocks import BlockMemo, structure_of
from studio_kernel.estimates.vram.kernels import CUDA
from studio_kernel.estimates.vram.tracker import Tracker


class Block(torch.nn.Module):
    """Keeps its input in a list, at a place that it moves on, as Wan's autoencoder does."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[int] = []

    def forward(self, given: torch.Tensor, kept: list[Any], place: list[int]) -> torch.Tensor:
        self.runs.append(1)
        kept[place[0]] = given * 2
        place[0] += 1
        return given + 1


def passed(memo: bool, times: int) -> tuple[Tracker, list[Block], list[Any], list[int]]:
    """Pass a tensor so often through two blocks that share what they keep."""
    tracker, blocks = Tracker(CUDA), [Block(), Block()]
    if memo:
        known = BlockMemo(tracker)
        for block in blocks:
            known.remember(block, structure_of(block, ()))
    kept, place = [None, None], [0]
    with tracker:
        given = torch.empty(1000, 1000, device="meta")
        for _ in range(times):
            place[0] = 0
            for block in blocks:
                given = block(given, kept, place)
    return tracker, blocks, kept, place


def test_the_third_time_nothing_new_is_run() -> None:
    blocks = passed(memo=True, times=5)[1]
    assert sum(len(block.runs) for block in blocks) < 5 * 2
    assert sum(len(block.runs) for block in passed(memo=True, times=9)[1]) == sum(len(block.runs) for block in blocks)


def test_lists_end_as_if_each_block_had_run() -> None:
    _, _, kept, place = passed(memo=True, times=5)
    assert place == [2]
    assert [tuple(one.shape) for one in kept] == [(1000, 1000)] * 2
    assert kept[0].untyped_storage()._cdata != kept[1].untyped_storage()._cdata


def test_memory_is_the_same_with_and_without() -> None:
    with_memo, without = passed(memo=True, times=5)[0], passed(memo=False, times=5)[0]
    assert with_memo.height == without.height


def test_a_result_that_is_an_argument_stays_one() -> None:
    class Same(torch.nn.Module):
        def forward(self, given: torch.Tensor) -> torch.Tensor:
            return given.view(-1)

    tracker, block = Tracker(CUDA), Same()
    BlockMemo(tracker).remember(block, structure_of(block, ()))
    with tracker:
        given = torch.empty(10, 10, device="meta")
        results = [block(given) for _ in range(3)]
    assert {one.untyped_storage()._cdata for one in results} == {given.untyped_storage()._cdata}
    assert results[2].shape == (100,)


def test_an_argument_of_an_unknown_kind_is_never_replayed() -> None:
    class Counting(torch.nn.Module):
        runs = 0

        def forward(self, given: torch.Tensor, cache: Any) -> torch.Tensor:
            Counting.runs += 1
            cache.kept = given
            return given + 1

    tracker, block, cache = Tracker(CUDA), Counting(), type("Cache", (), {})()
    BlockMemo(tracker).remember(block, structure_of(block, ()))
    with tracker:
        for _ in range(3):
            block(torch.empty(10, device="meta"), cache)
    assert Counting.runs == 3


@pytest.mark.parametrize("change", [torch.nn.Linear(4, 5), torch.nn.Linear(4, 4).half(), torch.nn.Conv1d(4, 4, 1)])
def test_modules_that_allocate_differently_have_another_structure(change: torch.nn.Module) -> None:
    usual = structure_of(torch.nn.Linear(4, 4), ())
    assert usual == structure_of(torch.nn.Linear(4, 4), ())
    assert usual != structure_of(change, ())
