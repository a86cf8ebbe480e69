import json
from pathlib import Path

from benchmarks import gpu_sweep


def test_the_script_for_gpus_runs_here_on_a_network_of_no_use(tmp_path: Path) -> None:
    gpu_sweep.main(["--device", "cpu", "--tiny", "--name", "tried", "--out", str(tmp_path)])

    written = json.loads((tmp_path / "tried.json").read_text())
    ways = [(figure["placement"], figure["way"]) for figure in written["figures"]]
    assert ways == [
        (placement, way)
        for placement in ("resident", "model_offload")
        for way in ("loop", "passes of 1", "passes of 2", "any order")
    ]
    assert all(figure["same_bytes"] for figure in written["figures"] if figure["way"] == "any order")
    assert {"date", "card", "torch"} <= written.keys()
