"""A ranking as HTML with everything escaped: the order with its intervals, and how far it can be trusted."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from html import escape
from typing import Any

from studio_kernel.domain.parameters import label_of
from studio_kernel.domain.values import describe
from studio_kernel.judging.ranking import Ranking
from studio_widgets.frame.panel import badge
from studio_widgets.judge.sources import Face

_BY = {"run": "run", "model": "model", "prompt": "prompt", "project": "project"}
_MEANING = "Strength is log odds: of two that are 1.1 apart, the stronger one is preferred in three votes of four."

Faces = Callable[[str], Face | None]


def ranking_of(ranking: Ranking, face_of: Faces) -> str:
    """Return the order, whether there are enough votes for it, and what else is to be known.

    Parameters
    ----------
    face_of : callable
        Takes the id of a run, returns what it looks like, or `None` when it is not known.
    """
    enough = badge("Enough votes", "good") if ranking.is_enough else badge("Not enough votes yet", "warn")
    notes = "".join(f"<li>{escape(_sentence(note))}</li>" for note in _notes(ranking, face_of))
    told = f'<div class="sd-enough" role="status">{enough}</div><ul class="sd-notes">{notes}</ul>'
    return f"{told}{_table(ranking, face_of)}"


def _notes(ranking: Ranking, face_of: Faces) -> list[str]:
    """Return what is to be known, with the places of runs instead of their ids."""
    places = {group: f"#{place}" for place, group in enumerate(ranking.table["group"], 1) if _face(group, face_of)}
    return [reduce(lambda text, run: text.replace(run, places[run]), places, note) for note in ranking.notes]


def _table(ranking: Ranking, face_of: Faces) -> str:
    rows: list[dict[Hashable, Any]] = ranking.table.to_dict("records")
    if not rows:
        return ""
    by = _BY.get(ranking.by, label_of(ranking.by).lower())
    scale = _Scale.of(rows)
    body = "".join(_row(place, row, scale, face_of) for place, row in enumerate(rows, 1))
    heads = ("", by.capitalize(), f"Strength, {ranking.confidence:.0%} interval", "Preferred in", "Won", "Lost", "Tied")
    head = "".join(f'<th scope="col">{escape(text) or "#"}</th>' for text in heads)
    caption = f"<caption>By {escape(by)}, the strongest first</caption>"
    table = f'<table class="sd-table">{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    scroll = f'<div class="sd-scroll" tabindex="0" role="region" aria-label="Ranking by {escape(by)}">{table}</div>'
    return f'{scroll}<p class="st-sub sd-meaning">{_MEANING}</p>'


def _row(place: int, row: Mapping[Hashable, Any], scale: _Scale, face_of: Faces) -> str:
    strength, low, high = (float(row[name]) for name in ("strength", "low", "high"))
    words = f"{strength:+.2f} ({low:+.2f} … {high:+.2f})".replace("-", "−")
    numbers = "".join(f"<td>{int(row[name]):,}</td>" for name in ("wins", "losses", "ties"))
    return (
        f'<tr><td>{place}</td><th scope="row">{_name(row["group"], face_of)}</th>'
        f'<td class="sd-strength">{scale.bar(strength, low, high)}<span>{words}</span></td>'
        f"<td>{float(row['win_rate']):.0%}</td>{numbers}</tr>"
    )


def _name(group: object, face_of: Faces) -> str:
    face = _face(group, face_of)
    if face is None:
        return escape(group if isinstance(group, str) else describe(group))  # type: ignore[arg-type]  # a value
    source = base64.b64encode(face.thumbnail).decode()
    picture = f'<img src="data:image/webp;base64,{source}" alt="" width="56">' if face.thumbnail else ""
    return f'<span class="sd-face">{picture}<span>{escape(face.title)}</span></span>'


def _face(group: object, face_of: Faces) -> Face | None:
    return face_of(group) if isinstance(group, str) else None


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where strengths lie on a line, in percent of its length."""

    low: float
    high: float

    @classmethod
    def of(cls, rows: Iterable[Mapping[Hashable, Any]]) -> _Scale:
        ends = [float(row[name]) for row in rows for name in ("low", "high")]
        known = [end for end in ends if math.isfinite(end)] or [0.0]
        return cls(min(0.0, *known), max(0.0, *known))

    def bar(self, strength: float, low: float, high: float) -> str:
        """Return a line with the interval and the strength on it, and a mark for the mean of all."""
        left, right = self._at(low), self._at(high)
        return (
            f'<span class="sd-line" aria-hidden="true"><i class="sd-mean" style="left:{self._at(0.0):.1f}%"></i>'
            f'<i class="sd-interval" style="left:{left:.1f}%;width:{right - left:.1f}%"></i>'
            f'<i class="sd-point" style="left:{self._at(strength):.1f}%"></i></span>'
        )

    def _at(self, value: float) -> float:
        length = self.high - self.low
        if not math.isfinite(value):
            return 100.0 if value > 0 else 0.0
        return 100 * (value - self.low) / length if length else 50.0


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
