"""The models of a home without a screen: rows to filter and sort, and everything about one of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.catalog.wording import words_of
from studio_kernel.domain.marks import Rating
from studio_kernel.runlog import RunFilter
from studio_widgets.models.rows import COLUMNS, Row, Use, has_value, order_of
from studio_widgets.models.weights import weights_of
from studio_widgets.picker.entries import Entry, entries_of, missing_keys, with_rating
from studio_widgets.state import LiveState
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.catalog.models import Models
    from studio_kernel.studio import Studio

MAX_TEXT = 200
WHERE: Mapping[str, str] = {
    "": "All models",
    "local": "On this machine",
    "cloud": "At services",
    "own": "Own entries",
    "used": "Used in this home",
}
LOOK_UP_S = 0.15
"""So long, at most, the log is asked for last uses in one go."""
LOOK_AGAIN_S = 10.0
"""So often the files of models on this machine are looked at again."""


class ModelsState(LiveState):
    """Every model of the catalog, with what is on the disk and how it was used.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.
    workspace : Workspace or None
        Shared with other panels.
    on_use : callable or None
        Called with the catalog id of a model that somebody wants to use, such as to put it into a form.

    Attributes
    ----------
    text : str
        Words that name, creator, description or id must have.
    where : str
        One of `WHERE`; empty = all.
    sort : str
        One of `rows.COLUMNS`; rows that are alike in it go by name. As long as nobody asks for another order, what can
        be used comes first.
    is_descending : bool
        The largest first; rows that say nothing in that column stay last.
    total : int
        How many models fit.
    looked_at : str
        Catalog id of the model whose details are shown.
    problems : tuple of str
        Mistakes in the user's catalog files.

    Examples
    --------
    >>> state = ModelsState(studio)  # doctest: +SKIP
    >>> state.where, state.sort = "local", "size"  # doctest: +SKIP
    >>> [row.cells()["size"] for row in state.rows(0, 10)]  # doctest: +SKIP
    """

    text = traitlets.Unicode()
    where = traitlets.Enum(list(WHERE), "")
    sort = traitlets.Enum(list(COLUMNS), "standing")
    is_descending = traitlets.Bool(False)
    total = traitlets.Int(0, read_only=True)
    looked_at = traitlets.Unicode(read_only=True)
    problems = traitlets.Tuple(read_only=True)

    def __init__(
        self,
        studio: Studio,
        *,
        workspace: Workspace | None = None,
        on_use: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(studio, workspace=workspace)
        self._on_use = on_use
        self._all: dict[str, Row] = {}
        self._shown: tuple[Row, ...] = ()
        self._uses: dict[str, Use] = {}
        self._ratings: Mapping[str, Rating] = {}
        self._due: list[str] = []
        self._stamp: object = None
        self._models: Models | None = None  # kept, so that its id is given to no other
        self._looked_again_at = 0.0
        self.observe(lambda _change: self._list(), ["text", "where", "sort", "is_descending"])
        self.refresh()

    @traitlets.validate("text")
    def _short(self, proposal: Mapping[str, str]) -> str:
        return proposal["value"][:MAX_TEXT]

    def rows(self, first: int, last: int) -> list[Row]:
        """Return what stands at the places `first` … `last` − 1; fewer at the end."""
        with self.lock:
            return list(self._shown[max(0, first) : max(0, last)])

    @property
    def details(self) -> Row | None:
        """The model that is looked at."""
        return self._all.get(self.looked_at)

    @property
    def can_use(self) -> bool:
        """Whether there is somebody to take the model that is looked at, and it has not been retired."""
        row = self.details
        return self._on_use is not None and row is not None and row.entry.standing != "retired"

    def look(self, model: str) -> None:
        """Look at a model; an empty id closes the details."""
        with self.lock:
            self.set_trait("looked_at", model if model in self._all else "")

    def use(self) -> None:
        """Hand the model that is looked at to whoever takes it."""
        if self.can_use and self._on_use is not None:
            act, model = self._on_use, self.looked_at
            self._attempt(lambda: act(model))

    def sort_by(self, column: str) -> None:
        """Sort by a column; once more, the other way round."""
        if column not in COLUMNS:
            self.error = f"there is no column {column!r}; there are {', '.join(COLUMNS)}"
            return
        with self.lock, self.hold_trait_notifications():
            self.is_descending = not self.is_descending if column == self.sort else False
            self.sort = column

    def refresh(self) -> None:
        """Read the catalog, the disk and the log again."""
        self._attempt(self._read_anew)

    def poll(self) -> None:
        """Read what may have changed: cheap when nothing has."""
        self._attempt(self._read_news)

    # Reading: slow parts first, then what is shown is changed under the lock

    def _read_anew(self) -> None:
        self._models = self._studio.models
        self._stamp, self._looked_again_at = self._now(), time.monotonic()
        entries = entries_of(self._studio)
        found = {entry.id: Row(entry, weights_of(entry.card)) if entry.is_local else Row(entry) for entry in entries}
        problems = tuple(str(problem) for problem in self._studio.catalog.problems)
        with self.lock:
            self._all = found
            self.set_trait("problems", problems)
        self._read_uses()
        self._read_all()

    def _read_news(self) -> None:
        if self._now() != self._stamp or self._files_changed():
            self._read_anew()
        elif self._studio.changed_since(self._token) != self._token:
            self._read_uses()
            self._read_all()
        elif self._due:
            self._look_up()
            self._read_all()

    def _now(self) -> object:
        return id(self._studio.models), missing_keys()

    def _files_changed(self) -> bool:
        if time.monotonic() - self._looked_again_at < LOOK_AGAIN_S:
            return False
        self._looked_again_at = time.monotonic()
        local = [row for row in list(self._all.values()) if row.entry.is_local]
        return any(self._has_changed(row) for row in local)

    def _has_changed(self, row: Row) -> bool:
        card = row.entry.card
        return self._studio.models.status(card) != row.entry.status or weights_of(card) != row.weights

    def _read_uses(self) -> None:
        """Read how many runs each model has, and how they were rated.

        Of those that have more or fewer than before, the last is looked up.
        """
        self._ratings = self._studio.model_ratings()
        counts = self._studio.facets().model
        changed = [model for model, runs in counts.items() if self._uses.get(model, Use()).runs != runs]
        gone = {model: Use() for model in self._uses if model not in counts}
        known = {model: Use(runs, self._uses.get(model, Use()).last_at) for model, runs in counts.items()}
        self._uses = {**gone, **known}
        self._due = [*dict.fromkeys([*self._due, *changed])]
        self._look_up()

    def _look_up(self) -> None:
        end = time.monotonic() + LOOK_UP_S
        while self._due and time.monotonic() < end:
            model = self._due.pop(0)
            self._uses[model] = Use(self._uses.get(model, Use()).runs, self._last_use(model))

    def _last_use(self, model: str) -> datetime | None:
        newest = self._studio.records(RunFilter(model=model), limit=1)
        return newest[0].created_at if newest else None

    def _read(self) -> None:
        uses, ratings = self._uses, self._ratings
        self._all = {
            model: Row(with_rating(row.entry, ratings.get(model)), row.weights, uses.get(model, Use()))
            for model, row in self._all.items()
        }
        self._list()

    def _list(self) -> None:
        with self.lock, self.hold_trait_notifications():
            rows = sorted((row for row in self._all.values() if self._fits(row)), key=order_of("name"))
            filled = sorted(
                (row for row in rows if has_value(self.sort, row)), key=order_of(self.sort), reverse=self.is_descending
            )
            empty = [row for row in rows if not has_value(self.sort, row)]
            self._shown = (*filled, *empty)
            self.set_trait("total", len(self._shown))
            self.set_trait("version", self.version + 1)

    def _fits(self, row: Row) -> bool:
        words = words_of(self.text)
        is_found = not words or row.entry.wording.rank(words) is not None
        return is_found and _is_in(self.where, row.entry, row.use)


def _is_in(where: str, entry: Entry, use: Use) -> bool:
    return {
        "": True,
        "local": entry.is_local,
        "cloud": not entry.is_local,
        "own": bool(entry.own),
        "used": use.runs > 0,
    }[where]
