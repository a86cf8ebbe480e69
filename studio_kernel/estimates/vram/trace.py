"""What a dry run tells: weights, the memory of each stage, and the peak of each placement."""

from __future__ import annotations

import msgspec

from studio_kernel.domain.estimate import Offload

DENOISING = "denoising"
"""The stage whose calls grow with the steps."""
TRACED_STEPS = 2
"""Steps of a dry run: enough to see what is alive from one to the next."""


class Stage(msgspec.Struct, frozen=True):
    """One kind of call of one component; the most expensive one where several differ.

    Attributes
    ----------
    name : str
        ``text encoding``, ``encoding``, ``denoising`` or ``decoding``.
    component : str
        The pipeline's name of the network.
    before_bytes : int
        Live tensors outside weights when it is called.
    peak_bytes : int
        Highest live memory during the call beyond `before_bytes`, scratch of kernels included.
    leaf_bytes, block_bytes : int
        The same with the weights of the layer, or block, at work on top.
    weights_bytes : int
        Of the component.
    operation : str
        Where the peak is reached.
    calls : int
        How often it is called in a run of two steps.
    flops : int
        Floating-point operations of one call; 0 = not counted.
    """

    name: str
    component: str
    before_bytes: int
    peak_bytes: int
    leaf_bytes: int
    block_bytes: int
    weights_bytes: int
    operation: str = ""
    calls: int = 1
    flops: int = 0


class Trace(msgspec.Struct, frozen=True):
    """The memory of one `Subject`.

    Attributes
    ----------
    weights : dict
        Component → bytes.
    stages : tuple of Stage
        In the order of the first call.
    peaks : dict
        Placement (`domain.estimate.Offload`) → highest allocation of the whole run in bytes, workspace included.
    reserved_bytes : int or None
        What the caching allocator would hold with everything resident; `None` = not simulated.
    context_bytes : int
        What the driver takes beside that.
    flags : tuple of str
        What may make the figure wrong, in words.
    seconds : float
        CPU time of the dry run, imports excluded.
    """

    weights: dict[str, int]
    stages: tuple[Stage, ...]
    peaks: dict[Offload, int]
    reserved_bytes: int | None = None
    context_bytes: int = 0
    flags: tuple[str, ...] = ()
    seconds: float = 0.0


class Untraceable(msgspec.Struct, frozen=True):
    """Why there is no trace, in words; never a number instead."""

    reason: str
