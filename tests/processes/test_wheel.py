"""The built wheel works outside a checkout: catalog, model and dashboards are inside."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Return a directory with the wheel's content, as pip puts it there."""
    out, target = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("site")
    quiet = {"capture_output": True, "text": True, "check": True}
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT], **quiet)
    [wheel] = out.glob("*.whl")
    subprocess.run([sys.executable, "-m", "pip", "install", "--no-deps", "--quiet", "--target", target, wheel], **quiet)
    return target


def run(installed, cwd, script, **variables):
    environment = {name: value for name, value in os.environ.items() if name != "STUDIO_HOME"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=cwd,
        env={**environment, "PYTHONPATH": str(installed), **variables},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_makes_a_picture_with_the_model_inside_it(installed, tmp_path):
    script = """
import json, studio_kernel as sk
with sk.open("home") as studio:
    run = studio.generate("a red house in a meadow", seed=7, num_inference_steps=2, progress=False)
    told = [sk.__file__, run.status, run.request.model, run.image.size, len(studio.models), len(studio.wildcards)]
    print(json.dumps(told))
"""
    file, status, model, size, models, wildcards = json.loads(run(installed, tmp_path, script).splitlines()[-1])
    assert Path(file).is_relative_to(installed)
    assert (status, model, size) == ("succeeded", "studio-tiny", [128, 128])
    assert models > 270
    assert wildcards >= 6


def test_the_wheel_brings_the_panels_and_the_dashboards(installed, tmp_path):
    script = """
import pathlib, studio_widgets
from studio_kernel.dashboards.launch import dashboards_dir
print(studio_widgets.__file__)
print(*sorted(path.name for path in dashboards_dir().glob("*.ipynb")))
"""
    panels, dashboards = run(installed, tmp_path, script).splitlines()
    assert Path(panels).is_relative_to(installed)
    assert "gallery.ipynb" in dashboards.split()


def test_without_a_checkout_the_home_is_the_users(installed, tmp_path):
    script = "from studio_kernel.settings import default_home; print(default_home())"
    told = run(installed, tmp_path, script, XDG_DATA_HOME=str(tmp_path / "share"), HOME=str(tmp_path))
    assert Path(told.strip()).is_relative_to(tmp_path)


def test_the_wheel_brings_the_architectures(installed, tmp_path):
    script = """
from studio_kernel.estimates.vram.architectures import architecture, architectures
print(architecture("sdxl").pipeline, len(architectures()))
"""
    pipeline, count = run(installed, tmp_path, script).split()
    assert pipeline == "StableDiffusionXLPipeline"
    assert int(count) >= 11
