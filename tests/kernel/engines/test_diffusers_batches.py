"""Several requests in the same passes of the diffusers engine, beyond what the contract asks of every engine."""

from __future__ import annotations

import inspect
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny_pipelines
from batches import batch_engine, bytes_of, different, files_of, members, together
from engine_limits import at_most, kept, lent, limited
from engine_subjects import Subject, decoded, files, half_mask, scene
from studio_kernel.domain.events import Failed, Finished, Progress
from studio_kernel.domain.model import LoraCard
from studio_kernel.domain.tasks import Task
from studio_kernel.engines.base import MemberEvent
from studio_kernel.engines.diffusers import batching
from studio_kernel.engines.diffusers.devices import passes_beside
from studio_kernel.engines.diffusers.embeddings import Embeddings
from studio_kernel.engines.diffusers.guidance import GuidanceScales
from studio_kernel.engines.diffusers.quiet import quiet
from studio_kernel.errors import Cancelled, EngineError, OutOfMemoryError

TASKS = [Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINTING]


def fallbacks(events: list[MemberEvent]) -> set[tuple[str, ...]]:
    return {event.fallbacks for _, event in events if isinstance(event, Finished)}


def apart(one: list[bytes], other: list[bytes]) -> Any:
    """Differences of all values of all pictures."""
    pairs = zip(one, other, strict=True)
    return np.abs(np.stack([np.asarray(decoded(a), int) - np.asarray(decoded(b), int) for a, b in pairs]))


def given(subject: Subject, task: Task) -> dict[str, object]:
    inputs: dict[str, object] = {"image": subject.give(scene()), "strength": 0.8}
    if task is Task.INPAINTING:
        inputs["mask_image"] = subject.give(half_mask())
    return {} if task is Task.TEXT_TO_IMAGE else inputs


def alone(subject: Subject, requests: list[Any]) -> list[bytes]:
    return [files(list(subject.stream(request)))[0].data for request in requests]


# --- which pipelines -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def xl() -> Any:
    with quiet():
        return tiny_pipelines.build_xl(half=False)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", ["sd", "xl"])
def test_each_row_has_its_own_texts_seed_and_guidance(
    subject: Subject, pipe: Any, xl: Any, kind: str, task: Task
) -> None:
    own = lent(pipe if kind == "sd" else xl, subject)
    requests = different(own, 4, task, **given(own, task))

    shared = bytes_of(together(own, requests, 4))

    difference = apart(alone(own, requests), shared)
    assert difference.max() <= 2
    assert (difference > 0).mean() < 0.005
    assert len(set(shared)) == 4


def test_the_lists_of_pipelines_name_what_diffusers_has() -> None:
    import diffusers

    for name in batching.ROWS | batching.SEEDS:
        taken = inspect.signature(getattr(diffusers, name).__call__).parameters
        assert {"num_images_per_prompt", "generator", "prompt"} <= taken.keys(), name


def test_the_pipelines_of_all_tasks_of_a_listed_one_are_listed(pipe: Any, xl: Any) -> None:
    from diffusers import AutoPipelineForImage2Image, AutoPipelineForInpainting

    for made in (pipe, xl):
        assert batching.kind_of(made).takes_guidance
        for variants in (AutoPipelineForImage2Image, AutoPipelineForInpainting):
            assert batching.kind_of(variants.from_pipe(made)).takes_guidance


def test_a_model_on_disk_is_of_the_kind_it_is_when_loaded(subject: Subject, pipe: Any) -> None:
    assert batching.kind_on_disk(subject.card) == batching.kind_of(pipe)


def test_guidance_that_goes_into_the_network_is_part_of_the_key(subject: Subject) -> None:
    kind = batching.Kind("StableDiffusionPipeline", embeds_guidance=True)
    one, other = subject.request(guidance_scale=4.0), subject.request(guidance_scale=5.0)

    assert batching.key(one, kind) != batching.key(other, kind)
    assert batching.key(one, kind) == batching.key(one.replace(seed=1, prompt="other"), kind)


def test_a_pipeline_of_another_make_is_made_alone(subject: Subject, pipe: Any) -> None:
    class Changed(type(pipe)):  # type: ignore[misc]  # whatever diffusers' class is
        pass

    own = lent(Changed(**pipe.components, requires_safety_checker=False), subject)

    assert batch_engine(own).batch_key(own.request(), own.card) is None
    assert bytes_of(together(own, [own.request()], 8)) == [subject.bytes()], "one request needs no key"
    with pytest.raises(EngineError, match="cannot be made together"):
        together(own, different(own, 2), 2)


