"""An input is really changed, and the report of a replay names it and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

import studio_kernel as sk
from engine_limits import limited
from studio_kernel.engines.diffusers import DiffusersEngine
from studio_kernel.engines.diffusers.ladder import Ladder, Rung, Taken
from studio_kernel.engines.diffusers.loading import LoadedModel
from studio_kernel.engines.diffusers.quiet import quiet

CATALOG = """
models:
  tiny: {{name: Tiny, creator: Tests, family: studio-tiny, path: {path}, licence: none}}
schedulers:
  mine: {{name: Mine, class_name: {scheduler}, options: {{use_karras_sigmas: {karras}}}}}
"""
ASKED = {"model": "tiny", "width": 64, "height": 64, "num_inference_steps": 3, "seed": 7, "progress": False}


@pytest.fixture
def weights(tiny_random, tmp_path):
    """A model of this test's own."""
    return shutil.copytree(tiny_random, tmp_path / "weights")


@pytest.fixture
def opened(home, weights):
    """A function that opens the home, with an engine of the caller's own where that is given; one at a time."""
    studios = []

    def open_home(engine=None, karras="false", scheduler="EulerDiscreteScheduler"):
        for earlier in studios:
            earlier.close()
        (home / "catalog").mkdir(parents=True, exist_ok=True)
        (home / "catalog" / "mine.yaml").write_text(CATALOG.format(path=weights, karras=karras, scheduler=scheduler))
        studios.append(sk.open(home, engines=[engine or DiffusersEngine()]))
        return studios[-1]

    yield open_home
    for studio in studios:
        studio.close()


@pytest.fixture
def pipe(weights):
    from diffusers import StableDiffusionPipeline

    with quiet():
        return StableDiffusionPipeline.from_pretrained(weights)


def names(report):
    return [change.name for change in report.differs]


def engine_with(pipe: Any) -> DiffusersEngine:
    """An engine that keeps `pipe` as its model, and makes room for it as for any other."""
    engine = DiffusersEngine()
    engine._own = LoadedModel(pipe, ladder=Ladder(pipe))
    return engine


def test_nothing_changed_repeats_byte_for_byte(opened):
    run = opened().generate("a red boat", **ASKED)
    report = opened().replay(run.id, progress=False)
    assert (report.verdict, report.differs, report.changes.unrecorded) == ("identical", (), ())
    assert report.numbers.same_bytes
    assert "No recorded input differs." in report.text


def test_another_precision_is_named(opened):
    run = opened().generate("a red boat", **ASKED)
    report = opened(DiffusersEngine(dtype="bfloat16")).replay(run.id, progress=False)
    assert names(report) == ["dtype"]
    assert (report.differs[0].recorded, report.differs[0].now) == ("float32", "bfloat16")
    assert report.verdict != "identical"
    assert report.explained == "yes"


def test_another_number_of_threads_is_named(opened, monkeypatch):
    run = opened().generate("a red boat", **ASKED)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(4)))  # a machine with four processors
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        report = opened().replay(run.id, progress=False)
    finally:
        torch.set_num_threads(before)
    assert names(report) == ["threads"]
    assert report.is_repeated


def test_another_option_of_the_scheduler_in_the_catalog_is_named(opened):
    run = opened().generate("a red boat", scheduler="mine", **ASKED)
    report = opened(karras="true").replay(run.id, progress=False)
    assert names(report) == ["scheduler.use_karras_sigmas"]
    assert (report.verdict, report.explained) == ("different", "yes")


def test_another_configuration_of_the_models_own_scheduler_is_named(opened, weights):
    run = opened().generate("a red boat", **ASKED)
    path = weights / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "beta_end": 0.02}))
    report = opened().replay(run.id, progress=False)
    assert names(report) == ["scheduler.beta_end"]
    assert (report.differs[0].recorded, report.differs[0].now) == (0.012, 0.02)


def test_another_class_of_scheduler_is_named_without_its_options(opened):
    run = opened().generate("a red boat", scheduler="mine", **ASKED)
    report = opened(scheduler="LMSDiscreteScheduler").replay(run.id, progress=False)
    assert names(report) == ["scheduler"]
    assert "scheduler: recorded EulerDiscreteScheduler, now LMSDiscreteScheduler" in report.text


def test_weights_with_other_bytes_are_named_by_their_component(opened, weights):
    run = opened().generate("a red boat", **ASKED)
    path = next((weights / "unet").glob("*.safetensors"))
    tensors = load_file(path)
    name = next(name for name in tensors if name.startswith("conv_in.weight"))
    tensors[name] = tensors[name] + np.float32(0.05)
    save_file(tensors, path, metadata={"format": "pt"})
    report = opened().replay(run.id, progress=False)
    assert names(report) == ["weights.unet"]
    assert "weights of unet: recorded" in report.text
    assert (report.verdict, report.explained) == ("different", "yes")


