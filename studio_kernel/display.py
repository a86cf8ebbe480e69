"""How runs show themselves: one line of text, or a small card of HTML with a thumbnail and the settings.

Everything that came from people is escaped; pictures are thumbnails, so that a notebook stays small.
"""

from __future__ import annotations

import base64
from html import escape

from studio_kernel.domain.runs import RunProgress, RunRecord
from studio_kernel.domain.values import describe

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
_PICTURE = '<img src="data:image/webp;base64,{data}" alt="{alt}" style="border-radius:8px;flex:none">'


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


def run_html(record: RunRecord, progress: RunProgress, thumbnail: bytes | None) -> str:
    """Return a card with a thumbnail (WebP bytes), the prompt and the settings of a run."""
    request = record.request
    title = request.prompt or f"{request.task.label} with {request.model}"
    picture = ""
    if thumbnail:
        picture = _PICTURE.format(data=base64.b64encode(thumbnail).decode(), alt=escape(title, quote=True))
    rows = "".join(_ROW.format(name=escape(name), value=escape(value)) for name, value in _facts(record, progress))
    error = _ERROR.format(text=escape(record.error)) if record.error else ""
    return _CARD.format(picture=picture, title=escape(title), rows=rows, error=error)


def _facts(record: RunRecord, progress: RunProgress) -> list[tuple[str, str]]:
    values = record.request.parameters
    shown = [(name.replace("_", " "), describe(values[name])) for name in SHOWN_FIRST if name in values]
    took = f"{record.elapsed_s:.2f} s" if record.elapsed_s is not None else f"step {progress.step} of {progress.total}"
    cost = [("cost", f"${record.cost_usd:.4f}")] if record.cost_usd is not None else []
    return [
        ("model", record.request.model),
        *shown,
        ("status", f"{progress.status}, {took}"),
        *cost,
        ("run", record.id),
    ]
