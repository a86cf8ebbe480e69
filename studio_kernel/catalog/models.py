"""The collection people search: ``studio.models``.

It knows the cards and, through what it is given, whether their engines can run them; the catalog itself knows no
engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from immutabledict import immutabledict

from studio_kernel.catalog.mistakes import unknown
from studio_kernel.catalog.table import CardList
from studio_kernel.catalog.wording import Wording, words_of
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.tasks import MAKING, Task
from studio_kernel.errors import InvalidRequestError, Problem, UnknownModelError

Unavailable = Callable[[ModelCard], "str | None"]
"""Says why an engine cannot run a card here, or `None`: what `Engine.unavailable` is."""


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """Whether a model can be used now.

    Attributes
    ----------
    selectable : bool
        It can be asked for.
    reason : str
        Why not, as one sentence; empty when it can.
    alternative : str or None
        Id of the nearest model that is not retired, when this one is.
    """

    selectable: bool
    reason: str = ""
    alternative: str | None = None


class Models(Mapping[str, ModelCard]):
    """All models by id, in catalog order.

    Parameters
    ----------
    cards : iterable of ModelCard
        The models.
    engines : mapping
        Engine name → what says why it cannot run a card. Engines that are not in it do not exist in this version.

    Examples
    --------
    >>> models = Models(load().models.values(), engines={"diffusers": engine.unavailable})
    >>> [card.id for card in models.search("flux dev", task="text-to-image")]
    >>> models.status(models["fal/flux_1_dev"]).reason
    """

    def __init__(self, cards: Iterable[ModelCard], engines: Mapping[str, Unavailable] | None = None) -> None:
        self._cards = {card.id: card for card in cards}
        self._engines: Mapping[str, Unavailable] = engines if engines is not None else immutabledict()

    def __getitem__(self, model: str) -> ModelCard:
        try:
            return self._cards[model]
        except KeyError:
            raise UnknownModelError(model, self._cards) from None

    def __contains__(self, model: object) -> bool:  # the one of Mapping expects a KeyError
        return model in self._cards

    def __iter__(self) -> Iterator[str]:
        return iter(self._cards)

    def __len__(self) -> int:
        return len(self._cards)

    def __repr__(self) -> str:
        return f"<Models: {len(self)}, of {len(self.creators())} creators; .search('words', task=…) finds some>"

    def _repr_html_(self) -> str:
        return self.search()._repr_html_()

    def get(self, model: str, default: ModelCard | None = None) -> ModelCard | None:  # type: ignore[override]
        """Return the model of that id, or `default`."""
        return self._cards.get(model, default)

    def search(
        self,
        text: str = "",
        *,
        task: Task | str | None = None,
        creator: str | None = None,
        engine: str | None = None,
        include_hidden: bool = False,
        include_retired: bool = True,
        today: date | None = None,
    ) -> CardList:
        """Return the models that fit all that is asked, best first.

        Parameters
        ----------
        text : str
            Words that must all occur in id, name, creator, family or description, in any order; letter case and
            accents do not matter.
        task : Task or str or None
            A task that it serves.
        creator, engine : str or None
            Exactly, but in any letter case.
        include_hidden, include_retired : bool
            Whether hidden models, and models past their retirement date, are among them.
        today : datetime.date or None
            The day that retirement is judged on; `None` = now.

        Raises
        ------
        InvalidRequestError
            When there is no such task.
        """
        wanted = _task(task) if task is not None else None
        day = today or _today()
        found = [
            card
            for card in self._cards.values()
            if (wanted is None or wanted in card.tasks)
            and (creator is None or card.creator.casefold() == creator.casefold())
            and (engine is None or card.engine.casefold() == engine.casefold())
            and (include_hidden or not card.hidden)
            and (include_retired or not is_retired(card, day))
        ]
        return self._listed(_ranked(text, found))

    def for_task(self, task: Task | str) -> CardList:
        """Return the models that serve `task`, the recommended ones first."""
        wanted = _task(task)
        return self._listed(sorted(self.search(task=wanted), key=lambda card: wanted not in card.recommended))

    def recommended(self, task: Task | str) -> CardList:
        """Return good first choices for `task`, as the catalog says."""
        wanted = _task(task)
        return self._listed(card for card in self.search(task=wanted) if wanted in card.recommended)

    def tasks_of(self, model: str) -> tuple[Task, ...]:
        """Return what the model of that id can be asked to do."""
        return self[model].tasks

    def creators(self) -> tuple[str, ...]:
        """Return who made models of the catalog, in alphabetical order; hidden models do not count."""
        return tuple(sorted({card.creator for card in self._cards.values() if not card.hidden}, key=str.casefold))

    def status(self, card: ModelCard, today: date | None = None) -> ModelStatus:
        """Return whether `card` can be asked for, and if not, why and what instead."""
        day = today or _today()
        if is_retired(card, day):
            return self._retired(card, day)
        if card.engine not in self._engines:
            return ModelStatus(False, f"needs the {card.engine} engine, which this version does not have")
        reason = self._engines[card.engine](card)
        return ModelStatus(reason is None, reason or "")

    def _retired(self, card: ModelCard, today: date) -> ModelStatus:
        other = self._nearest_living(card, today)
        instead = f"; nearest alternative: {other.id!r} ({other.name})" if other else ""
        return ModelStatus(False, f"was retired on {card.retired_on}{instead}", other.id if other else None)

    def _nearest_living(self, card: ModelCard, today: date) -> ModelCard | None:
        """Return the model most like `card` for its task: one offered and to stay, then family, creator, engine."""
        living = self.search(task=card.default_task, include_retired=False, today=today)
        likeness = [(_likeness(card, other), other) for other in living]
        most = max((alike for alike, _other in likeness), default=None)
        nearest = [other for alike, other in likeness if alike == most]
        usable = (other for other in nearest if self.status(other, today).selectable)  # asked of few: it takes time
        return next(usable, nearest[0] if nearest else None)

    def _listed(self, cards: Iterable[ModelCard]) -> CardList:
        return CardList(cards, status=self.status)


def is_retired(card: ModelCard, today: date) -> bool:
    """Return whether the service of `card` has ended by `today`."""
    return card.retired_on is not None and card.retired_on <= today


def _likeness(card: ModelCard, other: ModelCard) -> tuple[bool, ...]:
    """Return what sorts models by how well they stand for `card`."""
    return (
        _is_offered(other),
        other.retired_on is None,
        bool(card.family) and other.family == card.family,
        other.creator == card.creator,
        other.engine == card.engine,
    )


def _is_offered(card: ModelCard) -> bool:
    """Return whether its service still had the model when that was last looked up; local ones have no service."""
    return not card.availability or card.availability.startswith(("listed", "seen"))


def _task(name: Task | str) -> Task:
    try:
        return Task(name)
    except ValueError:
        raise InvalidRequestError([Problem("task", unknown("a task", str(name), MAKING))], "search") from None


def _today() -> date:
    return datetime.now(UTC).date()


def _ranked(text: str, cards: list[ModelCard]) -> list[ModelCard]:
    """Return the cards that match all words of `text`, best first; equal ones stay in order."""
    words = words_of(text)
    if not words:
        return cards
    ranks = ((rank, card) for card in cards if (rank := Wording.of(card).rank(words)) is not None)
    return [card for _, card in sorted(ranks, key=lambda item: item[0])]
