"""A run in words, as HTML with everything escaped."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from studio_kernel.domain.budget import dollars
from studio_kernel.domain.parameters import STANDARD, label_of
from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.domain.values import describe
from studio_widgets.frame.panel import alert, badge, facts
from studio_widgets.records import title_of

_KINDS = {RunStatus.SUCCEEDED: "good", RunStatus.FAILED: "bad", RunStatus.CANCELLED: "warn"}
_ORDER = {name: place for place, name in enumerate(STANDARD)}
_ELSEWHERE = {"prompt", "negative_prompt"}


def badges_of(record: RunRecord) -> str:
    """Return status, model and what it took."""
    shown = [badge(str(record.status), _KINDS.get(record.status, "")), badge(record.request.model)]
    if record.elapsed_s is not None:
        shown.append(badge(f"{record.elapsed_s:.1f} s"))
    if record.cost_usd is not None:
        shown.append(badge(dollars(record.cost_usd)))
    return " ".join(shown)


def facts_of(record: RunRecord, *, with_error: bool = True, with_marks: bool = True) -> str:
    """Return prompt, error and every setting of a run; tags and note may be left out where they stand elsewhere."""
    request = record.request
    prompt = f'<p class="st-prompt">{escape(title_of(record))}</p>'
    negative = request.parameters.get("negative_prompt")
    settings = [
        (label_of(name), describe(request.parameters[name]))
        for name in sorted(request.parameters, key=_place)
        if name not in _ELSEWHERE and request.parameters[name] not in (None, ())
    ]
    pairs = [
        *([("Without", str(negative))] if negative else []),
        ("Task", request.task.label),
        *settings,
        *([("Tags", ", ".join(record.tags))] if record.tags and with_marks else []),
        *([("Note", record.note)] if record.note and with_marks else []),
        *_source_of(record),
        *_service_of(record),
        ("Made", f"{record.created_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("Run", record.id),
    ]
    return prompt + alert(record.error or "" if with_error else "") + facts(pairs)


def _source_of(record: RunRecord) -> list[tuple[str, str]]:
    """Return where a file that was brought in comes from; nothing for a run that was made here."""
    source = record.provenance.get("source")
    if not isinstance(source, Mapping):
        return []
    tool = f", made with {source['tool']}" if source.get("tool") else ""
    return [("Source", f"{source.get('kind', 'file')}: {source.get('name', '')}{tool}")]


def _service_of(record: RunRecord) -> list[tuple[str, str]]:
    """Return which service did it, which were passed over and why, and what it charges; nothing for a local run."""
    said = record.provenance
    if "service" not in said:
        return []
    offer = f", as {said['offer']}" if "offer" in said else ""
    endpoint = f": {said['endpoint']}" if said.get("endpoint") else ""
    passed_over = said.get("passed_over")
    reasons = [str(reason) for reason in passed_over] if isinstance(passed_over, tuple) else []
    return [
        ("Service", f"{said['service']}{endpoint}{offer}"),
        *(("Passed over", reason) for reason in reasons),
        ("Cost", _cost_of(record)),
    ]


def _cost_of(record: RunRecord) -> str:
    expected = record.estimate.cost_usd if record.estimate is not None else None
    if record.cost_usd is not None:
        told = f", expected were {dollars(expected)}" if expected and abs(expected - record.cost_usd) > 1e-9 else ""
        return f"{dollars(record.cost_usd)} billed{told}"
    if record.provenance.get("may_be_billed"):
        return f"not known; it may have been charged{f' about {dollars(expected)}' if expected else ''}"
    if record.status is RunStatus.SUCCEEDED:
        return f"the service did not say{f'; expected were {dollars(expected)}' if expected else ''}"
    return "nothing"


def _place(name: str) -> int:
    """Return where forms have a parameter; those of one model alone come last."""
    return _ORDER.get(name, len(_ORDER))
