"""How runs show themselves: one line of text, or a small card of HTML with a thumbnail and the settings.

Everything that came from people is escaped; pictures are thumbnails, so that a notebook stays small. A video or sound
of up to `MOST_INLINE_BYTES` is in the card and plays there, without its file; of a larger one the card shows a still
and where it is.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.runs import RunProgress, RunRecord
from studio_kernel.domain.values import describe

MOST_INLINE_BYTES = 4 * 2**20
"""A card is saved with the notebook, a third larger than the file; short clips have one to four megabytes."""
SHOWN_FIRST = ("seed", "num_inference_steps", "guidance_scale", "scheduler", "width", "height", "strength")

_CARD = (
    '<div style="display:flex;gap:14px;align-items:flex-start;max-width:820px">{picture}'
    '<div style="min-width:0"><div style="font-weight:600;margin-bottom:4px">{title}</div>{error}'
    '<table style="border-collapse:collapse;font-size:12px;margin:0">{rows}</table></div></div>'
)
_ROW = (
    '<tr><td style="text-align:left;opacity:.65;padding:1px 12px 1px 0;white-space:nowrap">{name}</td>'
    '<td style="text-align:left;padding:1px 0">{value}</td></tr>'
)
_ERROR = '<div role="alert" style="color:var(--jp-error-color1,#b71c1c);margin-bottom:4px">{text}</div>'
_PICTURE = '<img src="{url}" alt="{alt}" style="border-radius:8px;flex:none">'
_PLAYERS = {
    "video": '<video controls playsinline preload="metadata" src="{url}" poster="{poster}" aria-label="{alt}" '
    'style="border-radius:8px;flex:none;min-width:240px;max-width:360px;max-height:360px"></video>',
    "audio": '<audio controls preload="metadata" src="{url}" aria-label="{alt}" style="flex:none"></audio>',
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What a card shows of a file.

    Attributes
    ----------
    media_type : str
        Such as ``video/mp4``.
    path : str
        Where it is.
    thumbnail : bytes or None
        A WebP picture of it.
    data : bytes or None
        The file itself, where it plays in the card.
    """

    media_type: str
    path: str
    thumbnail: bytes | None = None
    data: bytes | None = None


def run_text(record: RunRecord, progress: RunProgress) -> str:
    """Return one line that says what a run is and where it stands."""
    parts = [f"Run {record.id}", str(progress.status), record.request.model]
    if not progress.status.is_final and progress.total:
        parts.append(f"step {progress.step} of {progress.total}")
    if record.elapsed_s is not None:
        parts.append(f"{record.elapsed_s:.2f} s")
    if record.error:
        parts.append(record.error)
    return " · ".join(parts)


def run_html(record: RunRecord, progress: RunProgress, file: Shown | None = None) -> str:
    """Return a card with a file of a run (its first), its prompt and its settings."""
    request = record.request
    title = request.prompt or f"{request.task.label} with {request.model}"
    picture = _file(file, title) if file else ""
    rows = "".join(
        _ROW.format(name=escape(name), value=escape(value)) for name, value in _facts(record, progress, file)
    )
    error = _ERROR.format(text=escape(record.error)) if record.error else ""
    return _CARD.format(picture=picture, title=escape(title), rows=rows, error=error)


def plays_in_card(asset: Asset) -> bool:
    """Return whether a card holds the file itself: a video or sound that is small enough."""
    return (asset.is_a("video") or asset.is_a("audio")) and asset.size_bytes <= MOST_INLINE_BYTES


def _file(file: Shown, title: str) -> str:
    poster = _url("image/webp", file.thumbnail) if file.thumbnail else ""
    kind = file.media_type.split("/")[0]
    if file.data is not None and kind in _PLAYERS:
        return _PLAYERS[kind].format(url=_url(file.media_type, file.data), poster=poster, alt=escape(title))
    return _PICTURE.format(url=poster, alt=escape(title)) if poster else ""


def _url(media_type: str, data: bytes) -> str:
    if media_type == "video/quicktime":  # Chromium plays what is inside, but no address that says this type
        media_type = "video/mp4"
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def _facts(record: RunRecord, progress: RunProgress, file: Shown | None) -> list[tuple[str, str]]:
    values = record.request.parameters
    shown = [(name.replace("_", " "), describe(values[name])) for name in SHOWN_FIRST if name in values]
    took = f"{record.elapsed_s:.2f} s" if record.elapsed_s is not None else f"step {progress.step} of {progress.total}"
    cost = [("cost", f"${record.cost_usd:.4f}")] if record.cost_usd is not None else []
    is_elsewhere = file is not None and file.data is None and not file.media_type.startswith("image/")
    return [
        ("model", record.request.model),
        *shown,
        ("status", f"{progress.status}, {took}"),
        *cost,
        *([("file", file.path)] if file and is_elsewhere else []),
        *([("files", str(len(record.assets)))] if len(record.assets) > 1 else []),
        ("run", record.id),
    ]