def test_of_a_flux_pipeline_the_seeds_are_made_together(subject: Subject) -> None:
    with quiet():
        own = lent(tiny_pipelines.build_flux(), subject)
    requests = [own.request(seed=seed) for seed in (1, 2, 3)]

    shared = bytes_of(together(own, requests, 4))

    assert bytes_of(together(own, requests[::-1], 4)) == shared[::-1]
    assert apart(alone(own, requests), shared).max() <= 2
    assert batch_engine(own).batch_key(requests[0], own.card) != batch_engine(own).batch_key(
        own.request(prompt="other"), own.card
    )


def test_as_many_pictures_go_into_a_pass_as_the_size_allows(subject: Subject) -> None:
    engine = batch_engine(subject)

    assert [engine.batch_limit(subject.request(width=side, height=side)) for side in (64, 512, 768, 1024, 2048)] == [
        8,
        8,
        3,
        2,
        1,
    ]
    assert engine.batch_limit(subject.request(num_images=3)) == 2


# --- guidance scales -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_scales_multiply_row_by_row_as_numbers_do(dtype: torch.dtype) -> None:
    tensor = torch.randn(3, 2, 5, 5, generator=torch.Generator().manual_seed(0)).to(dtype)

    product = GuidanceScales([1.1, 7.5, 3.3]) * tensor

    assert product.dtype is dtype
    assert all(torch.equal(product[row], scale * tensor[row]) for row, scale in enumerate([1.1, 7.5, 3.3]))


def test_scales_refuse_what_would_take_one_for_all() -> None:
    scales = GuidanceScales([2.0, 3.0])

    assert scales > 1
    for wrong in (lambda: scales - 1, lambda: 2 / scales, lambda: scales * 2.0, lambda: scales * torch.ones(3)):
        with pytest.raises(TypeError):
            wrong()


# --- prompt embeddings ---------------------------------------------------------------------------------------------


def counted(encoder: torch.nn.Module) -> list[int]:
    seen: list[int] = []
    encoder.register_forward_pre_hook(lambda *_: seen.append(1))
    return seen


def test_a_text_is_encoded_once_for_all_runs_that_use_it(subject: Subject, pipe: Any) -> None:
    own = kept(pipe, subject)
    encodings = counted(pipe.text_encoder)

    pictures = [own.bytes(seed=seed) for seed in (1, 2, 3)]
    together(own, [own.request(seed=seed, guidance_scale=2.0 + seed) for seed in range(6)], 3)

    assert len(encodings) == 2, "the prompt and the negative prompt"
    assert pictures == [subject.bytes(seed=seed) for seed in (1, 2, 3)]


def test_of_several_texts_in_a_pass_each_is_encoded_once_and_alone(subject: Subject, pipe: Any) -> None:
    own = kept(pipe, subject)
    encodings = limited(pipe.text_encoder.embeddings.token_embedding, lambda _: True)
    prompts = ["one", "two", "one", "two", "one", "three"]

    together(own, [own.request(seed=place, prompt=prompt) for place, prompt in enumerate(prompts)], 3)

    assert encodings == [1] * 4, "three prompts and the empty negative prompt"


def test_a_picture_made_from_memory_is_the_one_the_bare_pipeline_makes(subject: Subject, pipe: Any) -> None:
    settings = {"width": 64, "height": 64, "num_inference_steps": 4, "guidance_scale": 5.0}
    pipe.set_progress_bar_config(disable=True)
    bare = pipe("a red boat", generator=torch.Generator("cpu").manual_seed(7), **settings).images[0]
    own = kept(pipe, subject)
    own.run(seed=1, **settings)

    assert own.picture(**settings).tobytes() == bare.tobytes()


def test_an_adapter_and_a_skipped_layer_have_embeddings_of_their_own(
    subject: Subject, pipe: Any, lora_file: Path
) -> None:
    own = kept(pipe, subject)
    own.loras = {"loud": LoraCard("loud", "Loud", str(lora_file))}
    encodings = counted(pipe.text_encoder)

    for change in ({}, {"clip_skip": 1}, {"loras": ["loud"]}, {"loras": ["loud:0.5"]}, {"negative_prompt": "dark"}):
        own.run(**change)

    assert len(encodings) == 2 * 5


