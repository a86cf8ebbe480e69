"""The gallery as one folder: a page, its data, the pictures.

The page is plain HTML, CSS and JavaScript beside this module; the data is a script file, since a page opened from disk
may not fetch. Text of people is data all the way: the page puts it on screen as text, never as markup.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from studio_kernel.assets import AssetStore
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.domain.values import Json, describe
from studio_kernel.errors import HomeError

PAGE_FILES = ("index.html", "gallery.css", "gallery.js")


def export_gallery(
    records: Iterable[RunRecord], assets: AssetStore, folder: str | os.PathLike[str], *, title: str = "Gallery"
) -> Path:
    """Write a gallery of finished runs into `folder` and return the path of its page.

    Parameters
    ----------
    records : iterable of RunRecord
        In the order they are to be shown; runs without a picture are left out.
    assets : AssetStore
        Where the pictures are.
    folder : path
        Made when it does not exist; files of an earlier export in it are replaced.
    title : str
        Above the page.

    Raises
    ------
    HomeError
        When the folder cannot be written.
    """
    from tqdm.auto import tqdm

    target = Path(folder)
    shown = [record for record in records if record.status is RunStatus.SUCCEEDED and record.assets]
    try:
        (target / "files").mkdir(parents=True, exist_ok=True)
        for name in PAGE_FILES:
            shutil.copyfile(Path(__file__).with_name(name), target / name)
        runs = [_entry(record, assets, target) for record in tqdm(shown, desc="export", unit="run", delay=0.5)]
        (target / "data.js").write_text(_script({"title": title, "runs": runs}), encoding="utf-8")
    except OSError as error:
        raise HomeError(f"cannot write the gallery to {str(target)!r}: {error.strerror or error}") from error
    return target / "index.html"


def _entry(record: RunRecord, assets: AssetStore, target: Path) -> Json:
    return {
        "id": record.id,
        "model": record.request.model,
        "task": record.request.task.label,
        "prompt": record.request.prompt,
        "created": record.created_at.isoformat(timespec="seconds"),
        "elapsed_s": record.elapsed_s,
        "cost_usd": record.cost_usd,
        "rating": record.rating,
        "favourite": record.favourite,
        "tags": list(record.tags),
        "settings": {name: describe(value) for name, value in record.request.parameters.items() if name != "prompt"},
        "files": [_copied(asset, assets, target) for asset in record.assets],
    }


def _copied(asset: Asset, assets: AssetStore, target: Path) -> Json:
    source, thumbnail = assets.path(asset), assets.thumbnail(asset)
    names: dict[str, Json] = {"type": asset.media_type, "file": f"files/{source.name}", "thumbnail": None}
    shutil.copyfile(source, target / "files" / source.name)
    if thumbnail is not None:
        shutil.copyfile(thumbnail, target / "files" / thumbnail.name)
        names["thumbnail"] = f"files/{thumbnail.name}"
    return names


def _script(data: Json) -> str:
    # "<" is escaped so that no text can end the script it stands in, whatever embeds this file
    return "window.STUDIO = " + json.dumps(data, ensure_ascii=False).replace("<", "\\u003c") + ";\n"
