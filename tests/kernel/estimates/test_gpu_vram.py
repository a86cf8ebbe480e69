"""The script that holds estimates against a GPU, as far as it can be tried without one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import gpu_vram


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_without_a_gpu_it_says_so_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu_vram.main(["--out", str(tmp_path / "results")]) == 1
    assert "no CUDA device" in capsys.readouterr().out
    assert not (tmp_path / "results").exists()


def test_it_runs_each_configuration_in_a_process_of_its_own(tmp_path: Path) -> None:
    given = ["--device", "cpu", "--tiny", "--cases", "sd15-fp32", "--out", str(tmp_path)]
    assert gpu_vram.main(given) == 0
    [row] = json.loads((tmp_path / "vram.json").read_text())["rows"]
    assert (row["case"], row["mode"]) == ("sd15-fp32", "none")
    assert row.get("predicted", 0) > 0, row
    assert "nothing was measured" in (tmp_path / "vram.md").read_text()


def test_the_table_has_errors_and_says_what_failed(tmp_path: Path) -> None:
    gib = 2**30
    done = {"case": "a", "mode": "none", "allocated": 10 * gib, "predicted": 11 * gib, "reserved": 12 * gib}
    other = {"case": "b", "mode": "none", "allocated": 10 * gib, "predicted": int(9.8 * gib)}
    failed = {"case": "c", "mode": "model", "error": "OutOfMemoryError: too large"}
    gpu_vram.write(tmp_path, [done, other, failed], {}, tiny=False)
    text = (tmp_path / "vram.md").read_text()
    assert "2 configurations; median error 6.0%, largest 10.0%" in text
    assert "| a | none | 10.00 | 11.00 | +10.0% |" in text
    assert "too large" in text


def test_there_are_at_least_ten_configurations() -> None:
    assert sum(len(case.modes) for case in gpu_vram.CASES) >= 10


def test_importing_the_script_needs_no_torch() -> None:
    code = "import sys, benchmarks.gpu_vram; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
