"""One run in full: its files, what people say about it, all of its settings, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import ipywidgets

from studio_kernel.domain.runs import RunRecord
from studio_widgets.facts import badges_of, facts_of
from studio_widgets.frame import panel as parts
from studio_widgets.gallery.bar import TagField
from studio_widgets.gallery.state import GalleryState
from studio_widgets.marks.view import Marks
from studio_widgets.picture.view import Picture
from studio_widgets.records import title_of
from studio_widgets.saving.slices import name_of
from studio_widgets.saving.view import Download
from studio_widgets.snippet.view import Snippet
from studio_widgets.strip.view import Strip
from studio_widgets.workspace import Wish

WISHES: tuple[tuple[Wish, str, str], ...] = (
    ("load", "Load into panel", "Put its settings into the form"),
    ("input", "Use as input", "Begin with its picture"),
    ("compare", "Compare", "Put it beside others"),
    ("details", "Its own page", "Everything that is known of it, and who said what"),
)


class Details(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """Takes no room while no run is looked at."""

    def __init__(self, state: GalleryState) -> None:
        self._state = state
        self._badges = parts.styled(ipywidgets.HTML(), "sg-badges")
        self._picture = Picture(placeholder="This run has no picture.")
        self._strip = Strip(lambda place: state.set_trait("shown", place))
        self._marks = Marks(on_star=state.star, on_rate=state.rate)
        self._tags = Tags(state)
        self._note = note_of(state)
        self._text = ipywidgets.HTML()
        self._code = Snippet(label="A cell that makes this run again")
        card = parts.card(
            self._top(), self._picture, self._strip, self._marks, self._acts(), self._code,
            self._tags, self._note, self._text,
        )  # fmt: skip
        super().__init__([card])
        parts.styled(self, "sg-details")
        state.observe(lambda _change: self._show(), ["details", "shown", "place", "total", "version"])
        state.workspace.observe(lambda _change: self._show_wishes(), "can_do")
        self._show()

    def _top(self) -> ipywidgets.HBox:
        self._where = parts.styled(ipywidgets.HTML(), "st-sub")
        self._before = parts.button("‹ Previous", lambda: self._state.step(-1), "Previous run", "st-quiet")
        self._after = parts.button("Next ›", lambda: self._state.step(1), "Next run", "st-quiet")
        close = parts.button("Close", self._state.close, "Close the details", "st-quiet")
        moves = parts.styled(parts.row(self._where, self._before, self._after, close), "sg-moves")
        return parts.styled(parts.row(self._badges, moves), "sg-top")

    def _acts(self) -> ipywidgets.HBox:
        state = self._state
        self._wishes = {wish: parts.button(text, partial(self._ask, wish), why) for wish, text, why in WISHES}
        similar = parts.button("Find similar settings", state.find_similar, "Runs of the same task, nearest first")
        self._python = ipywidgets.ToggleButton(description="As Python", tooltip="A cell that makes this run again")
        self._python.observe(lambda _change: self._show_code(), "value")
        self._download = Download(state.part)
        parts.place(self._python, state.can_change)
        return parts.styled(parts.row(*self._wishes.values(), similar, self._python, self._download), "sg-acts")

    def _ask(self, wish: Wish) -> None:
        if self._state.details is not None:
            self._state.workspace.ask(wish, self._state.details.id)

    def _show(self) -> None:
        record = self._state.details
        self.layout.display = None if record else "none"
        if record is None:
            return
        state = self._state
        self._picture.show(*state.file(), alt=title_of(record))
        self._strip.show(state.thumbnails() if len(record.assets) > 1 else (), state.shown)
        self._marks.favourite, self._marks.rating = record.favourite, record.rating or 0
        self._badges.value = badges_of(record)
        self._text.value = facts_of(record, with_marks=False)
        self._where.value = f"{state.place + 1:,} of {state.total:,}"
        self._before.disabled, self._after.disabled = state.place == 0, state.place + 1 >= state.total
        self._show_download(record)
        self._show_wishes()
        self._show_code()

    def _show_download(self, record: RunRecord) -> None:
        has_file = self._state.shown < len(record.assets)
        parts.place(self._download, has_file)
        if has_file:
            with self._download.hold_sync():
                self._download.run, self._download.file = record.id, self._state.shown
                self._download.name = name_of(record, record.assets[self._state.shown])

    def _show_wishes(self) -> None:
        record = self._state.details
        for wish, button in self._wishes.items():
            needs_file = wish == "input" and not (record and record.assets)
            parts.place(button, self._state.workspace.can(wish) and not needs_file)

    def _show_code(self) -> None:
        shown = bool(self._python.value and self._state.details)
        parts.place(self._code, shown)
        if shown:
            self._code.code = self._state.as_python()


class Marked(Protocol):
    """A state in which one run is looked at, and something can be said about it."""

    details: RunRecord | None

    @property
    def known_tags(self) -> list[str]:
        """Tags to choose from."""

    def add_tag(self, tag: str) -> None:
        """Give it a tag more."""

    def remove_tag(self, tag: str) -> None:
        """Take a tag from it."""

    def write_note(self, text: str) -> None:
        """Keep a note with it."""

    def observe(self, handler: Callable[[object], None], names: str | Sequence[str]) -> None:
        """Hear of changes."""


class Tags(ipywidgets.HBox):  # type: ignore[misc]  # untyped base
    """The tags of a run, each with a way to take it off, and a field for one more."""

    def __init__(self, state: Marked) -> None:
        self._state = state
        self._shown: tuple[str, ...] = ()
        self._chips: list[ipywidgets.Button] = []
        self._field = TagField("Add a tag", state.add_tag)
        super().__init__([self._field])
        parts.styled(self, "sg-tags", "st-row")
        state.observe(lambda _change: self._show(), ["details", "version"])
        self._show()

    def _show(self) -> None:
        record = self._state.details
        if record is None:
            return
        self._field.offer([tag for tag in self._state.known_tags if tag not in record.tags])
        if record.tags == self._shown:
            return
        self._shown = record.tags
        old = self._chips
        self._chips = [
            parts.button(f"{tag} ✕", partial(self._state.remove_tag, tag), f"Take the tag {tag} off", "st-chip")
            for tag in record.tags
        ]
        self.children = [*self._chips, self._field]
        for button in old:
            button.close()


def note_of(state: Marked) -> ipywidgets.Textarea:
    """Return the field for a note; it is kept when the field is left."""
    field = ipywidgets.Textarea(description="Note", continuous_update=False, rows=2, placeholder="What to remember")
    showing: list[bool] = []

    def show(_change: object = None) -> None:
        note = (state.details.note or "") if state.details else ""
        showing.append(True)
        field.value = note
        showing.pop()

    field.observe(lambda change: None if showing else state.write_note(change.new), "value")
    state.observe(show, "details")
    show()
    return parts.styled(parts.field(field), "sg-note")
