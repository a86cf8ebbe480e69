"""What the kernels of a device take beside their operands and results: the part of memory that no dispatcher sees.

The idea to know: everything else in a dry run follows from the model's code, so these few constants are all there is
to calibrate. Those of `CUDA` are defaults read off published figures; a measured set (`benchmarks.gpu_vram` prints one
for the card at hand) takes their place with ``origin="probed"``.

Notes
-----
Sources are the rows of the report in ``docs/decisions/0009-vram-by-dry-run.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from studio_kernel.domain.estimate import DeviceKind

MIB = 2**20


@dataclass(frozen=True, slots=True)
class ConvolutionScratch:
    """What a convolution allocates while it runs, as shares of its operands.

    Attributes
    ----------
    of_input, of_output, of_weights : float
        Copies of each.
    """

    of_input: float
    of_output: float
    of_weights: float = 0.0

    def bytes_of(self, input_bytes: int, output_bytes: int, weights_bytes: int) -> int:
        """Return the scratch of one convolution."""
        return int(self.of_input * input_bytes + self.of_output * output_bytes + self.of_weights * weights_bytes)


@dataclass(frozen=True, slots=True)
class Kernels:
    """How the kernels of one kind of device allocate.

    Attributes
    ----------
    device : {"cuda", "mps", "cpu"}
        Whose.
    half_convolution : ConvolutionScratch
        In 16 bits and the usual memory layout; none with channels last.
    full_convolution : ConvolutionScratch
        In 32 bits.
    rounding_bytes : int
        Every allocation is a multiple of it.
    workspace_bytes : int
        What the library for matrices keeps for itself, counted by the allocator.
    context_bytes : int
        What the driver takes, not counted by the allocator.
    fuses_rms_norm : bool
        Whether ``rms_norm`` is one kernel, or several with their results in between.
    columns_below : int
        Convolutions of one picture in 32 bits whose input has no more elements (the last axis counted as one) are
        computed as a product of matrices, for which all windows are written out; 0 = none.
    largest_flash_head : int
        Widest head of the attention kernel for 16 bits that needs no accumulator in 32 bits.
    origin : {"default", "probed"}
        Whether the constants were measured on the card at hand.
    source : str
        Where they come from.
    """

    device: DeviceKind
    half_convolution: ConvolutionScratch
    full_convolution: ConvolutionScratch
    rounding_bytes: int
    workspace_bytes: int
    context_bytes: int
    fuses_rms_norm: bool
    columns_below: int = 0
    largest_flash_head: int = 256
    origin: Literal["default", "probed"] = "default"
    source: str = ""


CUDA = Kernels(
    device="cuda",
    # cuDNN computes 16 bits in NHWC: it transposes input, weights and output of an NCHW call
    half_convolution=ConvolutionScratch(1.0, 1.0, 1.0),
    full_convolution=ConvolutionScratch(0.5, 0.5),
    rounding_bytes=512,
    workspace_bytes=32 * MIB,
    context_bytes=500 * MIB,
    fuses_rms_norm=True,
    source=(
        "half: FLUX bf16 33.85/22.64/2.41 GiB, diffusers PR #11682; full: SDXL fp16 10.47 GiB, diffusers docs "
        "using-diffusers/loading; rounding: c10/cuda/CUDACachingAllocator.cpp; workspace: cuBLAS on sm90 (8.1 MiB "
        "before); context: typical, differs by card and driver"
    ),
)
"""The only set whose figures were held against published ones; 32 bit convolutions are weakly known."""

CPU = Kernels(
    device="cpu",
    half_convolution=ConvolutionScratch(1.0, 0.0),
    full_convolution=ConvolutionScratch(1.0, 0.0),
    rounding_bytes=64,
    workspace_bytes=0,
    context_bytes=0,
    fuses_rms_norm=False,
    columns_below=20480,
    source=(
        "oneDNN brings the input into a layout of its own: report, section 1.5; columns: ConvParams::use_mkldnn in "
        "aten/src/ATen/native/Convolution.cpp; held against real runs in test_real_allocations.py"
    ),
)
"""Held against torch's own allocator."""

MPS = Kernels(
    device="mps",
    half_convolution=ConvolutionScratch(1.0, 1.0),
    full_convolution=ConvolutionScratch(0.5, 0.5),
    rounding_bytes=512,
    workspace_bytes=0,
    context_bytes=0,
    fuses_rms_norm=True,
    source="as on CUDA; never measured",
)
"""Nobody has measured Apple's kernels; a trace says so."""

_KERNELS: dict[DeviceKind, Kernels] = {"cuda": CUDA, "cpu": CPU, "mps": MPS}


def kernels_of(device: DeviceKind) -> Kernels:
    """Return the constants of a kind of device."""
    return _KERNELS[device]
