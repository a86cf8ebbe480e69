"""A home with as many models as a catalog may ever have."""

from __future__ import annotations

import json
from pathlib import Path

WORDS = ("harbour", "meadow", "portrait", "lantern", "orchid", "canyon", "violin", "glacier", "bazaar", "comet")
FAMILIES = ("sdxl", "sd15", "flux")


def write_models(home: Path, count: int) -> None:
    """Write a catalog file of `count` models by forty creators, whose weights are not there, into a home."""
    entries = {
        f"own/model-{number:04}": {
            "name": f"{WORDS[number % 10].title()} {number // 10}",
            "creator": f"Creator {number % 40:02}",
            "family": FAMILIES[number % 3],
            "file": f"weights/{number}.safetensors",
            "description": f"Draws a {WORDS[number // 7 % 10]} beside a {WORDS[number // 11 % 10]}.",
        }
        for number in range(count)
    }
    (home / "catalog").mkdir(parents=True, exist_ok=True)
    (home / "catalog" / "many.yaml").write_text(json.dumps({"models": entries}), encoding="utf-8")
