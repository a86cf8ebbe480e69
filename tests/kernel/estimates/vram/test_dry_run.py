"""What raises and lowers the memory of a call, and what is said when it cannot be found."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from small_pipelines import FLUX, LTX, SD, WAN, write
from studio_kernel.domain.tasks import Task
from studio_kernel.estimates.vram.architectures import architecture, architectures
from studio_kernel.estimates.vram.dry_run import trace
from studio_kernel.estimates.vram.kernels import CUDA
from studio_kernel.estimates.vram.subject import Subject
from studio_kernel.estimates.vram.trace import Stage, Trace, Untraceable
from studio_kernel.settings import data_dir

GIB = 2**30
SIDE = {"width": 256, "height": 256}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The configuration files of a Stable Diffusion pipeline; no weights."""
    return str(write(SD, tmp_path_factory.mktemp("model") / "sd"))


@cache
def traced(**what: Any) -> Trace:
    found = trace(Subject(**{**SIDE, **what}))
    assert isinstance(found, Trace), found
    return found


def stage(found: Trace, name: str) -> Stage:
    return next(one for one in found.stages if one.name == name)


def test_the_stages_come_in_the_order_of_a_run(directory: str) -> None:
    assert [one.name for one in traced(directory=directory).stages] == ["text encoding", "denoising", "decoding"]


def test_weights_that_are_not_there_are_counted_in_the_asked_precision(directory: str) -> None:
    assert not list(Path(directory).rglob("*.safetensors"))
    full, half = (sum(traced(directory=directory, dtype=dtype).weights.values()) for dtype in ("float32", "float16"))
    assert full == pytest.approx(2 * half, rel=0.01)


def test_placements_take_less_the_more_waits_in_the_main_memory(directory: str) -> None:
    peaks = traced(directory=directory).peaks
    assert peaks["none"] > peaks["model"] > peaks["block"] >= peaks["sequential"]


def test_the_peak_without_offload_is_the_weights_and_the_highest_stage(directory: str) -> None:
    found = traced(directory=directory)
    highest = max(one.before_bytes + one.peak_bytes for one in found.stages)
    expected = sum(found.weights.values()) + highest + CUDA.workspace_bytes
    assert found.peaks["none"] == pytest.approx(expected, rel=0.01)


def test_guidance_doubles_what_denoising_takes(directory: str) -> None:
    guided, plain = (stage(traced(directory=directory, is_guided=way), "denoising") for way in (True, False))
    assert guided.flops == pytest.approx(2 * plain.flops, rel=0.01)
    assert guided.peak_bytes == pytest.approx(2 * plain.peak_bytes, rel=0.2)


def test_a_model_that_takes_the_scale_as_a_condition_is_not_doubled(tmp_path: Path) -> None:
    flux = str(write(FLUX, tmp_path / "flux"))
    guided, plain = (stage(traced(directory=flux, is_guided=way), "denoising") for way in (True, False))
    assert (guided.flops, guided.calls) == (plain.flops, plain.calls)


def test_every_picture_of_a_call_takes_its_memory(directory: str) -> None:
    one, four = (stage(traced(directory=directory, num_images=count), "decoding") for count in (1, 4))
    assert four.peak_bytes == pytest.approx(4 * one.peak_bytes, rel=0.05)


def test_slicing_decodes_one_picture_at_a_time(directory: str) -> None:
    whole, sliced = (traced(directory=directory, num_images=4, vae_slicing=way) for way in (False, True))
    assert stage(sliced, "decoding").peak_bytes < 0.4 * stage(whole, "decoding").peak_bytes
    assert stage(sliced, "denoising").peak_bytes == stage(whole, "denoising").peak_bytes


def test_tiles_are_half_of_the_picture_even_where_the_autoencoder_has_larger_ones(directory: str) -> None:
    whole, tiled = (stage(traced(directory=directory, vae_tiling=way), "decoding") for way in (False, True))
    assert 0.2 < tiled.peak_bytes / whole.peak_bytes < 0.5


