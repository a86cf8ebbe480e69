"""From traces to an estimate: placements, whether it fits, the largest batch, and what would help."""

from dataclasses import dataclass, field

import pytest

from studio_kernel.catalog.loader import load
from studio_kernel.domain.estimate import Confidence, DeviceMemory, Setup
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task
from studio_kernel.estimates.memory import Memories, needed, subject_of
from studio_kernel.estimates.vram.trace import Stage, Trace

CATALOG = load()
CARD = CATALOG.models["studio-tiny"]
GIB = 2**30
CUDA = DeviceMemory("cuda", "a card", 24 * GIB, 24 * GIB, dtype="float16")


@dataclass
class Model:
    """Traces of an imagined model: 8 GiB of weights, and work that grows with the pictures in a call."""

    device: DeviceMemory = CUDA
    asked: list = field(default_factory=list)

    def trace(self, subject, _fingerprint):
        self.asked.append(subject)
        decoding = 2 * GIB * (1 if subject.vae_slicing else subject.num_images) // (2 if subject.vae_tiling else 1)
        denoising = GIB * subject.num_images
        weights = {"text_encoder": 2 * GIB, "unet": 5 * GIB, "vae": GIB}
        stages = (
            Stage("text encoding", "text_encoder", 0, GIB // 8, GIB // 4, GIB // 4, 2 * GIB, calls=2),
            Stage("denoising", "unet", 0, denoising, denoising + GIB // 8, denoising + GIB // 4, 5 * GIB, calls=2),
            Stage("decoding", "vae", 0, decoding, decoding + GIB // 8, decoding + GIB // 4, GIB, "convolution"),
        )
        peaks = {
            "none": 8 * GIB + max(denoising, decoding),
            "model": max(5 * GIB + denoising, GIB + decoding),
            "sequential": max(denoising, decoding) + GIB // 8,
            "block": max(denoising, decoding) + GIB // 4,
        }
        return Trace(weights, stages, peaks, context_bytes=GIB // 2)

    def devices(self):
        return (self.device,)

    def speed(self, _device):
        return 1e12


def card_of(gib, free=None):
    return DeviceMemory("cuda", "a card", gib * GIB, (gib if free is None else free) * GIB, dtype="float16")


def card_named(name):
    return DeviceMemory("cuda", name, 24 * GIB, 24 * GIB, dtype="float16")


def estimate(model, setup=None, **values):
    request = GenerationRequest(CARD.id, Task.TEXT_TO_IMAGE, CARD.check(Task.TEXT_TO_IMAGE, {"prompt": "x"} | values))
    memories = Memories(model, CATALOG)
    return memories.estimate(memories.case(CARD, request, setup))


def test_the_peak_is_that_of_the_stage_that_needs_most():
    found = estimate(Model())
    assert found.vram_bytes == 10 * GIB
    assert (found.limiting.name, found.limiting.operation) == ("decoding", "convolution")
    assert found.confidence is Confidence.HIGH


@pytest.mark.parametrize("offload", ["none", "model", "sequential", "block"])
def test_every_placement_has_its_peak_and_the_stages_agree_with_it(offload):
    found = estimate(Model(), Setup(offload=offload))
    assert max(stage.vram_bytes for stage in found.stages) == found.vram_bytes
    assert found.setup.offload == offload


def test_what_the_device_shows_is_more_than_what_is_alive():
    found = estimate(Model())
    assert found.device_bytes == 8 * GIB + int(1.2 * 2 * GIB) + GIB // 2


def test_a_simulated_allocator_goes_before_the_rule():
    trace = Trace({"unet": GIB}, (), {"none": 2 * GIB}, reserved_bytes=3 * GIB)
    assert needed(trace, Setup(device="cuda")).device_bytes == 3 * GIB


def test_on_a_processor_nothing_is_held_in_reserve():
    found = estimate(Model(device=DeviceMemory("cpu", "a processor", 64 * GIB, 64 * GIB)), Setup())
    assert found.device_bytes == found.vram_bytes + GIB // 2
    assert found.setup.dtype == "float32"


def test_it_fits_it_is_tight_or_it_does_not_fit():
    verdicts = {gib: estimate(Model(card_of(gib))).fit.verdict for gib in (12, 10, 11)}
    assert verdicts == {12: "fits", 11: "fits", 10: "does not fit"}
    assert estimate(Model(DeviceMemory("cuda", "a card", 24 * GIB, int(10.6 * GIB)))).fit.verdict == "tight"


def test_what_other_programs_hold_is_not_available_and_what_this_home_holds_is():
    taken = DeviceMemory("cuda", "a card", 24 * GIB, 4 * GIB)
    ours = DeviceMemory("cuda", "a card", 24 * GIB, 4 * GIB, own_bytes=12 * GIB)
    assert estimate(Model(taken)).fit.verdict == "does not fit"
    assert estimate(Model(ours)).fit.verdict == "fits"


def test_what_fits_needs_no_advice():
    assert estimate(Model(card_of(24))).fit.advice == ()


def test_advice_goes_up_the_ladder_until_it_fits():
    advice = estimate(Model(card_of(8)), num_images=4).fit.advice
    assert [each.words for each in advice] == [
        "make the 4 pictures in calls of 2",
        "decode one picture at a time",
        "decode in tiles",
        "keep one network at a time on the device",
    ]
    assert [each.verdict for each in advice] == ["does not fit"] * 3 + ["fits"]
    assert advice[-1].time_factor == pytest.approx(3.3)


def test_a_rung_that_saves_nothing_is_not_advised():
    words = [each.words for each in estimate(Model(card_of(2))).fit.advice]
    assert "decode one picture at a time" not in words
    assert words[-1] == "keep one layer at a time on the device"


@pytest.mark.parametrize(("gib", "most"), [(9, 0), (11, 1), (14, 2), (24, 7)])
def test_the_largest_batch_is_the_last_one_that_fits(gib, most):
    assert estimate(Model(card_of(gib))).fit.largest_batch == most


@pytest.mark.parametrize(("usual", "name"), [("auto", "one"), ("cuda:1", "two"), ("cpu", "main"), ("cuda:7", None)])
def test_the_device_is_the_one_of_the_settings(usual, name):
    here = (card_named("one"), card_named("two"), DeviceMemory("cpu", "main", 64 * GIB, 64 * GIB))
    model = Model()
    model.devices = lambda: here
    request = GenerationRequest(CARD.id, Task.TEXT_TO_IMAGE, CARD.check(Task.TEXT_TO_IMAGE, {"prompt": "x"}))
    device = Memories(model, CATALOG, usual).case(CARD, request).device
    assert (device.name if device else None) == name


def test_a_device_that_is_not_here_has_no_verdict():
    found = estimate(Model(), Setup(device="mps"))
    assert found.fit is None
    assert found.confidence is Confidence.LOW


def test_only_what_decides_memory_is_traced():
    values = CARD.check(Task.TEXT_TO_IMAGE, {"prompt": "x", "seed": 1, "guidance_scale": 7.0})
    one = GenerationRequest(CARD.id, Task.TEXT_TO_IMAGE, values)
    other = one.replace(prompt="a long prompt", seed=2, guidance_scale=3.0, num_inference_steps=50)
    assert subject_of(CARD, one, Setup()) == subject_of(CARD, other, Setup())
    assert subject_of(CARD, one, Setup()) != subject_of(CARD, one.replace(guidance_scale=1.0), Setup())


def test_a_pass_of_several_runs_has_the_pictures_of_all():
    model = Model()
    request = GenerationRequest(CARD.id, Task.TEXT_TO_IMAGE, CARD.check(Task.TEXT_TO_IMAGE, {"prompt": "x"}))
    Memories(model, CATALOG).case(CARD, request, batch_size=8)
    assert (model.asked[0].num_images, model.asked[0].vae_slicing) == (8, True)