def test_a_cell_is_repeated_in_a_pass_of_its_size_and_alone_on_demand(opened):
    studio = opened()
    sweep = studio.sweep(
        "a red boat", axes={"seed": [1, 2, 3]}, **{k: ASKED[k] for k in ASKED if k not in ("seed", "progress")}
    )
    run = sweep.wait().runs[1]
    assert run.record.provenance["batch_size"] == 3
    assert studio.replay(run, progress=False).numbers.same_bytes
    alone = studio.replay(run, batch_size=1, progress=False)
    assert names(alone) == ["batch_size"]
    assert (alone.differs[0].recorded, alone.differs[0].now) == (3, 1)
    assert alone.is_repeated


def test_tiles_for_want_of_memory_are_named(opened, pipe):
    limited(pipe.vae.decoder, lambda given: given.shape[-1] < 8)
    run = opened(engine_with(pipe)).generate("a red boat", **ASKED)
    assert run.record.provenance["fallbacks"] == ("vae_tiling",)
    pipe.vae.decoder._forward_pre_hooks.clear()
    pipe.vae.disable_tiling()
    report = opened(engine_with(pipe)).replay(run.id, progress=False)
    assert names(report) == ["vae_tiling"]
    assert "tiling: recorded on, now off" in report.text
    assert report.explained == "yes"


def test_tiles_are_told_by_the_file_alone(opened, pipe, tmp_path):
    limited(pipe.vae.decoder, lambda given: given.shape[-1] < 8)
    studio = opened(engine_with(pipe))
    file = shutil.copy(studio.generate("a red boat", **ASKED).files[0], tmp_path / "tiles.png")
    pipe.vae.decoder._forward_pre_hooks.clear()
    pipe.vae.disable_tiling()
    with sk.open(tmp_path / "fresh", engines=[engine_with(pipe)]) as fresh:
        shutil.copytree(studio.home.catalog, fresh.home.catalog, dirs_exist_ok=True)
        assert names(fresh.replay(file, progress=False)) == ["vae_tiling"]


def test_other_attention_in_a_pipeline_of_the_users_own_is_named(opened, pipe):
    from diffusers.models.attention_processor import AttnProcessor

    run = opened(engine_with(pipe)).generate("a red boat", **ASKED)
    pipe.unet.set_attn_processor(AttnProcessor())
    report = opened(engine_with(pipe)).replay(run.id, progress=False)
    assert names(report) == ["attention"]
    assert report.is_repeated


def test_networks_that_wait_in_the_main_memory_are_named(opened, pipe):
    run = opened(engine_with(pipe)).generate("a red boat", **ASKED)
    offloaded = engine_with(pipe)
    offloaded._own.ladder.taken = Taken(frozenset({Rung.MODEL_OFFLOAD}))
    report = opened(offloaded).replay(run.id, progress=False)
    assert names(report) == ["offload"]
    assert (report.differs[0].recorded, report.differs[0].now) == ("none", "model")
    assert report.is_repeated


def test_slices_that_the_user_has_switched_on_are_named(opened, pipe):
    run = opened(engine_with(pipe)).generate("a red boat", **ASKED)
    pipe.vae.enable_slicing()
    report = opened(engine_with(pipe)).replay(run.id, progress=False)
    assert names(report) == ["vae_slicing"]


def test_another_catalog_entry_of_the_model_is_named(opened, home, weights):
    run = opened().generate("a red boat", **ASKED)
    studio = opened()
    for file in weights.glob("*/*.safetensors"):
        file.rename(file.with_suffix(".fp32.safetensors"))
    path = home / "catalog" / "mine.yaml"
    path.write_text(path.read_text().replace("licence: none", "licence: none, variant: fp32"))
    report = studio.replay(run.id, progress=False)
    assert names(report)[0] == "model_card"
    assert report.verdict == "identical"
    assert "What differs has changed nothing." in report.text


def test_the_model_that_ships_repeats_in_another_process_from_its_file_alone(home, tmp_path):
    with sk.open(home) as studio:
        run = studio.generate("a red boat", **{**ASKED, "model": "studio-tiny"})
        file = shutil.copy(run.files[0], tmp_path / "boat.png")
    command = [sys.executable, "-m", "studio_kernel.cli", "--home", tmp_path / "fresh", "replay", file, "--json"]
    as_here = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    report = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=120, env=as_here).stdout)
    assert (report["verdict"], report["numbers"]["same_bytes"]) == ("identical", True)
    assert (report["differs"], report["unrecorded"]) == ([], [])