def test_scores_in_memory_take_more_than_attention_that_writes_none(directory: str) -> None:
    fused, written = (traced(directory=directory, attention=way) for way in ("fused", "math"))
    assert stage(written, "denoising").peak_bytes > 2 * stage(fused, "denoising").peak_bytes
    assert stage(written, "denoising").flops == stage(fused, "denoising").flops


@pytest.mark.parametrize("task", [Task.IMAGE_TO_IMAGE, Task.INPAINTING])
def test_a_picture_that_is_given_is_encoded(directory: str, task: Task) -> None:
    found = traced(directory=directory, task=task)
    assert [one.name for one in found.stages] == ["text encoding", "encoding", "denoising", "decoding"]
    assert stage(found, "denoising").calls == 2
    assert stage(found, "encoding").peak_bytes > 0


def test_weights_that_are_brought_to_another_precision_on_the_way_are_not_taken_for_results() -> None:
    """SDXL's autoencoder encodes in 32 bits and goes back to 16 before the network denoises."""
    sdxl = {"architecture": "sdxl", "dtype": "float16"}
    usual, given = (traced(**sdxl, task=task) for task in (Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE))
    more = stage(given, "denoising").before_bytes - stage(usual, "denoising").before_bytes
    assert more < given.weights["vae"] / 4


def test_a_longer_clip_takes_more(tmp_path: Path) -> None:
    ltx = str(write(LTX, tmp_path / "ltx"))
    short, long = (traced(directory=ltx, num_frames=frames).peaks["sequential"] for frames in (9, 25))
    assert long > 1.5 * short


@pytest.mark.parametrize("what", [{"vae_tiling": True}, {"task": Task.IMAGE_TO_IMAGE}])
def test_running_equal_blocks_once_changes_no_figure(directory: str, what: dict[str, Any]) -> None:
    subject = Subject(directory=directory, **SIDE, **what)
    with_memo, without = trace(subject), trace(subject, memo=False)
    assert isinstance(with_memo, Trace)
    assert isinstance(without, Trace)
    assert with_memo.peaks == without.peaks
    assert [one.flops for one in with_memo.stages] == [one.flops for one in without.stages]


def test_a_cache_that_blocks_change_is_replayed_too(tmp_path: Path) -> None:
    """Wan's autoencoder decodes slice by slice, and keeps the last frames of each layer in a list."""
    wan = str(write(WAN, tmp_path / "wan"))
    subject = Subject(directory=wan, width=64, height=64, num_frames=13)
    with_memo, without = trace(subject), trace(subject, memo=False)
    assert isinstance(with_memo, Trace)
    assert isinstance(without, Trace)
    assert with_memo.peaks == without.peaks


def test_bytes_that_are_known_better_take_the_place_of_the_skeletons(directory: str) -> None:
    usual, changed = (
        traced(directory=directory),
        trace(Subject(directory=directory, **SIDE), {"unet": GIB, "lora": GIB}),
    )
    assert isinstance(changed, Trace)
    assert (changed.weights["unet"], changed.weights["lora"]) == (GIB, GIB)
    added = sum(changed.weights.values()) - sum(usual.weights.values())
    assert changed.peaks["none"] - usual.peaks["none"] == added


def test_quantised_weights_are_smaller(directory: str) -> None:
    usual, small = traced(directory=directory), traced(directory=directory, quantisation="nf4")
    assert small.weights["unet"] < usual.weights["unet"]
    assert small.weights["vae"] == usual.weights["vae"]


def test_the_allocator_holds_at_least_what_is_allocated(directory: str) -> None:
    subject = Subject(directory=directory, **SIDE)
    found = trace(subject, reserved=True)
    assert isinstance(found, Trace)
    assert found.reserved_bytes is not None
    assert found.peaks["none"] <= found.reserved_bytes < 2 * found.peaks["none"]
    assert traced(directory=directory).reserved_bytes is None


def test_a_component_may_have_a_precision_of_its_own(tmp_path: Path) -> None:
    ltx = str(write(LTX, tmp_path / "ltx"))
    usual, changed = (traced(directory=ltx, num_frames=9, dtypes=dtypes) for dtypes in ((), ("vae=float32",)))
    assert changed.weights["vae"] == 2 * usual.weights["vae"]
    assert changed.weights["transformer"] == usual.weights["transformer"]