def test_the_embeddings_of_a_users_own_pipeline_are_new_with_each_run(subject: Subject, pipe: Any) -> None:
    own = lent(pipe, subject)
    before = own.bytes()
    with torch.no_grad():
        pipe.text_encoder.final_layer_norm.weight.mul_(-1)

    assert own.bytes() != before
    assert "encode_prompt" not in vars(pipe)


def encoding(answer: Callable[..., Any]) -> Any:
    """A pipeline whose ``encode_prompt`` is taken for one of diffusers."""
    answer.__module__ = "diffusers.pipelines.test"
    return type("Encoding", (), {"encode_prompt": answer})()


def test_texts_whose_embeddings_do_not_fit_together_are_left_to_the_pipeline() -> None:
    asked: list[object] = []

    def encode_prompt(self: Any, prompt: Any, num_images_per_prompt: int = 1) -> tuple[torch.Tensor]:
        asked.append(prompt)
        return (torch.zeros(1, len(prompt), 4),)

    pipe = encoding(encode_prompt)
    with Embeddings().lent(pipe, ()):
        pipe.encode_prompt(["a", "bc"])

    assert asked == ["a", "bc", ["a", "bc"]]


def test_what_is_not_understood_is_not_remembered() -> None:
    asked: list[object] = []

    def encode_prompt(self: Any, prompt: Any, image: Any = None) -> list[torch.Tensor]:
        asked.append(prompt)
        return [torch.zeros(1, 2)]

    pipe = encoding(encode_prompt)
    with Embeddings().lent(pipe, ()):
        for _ in range(2):
            pipe.encode_prompt("a")
            pipe.encode_prompt("a", image=torch.zeros(1))

    assert len(asked) >= 4


def test_no_more_embeddings_are_kept_than_fit() -> None:
    asked: list[object] = []

    def encode_prompt(self: Any, prompt: str) -> tuple[torch.Tensor]:
        asked.append(prompt)
        return (torch.zeros(1, 256),)

    pipe = encoding(encode_prompt)
    with Embeddings(max_bytes=2048).lent(pipe, ()):
        for prompt in ("a", "b", "a", "c", "a", "b"):
            pipe.encode_prompt(prompt)

    assert asked == ["a", "b", "c", "b"], "the one that was not used for longest left"


# --- memory --------------------------------------------------------------------------------------------------------


def test_a_pass_that_does_not_fit_is_made_smaller_and_filled_up_too(subject: Subject, pipe: Any) -> None:
    own = kept(pipe, subject)
    requests = different(own, 5)
    pairs = bytes_of(together(own, requests, 2))
    seen = limited(pipe.unet, at_most(4))  # guidance doubles the rows

    events = together(own, requests, 4)

    assert bytes_of(events) == pairs
    assert {file.batch_size for found in files_of(events).values() for file in found} == {2}
    assert fallbacks(events) == {("smaller_batch",)}
    assert set(seen[:2]) == {8}, "two are made beside each other"
    assert set(seen[2:]) == {4}, "also the last one, with one request"


def test_the_autoencoder_takes_the_pictures_of_a_pass_one_at_a_time(subject: Subject, pipe: Any) -> None:
    own = lent(pipe, subject)
    decodings = limited(pipe.vae.decoder, lambda _: True)

    events = together(own, different(own, 3), 3)

    assert decodings == [1, 1, 1]
    assert fallbacks(events) == {()}
    assert pipe.vae.use_slicing is False


def test_a_run_alone_decodes_its_pictures_together_after_a_pass_of_several(subject: Subject, pipe: Any) -> None:
    own = kept(pipe, subject)
    together(own, different(own, 2), 2)
    decodings = limited(pipe.vae.decoder, lambda _: True)

    own.run(num_images=3)

    assert decodings == [3]


def test_members_that_were_finished_stay_so_when_memory_runs_out_for_good(subject: Subject, pipe: Any) -> None:
    own = kept(pipe, subject)
    seen: list[int] = limited(pipe.unet, lambda _: len(seen) <= 8)
    events: list[MemberEvent] = []

    with pytest.raises(OutOfMemoryError):
        events.extend(batch_engine(own).stream_batch(members(different(own, 8)), own.context(), 2))

    assert sorted(files_of(events)) == [0, 1, 2, 3]
    assert sum(isinstance(event, Finished) for _, event in events) == 4


def test_two_small_passes_are_made_beside_each_other_with_the_bytes_of_one_alone(subject: Subject, pipe: Any) -> None:
    own = kept(pipe, subject)
    requests = different(own, 4)
    alone = [file for pair in (requests[:2], requests[2:]) for file in bytes_of(together(own, pair, 2))]
    threads = threads_in(pipe.unet)

    assert bytes_of(together(own, requests, 2)) == alone
    assert len(threads) == min(2, passes_beside())


