"""The gallery as one folder: small pictures, filters, the settings of each run.

A page of thousands of runs is there at once, as it needs only the first rows of them to begin with: rows come in parts
behind the first paint, what is said of a single run comes when that is opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from studio_kernel.assets import AssetStore
from studio_kernel.domain.captions import facts_of
from studio_kernel.domain.runs import RunRecord
from studio_kernel.domain.values import Json, describe
from studio_kernel.export.page.folder import PageFolder
from studio_kernel.export.page.wording import Wording

FIRST_ROWS = 120
"""Rows that come with the page: more than the largest screens show."""
ROWS = 1000
DETAILS = 100
"""Rows and details in a part."""
NAMED = ("model", "project", "status", "task")
"""What rows tell by its number in a list of names."""
Names: TypeAlias = Mapping[str, Mapping[str, str]]
"""For each kind of name: what the log has → what people read, in the order of that."""


def write_gallery(
    records: Iterable[RunRecord],
    assets: AssetStore,
    page: PageFolder,
    *,
    title: str = "Gallery",
    projects: Mapping[str, str] | None = None,
    progress: bool = True,
) -> None:
    """Write a gallery.

    Parameters
    ----------
    records : iterable of RunRecord
        In the order they are to be shown.
    assets : AssetStore
        Where the pictures are.
    page : PageFolder
        Takes it.
    title : str
        Above the page.
    projects : mapping, optional
        Id of a project → its title.
    progress : bool
        Show a bar when it takes longer than a moment.
    """
    from tqdm.auto import tqdm

    shown = [*records]
    names = _names(shown, projects or {}, page.wording)
    places = {kind: {value: place for place, value in enumerate(known)} for kind, known in names.items()}
    rows: list[Json] = []
    details: list[Json] = []
    for record in tqdm(shown, desc="export", unit="run", delay=0.5, disable=not progress):
        media = [found for asset in record.assets if (found := page.media(asset, assets))]
        rows.append(_row(record, places, media))
        details.append(details_of(record, media, page.wording))
    parts = _write_parts(page, "rows", rows[FIRST_ROWS:], ROWS)
    _write_parts(page, "details", details, DETAILS)
    listed: Json = {kind: [*known.values()] for kind, known in names.items()}
    head: dict[str, Json] = {"title": title, "total": len(rows), "rows": rows[:FIRST_ROWS], "parts": parts}
    page.data("head", head | {"perDetails": DETAILS, "names": listed})
    page.use("page.css", "page.js", "gallery.js")
    page.finish("gallery.html")


def details_of(record: RunRecord, media: Sequence[Json], wording: Wording) -> Json:
    """Return what is said of a single run: its files, settings and facts; never notes, nor why it failed."""
    asset = record.assets[0] if record.assets else None
    settings = {name: value for name, value in record.request.parameters.items() if name != "prompt"}
    return {
        "files": [*media],
        "task": record.request.task.label,
        "settings": {name: wording.of_settings(describe(value)) for name, value in settings.items()},
        "facts": [[name, wording.of_settings(words)] for name, words in facts_of(record, asset) if name != "Seed"],
    }


def _write_parts(page: PageFolder, name: str, rows: Sequence[Json], size: int) -> int:
    """Write rows in parts, and return how many there are."""
    starts = range(0, len(rows), size)
    for number, start in enumerate(starts):
        page.data(f"{name}-{number}", [*rows[start : start + size]])
    return len(starts)


def _row(record: RunRecord, places: Mapping[str, Mapping[str, int]], media: Sequence[Json]) -> Json:
    """Return what a card shows and filters ask for; ``gallery.js`` reads these by their places."""
    first = media[0] if media else None
    kind, small = (first["type"], first["thumbnail"]) if isinstance(first, dict) else ("", "")
    seed = record.seed if record.seed is not None else record.request.seed
    return [
        record.id,
        record.request.prompt,
        *(places[kind][value] for kind, value in zip(NAMED, _named(record), strict=True)),
        int(record.created_at.timestamp()),
        record.rating or 0,
        int(record.favourite),
        [places["tag"][tag] for tag in record.tags],
        "" if seed is None else str(seed),
        kind,
        small,
    ]


def _named(record: RunRecord) -> tuple[str, ...]:
    return record.request.model, record.origin.project or "", str(record.status), record.request.task.label


def _names(records: Sequence[RunRecord], projects: Mapping[str, str], wording: Wording) -> Names:
    found = {kind: {_named(record)[place] for record in records} for place, kind in enumerate(NAMED)}
    found["tag"] = {tag for record in records for tag in record.tags}
    known = {kind: {value: wording.of_settings(value) for value in values} for kind, values in found.items()}
    known["project"] = {value: projects.get(value, value) for value in found["project"]}
    known["tag"] = {value: value for value in found["tag"]}
    return {kind: dict(sorted(words.items(), key=_by_words)) for kind, words in known.items()}


def _by_words(known: tuple[str, str]) -> tuple[bool, str, str]:
    value, words = known
    return not words, words.casefold(), value
