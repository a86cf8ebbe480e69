"""Running out of memory: real networks that raise as soon as more is asked of them than a limit allows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import ImageChops, ImageStat

import engine_subjects as subjects
import tiny_pipelines
from engine_limits import at_most, kept, lent, limited, out_of_memory
from engine_subjects import Subject, decoded, files, half_mask, scene
from studio_kernel.domain.events import EngineEvent, Finished, Progress
from studio_kernel.domain.tasks import Task
from studio_kernel.engines.base import CancelToken
from studio_kernel.engines.diffusers.ladder import Ladder, Rung
from studio_kernel.engines.diffusers.quiet import quiet
from studio_kernel.errors import Cancelled, OutOfMemoryError
from studio_kernel.settings import data_dir

SHIPPED = data_dir() / "models" / "studio-tiny"


def fallbacks(events: list[EngineEvent]) -> tuple[str, ...]:
    last = events[-1]
    assert isinstance(last, Finished)
    return last.fallbacks


def stages(events: list[EngineEvent]) -> list[str]:
    said = [event.stage for event in events if isinstance(event, Progress)]
    return [stage for before, stage in zip(["", *said], said, strict=False) if stage != before]


def bytes_of(events: list[EngineEvent]) -> list[bytes]:
    return [produced.data for produced in files(events)]


# --- smaller batches -----------------------------------------------------------------------------------------------


def test_a_batch_that_does_not_fit_is_made_in_halves_with_the_same_seeds(subject: Subject, pipe: Any) -> None:
    alone = [subject.bytes(seed=7 + place) for place in range(4)]
    own = kept(pipe, subject)
    seen = limited(pipe.unet, at_most(2))  # guidance doubles the batch

    events = own.run(num_images=4)

    assert bytes_of(events) == alone
    assert [produced.seed for produced in files(events)] == [7, 8, 9, 10]
    assert fallbacks(events) == ("smaller_batch",)
    assert seen == [8, 4, *[2] * 16]


def test_progress_says_what_is_tried_and_does_not_run_backwards_after_it(subject: Subject, pipe: Any) -> None:
    own = kept(pipe, subject)
    limited(pipe.unet, at_most(4))

    events = own.run(num_images=3)

    again = "denoising again, 2 at a time"
    assert stages(events) == [again, "decoding", again, "decoding"]
    seen = [(event.step, event.total) for event in events if isinstance(event, Progress)]
    assert seen == sorted(seen)
    assert seen[-1] == (8, 8)


def test_pictures_that_are_finished_are_kept_when_a_later_batch_fails(subject: Subject, pipe: Any) -> None:
    own = kept(pipe, subject)
    own.engine._own.ladder.take(Rung.SMALLER_BATCH, pipe, 4)  # type: ignore[attr-defined]
    seen: list[int] = limited(pipe.unet, lambda _: len(seen) != 6)

    events = own.run(num_images=4)

    assert seen == [4] * 4 + [4, 4] + [2] * 8
    assert bytes_of(events)[2:] == [subject.bytes(seed=9), subject.bytes(seed=10)]


# --- the autoencoder -----------------------------------------------------------------------------------------------


def test_a_decoding_that_fits_after_other_models_left_gives_the_same_bytes_and_is_no_fallback(
    subject: Subject, pipe: Any
) -> None:
    own, before = kept(pipe, subject), subject.bytes()
    steps = limited(pipe.unet, lambda _: True)
    room: list[bool] = []
    own.engine._only = lambda _model: room.append(True) or True  # type: ignore[attr-defined]
    decodings = limited(pipe.vae.decoder, lambda _: bool(room))

    events = own.run()

    assert bytes_of(events) == [before]
    assert fallbacks(events) == ()
    assert (len(steps), len(decodings)) == (4, 2), "the finished denoising is kept"
    assert "decoding again, without other models in memory" in stages(events)


def test_a_batch_is_decoded_picture_by_picture_without_denoising_again(subject: Subject, pipe: Any) -> None:
    own = kept(pipe, subject)
    steps, decodings = limited(pipe.unet, lambda _: True), limited(pipe.vae.decoder, at_most(1))

    events = own.run(num_images=3)

    assert fallbacks(events) == ("vae_slicing",)
    assert (len(steps), decodings) == (4, [3, 1, 1, 1])
    assert stages(events) == ["denoising", "decoding", "decoding again, one picture at a time"]


def test_a_picture_is_decoded_in_tiles_without_denoising_again(subject: Subject, pipe: Any) -> None:
    own, whole = kept(pipe, subject), subject.picture()
    steps = limited(pipe.unet, lambda _: True)
    limited(pipe.vae.decoder, lambda latents: latents.shape[-1] <= 4)

    events = own.run()

    assert fallbacks(events) == ("vae_tiling",)
    assert len(steps) == 4
    assert stages(events)[-1] == "decoding again, in tiles"
    assert files(events)[0].data != subject.bytes(), "tiles can be seen in the pixels, so the record says so"
    assert subject.picture().size == whole.size


def test_an_input_image_is_encoded_in_tiles(subject: Subject, pipe: Any) -> None:
    own = kept(pipe, subject)
    limited(pipe.vae.encoder, lambda pixels: pixels.shape[-1] <= 32)
    given = {"image": own.give(scene()), "mask_image": own.give(half_mask())}

    events = own.run(Task.INPAINTING, **given)

    assert fallbacks(events) == ("vae_tiling",)
    assert stages(events)[0] == "encoding again, in tiles"


@pytest.fixture
def half() -> Any:
    with quiet():
        return tiny_pipelines.build_xl()


def test_a_decoding_in_raised_precision_is_repeated_in_it(subject: Subject, half: Any) -> None:
    before = lent(half, subject).bytes()
    own = kept(half, subject)
    room: list[bool] = []
    own.engine._only = lambda _model: room.append(True) or True  # type: ignore[attr-defined]
    precisions: list[torch.dtype] = []
    half.vae.decoder.register_forward_pre_hook(lambda _, given: precisions.append(given[0].dtype))
    steps = limited(half.unet, lambda _: True)
    limited(half.vae.decoder, lambda _: bool(room))

    events = own.run()

    assert bytes_of(events) == [before]
    assert precisions == [torch.float32] * 2
    assert len(steps) == 4
    assert half.vae.dtype is torch.float16


def test_a_precision_raised_for_decoding_is_lowered_again_when_that_fails(subject: Subject, half: Any) -> None:
    own, before = lent(half, subject), lent(half, subject).bytes()
    hook = half.vae.decoder.register_forward_pre_hook(raising)

    with pytest.raises(OutOfMemoryError):
        own.run()
    hook.remove()

    assert half.vae.dtype is torch.float16
    assert own.bytes() == before


def test_latents_that_are_packed_are_kept_too(subject: Subject) -> None:
    with quiet():
        pipe = tiny_pipelines.build_flux()
    before = lent(pipe, subject).bytes()
    own, room = kept(pipe, subject), list[bool]()
    own.engine._only = lambda _model: room.append(True) or True  # type: ignore[attr-defined]
    steps = limited(pipe.transformer.x_embedder, lambda _: True)
    limited(pipe.vae.decoder, lambda _: bool(room))

    events = own.run()

    assert bytes_of(events) == [before]
    assert len(steps) == 4


@pytest.mark.skipif(not SHIPPED.is_dir(), reason="the shipped model is not in this checkout")
def test_the_shipped_model_makes_do_with_little_memory(tmp_path: Path) -> None:
    shipped = subjects.diffusers(SHIPPED, tmp_path, side=128)
    alone = [shipped.bytes(prompt="a red house", seed=seed) for seed in (7, 8)]
    pipe = shipped.engine._shelf.get(shipped.card).pipe  # type: ignore[attr-defined]
    limited(pipe.unet, at_most(2))
    limited(pipe.vae.decoder, lambda latents: latents.shape[-1] <= pipe.unet.config.sample_size // 2)

    events = shipped.run(prompt="a red house", num_images=2)

    assert fallbacks(events) == ("smaller_batch", "vae_tiling")
    for whole, tiled in zip(map(decoded, alone), map(decoded, bytes_of(events)), strict=True):
        apart = ImageStat.Stat(ImageChops.difference(whole, tiled)).rms
        assert 0 < max(apart) < 12, "the same picture, with slightly other pixels"


# --- offloading ----------------------------------------------------------------------------------------------------


def is_offloaded(network: torch.nn.Module) -> bool:
    return hasattr(network, "_hf_hook")


def test_networks_wait_outside_when_smaller_batches_do_not_suffice(subject: Subject, pipe: Any) -> None:
    own, before = kept(pipe, subject, offloads=True), [subject.bytes(), subject.bytes(seed=8)]
    limited(pipe.unet, lambda _: is_offloaded(pipe.vae))

    events = own.run(num_images=2)

    assert fallbacks(events) == ("smaller_batch", "model_offload")
    assert stages(events)[0] == "denoising again, one at a time"
    assert "denoising again, with one network at a time on the device" in stages(events)
    assert bytes_of(events) == before


def test_a_decoding_goes_on_with_networks_outside(subject: Subject, pipe: Any) -> None:
    own = kept(pipe, subject, offloads=True)
    steps = limited(pipe.unet, lambda _: True)
    limited(pipe.vae.decoder, lambda _: is_offloaded(pipe.vae))

    events = own.run()

    assert fallbacks(events) == ("vae_tiling", "model_offload")
    assert len(steps) == 4


def test_tasks_share_the_offloading(subject: Subject, pipe: Any) -> None:
    own = kept(pipe, subject, offloads=True)
    limited(pipe.unet, lambda _: is_offloaded(pipe.vae))
    given = {"image": own.give(scene())}

    assert fallbacks(own.run()) == ("model_offload",)
    events = own.run(Task.IMAGE_TO_IMAGE, **given)

    assert fallbacks(events) == ("model_offload",)
    assert bytes_of(events) == [subject.bytes(Task.IMAGE_TO_IMAGE, **given)]
    used = own.engine._own.pipeline(Task.IMAGE_TO_IMAGE)  # type: ignore[attr-defined]
    assert used._all_hooks, "by which it frees the device at its end"


def test_layers_wait_outside_as_the_last_rung_and_come_back_unchanged(pipe: Any) -> None:
    ladder = Ladder(pipe, offloads=True)
    before = {name: value.clone() for name, value in pipe.unet.state_dict().items()}
    bare = ladder.taken
    with ladder.standing(pipe):
        ladder.take(Rung.MODEL_OFFLOAD, pipe, 1)
        ladder.take(Rung.SEQUENTIAL_OFFLOAD, pipe, 1)

    assert ladder.fallbacks(1) == ("sequential_offload",)
    assert next(pipe.unet.parameters()).is_meta
    assert not any(ladder.can(rung, pipe, 1) for rung in (Rung.MODEL_OFFLOAD, Rung.SEQUENTIAL_OFFLOAD))

    ladder.back_to(bare, pipe)

    after = pipe.unet.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not is_offloaded(pipe.unet)


def test_nothing_is_offloaded_from_the_cpu_to_itself(pipe: Any) -> None:
    ladder = Ladder(pipe)

    assert not ladder.can(Rung.MODEL_OFFLOAD, pipe, 1)
    assert not ladder.can(Rung.SEQUENTIAL_OFFLOAD, pipe, 1)


def test_loras_change_under_offloading(subject: Subject, pipe: Any, lora_file: Any) -> None:
    own = kept(pipe, subject, offloads=True)
    limited(pipe.unet, lambda _: is_offloaded(pipe.vae))
    own.run()

    assert own.bytes(loras=[str(lora_file)]) == subject.bytes(loras=[str(lora_file)])
    assert own.bytes() == subject.bytes()
    assert is_offloaded(pipe.vae)


# --- what stays ----------------------------------------------------------------------------------------------------


def test_a_model_climbs_once_and_every_run_made_that_way_says_so(subject: Subject, pipe: Any) -> None:
    own = kept(pipe, subject)
    seen = limited(pipe.unet, at_most(2))
    limited(pipe.vae.decoder, lambda latents: latents.shape[-1] <= 4)
    first = own.run(num_images=2)
    seen.clear()

    second, single = own.run(num_images=2), own.run()

    assert fallbacks(first) == fallbacks(second) == ("smaller_batch", "vae_tiling")
    assert fallbacks(single) == ("vae_tiling",)
    assert seen == [2] * 12
    assert "again" not in " ".join(stages(second))
    assert bytes_of(second) == bytes_of(first)


def test_a_pipeline_of_the_users_own_is_left_as_it_was(subject: Subject, pipe: Any) -> None:
    own = lent(pipe, subject)
    own.engine._own.ladder = Ladder(pipe, lent=True, offloads=True)  # type: ignore[attr-defined]
    limited(pipe.vae.decoder, lambda _: pipe.vae.use_tiling and is_offloaded(pipe.vae))

    first, second = own.run(), own.run()

    assert fallbacks(first) == fallbacks(second) == ("vae_tiling", "model_offload")
    assert "again" not in " ".join(stages(second))
    assert (pipe.vae.use_slicing, pipe.vae.use_tiling) == (False, False)
    assert not is_offloaded(pipe.vae)
    assert "decode" not in vars(pipe.vae)
    assert not {"_all_hooks", "_offload_device", "_offload_gpu_id"} & set(vars(pipe))


def test_an_offloading_of_the_users_own_stays(subject: Subject, pipe: Any) -> None:
    pipe.enable_model_cpu_offload(device="cpu")
    own = lent(pipe, subject)
    own.engine._own.ladder = Ladder(pipe, lent=True, offloads=True)  # type: ignore[attr-defined]
    limited(pipe.unet, lambda _: False)

    with pytest.raises(OutOfMemoryError):
        own.run()

    assert is_offloaded(pipe.vae)


def test_what_did_not_suffice_is_taken_back(subject: Subject, pipe: Any) -> None:
    own, before = kept(pipe, subject, offloads=True), subject.bytes()
    pipe.enable_sequential_cpu_offload = pipe.enable_model_cpu_offload  # accelerate cannot compute so on a CPU
    hook = pipe.vae.decoder.register_forward_pre_hook(raising)
    with pytest.raises(OutOfMemoryError):
        own.run(num_images=2)
    hook.remove()

    events = own.run()

    assert fallbacks(events) == ()
    assert bytes_of(events) == [before]
    assert not is_offloaded(pipe.vae)


def raising(*_: object) -> None:
    raise out_of_memory()


# --- the end of the ladder -----------------------------------------------------------------------------------------


def test_the_error_says_what_was_tried(subject: Subject, pipe: Any) -> None:
    own = kept(pipe, subject)
    limited(pipe.unet, lambda _: False)

    with pytest.raises(OutOfMemoryError, match="did not suffice, even 2 at a time, then one at a time; make it"):
        own.run(num_images=4)


def test_the_error_of_a_decoding_says_what_was_tried(subject: Subject, pipe: Any) -> None:
    own = kept(pipe, subject)
    steps = limited(pipe.unet, lambda _: True)
    limited(pipe.vae.decoder, lambda _: False)

    with pytest.raises(OutOfMemoryError, match="even one picture at a time, then in tiles; make it"):
        own.run(num_images=2)

    assert len(steps) == 4, "fewer pictures would not have helped the decoding"


@pytest.mark.parametrize("images", [1, 4])
def test_a_repeated_run_stops_within_one_step(subject: Subject, pipe: Any, images: int) -> None:
    own, cancel = kept(pipe, subject, offloads=True), CancelToken()
    seen = limited(pipe.unet, lambda given: len(given) <= 2 and is_offloaded(pipe.vae))
    stream = own.engine.stream(own.request(num_images=images, num_inference_steps=50), own.context(cancel))
    next(event for event in stream if isinstance(event, Progress) and event.step == 3)
    done = len(seen)

    cancel.cancel()
    with pytest.raises(Cancelled):
        list(stream)

    assert len(seen) <= done + 2
    assert "decode" not in vars(pipe.vae)


def test_a_run_stops_between_two_rungs(subject: Subject, pipe: Any) -> None:
    own, cancel, tried = kept(pipe, subject), CancelToken(), list[int]()

    def stop(*_: object) -> None:
        cancel.cancel()
        tried.append(1)
        raise out_of_memory()

    pipe.vae.decoder.register_forward_pre_hook(stop)

    with pytest.raises(Cancelled):
        list(own.engine.stream(own.request(), own.context(cancel)))

    assert len(tried) == 1
    assert own.engine._own.ladder.fallbacks(1) == ()  # type: ignore[attr-defined]


def test_a_preview_that_does_not_fit_costs_the_preview_only(subject: Subject, pipe: Any) -> None:
    own = kept(pipe, subject)
    limited(pipe.vae.decoder, lambda latents: len(latents) == 1)  # the map of previews is made of eight

    events = list(own.engine.stream(own.request(), own.context(preview_due=lambda: True)))

    assert fallbacks(events) == ()
    assert not any(event.preview for event in events if isinstance(event, Progress))
