"""A trace against what torch really allocates when the same pipeline runs on the CPU."""

from pathlib import Path
from typing import Any

import pytest

from allocations import Allocated, allocated, mark
from benchmarks.random_weights import fill
from small_pipelines import FLUX, LTX, SD, WAN, write
from studio_kernel.domain.tasks import Task
from studio_kernel.engines.diffusers.devices import few_threads
from studio_kernel.estimates.vram.blueprint import of_directory
from studio_kernel.estimates.vram.dry_run import trace
from studio_kernel.estimates.vram.skeleton import arguments, build, of_task
from studio_kernel.estimates.vram.subject import Subject
from studio_kernel.estimates.vram.trace import Trace
from studio_kernel.settings import data_dir

MIB = 2**20
SMALLEST_STAGE = 4 * MIB
"""Below that, buffers of a kernel's own count."""
KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "stable diffusion": (SD, {"width": 160, "height": 128, "num_images": 2}),
    "stable diffusion, from a picture": (SD, {"width": 128, "height": 128, "task": Task.IMAGE_TO_IMAGE}),
    "flux": (FLUX, {"width": 128, "height": 128}),
    "ltx": (LTX, {"width": 128, "height": 128, "num_frames": 9}),
    "wan": (WAN, {"width": 32, "height": 32, "num_frames": 5}),
}


Both = tuple[Trace, Allocated]


@pytest.fixture(scope="module", params=KINDS)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """What was traced and what was measured of one kind of pipeline."""
    blueprint, how = KINDS[request.param]
    directory = write(blueprint, tmp_path_factory.mktemp("model") / "pipeline")
    subject = Subject(directory=str(directory), device="cpu", dtype="float32", **how)
    traced = trace(subject)
    assert isinstance(traced, Trace), traced
    return traced, really(directory, subject)


def test_the_peak_is_that_of_a_real_run_within_a_hundredth(both: Both) -> None:
    traced, real = both
    assert activations(traced) == pytest.approx(real.peak_bytes, rel=0.01)


# The widest is the encoder of a picture, 7 % over: a convolution with steps of two needs no copy of its input.
def test_each_stage_takes_what_it_really_takes(both: Both) -> None:
    traced, real = both
    ways = {"decoding": "decode", "encoding": "encode"}
    large = {
        f"{stage.component}.{ways.get(stage.name, 'forward')}": stage.peak_bytes
        for stage in traced.stages
        if stage.peak_bytes > SMALLEST_STAGE
    }
    assert large
    assert large == {name: pytest.approx(real.stages[name], rel=0.08) for name in large}


def test_the_model_that_ships_takes_what_it_really_takes() -> None:
    from diffusers import DiffusionPipeline

    directory = data_dir() / "models" / "studio-tiny"
    subject = Subject(directory=str(directory), device="cpu", dtype="float32", width=256, height=256)
    traced = trace(subject)
    assert isinstance(traced, Trace), traced
    pipe = DiffusionPipeline.from_pretrained(str(directory), local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    with few_threads():
        real = allocated(lambda: pipe(**arguments(pipe, subject, {})))
    assert activations(traced) == pytest.approx(real.peak_bytes, rel=0.05)
    assert sum(traced.weights.values()) == loaded_bytes(pipe)


def really(directory: Path, subject: Subject) -> Allocated:
    pipe = of_task(fill(build(of_directory(directory), subject.dtype), "cpu"), subject.task)
    mark(pipe)
    with few_threads():
        return allocated(lambda: pipe(**arguments(pipe, subject, {})))


def activations(traced: Trace) -> int:
    return traced.peaks["none"] - sum(traced.weights.values())


def loaded_bytes(pipe: Any) -> int:
    networks = [part for part in pipe.components.values() if hasattr(part, "parameters")]
    return sum(tensor.nbytes for network in networks for tensor in (*network.parameters(), *network.buffers()))
