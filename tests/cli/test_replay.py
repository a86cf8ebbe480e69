"""``studio replay`` as a process of its own: its exit status, and another process as proof."""

from __future__ import annotations

import json
import shutil

import pytest

import studio_kernel as sk
from studio_kernel.assets.embed import embed, read
from studio_kernel.domain.provenance import Provenance

QUICK = {"model": "procedural", "num_inference_steps": 2, "width": 32, "height": 32, "progress": False}


@pytest.fixture
def boat(tmp_path):
    """A picture that tells how it was made, of a home that the command does not know."""
    with sk.open(tmp_path / "elsewhere") as studio:
        return shutil.copy(studio.generate("a boat", seed=1, **QUICK).files[0], tmp_path / "boat.png")


def test_a_file_is_repeated_by_another_process_in_a_fresh_home(studio, boat):
    report = json.loads(studio("replay", boat, "--json").stdout)
    assert (report["verdict"], report["numbers"]["same_bytes"], report["differs"]) == ("identical", True, [])
    [run] = json.loads(studio("runs", "--json").stdout)
    assert run["id"] == report["run"]
    assert "identical, byte for byte" in studio("replay", run["id"]).stdout


def test_what_came_out_different_is_exit_status_1(studio, boat):
    data = boat.read_bytes()
    told = read(data)
    boat.write_bytes(embed(data, Provenance(told.request.replace(seed=2), told.engine, told.environment)))
    done = studio("replay", boat, status=1)
    assert "different: PSNR" in done.stdout
    assert "Error" not in done.stderr  # a bar may stand there when the machine is slow
    assert "within tolerance" in studio("replay", boat, "--psnr", 0, "--largest", 255).stdout


def test_what_cannot_be_made_again_is_exit_status_2(studio, tmp_path, picture):
    (tmp_path / "plain.png").write_bytes(picture)
    done = studio("replay", tmp_path / "plain.png", status=2)
    assert done.stderr.startswith("Error: 'plain.png' does not tell how it was made")
    told = json.loads(studio("replay", tmp_path / "plain.png", "--json", status=2).stdout)
    assert told["error"]["type"] == "ReplayRefusedError"
