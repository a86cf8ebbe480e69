"""A rule of thumb for models whose code cannot be run without weights; named as such wherever it is used.

The peak at one size is scaled by the number of pixels and of frames. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studio_kernel.domain.estimate import Confidence, MemoryBasis, MemoryEstimate, Setup

PER_PIXELS = 0.3
"""Share of the base that grows with the number of pixels."""
PER_FRAMES = 0.2
"""Share of the base that grows with the number of frames."""
OVER_WEIGHTS = 1.33
"""Peak with everything resident ÷ weights: the median of eight models at their usual sizes, which were between 1.08
(FLUX.1) and 1.86 (Wan 2.2), by the dry run with half precision."""
CONTEXT_BYTES = 1 << 29
"""What a driver takes beside: about half a gigabyte on NVIDIA's cards, not measured on many."""


@dataclass(frozen=True, slots=True)
class Base:
    """The memory of one call of which it is known.

    Attributes
    ----------
    vram_bytes : int
        Its peak.
    num_frames : int
        1 for pictures.
    source : str
        Where the figure comes from, in words.
    """

    vram_bytes: int
    width: int
    height: int
    num_frames: int = 1
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse what nothing can be scaled from."""
        if min(self.vram_bytes, self.width, self.height, self.num_frames) < 1:
            raise ValueError(f"{self!r} has a value below 1")


def base_of_weights(weights_bytes: int, width: int, height: int, num_frames: int = 1) -> Base:
    """Return what a model probably takes at its usual size, by its weights."""
    source = f"its weights times {OVER_WEIGHTS:g}"
    return Base(max(1, round(OVER_WEIGHTS * weights_bytes)), width, height, num_frames, source)


def scaled_bytes(base: Base, width: int, height: int, num_frames: int = 1) -> int:
    """Return the peak at another size.

    Notes
    -----
    ``vram = base × (1 + (res_mult − 1) × 0.3) × (1 + (frame_mult − 1) × 0.2)`` with the ratios of pixels and frames to
    those of the base. Against the dry run it errs by −9 % (SDXL, four times the pixels) to +57 % (FLUX.1, the same).
    """
    pixels = width * height / (base.width * base.height)
    frames = num_frames / base.num_frames
    # Both ratios are above 0, so that with shares below 1 neither factor falls below 0.7 and 0.8.
    return round(base.vram_bytes * (1 + (pixels - 1) * PER_PIXELS) * (1 + (frames - 1) * PER_FRAMES))


def estimate(
    base: Base,
    setup: Setup,
    width: int,
    height: int,
    num_frames: int = 1,
    *,
    num_images: int = 1,
    weights: Mapping[str, int] | None = None,
) -> MemoryEstimate:
    """Return the rule's answer, in which little confidence should be had.

    Parameters
    ----------
    setup : Setup
        For which it is asked; the rule knows only models that are resident as a whole, and says so.
    num_images : int
        Pictures in one call; each counts with its pixels.
    weights : mapping, optional
        Component → bytes, as far as known; the answer is never below their sum.
    """
    held = dict(weights or {})
    peak = max(scaled_bytes(base, width, height * num_images, num_frames), sum(held.values()))
    warnings = [f"a rule of thumb over {base.source or 'a published figure'}, not a dry run; it can be off by half"]
    if setup.offload != "none":
        warnings.append("offloading is not part of the rule: this is with everything resident")
    beside = CONTEXT_BYTES if setup.device == "cuda" else 0
    return MemoryEstimate(
        peak, peak + beside, held, (), setup, MemoryBasis.FORMULA, Confidence.LOW, warnings=tuple(warnings)
    )
