"""One run on a screen: its files large, what people say about it, how it was made, and what is near it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import ipywidgets

from studio_kernel.domain.runs import RunRecord
from studio_kernel.domain.values import describe
from studio_widgets.facts import badges_of, facts_of
from studio_widgets.frame import panel as parts
from studio_widgets.gallery.details import Tags, note_of
from studio_widgets.marks.view import Marks
from studio_widgets.picture.view import Picture
from studio_widgets.records import pictured, title_of
from studio_widgets.run.state import Near, RunState, Saying
from studio_widgets.saving.slices import name_of
from studio_widgets.saving.view import Download
from studio_widgets.shelf.view import Shelf, Thing
from studio_widgets.strip.view import Strip

NOTHING = "No run is chosen. Open one from the gallery."


class RunView(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """A run without frame and title.

    Parameters
    ----------
    state : RunState
        What it shows and does.
    """

    def __init__(self, state: RunState) -> None:
        self._state = state
        self._error, self._empty = ipywidgets.HTML(), ipywidgets.HTML()
        self._split = parts.styled(ipywidgets.HBox([self._files(), self._facts()]), "sr-split")
        self._near = [
            Shelf("Its neighbours in the sweep", self._go, self._pictures, size="small"),
            Shelf("Runs with similar settings", self._go, self._pictures, size="small"),
        ]
        super().__init__([self._error, self._empty, self._split, *self._near])
        parts.styled(self, "sr-run", "st-column")
        state.observe(lambda _change: self._show(), ["details", "shown", "error", "version"])
        self._show()

    def _files(self) -> ipywidgets.VBox:
        self._picture = parts.styled(Picture(placeholder="This run has no picture."), "sr-picture")
        self._strip = Strip(lambda place: self._state.set_trait("shown", place))
        return parts.styled(ipywidgets.VBox([self._picture, self._strip]), "st-column")

    def _facts(self) -> ipywidgets.VBox:
        state = self._state
        self._badges = parts.styled(ipywidgets.HTML(), "sg-badges")
        self._marks = Marks(on_star=state.star, on_rate=state.rate)
        self._download = Download(state.part)
        compare = parts.button("Compare", lambda: self._ask_to_compare(), "Put it beside others")
        parts.place(compare, state.workspace.can("compare"))
        state.workspace.observe(lambda _change: parts.place(compare, state.workspace.can("compare")), "can_do")
        acts = parts.styled(parts.row(compare, self._download), "sg-acts")
        self._sayings, self._text, self._made_with = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        said = parts.card(self._badges, self._marks, acts, Tags(state), note_of(state), self._sayings)
        return parts.styled(ipywidgets.VBox([said, parts.card(self._text), self._made_with]), "st-column")

    def _ask_to_compare(self) -> None:
        if self._state.details is not None:
            self._state.workspace.ask("compare", self._state.details.id)

    def _go(self, run: str) -> None:
        if self._state.workspace.can("details"):
            self._state.workspace.ask("details", run)
        else:
            self._state.open(run)

    def _pictures(self, run: str) -> list[bytes]:
        return [self._state.thumbnail(run)]

    def _show(self) -> None:
        state, record = self._state, self._state.details
        parts.fill(self._error, parts.alert(state.error))
        parts.fill(self._empty, "" if record is not None else f'<p class="st-sub">{NOTHING}</p>')
        parts.place(self._split, record is not None)
        self._near[0].put([_thing(near) for near in state.neighbours])
        self._near[1].put([_thing(near) for near in state.similar])
        if record is None:
            return
        self._picture.show(*state.file(), alt=title_of(record))
        self._strip.show(state.thumbnails() if len(record.assets) > 1 else (), state.shown)
        self._marks.favourite, self._marks.rating = record.favourite, record.rating or 0
        self._badges.value = badges_of(record)
        self._text.value = facts_of(record, with_marks=False)
        parts.fill(self._sayings, _said(state.sayings, state.votes))
        parts.fill(self._made_with, _made_with(record))
        self._show_download(record)

    def _show_download(self, record: RunRecord) -> None:
        has_file = self._state.shown < len(record.assets)
        parts.place(self._download, has_file)
        if has_file:
            with self._download.hold_sync():
                self._download.run, self._download.file = record.id, self._state.shown
                self._download.name = name_of(record, record.assets[self._state.shown])


def _thing(near: Near) -> Thing:
    asset = pictured(near.record)
    return Thing(near.record.id, near.difference, pictures=(asset.sha256,) if asset is not None else ())


def _said(sayings: Iterable[Saying], votes: str) -> str:
    """Return who said what as HTML with everything escaped."""
    rows = "".join(
        f"<li><b>{escape(each.who or 'Somebody')}</b> {escape(each.what)} <time>{escape(each.when)}</time></li>"
        for each in sayings
    )
    told = f'<ul class="sr-sayings" aria-label="Who said what">{rows}</ul>' if rows else ""
    return told + (f'<p class="sr-votes">{escape(votes)}</p>' if votes else "")


def _made_with(record: RunRecord) -> str:
    """Return what else decided the result, folded away, as HTML with everything escaped."""
    told = [(name.replace("_", " ").capitalize(), describe(value)) for name, value in sorted(record.provenance.items())]
    rows = parts.facts([*([("Engine", record.engine)] if record.engine else []), *told])
    return f'<details class="sr-made"><summary>How it was made</summary>{rows}</details>' if told else ""
