"""What the diffusers engine does beyond the contract; on random weights, so pictures are compared, not judged."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import engine_subjects as subjects
import single_file
import tiny_pipelines
from cards import SCHEDULERS
from engine_subjects import Subject, decoded, files, half_mask, scene, started
from studio_kernel.domain.events import Finished, Progress
from studio_kernel.domain.model import LoraCard, SchedulerCard
from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import Lora
from studio_kernel.engines.diffusers import DiffusersEngine
from studio_kernel.engines.diffusers.loading import LoadedModel
from studio_kernel.engines.diffusers.quiet import quiet
from studio_kernel.errors import (
    EngineError,
    InvalidRequestError,
    ModelUnavailableError,
    UnsafeFileError,
)

# --- the picture ---------------------------------------------------------------------------------------------------


def test_the_picture_is_the_one_the_bare_pipeline_makes(subject: Subject, pipe: Any) -> None:
    pipe.set_progress_bar_config(disable=True)
    bare = pipe(
        "a red boat",
        negative_prompt="blurry",
        width=96,
        height=64,
        num_inference_steps=5,
        guidance_scale=3.0,
        guidance_rescale=0.5,
        generator=torch.Generator("cpu").manual_seed(7),
    ).images[0]

    made = subject.picture(
        negative_prompt="blurry",
        width=96,
        num_inference_steps=5,
        guidance_scale=3.0,
        guidance_rescale=0.5,
    )

    assert made.tobytes() == bare.tobytes()


def test_clip_skip_reads_an_earlier_layer(subject: Subject) -> None:
    base = subject.bytes()

    assert len({base, subject.bytes(clip_skip=1), subject.bytes(clip_skip=2)}) == 3
    assert subject.bytes() == base


def test_the_global_random_numbers_are_neither_used_nor_moved(subject: Subject) -> None:
    first = subject.bytes()
    torch.manual_seed(123)
    before = torch.random.get_rng_state()

    assert subject.bytes(num_images=1) == first
    assert torch.equal(torch.random.get_rng_state(), before)


def test_nothing_is_printed(subject: Subject, capfd: pytest.CaptureFixture[str]) -> None:
    subject.engine.close()

    subject.run(prompt="far more than the thirty-two tokens this model reads " * 4, scheduler="euler")

    assert capfd.readouterr() == ("", "")


def test_timings_are_reported_by_stage(subject: Subject) -> None:
    last = subject.run()[-1]

    assert isinstance(last, Finished)
    assert set(last.timings) == {"loading", "denoising", "decoding"}
    assert all(seconds >= 0 for seconds in last.timings.values())


def test_provenance_says_what_decided_the_picture(subject: Subject) -> None:
    known = started(subject.run(scheduler="dpmpp_2m_karras")).provenance

    assert known["pipeline"] == "StableDiffusionPipeline"
    assert known["scheduler"] == {"class": "DPMSolverMultistepScheduler", "changes": {"use_karras_sigmas": True}}
    assert known["dtype"] == "float32"
    assert 1 <= known["threads"] <= torch.get_num_threads()
    assert known["torch"] == torch.__version__
    assert len(str(known["weights_sha256"])) == 64


# --- schedulers ----------------------------------------------------------------------------------------------------


def test_every_scheduler_makes_another_picture_and_leaves_nothing_behind(subject: Subject) -> None:
    own = subject.bytes()

    pictures = {name: subject.bytes(scheduler=name) for name in SCHEDULERS}

    assert len({own, *pictures.values()}) == 1 + len(SCHEDULERS)
    assert subject.bytes() == own
    assert subject.bytes(scheduler="dpmpp_2m_karras") == pictures["dpmpp_2m_karras"], "not the order of runs decides"


def test_a_scheduler_of_second_order_has_its_real_number_of_steps(subject: Subject) -> None:
    seen = [event for event in subject.run(scheduler="heun") if isinstance(event, Progress)]

    assert seen[-1].step == seen[-1].total == 7, "4 steps of order 2, the last one single"


def test_an_unknown_scheduler_is_refused_before_any_work(subject: Subject) -> None:
    with pytest.raises(InvalidRequestError, match="scheduler: 'eulr' is not known; there are: euler"):
        subject.engine.check(subject.request(scheduler="eulr"), subject.context())


@pytest.mark.parametrize("class_name", ["AutoPipelineForText2Image", "utils.logging", "os.system"])
def test_a_catalog_entry_cannot_name_anything_but_a_scheduler(
    subject: Subject, class_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SCHEDULERS, "odd", SchedulerCard("odd", "Odd", class_name, {}))

    with pytest.raises(InvalidRequestError, match="no scheduler class"):
        subject.engine.check(subject.request(scheduler="odd"), subject.context())


def test_a_scheduler_this_diffusers_lacks_is_an_engine_error(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCHEDULERS, "new", SchedulerCard("new", "New", "NotYetInventedScheduler", {}))

    with pytest.raises(EngineError, match="has no NotYetInventedScheduler"):
        subject.run(scheduler="new")


# --- LoRAs ---------------------------------------------------------------------------------------------------------


def test_loras_act_by_their_weight_and_come_off_without_a_trace(subject: Subject, lora_file: Path) -> None:
    subject.loras = {"loud": LoraCard("loud", "Loud", str(lora_file))}
    base = subject.bytes()

    full, half = subject.bytes(loras=["loud"]), subject.bytes(loras=["loud:0.5"])

    assert len({base, full, half}) == 3
    assert subject.bytes() == base
    assert subject.bytes(loras=["loud"]) == full
    assert subject.bytes(Task.IMAGE_TO_IMAGE, loras=["loud"], image=subject.give(scene()))
    assert subject.bytes() == base


def test_loras_are_named_by_file_too_and_add_up(subject: Subject, lora_file: Path, tmp_path: Path) -> None:
    with quiet():
        other = tiny_pipelines.save_lora(tmp_path / "other.safetensors", seed=2)

    one, both = subject.bytes(loras=[str(lora_file)]), subject.bytes(loras=[str(lora_file), str(other)])
    known = started(subject.run(loras=[str(lora_file)])).provenance

    assert one != both
    assert str(lora_file) not in str(known["loras"])
    assert "sha256" in str(known["loras"])


def test_a_lora_that_does_not_fit_is_refused_and_leaves_nothing(subject: Subject, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    base = subject.bytes()
    file = tmp_path / "other.safetensors"
    save_file({"transformer.blocks.0.attn.to_q.lora_A.weight": torch.zeros(2, 8)}, file)

    with pytest.raises(EngineError, match="does not fit this model"):
        subject.run(loras=[str(file)])
    assert subject.bytes() == base


@pytest.mark.parametrize(
    ("lora", "error", "message"),
    [
        (Lora("lou"), InvalidRequestError, "there is no LoRA 'lou'; did you mean 'loud'"),
        (Lora("loud"), InvalidRequestError, "made for sdxl, this model is of the family studio"),
        (Lora("pickled"), UnsafeFileError, "is a pickle"),
        (Lora("gone"), ModelUnavailableError, "is missing"),
    ],
)
def test_an_unfit_lora_is_refused_before_any_work(
    tiny_random: Path, tmp_path: Path, lora: Lora, error: type[Exception], message: str
) -> None:
    subject = subjects.diffusers(tiny_random, tmp_path)
    subject.card = subjects.diffusers_card(subject.card.source, family="studio")
    subject.loras = {
        "loud": LoraCard("loud", "Loud", str(tmp_path / "loud.safetensors"), family="sdxl"),
        "pickled": LoraCard("pickled", "Pickled", str(tmp_path / "old.ckpt")),
        "gone": LoraCard("gone", "Gone", str(tmp_path / "gone.safetensors")),
    }

    with pytest.raises(error, match=message):
        subject.engine.check(subject.request(loras=[lora]), subject.context())


# --- what does not fit ---------------------------------------------------------------------------------------------


def test_too_little_strength_for_one_step_is_refused_before_any_work(subject: Subject) -> None:
    request = subject.request(Task.IMAGE_TO_IMAGE, image=subject.give(scene()), strength=0.2)

    with pytest.raises(InvalidRequestError, match=r"0.2 of 4 steps is less than one step; give at least 0.25"):
        subject.engine.check(request, subject.context())


def test_a_task_without_pictures_is_refused(subject: Subject) -> None:
    request = subject.request().replace(task=Task.TEXT_TO_AUDIO)

    with pytest.raises(InvalidRequestError, match="does text-to-image, image-to-image, inpainting, nothing else"):
        subject.engine.check(request, subject.context())


def test_a_parameter_the_pipeline_lacks_is_an_error_before_the_first_step(subject: Subject) -> None:
    request = subject.request().replace(sharpness=3)

    with pytest.raises(EngineError, match="StableDiffusionPipeline does not know sharpness=3"):
        next(subject.stream(request))


def test_a_parameter_the_pipeline_knows_is_passed_whatever_the_studio_calls_standard(
    subject: Subject,
) -> None:
    extra = Parameter("cross_attention_kwargs", "object")
    subject.card = subjects.replace(subject.card, parameters=(*subject.card.parameters, extra))

    assert subject.bytes(cross_attention_kwargs={"scale": 0.5}) == subject.bytes(), "scale acts on LoRAs only"


# --- loaded models -------------------------------------------------------------------------------------------------


def test_the_pipelines_of_all_tasks_share_their_networks(pipe: Any) -> None:
    model = LoadedModel(pipe)

    pipelines = [model.pipeline(task) for task in (Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINTING)]

    assert pipelines[0] is pipe
    assert {type(made).__name__ for made in pipelines} == {
        "StableDiffusionPipeline",
        "StableDiffusionImg2ImgPipeline",
        "StableDiffusionInpaintPipeline",
    }
    assert all(made.unet is pipe.unet and made.vae is pipe.vae for made in pipelines)


def test_a_model_is_loaded_once_and_again_when_its_files_change(tiny_random: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    subject = subjects.diffusers(shutil.copytree(tiny_random, tmp_path / "model"), tmp_path)
    before = subject.run()
    assert subject.engine._model(subject.card) is subject.engine._model(subject.card)  # type: ignore[attr-defined]

    file = next((tmp_path / "model" / "unet").glob("*.safetensors"))
    save_file({name: value * 1.5 for name, value in load_file(file).items()}, file)
    after = subject.run()

    assert files(before)[0].data != files(after)[0].data
    assert started(before).provenance["weights_sha256"] != started(after).provenance["weights_sha256"]


def test_one_run_at_a_time(subject: Subject) -> None:
    stream = subject.stream(subject.request())
    next(stream)

    with pytest.raises(EngineError, match="at work on another request"):
        next(subject.stream(subject.request()))
    stream.close()  # type: ignore[attr-defined]

    assert subject.bytes()


def test_unsafe_files_are_refused_at_loading_even_unchecked(subject: Subject, tmp_path: Path) -> None:
    (tmp_path / "model.ckpt").write_bytes(b"\x80\x04.")
    card = subjects.diffusers_card(subjects.ModelSource(path=str(tmp_path)))

    with pytest.raises(UnsafeFileError):
        next(subject.engine.stream(subject.request(), subjects.replace(subject.context(), card=card)))


def test_a_weight_variant_is_loaded(pipe: Any, tmp_path: Path) -> None:
    with quiet():
        pipe.save_pretrained(tmp_path / "model", variant="fp16")
    card = subjects.diffusers_card(subjects.ModelSource(path=str(tmp_path / "model"), variant="fp16"))

    assert Subject(DiffusersEngine(), card, tmp_path).picture().size == (64, 64)


# --- inpainting ----------------------------------------------------------------------------------------------------


def test_a_grey_mask_mixes(subject: Subject) -> None:
    original = scene()
    inputs = {"image": subject.give(original), "strength": 1.0}

    hard = subject.picture(Task.INPAINTING, mask_image=subject.give(half_mask()), **inputs)
    soft = subject.picture(Task.INPAINTING, mask_image=subject.give(half_mask().point(lambda v: v // 2)), **inputs)

    assert hard.tobytes() != soft.tobytes()
    assert decoded(subjects.encoded(soft)).crop((0, 0, 32, 64)).tobytes() == original.crop((0, 0, 32, 64)).tobytes()


# --- single files --------------------------------------------------------------------------------------------------


def test_a_single_file_checkpoint_makes_the_pictures_of_its_directory(
    subject: Subject, pipe: Any, tiny_random: Path, tmp_path: Path
) -> None:
    file = single_file.save(pipe, tmp_path / "photo.safetensors")
    shutil.copytree(tiny_random, tmp_path / "photo", ignore=shutil.ignore_patterns("*.safetensors"))
    card = subjects.diffusers_card(subjects.ModelSource(file=str(file)))
    single = Subject(DiffusersEngine(), card, tmp_path)

    assert single.engine.unavailable(card) is None
    assert single.bytes() == subject.bytes()
    assert single.bytes(Task.IMAGE_TO_IMAGE, image=single.give(scene()))