def test_the_model_that_ships_is_traced_from_its_own_directory() -> None:
    tiny = traced(directory=str(data_dir() / "models" / "studio-tiny"), task=Task.TEXT_TO_IMAGE)
    assert 10**6 < sum(tiny.weights.values()) < 10**8


@pytest.mark.parametrize("name", architectures())
def test_every_architecture_that_ships_is_traced(name: str) -> None:
    known = architecture(name)
    short = {"width": 512, "height": 320, "num_frames": 17} if "num_frames" in known.call else {}
    found = trace(Subject(architecture=name, dtype=known.dtype, **short))
    assert isinstance(found, Trace), found
    assert {"text encoding", "denoising", "decoding"} <= {one.name for one in found.stages}
    assert all(one.flops > 0 for one in found.stages)
    assert GIB < found.peaks["model"] < found.peaks["none"]


@pytest.mark.parametrize(
    ("name", "step", "decoding"), [("sd15", 1.6, 2.5), ("sdxl", 13.5, 10.5), ("flux1-dev", 74, 10.5)]
)
def test_operations_agree_with_the_published_counts(name: str, step: float, decoding: float) -> None:
    """Section 2.1 of the report, in TFLOP."""
    how = {"width": 512, "height": 512} if name == "sd15" else {"width": 1024, "height": 1024}
    found = traced(architecture=name, dtype=architecture(name).dtype, **how)
    assert stage(found, "denoising").flops / 1e12 == pytest.approx(step, rel=0.01)
    assert stage(found, "decoding").flops / 1e12 == pytest.approx(decoding, rel=0.01)


def broken_json(model: Path) -> None:
    (model / "unet" / "config.json").write_text("{")


def without_a_configuration(model: Path) -> None:
    (model / "vae" / "config.json").unlink()


def with_another_pipeline(model: Path) -> None:
    index = json.loads((model / "model_index.json").read_text())
    (model / "model_index.json").write_text(json.dumps({**index, "_class_name": "NoSuchPipeline"}))


def with_a_foreign_class(model: Path) -> None:
    index = json.loads((model / "model_index.json").read_text())
    (model / "model_index.json").write_text(json.dumps({**index, "unet": ["os", "PathLike"]}))


def with_layers_that_do_not_fit(model: Path) -> None:
    path = model / "unet" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "cross_attention_dim": 48}))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (broken_json, "config.json"),
        (without_a_configuration, "config.json"),
        (with_another_pipeline, "NoSuchPipeline"),
        (with_a_foreign_class, "PathLike"),
        (with_layers_that_do_not_fit, "48"),
        (shutil.rmtree, "model_index.json"),
    ],
)
def test_what_cannot_be_traced_has_a_reason_and_no_number(
    damage: Callable[[Path], None], words: str, directory: str, tmp_path: Path
) -> None:
    model = Path(shutil.copytree(directory, tmp_path / "model"))
    damage(model)
    found = trace(Subject(directory=str(model), **SIDE))
    assert isinstance(found, Untraceable)
    assert words in found.reason


def test_a_failed_trace_leaves_torch_as_it_was(directory: str, tmp_path: Path) -> None:
    from torch.nn import functional

    before = functional.linear, functional.scaled_dot_product_attention
    model = Path(shutil.copytree(directory, tmp_path / "model"))
    with_layers_that_do_not_fit(model)
    assert isinstance(trace(Subject(directory=str(model), **SIDE)), Untraceable)
    assert (functional.linear, functional.scaled_dot_product_attention) == before


def test_unknown_names_are_said() -> None:
    subjects = Subject(architecture="no-such"), Subject(architecture="sd15", quantisation="nf5")
    for subject, known in zip(subjects, ("flux1-dev", "nf4"), strict=True):
        found = trace(subject)
        assert isinstance(found, Untraceable)
        assert known in found.reason


def test_what_goes_in_and_comes_out_needs_no_torch() -> None:
    code = (
        "import sys; from studio_kernel.estimates.vram import subject, trace, blueprint, architectures; "
        "print({'torch', 'diffusers', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
