"""Reading exported pages back: what their data say, and every text that is in the folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROW = ("id", "prompt", "model", "project", "status", "task", "created", "rating", "favourite", "tags", "seed", "kind")
NAMED = ("model", "project", "status", "task")


def data_of(page: Path, name: str = "head") -> Any:
    """Return the data of an exported page: of its head, or of another part of it."""
    [path] = page.parent.glob(f"page-*/{name}.js")
    script = path.read_text("ascii").strip().removesuffix(";")
    text = script.removeprefix("window.STUDIO = ") if name == "head" else script.partition(", ")[2].removesuffix(")")
    return json.loads(text)


def runs_of(page: Path) -> list[dict[str, Any]]:
    """Return the runs of an exported gallery, with what is said of each."""
    head = data_of(page)
    rows = head["rows"] + [row for number in range(head["parts"]) for row in data_of(page, f"rows-{number}")]
    found = [dict(zip((*ROW, "thumbnail"), row, strict=True)) for row in rows]
    for place, run in enumerate(found):
        run |= {name: head["names"][name][run[name]] for name in NAMED}
        run["tags"] = [head["names"]["tag"][tag] for tag in run["tags"]]
        number, at = divmod(place, head["perDetails"])
        run |= data_of(page, f"details-{number}")[at] | {"task": run["task"]}
    return found


def texts_of(page: Path) -> str:
    """Return every text of an exported page: markup, scripts, data and the list of files."""
    paths = [path for path in page.parent.rglob("*") if path.suffix in (".html", ".js", ".json", ".css")]
    return "\n".join(path.read_text("utf-8") for path in sorted(paths))
