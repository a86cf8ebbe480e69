"""Estimates made up for tests of what is shown: a device of 8 GiB and a run whose need grows with its pixels."""

from studio_kernel.domain.estimate import (
    Advice,
    Confidence,
    CostBasis,
    CostEstimate,
    DeviceMemory,
    Estimate,
    Fit,
    MemoryBasis,
    MemoryEstimate,
    Setup,
    StageMemory,
    TimeBasis,
    TimeEstimate,
)

GIB = 2**30
DEVICE = DeviceMemory("cuda", "Test card", 8 * GIB, 5 * GIB, GIB)
WEIGHTS = 2 * GIB
CONTEXT = GIB // 2
PER_PICTURE = 256 * 256
"""Pixels that take 1 GiB."""


def estimate(prompt=None, *, model=None, task=None, width=256, height=256, num_images=1, **_values):
    """What `Studio.estimate` would say of a model that needs 2 GiB and 1 GiB a picture of 256 × 256."""
    return Estimate(memory(width * height * num_images), seconds(num_images), images=num_images)


def memory(pixels):
    computed = pixels * GIB // PER_PICTURE
    live = WEIGHTS + computed
    device_bytes = live + CONTEXT
    available = DEVICE.available_bytes
    verdict = "fits" if device_bytes <= available else "tight" if live <= available else "does not fit"
    tiled = Advice(Setup(vae_tiling=True), "decode in tiles", WEIGHTS + computed // 2, "fits", 1.2)
    room = (available - WEIGHTS) * PER_PICTURE // GIB
    fit = Fit(verdict, DEVICE, room // PER_PICTURE, () if verdict == "fits" else (tiled,))
    stages = (
        StageMemory("text encoding", "text_encoder", WEIGHTS, "linear"),
        StageMemory("decoding", "vae", live, "convolution"),
    )
    setup = Setup("cuda", "float16")
    return MemoryEstimate(
        live, device_bytes, {"unet": WEIGHTS}, stages, setup, MemoryBasis.DRY_RUN, Confidence.HIGH, fit
    )


def seconds(images=1):
    return TimeEstimate(2.0 * images, 1.5 * images, 3.0 * images, TimeBasis.LEARNT, Confidence.MEDIUM, runs=5)


PRICED = CostEstimate(
    0.05, CostBasis.PRICE_LIST, Confidence.HIGH, unit="megapixel", units=2, as_of="2026-03", source="a price list"
)
UNPRICED = CostEstimate(None, CostBasis.UNKNOWN, Confidence.LOW, note="the catalog has no price of this model")
