"""The drawings are what their captions say, and every training stage runs from nothing."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

TRAINING = Path(__file__).parents[2] / "data" / "models" / "training"


@pytest.fixture
def scenes(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TRAINING))
    from picturebook import scenes

    return scenes


def test_the_same_scene_paints_the_same_picture(scenes: ModuleType) -> None:
    pictures = [scenes.render(scenes.sample_scene(random.Random(4))).tobytes() for _ in range(2)]
    assert pictures[0] == pictures[1]


def test_every_kind_and_style_can_be_painted_at_any_size(scenes: ModuleType) -> None:
    scene = scenes.sample_scene(random.Random(1))
    for kind in scenes.OBJECTS:
        for style in (*scenes.STYLES, "blueprint"):
            scene.things = [scenes.Thing(kind, "red")]
            assert scenes.render(scene, (96, 64), style=style).size == (96, 64)


def test_captions_name_what_is_painted(scenes: ModuleType) -> None:
    rng = random.Random(2)
    for _ in range(300):
        scene = scenes.sample_scene(rng)
        text = scenes.caption(scene, rng)
        for thing in scene.things:
            assert any(form in text for form in scenes.FORMS.get(thing.kind, [thing.kind])), text
            assert thing.color in text or scenes.USUAL.get(thing.kind) == thing.color, text
        if len(scene.things) > 1 and scene.layout == "many":
            assert text.find({2: "two", 3: "three"}[len(scene.things)]) >= 0, text


def test_an_object_never_hides_in_a_plain_background(scenes: ModuleType) -> None:
    rng = random.Random(3)
    for _ in range(300):
        scene = scenes.sample_scene(rng)
        if scene.back == "plain" and scene.style != "line":
            assert all(thing.color != scene.back_color for thing in scene.things)


def test_the_painted_colour_is_the_named_one(scenes: ModuleType) -> None:
    scene = scenes.Scene(seed=1, back="plain", back_color="white", things=[scenes.Thing("circle", "blue")])
    pixels = np.asarray(scenes.render(scene))
    assert np.abs(pixels[70, 64] - np.array(scenes.COLORS["blue"])).max() < 4


@pytest.mark.timeout(120)
def test_every_stage_runs_from_nothing(tmp_path: Path) -> None:
    command = [sys.executable, str(TRAINING / "train.py"), "--smoke", "--work", str(tmp_path), "--out"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [*command, str(tmp_path / "model")], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "model" / "model_index.json").exists()
    assert (tmp_path / "contact-sheet.png").exists()
    assert (tmp_path / "blueprint.safetensors").stat().st_size > 100_000
    assert "told right" in done.stdout
    assert "MB" in done.stdout