def test_passes_of_large_pictures_are_made_one_after_the_other(subject: Subject, pipe: Any) -> None:
    own = kept(pipe, subject)
    threads = threads_in(pipe.unet)

    together(own, different(own, 4, width=640, height=512, num_inference_steps=1), 2)

    assert len(threads) == 1


def threads_in(network: torch.nn.Module) -> set[int]:
    """Return what will hold every thread that calls `network`."""
    seen: set[int] = set()
    network.register_forward_pre_hook(lambda *_: seen.add(threading.get_ident()))
    return seen


# --- one that fails ------------------------------------------------------------------------------------------------


def failing_on(pipe: Any, word: str) -> None:
    """Let the tokenizer fail at texts with `word`, alone or in a list."""

    class Picky(type(pipe.tokenizer)):  # type: ignore[misc]  # whatever transformers' class is
        def __call__(self, text: Any, **named: Any) -> Any:
            if word in str(text):
                raise KeyError(word)
            return super().__call__(text, **named)

    pipe.tokenizer.__class__ = Picky


def test_a_bad_request_fails_and_the_others_in_its_pass_do_not(subject: Subject, pipe: Any) -> None:
    own = kept(pipe, subject)
    requests = different(own, 4)
    good = bytes_of(together(own, requests, 4))
    failing_on(pipe, "bad")
    requests[1] = requests[1].replace(prompt="a bad one")

    events = together(own, requests, 4)

    failed = {place: event.error for place, event in events if isinstance(event, Failed)}
    assert list(failed) == [1]
    assert "KeyError: 'bad'" in str(failed[1])
    assert isinstance(failed[1].__cause__, KeyError)
    assert bytes_of(events) == [good[0], good[2], good[3]]
    assert not any(isinstance(event, Finished) for place, event in events if place == 1)


# --- stage by stage ------------------------------------------------------------------------------------------------


