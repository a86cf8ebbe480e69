"""What the form of a generation panel would take, without a screen: follows the form and asks anew when it changes.

The studio is asked in a thread, because the first answer for a model takes up to some seconds. Until the newest answer
is there, what is shown is marked as stale; an answer to an older question never replaces it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import traitlets
from immutabledict import immutabledict

from studio_kernel.domain import words
from studio_kernel.domain.estimate import Estimate
from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.tasks import Task
from studio_kernel.errors import StudioError
from studio_widgets.estimate.asker import Asker
from studio_widgets.state import PanelState
from studio_widgets.wording import counted

if TYPE_CHECKING:
    from studio_kernel.studio import Studio
    from studio_widgets.generation.state import GenerationState

FOLLOWED = ("task", "model", "parameters", "values", "prompt", "negative_prompt", "random_seed", "status")
SIDES = ("width", "height")
SMALLER = (0.75, 0.5)
"""Sizes to try where a picture does not fit, as parts of each side."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the studio.

    Attributes
    ----------
    values : mapping
        Parameters without the seed, which changes nothing of an estimate.
    moment : int
        Differs when the same values may have another answer, such as after a run.
    """

    model: str
    task: Task
    values: Mapping[str, object]
    moment: int = 0


@dataclass(frozen=True, slots=True)
class Offer:
    """A change of the form that would make a run fit.

    Attributes
    ----------
    words : str
        What it is, and what comes of it.
    changes : mapping
        Parameter → value.
    """

    words: str
    changes: Mapping[str, object]


class EstimateState(PanelState):
    """What the run that a form describes would take.

    Parameters
    ----------
    studio : Studio
        Asked for estimates.
    form : GenerationState
        Followed.
    answer : callable or None
        Asked in place of ``studio.estimate``.

    Attributes
    ----------
    estimate : Estimate or None
        The newest answer; `None` before the first, and when there is none, which `error` explains.
    is_stale : bool
        Whether the form has changed since.
    offers : tuple of Offer
        Changes that would make it fit, where it does not.
    is_expanded : bool
        Whether all of it is shown, or a line.

    Examples
    --------
    >>> state = EstimateState(studio, panel.state)  # doctest: +SKIP
    >>> state.estimate.seconds  # doctest: +SKIP
    """

    estimate = traitlets.Instance(Estimate, allow_none=True)
    is_stale = traitlets.Bool(False)
    offers = traitlets.Tuple()
    is_expanded = traitlets.Bool(False)

    def __init__(self, studio: Studio, form: GenerationState, *, answer: Callable[..., Estimate] | None = None) -> None:
        super().__init__(studio)
        self.form = form
        self._answer: Callable[..., Estimate] = answer or studio.estimate
        self._asked: Question | None = None
        self._moment = 0
        self._is_closed = False
        self._asker: Asker[Question, tuple[Estimate, tuple[Offer, ...]]] = Asker(
            self._answers, self._heard, self._refused
        )
        form.observe(self._changed, FOLLOWED)
        self.refresh()

    @property
    def needs_consent(self) -> bool:
        """Whether nobody knows what the run would cost."""
        return self.estimate is not None and not self.estimate.cost.is_known

    def refresh(self) -> None:
        """Ask again, also when the form has not changed: other programs may have taken memory."""
        self._moment += 1
        self._ask()

    def take(self, index: int) -> None:
        """Make the change that an offer names."""
        for name, value in self.offers[index].changes.items():
            self.form.set(name, value)

    def close(self) -> None:
        """Follow the form no longer."""
        if not self._is_closed:
            self._is_closed = True
            self.form.unobserve(self._changed, FOLLOWED)
            self._asker.drop()

    def _changed(self, change: traitlets.Bunch) -> None:
        if change.name == "status":
            self._moment += 1  # one run more waits, or one more has told how long it took
        self._ask()

    def _ask(self) -> None:
        with self.lock:  # also while it is asked what is wanted: the question of another thread may be an older one
            try:
                question = self._question()
            except StudioError as error:
                self._say_nothing(str(error))
                return
            if question == self._asked:
                return
            self._asked, self.is_stale = question, True
            self._asker.ask(question)

    def _question(self) -> Question:
        snapshot = self.form.resolve()
        values = {name: value for name, value in snapshot.values.items() if name != "seed"}
        return Question(snapshot.model, snapshot.task, immutabledict(values), self._moment)

    def _answers(self, question: Question) -> Iterator[tuple[Estimate, tuple[Offer, ...]]]:
        """Yield the estimate, and again with what could be changed if it does not fit."""
        found = self._estimated(question)
        fewer = _fewer_pictures(found)
        yield found, fewer
        if _misses(found):
            yield found, (*fewer, *self._smaller_sizes(question))

    def _estimated(self, question: Question, **changes: object) -> Estimate:
        values = {**question.values, **changes}
        return self._answer(values.pop("prompt", None), model=question.model, task=question.task, **values)

    def _smaller_sizes(self, question: Question) -> Iterator[Offer]:
        """Yield the largest smaller size that fits, if there is one."""
        for share in SMALLER:
            changes = _scaled(self.form.parameters, question.values, share)
            if not changes:
                continue
            found = self._estimated(question, **changes)
            if found.memory is not None and not _misses(found):
                picture = f"{changes['width']} × {changes['height']} px"
                yield Offer(f"{picture}: {words.size(found.memory.device_bytes)}", immutabledict(changes))
                return

    def _heard(self, question: Question, answer: tuple[Estimate, tuple[Offer, ...]]) -> None:
        """Take an answer; called from the thread of the asker."""
        with self.lock:
            if question != self._asked:
                return
            with self.hold_trait_notifications():
                self.estimate, self.offers = answer
                self.error, self.is_stale = "", False

    def _refused(self, question: Question, error: Exception) -> None:
        with self.lock:
            if question == self._asked:
                self._say_nothing(self.form.refusal(error), question)

    def _say_nothing(self, reason: str, asked: Question | None = None) -> None:
        with self.lock, self.hold_trait_notifications():
            self._asked = asked
            self.estimate, self.offers = None, ()
            self.error, self.is_stale = reason, False


def _misses(estimate: Estimate) -> bool:
    fit = estimate.memory.fit if estimate.memory else None
    return fit is not None and fit.verdict == "does not fit"


def _fewer_pictures(estimate: Estimate) -> tuple[Offer, ...]:
    """Return the offer to make as many pictures as fit, when fewer than asked for do."""
    fit = estimate.memory.fit if estimate.memory else None
    count = fit.largest_batch if fit else None
    if not count or not _misses(estimate) or count >= estimate.images:
        return ()
    return (Offer(f"{counted(count, 'picture')} at once", immutabledict(num_images=count)),)


def _scaled(parameters: tuple[Parameter, ...], values: Mapping[str, object], share: float) -> dict[str, object]:
    """Return both sides made smaller, in steps that the model takes; nothing when it does not take them."""
    sides = {parameter.name: parameter for parameter in parameters if parameter.name in SIDES}
    changes: dict[str, object] = {}
    for name, parameter in sides.items():
        now, step = values.get(name), int(parameter.step or 1)
        if not isinstance(now, int):
            return {}
        changes[name] = int(now * share) // step * step
        try:
            parameter.check(changes[name])
        except ValueError:
            return {}
    return changes if len(changes) == len(SIDES) else {}
