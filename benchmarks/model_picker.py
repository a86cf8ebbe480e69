"""The model picker over 2,000 models: opening it, and a letter typed into its search, in the kernel."""

import json
import tempfile
import time
from pathlib import Path

from benchmarks.report import report

MODELS = 2000
TYPED = ("h", "ha", "harb", "harbour", "harbour 7", "harbuor 7", "ink creator 12", "")


def main() -> None:
    """Print the time of opening, and of the slowest letter."""
    import studio_kernel as sk
    from studio_widgets.picker.state import PickerState

    with tempfile.TemporaryDirectory() as home:
        _write(Path(home) / "catalog", MODELS - 286)
        with sk.open(home) as studio:
            studio.models  # noqa: B018 - loading the catalog is not opening the picker
            begun = time.perf_counter()
            state = PickerState(studio)
            count = len(studio.models)
            report(f"model picker over {count:,} models, opened", time.perf_counter() - begun, 1.5, "s")
            taken = [_time_of(state, text) for text in TYPED]
            report("a letter typed into its search, the slowest", max(taken) * 1e3, 100, "ms")


def _time_of(state: object, text: str) -> float:
    begun = time.perf_counter()
    state.text = text  # type: ignore[attr-defined]
    state.items(0, 40)  # type: ignore[attr-defined]
    return time.perf_counter() - begun


def _write(directory: Path, count: int) -> None:
    words = ("harbour", "meadow", "portrait", "lantern", "orchid", "canyon", "violin", "glacier", "bazaar", "comet")
    entries = {
        f"own/model-{number:04}": {
            "name": f"{words[number % 10].title()} {number // 10}",
            "creator": f"Creator {number % 40:02}",
            "family": ("sdxl", "sd15", "flux")[number % 3],
            "file": f"weights/{number}.safetensors",
            "description": f"Draws a {words[number // 7 % 10]} in ink.",
        }
        for number in range(count)
    }
    directory.mkdir()
    (directory / "many.yaml").write_text(json.dumps({"models": entries}), encoding="utf-8")


if __name__ == "__main__":
    main()
