"""What differs between runs as HTML, with everything escaped; panels style it, plain notebooks show it as it is."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from studio_kernel.domain.captions import facts_of, letter_of, where_of
from studio_kernel.domain.difference import Cell, Difference, Differences
from studio_kernel.domain.runs import RunRecord

SETTINGS, CONDITIONS = "settings", "conditions"
_TAGS = {"same": "span", "added": "ins", "removed": "del"}
_NAMES = {
    SETTINGS: ("the settings", "setting", "Setting"),
    CONDITIONS: ("what they were made with", "fact", "Made with"),
}


def table_of(found: Differences, letters: Sequence[str], of: str = SETTINGS) -> str:
    """Return differences as a table; a sentence when there are none, nothing for fewer than two runs.

    Parameters
    ----------
    found : Differences
        Between as many runs as there are letters.
    of : {"settings", "conditions"}
        What they are of.
    """
    if len(letters) < 2:
        return ""
    what, one, head = _NAMES[of]
    rest = f"{found.same} {one if found.same == 1 else f'{one}s'} {'is' if found.same == 1 else 'are'} the same."
    if not found.differences:
        return f'<p class="sc-rest">Nothing in {what} differs. {rest}</p>'
    title = f"What differs in {what}"
    heads = "".join(f'<th scope="col">{letter}</th>' for letter in letters)
    rows = "".join(map(_row, found.differences))
    table = (
        f'<table class="sc-table"><caption>{title}<span class="st-sub"> {rest}</span></caption>'
        f'<thead><tr><th scope="col">{head}</th>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    )
    return f'<div class="sc-scroll" tabindex="0" role="region" aria-label="{title}">{table}</div>'


def figure_of(place: int, record: RunRecord, thumbnail: bytes | None) -> str:
    """Return a small picture of a run with what it took below."""
    asset = record.assets[0] if record.assets else None
    facts = " · ".join(words for name, words in facts_of(record, asset) if name != "Engine")
    url = f"data:image/webp;base64,{base64.b64encode(thumbnail).decode()}" if thumbnail else ""
    picture = f'<img src="{url}" alt="{letter_of(place)}" style="max-width:100%;border-radius:8px">' if url else ""
    where = f"{escape(record.request.model)}, {escape(where_of(record))}"
    caption = f"<b>{letter_of(place)}</b> {where}<br><small>{escape(facts)}</small>"
    return f'<figure style="margin:0;flex:0 1 200px">{picture}<figcaption>{caption}</figcaption></figure>'


def _row(difference: Difference) -> str:
    kind = ' class="is-prose"' if any(cell.words for cell in difference.cells) else ""
    cells = "".join(f"<td>{_cell(cell)}</td>" for cell in difference.cells)
    return f'<tr{kind}><th scope="row">{escape(difference.label)}</th>{cells}</tr>'


def _cell(cell: Cell) -> str:
    if cell.words:
        return "".join(f"<{_TAGS[word.change]}>{escape(word.text)}</{_TAGS[word.change]}>" for word in cell.words)
    delta = f' <span class="sc-delta">{escape(cell.delta)}</span>' if cell.delta else ""
    return escape(cell.text) + delta
