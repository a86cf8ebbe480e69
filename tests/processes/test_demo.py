"""The demo is the main job; it runs whole, twice, and leaves what it says."""

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_the_demo_does_the_main_job_twice(tmp_path):
    home, out = tmp_path / "home", tmp_path / "out"
    for already in (0, 12):
        command = [sys.executable, "-m", "studio_kernel.demo", "--home", str(home), "--out", str(out)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, done.stderr
        assert f"a sweep of 12 cells ({already} already done)" in done.stdout
        for line in done.stdout.splitlines():
            if line.startswith(("Text to image:", "Image to image:", "Inpainting:")):
                assert "succeeded" in line
    assert "text-to-image" in done.stdout
    for name in ("grid.png", "gallery/index.html", "gallery/page-*/head.js"):
        assert next(out.glob(name)).stat().st_size > 0
    assert (home / "runs.duckdb").stat().st_size > 0
