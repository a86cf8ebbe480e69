"""The model picker without a screen: set text and filters, read `cards`, call `choose`.

All of it works on what the catalog says and on what engines say without loading anything. What a model would take of
this machine's memory is asked for one model at a time, the one that is looked at, in a thread. How people rated
models is read from the log by `PickerState.poll`, which panels call beside what they show.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.domain.estimate import MemoryEstimate
from studio_kernel.domain.marks import Rating
from studio_kernel.errors import StudioError
from studio_widgets.estimate.asker import Asker
from studio_widgets.estimate.texts import verdict
from studio_widgets.picker import filters
from studio_widgets.picker.cards import TOO_LARGE, PickerCard, card_of, facts_of
from studio_widgets.picker.entries import Entry, Maker, entries_of, missing_keys, with_rating, with_standing
from studio_widgets.state import PanelState
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.catalog.models import Models
    from studio_kernel.studio import Studio

MAX_TEXT = 200
LOOK_AGAIN_S = 10.0
"""So often the files of models on this machine, and ratings in the log, are looked at again."""


@dataclass(frozen=True, slots=True)
class Group:
    """Cards that stand together.

    Attributes
    ----------
    creator : str
        Who made the models; empty where cards are not grouped.
    count : int
        How many models it has, shown or not.
    is_collapsed : bool
        Its cards are not shown.
    """

    creator: str
    count: int
    is_collapsed: bool = False


class PickerState(PanelState):
    """Models to choose from.

    Parameters
    ----------
    studio : Studio
        Editor or viewer; a viewer is told nothing about memory.
    workspace : Workspace or None
        Shared with other panels.
    task : str
        Only models for it, at first; empty = all.
    model : str
        What is chosen at first.

    Attributes
    ----------
    text : str
        Words that name, creator, description or id must have, in any order; case and accents do not matter. What
        nothing has is taken for the word most like it, see `read_as`.
    task, creator, engine, price, licence, here : str
        Filters; empty = any. `price` is ``free``, ``known``, ``unknown``, or the most US dollars that a run with the
        defaults may cost; `licence` is ``use:allowed``, ``use:limited``, ``use:refused``, ``use:unknown`` or ``is:``
        and a licence; `here` is one of `entries.STANDINGS`.
    sort : str
        ``recommended``, ``name``, ``price``, ``newest``, by the date for which the catalog entry is true, or ``rated``,
        by the stars that people of this home gave.
    with_retired : bool
        Whether retired models are listed.
    is_grouped : bool
        Whether models of one creator stand together.
    collapsed : frozenset of str
        Creators whose models are not shown; while something is searched for, all are.
    chosen : str
        Catalog id; may be linked to the model of a form.
    looked_at : str
        Catalog id of the model that `facts` are about.
    total : int
        How many models fit.
    facets : dict
        Name of a filter → its values with counts, `filters.Choice`.
    groups : tuple of Group
        What `cards` stand in, in order.
    read_as : str
        What the text was taken for, where nothing has its words.
    instead : str
        Catalog id of what to take in place of a retired model that was asked for; empty when none was.
    version : int
        Rises whenever `cards` or `facts` may have changed, other than by looking at another model.

    Examples
    --------
    >>> state = PickerState(studio, task="text-to-image")  # doctest: +SKIP
    >>> state.text = "flux dev"  # doctest: +SKIP
    >>> state.choose(state.cards[0].id)  # doctest: +SKIP
    """

    text = traitlets.Unicode()
    task = traitlets.Unicode()
    creator = traitlets.Unicode()
    engine = traitlets.Unicode()
    price = traitlets.Unicode()
    licence = traitlets.Unicode()
    here = traitlets.Unicode()
    sort = traitlets.Enum(list(filters.SORTS), "recommended")
    with_retired = traitlets.Bool(False)
    is_grouped = traitlets.Bool(True)
    collapsed = traitlets.Instance(frozenset, args=())
    chosen = traitlets.Unicode()
    looked_at = traitlets.Unicode(read_only=True)
    total = traitlets.Int(0, read_only=True)
    facets: traitlets.Dict[str, tuple[filters.Choice, ...]] = traitlets.Dict(read_only=True)
    groups = traitlets.Tuple(read_only=True)
    read_as = traitlets.Unicode(read_only=True)
    instead = traitlets.Unicode(read_only=True)
    version = traitlets.Int(0, read_only=True)

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None, task: str = "", model: str = "") -> None:
        super().__init__(studio, workspace=workspace, task=task, chosen=model)
        self._entries: dict[str, Entry] = {}
        self._shelf = filters.Shelf(())
        self._shown: tuple[Entry, ...] = ()
        self._memory: dict[str, MemoryEstimate | str] = {}
        self._ratings: Mapping[str, Rating] = {}
        self._token: str | None = None
        self._rated_at = float("-inf")
        self._asked = ""
        self._stamp: object = None
        self._models: Models | None = None  # kept, so that its id is given to no other
        self._looked_again_at = 0.0
        self._asker: Asker[str, MemoryEstimate | None] = Asker(self._memory_needed, self._heard, self._unheard)
        self.refresh()
        searched = ["text", *filters.FILTERS, "sort", "with_retired"]
        self.observe(lambda _change: self._search(), [*searched, "is_grouped", "collapsed"])
        self.observe(lambda _change: self._forget_refusal(), [*searched, "chosen"])

    @traitlets.validate("text", *filters.FILTERS)
    def _short(self, proposal: Mapping[str, object]) -> str:
        return str(proposal["value"])[:MAX_TEXT]

    # What there is

    @property
    def cards(self) -> tuple[PickerCard, ...]:
        """Everything that is shown, in order; see `items` for a part of it."""
        return tuple(self.items(0, len(self._shown)))

    def items(self, first: int, last: int) -> list[PickerCard]:
        """Return what stands at the places `first` … `last` − 1; fewer at the end."""
        with self.lock:
            shown, task = self._shown[max(0, first) : max(0, last)], self.task
        return [self._card(entry, task) for entry in shown]

    @property
    def chosen_card(self) -> PickerCard | None:
        """The card of the chosen model, also of one that lists leave out; `None` when the catalog has none."""
        entry = self._entry(self.chosen)
        return self._card(entry, self.task) if entry is not None else None

    @property
    def chosen_at(self) -> int:
        """The place of the chosen model among `cards`; −1 when it is not listed."""
        return next((place for place, entry in enumerate(self._shown) if entry.id == self.chosen), -1)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What is known of the model that is looked at, as names and words."""
        entry = self._entry(self.looked_at)
        memory = self._memory.get(self.looked_at) or ("being estimated …" if self._asked == self.looked_at else None)
        return facts_of(entry, memory) if entry is not None else []

    @property
    def filtered(self) -> dict[str, str]:
        """The filters that restrict, with their values."""
        return {name: value for name in filters.FILTERS if (value := getattr(self, name))}

    # What can be done

    def choose(self, model: str) -> None:
        """Choose a model. A retired one cannot be: `error` says why, and `instead` names the nearest alternative."""
        self._attempt(lambda: self._choose(model))

    def choose_instead(self) -> None:
        """Choose the alternative to the retired model that was asked for."""
        if self.instead:
            self.choose(self.instead)

    def set_filter(self, name: str, value: str) -> None:
        """Set one filter by name; what it does not take is said in `error`."""
        if name not in filters.FILTERS or not filters.is_value(name, value):
            self.error = f"there is no filter {name!r} with the value {value!r}"
        else:
            self.error = ""
            self.set_trait(name, value)

    def clear(self) -> None:
        """Take all filters and the text away."""
        with self.lock, self.hold_trait_notifications():
            self.text = ""
            for name in filters.FILTERS:
                self.set_trait(name, "")

    def collapse(self, creator: str, on: bool = True) -> None:
        """Show the models of a creator no longer, or again."""
        self.collapsed = self.collapsed | {creator} if on else self.collapsed - {creator}

    def collapse_all(self, on: bool = True) -> None:
        """Show creators alone, or all models again."""
        self.collapsed = frozenset(group.creator for group in self.groups) if on else frozenset()

    def look(self, model: str) -> None:
        """Look at a model: `facts` are about it, and what memory it takes is found out; an empty id looks at none."""
        entry = self._entry(model)
        is_asked = entry is not None and self._can_be_measured(entry)
        with self.lock:
            self._asked = model if is_asked else ""
            self.set_trait("looked_at", model if entry is not None else "")
        if is_asked:
            self._asker.ask(model)

    def refresh(self) -> None:
        """Read the catalog and what engines say again."""
        self._attempt(self._read)

    def poll(self) -> None:
        """Refresh if the catalog, a key or ratings have changed, or the files of a model may have; cheap otherwise.

        What was said about the last act stays.
        """
        self._glance(self._read_if_changed)

    def close(self) -> None:
        """Ask nothing more."""
        self._asker.drop()

    # Reading

    def _read(self) -> None:
        self._models = self._studio.models
        self._stamp, self._looked_again_at = self._now(), time.monotonic()
        entries = entries_of(self._studio)
        self._stock(entries)

    def _stock(self, entries: Iterable[Entry]) -> None:
        """Show these, with what was found out of each."""
        with self.lock:
            self._entries = {entry.id: self._found_out(entry) for entry in entries}
            self._shelf = filters.Shelf(tuple(self._entries.values()))
            self._search()

    def _read_if_changed(self) -> None:
        if self._now() != self._stamp or self._files_changed():
            self._read()
        self._read_ratings()

    def _read_ratings(self) -> None:
        """Read how models were rated if the log has changed; not often, for the log of a home at work always has."""
        now = time.monotonic()
        token = self._studio.changed_since(self._token) if now - self._rated_at >= LOOK_AGAIN_S else self._token
        if token == self._token:
            return
        self._rated_at = now
        ratings = self._studio.model_ratings()
        with self.lock:
            self._token = token
            if ratings != self._ratings:
                self._ratings = ratings
                self._stock(self._entries.values())

    def _now(self) -> object:
        """Return what differs when lists must be made anew; cheap."""
        return id(self._studio.models), missing_keys(), datetime.now(UTC).date()

    def _files_changed(self) -> bool:
        """Return whether a model of this machine can be used by now, or no longer."""
        if time.monotonic() - self._looked_again_at < LOOK_AGAIN_S:
            return False
        self._looked_again_at = time.monotonic()
        models = self._studio.models
        local = [entry for entry in self._entries.values() if entry.is_local]
        return any(models.status(entry.card) != entry.status for entry in local)

    def _search(self) -> None:
        with self.lock, self.hold_trait_notifications():
            wanted = filters.Wanted(self.text, self.filtered, self.sort, self.with_retired)
            found = self._shelf.find(wanted)
            groups = filters.grouped(found.entries) if self.is_grouped else [("", list(found.entries))]
            hidden = self.collapsed if self.is_grouped and not self.text.strip() else frozenset()
            self._shown = tuple(entry for creator, members in groups if creator not in hidden for entry in members)
            self.set_trait("total", len(found.entries))
            self.set_trait("facets", dict(found.facets))
            self.set_trait("groups", tuple(Group(name, len(each), name in hidden) for name, each in groups if each))
            self.set_trait("read_as", found.read_as)
            self._rise()

    def _rise(self) -> None:
        self.set_trait("version", self.version + 1)

    def _entry(self, model: str) -> Entry | None:
        """Return the entry of any model of the catalog, also of one that is hidden."""
        if not model or model in self._entries:
            return self._entries.get(model)
        models = self._studio.models
        card = models.get(model)
        return self._found_out(Maker(self._studio, models).entry(card)) if card is not None else None

    def _card(self, entry: Entry, task: str) -> PickerCard:
        memory = self._memory.get(entry.id)
        return card_of(entry, task, memory if isinstance(memory, MemoryEstimate) else None)

    def _choose(self, model: str) -> None:
        status = self._studio.models.status(self._studio.models[model])  # an unknown one is told with near ones
        entry = self._entry(model)
        with self.lock, self.hold_trait_notifications():
            if entry is not None and entry.standing == "retired":
                self.set_trait("instead", status.alternative or "")
                raise StudioError(f"{entry.card.name or model} {status.reason}")
            self.set_trait("instead", "")
            self.chosen = model

    def _forget_refusal(self) -> None:
        if self.instead:
            self.set_trait("instead", "")
            self.error = ""

    # Memory

    def _can_be_measured(self, entry: Entry) -> bool:
        is_here = entry.is_local and entry.standing in ("ready", "memory")
        return is_here and self.can_change and entry.id not in self._memory

    def _memory_needed(self, model: str) -> Iterator[MemoryEstimate | None]:
        entry = self._entries[model]
        task = self.task if self.task in entry.card.tasks else str(entry.card.default_task)
        yield self._studio.estimate(model=model, task=task).memory

    def _heard(self, model: str, memory: MemoryEstimate | None) -> None:
        """Take an answer; called from the thread of the asker."""
        self._keep(model, memory or "not needed on a device")

    def _unheard(self, model: str, error: Exception) -> None:
        self._keep(model, f"not known: {error}")

    def _keep(self, model: str, memory: MemoryEstimate | str) -> None:
        with self.lock:
            self._memory[model] = memory
            self._stock(self._entries.values())

    def _found_out(self, entry: Entry) -> Entry:
        """Return an entry that says how it was rated, and that it needs more memory, where that was found out."""
        entry = with_rating(entry, self._ratings.get(entry.id))
        memory = self._memory.get(entry.id)
        is_too_large = isinstance(memory, MemoryEstimate) and verdict(memory) == TOO_LARGE
        return with_standing(entry, "memory") if is_too_large and entry.standing == "ready" else entry