class Device:
    """Stands in for a device that networks are moved to: what accelerate asks for is counted, nothing is moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from accelerate.hooks import CpuOffload

        self.loads: Counter[str] = Counter()
        self._there: set[torch.nn.Module] = set()
        there = self._there

        def pre_forward(hook: Any, network: torch.nn.Module, *args: Any, **named: Any) -> Any:
            if hook.prev_module_hook is not None:
                there.discard(hook.prev_module_hook.model)
            if network not in there:
                there.add(network)
                self.loads[type(network).__name__] += 1
            return args, named

        def init_hook(_hook: Any, network: torch.nn.Module) -> torch.nn.Module:
            there.discard(network)
            return network

        monkeypatch.setattr(CpuOffload, "pre_forward", pre_forward)
        monkeypatch.setattr(CpuOffload, "init_hook", init_hook)

    @property
    def is_free(self) -> bool:
        return not self._there


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    return Device(monkeypatch)


def offloaded(pipe: Any, subject: Subject) -> Subject:
    pipe.enable_model_cpu_offload(device="cpu")
    return lent(pipe, subject)


ONCE = {"CLIPTextModel": 1, "UNet2DConditionModel": 1, "AutoencoderKL": 1}


def test_sixteen_passes_load_each_network_once_in_place_of_sixteen_times(
    subject: Subject, pipe: Any, device: Device
) -> None:
    own = offloaded(pipe, subject)
    requests = [own.request(seed=seed, prompt=f"boat {seed}", num_inference_steps=2) for seed in range(16)]
    one_by_one = alone(own, requests)
    assert device.loads == dict.fromkeys(ONCE, 16)
    device.loads.clear()

    events = together(own, requests, 1)

    assert device.loads == ONCE
    assert bytes_of(events) == one_by_one
    assert device.is_free


@pytest.mark.parametrize("task", TASKS)
def test_stages_change_no_picture(subject: Subject, pipe: Any, device: Device, task: Task) -> None:
    unstaged = lent(pipe, subject)
    requests = different(unstaged, 5, task, **given(unstaged, task))
    expected = bytes_of(together(unstaged, requests, 2))

    events = together(offloaded(pipe, subject), requests, 2)

    assert bytes_of(events) == expected
    assert device.loads == ONCE


def test_stages_of_a_half_precision_model_change_no_picture(subject: Subject, device: Device) -> None:
    with quiet():
        half = tiny_pipelines.build_xl()
    unstaged = lent(half, subject)
    requests = different(unstaged, 3, num_inference_steps=2)
    expected = bytes_of(together(unstaged, requests, 1))

    assert bytes_of(together(offloaded(half, subject), requests, 1)) == expected
    assert half.vae.dtype is torch.float16


def test_a_pipeline_goes_through_the_stages_as_it_was(subject: Subject, pipe: Any, device: Device) -> None:
    own = offloaded(pipe, subject)
    scheduler, before = pipe.scheduler, set(vars(pipe))

    together(own, different(own, 3), 1)

    assert pipe.scheduler is scheduler
    assert set(vars(pipe)) == before
    assert not pipe.unet._forward_pre_hooks


def test_progress_through_the_stages_rises_by_one_to_the_total(subject: Subject, pipe: Any, device: Device) -> None:
    own = offloaded(pipe, subject)

    events = together(own, different(own, 3), 1)

    steps = [event for _, event in events if isinstance(event, Progress) and event.stage == "denoising"]
    assert [(event.step, event.total) for event in steps] == [(n, 12) for n in range(1, 13)]


def test_a_stop_unwinds_all_stages(subject: Subject, pipe: Any, device: Device) -> None:
    own = offloaded(pipe, subject)
    taking_part = members(different(own, 4, num_inference_steps=50))
    undisturbed = bytes_of(together(own, different(own, 2), 1))
    stream = batch_engine(own).stream_batch(taking_part, own.context(), 1)
    next(event for _, event in stream if isinstance(event, Progress) and event.step == 60)

    for member in taking_part:
        member.cancel.cancel()
    with pytest.raises(Cancelled):
        list(stream)

    assert device.is_free
    assert bytes_of(together(own, different(own, 2), 1)) == undisturbed


def test_memory_that_runs_out_in_a_stage_keeps_what_is_denoised(subject: Subject, pipe: Any, device: Device) -> None:
    own = offloaded(pipe, subject)
    requests = different(own, 4)
    expected = bytes_of(together(own, requests, 2))
    seen: list[int] = limited(pipe.unet, lambda rows: len(seen) <= 4 or len(rows) <= 2)

    events = together(own, requests, 2)

    assert bytes_of(events)[:2] == expected[:2]
    assert sorted(files_of(events)) == [0, 1, 2, 3]
    assert seen == [4] * 4 + [4] + [2] * 8
    assert device.is_free


def test_a_bad_request_in_a_stage_fails_and_the_others_do_not(subject: Subject, pipe: Any, device: Device) -> None:
    own = offloaded(pipe, subject)
    requests = different(own, 4)
    good = bytes_of(together(own, requests, 1))
    failing_on(pipe, "bad")
    requests[2] = requests[2].replace(prompt="a bad one")

    events = together(own, requests, 1)

    assert [place for place, event in events if isinstance(event, Failed)] == [2]
    assert bytes_of(events) == [good[0], good[1], good[3]]


def test_an_offloaded_model_asks_for_more_requests_at_once(subject: Subject, pipe: Any) -> None:
    request = subject.request()

    assert batch_engine(lent(pipe, subject)).appetite(request, 4) == 4
    assert batch_engine(offloaded(pipe, subject)).appetite(request, 4) == 16
    assert batch_engine(offloaded(pipe, subject)).appetite(request, 3) == 18


def test_a_model_that_had_to_be_offloaded_asks_for_more_and_goes_through_stages(
    subject: Subject, pipe: Any, device: Device
) -> None:
    own = kept(pipe, subject, offloads=True)
    limited(pipe.unet, lambda _: hasattr(pipe.vae, "_hf_hook"))
    before = [subject.bytes(seed=seed) for seed in (1, 2, 3)]
    own.run()
    device.loads.clear()

    events = together(own, [own.request(seed=seed) for seed in (1, 2, 3)], 1)

    assert batch_engine(own).appetite(own.request(), 1) == 16
    assert bytes_of(events) == before
    assert device.loads["UNet2DConditionModel"] == device.loads["AutoencoderKL"] == 1


# --- timings -------------------------------------------------------------------------------------------------------


def test_the_seconds_of_the_members_add_up(subject: Subject) -> None:
    events = together(subject, different(subject, 4), 2)

    timings = [event.timings for _, event in events if isinstance(event, Finished)]

    assert all(set(times) == {"loading", "denoising", "decoding"} for times in timings)
    assert timings[0]["denoising"] == pytest.approx(timings[1]["denoising"]), "two in a pass have half of it each"
    assert all(times["denoising"] > 0 for times in timings)
