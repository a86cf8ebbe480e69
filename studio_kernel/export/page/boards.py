"""A comparison as one folder: runs side by side, two of them with a slider or in turn, and what differs in words.

It is the view that panels show, with what needs a kernel left out: heat maps, numbers, differences of frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from studio_kernel.assets import AssetStore
from studio_kernel.assets.clips import clip_of
from studio_kernel.comparing.page import table_of
from studio_kernel.comparing.slots import COLUMNS_FOR, Slot, shown_files, slot_of
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.captions import letter_of
from studio_kernel.domain.difference import compare, settings_of
from studio_kernel.domain.runs import RunRecord
from studio_kernel.domain.values import Json, Value
from studio_kernel.export.page.comparison import SCRIPTS, STYLE
from studio_kernel.export.page.folder import PageFolder

SETTINGS = {"mode": ("side", "slider", "blink", "onion"), "sizes": ("scale", "crop", "pad")}
"""What a board may say of how it is shown, and what of that a page without a kernel can do."""


def write_comparison(
    records: Sequence[RunRecord],
    assets: AssetStore,
    page: PageFolder,
    *,
    title: str,
    notes: Sequence[str] = (),
    settings: Mapping[str, Value] | None = None,
) -> None:
    """Write a comparison.

    Parameters
    ----------
    records : sequence of RunRecord
        In the order they are shown, called ``A``, ``B`` ….
    assets : AssetStore
        Where their files are.
    page : PageFolder
        Takes it.
    title : str
        Above the page.
    notes : sequence of str
        Sentences below the title.
    settings : mapping, optional
        How it is shown at first, as a board has it; what is not known there is left out.
    """
    shown = [asset for record in records for asset in shown_files(record)]
    files: dict[str, Json] = {asset.sha256: page.media(asset, assets) for asset in shown}
    first = {name: value for name, value in (settings or {}).items() if value in SETTINGS.get(name, ())}
    head: dict[str, Json] = {
        "title": title,
        "notes": [*notes],
        "settings": {name: str(value) for name, value in first.items()},
        "columns": [*COLUMNS_FOR],
        "files": {key: file for key, file in files.items() if file},
        "clips": [[asset.sha256, clip] for asset in shown if (clip := _clip(asset, assets))],
        "runs": {record.id: _slots(record, place, page) for place, record in enumerate(records)},
    }
    page.data("head", head)
    page.use("page.css", "page.js", "compare.css", "compare.js")
    page.write("view.css", STYLE.read_text(encoding="utf-8"))
    page.write("view.js", _view(page))
    letters = [letter_of(place) for place in range(len(records))]
    table = table_of(compare([settings_of(record) for record in records]), letters)
    page.finish("compare.html", table=page.wording.of_settings(table))


def _view(page: PageFolder) -> str:
    """Return the view as a script: a module cannot be loaded from disk."""
    parts = [page.source("files.js"), *(script.read_text(encoding="utf-8") for script in SCRIPTS)]
    body = "\n".join(parts).replace("export default", "window.COMPARISON =")
    return f"{{\n{body}}}\n"


def _slots(record: RunRecord, place: int, page: PageFolder) -> Json:
    """Return what a slot says of each file of a run; of one without files, why there is nothing."""
    count = max(1, len(shown_files(record)))
    return [_said(slot_of(record, place, index), page) for index in range(count)]


def _said(slot: Slot, page: PageFolder) -> Json:
    said = asdict(slot) | {"kind": slot.kind}
    facts: list[Json] = [[name, page.wording.of_settings(words)] for name, words in slot.facts]
    note = f"This run is {slot.status}." if slot.note else ""  # why it failed stays at home
    return said | {"facts": facts, "note": note, "model": page.wording.of_settings(slot.model)}


def _clip(asset: Asset, assets: AssetStore) -> Json:
    """Return where the frames of a film are; pictures that move go on by themselves, as a page may not read them."""
    if not asset.is_a("video") or not assets.has(asset):
        return None
    found = clip_of(assets.path(asset).read_bytes(), asset.media_type)
    return asdict(found) if found is not None else None
