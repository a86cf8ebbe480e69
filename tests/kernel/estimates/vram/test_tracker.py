"""What is counted, for how long, and what an operation costs."""

import pytest
import torch
from torch.nn import functional

from studio_kernel.estimates.vram.kernels import CPU, CUDA
from studio_kernel.estimates.vram.operators import as_on
from studio_kernel.estimates.vram.tracker import Tracker

MIB = 2**20


def empty(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.empty(*shape, dtype=dtype, device="meta")


def test_a_tensor_counts_until_its_last_view_is_gone() -> None:
    tracker = Tracker(CUDA)
    with tracker:
        whole = empty(MIB)
        part = whole[:10]
        assert tracker.live_bytes == 4 * MIB
        del whole
        assert tracker.live_bytes == 4 * MIB
        del part
    assert tracker.live_bytes == 0
    assert tracker.height.plain == 4 * MIB


def test_allocations_are_rounded_as_the_device_does() -> None:
    for kernels, size in ((CUDA, 512), (CPU, 64)):
        tracker = Tracker(kernels)
        with tracker:
            kept = empty(1)
        assert tracker.live_bytes == size, kept


def test_what_is_disregarded_never_counts() -> None:
    tracker, weights = Tracker(CUDA), empty(MIB)
    tracker.disregard([weights])
    with tracker:
        result = weights.view(1024, 1024)
    assert tracker.live_bytes == 0, result


@pytest.mark.parametrize(
    ("dtype", "memory", "scratch"),
    [
        (torch.float16, torch.contiguous_format, 3 * MIB + 2 * 16 * 8 * 9),
        (torch.float16, torch.channels_last, 0),
        (torch.float32, torch.contiguous_format, 3 * MIB),
    ],
)
def test_a_convolution_on_cuda_takes_copies(dtype: torch.dtype, memory: torch.memory_format, scratch: int) -> None:
    given = empty(1, 8, 256, 256, dtype=dtype).to(memory_format=memory)
    layer = torch.nn.Conv2d(8, 16, 3, padding=1, bias=False, device="meta", dtype=dtype)
    tracker = Tracker(CUDA)
    tracker.disregard([given, layer.weight])
    with tracker:
        result = layer(given)
    assert tracker.height.plain == result.nbytes + scratch


def test_a_convolution_on_the_cpu_writes_its_windows_when_it_is_small() -> None:
    layer = torch.nn.Conv2d(4, 8, 3, padding=1, bias=False, device="meta")
    small, large = empty(1, 4, 16, 16), empty(1, 4, 256, 256)
    heights = []
    for given in (small, large):
        tracker = Tracker(CPU)
        tracker.disregard([given, layer.weight])
        with tracker:
            result = layer(given)
        heights.append(tracker.height.plain - result.nbytes)
    assert heights == [9 * small.nbytes, large.nbytes]


def test_operations_of_products_convolutions_and_attention_are_counted() -> None:
    tracker = Tracker(CUDA)
    query = empty(2, 4, 100, 64, dtype=torch.float16)
    with tracker, as_on(tracker, "fused"):
        empty(10, 20) @ empty(20, 30)
        assert tracker.flops == 2 * 10 * 20 * 30
        functional.linear(empty(10, 20), torch.nn.Parameter(empty(30, 20)))
        assert tracker.flops == 4 * 10 * 20 * 30
        functional.conv2d(empty(1, 3, 8, 8), empty(5, 3, 3, 3), padding=1)
        assert tracker.flops == 4 * 10 * 20 * 30 + 2 * 5 * 8 * 8 * 3 * 9
        before = tracker.flops
        functional.scaled_dot_product_attention(query, query, query)
        assert tracker.flops - before == 2 * 2 * 2 * 4 * 100 * 100 * 64


def test_attention_that_writes_its_scores_counts_the_same_operations() -> None:
    counted = []
    for way in ("fused", "math"):
        tracker, query = Tracker(CUDA), empty(2, 4, 100, 64, dtype=torch.float16)
        with tracker, as_on(tracker, way):  # type: ignore[arg-type]
            functional.scaled_dot_product_attention(query, query, query)
        counted.append(tracker.flops)
    assert counted[0] == counted[1]


def test_a_quantised_layer_brings_its_matrix_back_to_compute() -> None:
    given, weights = empty(1, 1024, dtype=torch.float16), torch.nn.Parameter(empty(1024, 1024, dtype=torch.float16))
    for most, brought_back in ((8 * MIB, weights.nbytes), (MIB, MIB), (0, 2048)):
        tracker = Tracker(CUDA)
        tracker.disregard([given, weights])
        tracker.dequantised_bytes = most
        with tracker, as_on(tracker, "fused"):
            functional.linear(given, weights)
        assert tracker.height.plain == brought_back


def test_very_large_convolutions_are_flagged() -> None:
    tracker = Tracker(CUDA)
    with tracker:
        functional.conv2d(empty(1, 2, 2**15, 2**15), empty(2, 2, 1, 1))
    assert any("2^31" in flag for flag in tracker.flags)


def test_shapes_that_do_not_fit_are_refused() -> None:
    tracker = Tracker(CUDA)
    query, key = empty(1, 1, 8, 64), empty(1, 1, 8, 32)
    with tracker, as_on(tracker, "fused"):
        with pytest.raises(RuntimeError):
            functional.linear(empty(2, 8), torch.nn.Parameter(empty(4, 9)))
        with pytest.raises(RuntimeError):
            functional.scaled_dot_product_attention(query, key, key)
