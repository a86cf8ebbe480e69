"""A sweep under one's hands: its plan while it is being built, its cells while they come in.

Batches and sweeps share this. Planning and beginning are done beside the kernel's loop; what is seen comes by `poll` or
by `refresh`, see `studio_widgets.cells.shown`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.domain.estimate import MANY_IMAGES
from studio_kernel.errors import InvalidRequestError, StudioError
from studio_kernel.sweeps import SweepRun
from studio_widgets.cells.sharing import SharedCells
from studio_widgets.estimate.asker import Asker
from studio_widgets.plans import PlanFacts, facts_of
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio
    from studio_widgets.generation.state import GenerationState

FOLLOWED = ("task", "model", "parameters", "values", "prompt", "negative_prompt", "random_seed")
MANY = "So many pictures need a yes."


class CellsState(SharedCells):
    """What batches and sweeps have in common.

    Parameters
    ----------
    studio : Studio
        Opened as an editor.
    form : GenerationState
        Says what is asked for in every cell.

    Attributes
    ----------
    plan : PlanFacts or None
        What `run` would do now; `None` when that is not known, `problem` says why not.
    problem : str
        What stands in the way of a plan.
    is_stale : bool
        A newer plan is being made.
    agreed : bool
        Yes to very many pictures; forgotten when their number changes.
    """

    plan = traitlets.Instance(PlanFacts, allow_none=True, read_only=True)
    problem = traitlets.Unicode(read_only=True)
    is_stale = traitlets.Bool(False, read_only=True)
    agreed = traitlets.Bool(False)

    def __init__(self, studio: Studio, form: GenerationState, *, workspace: Workspace | None = None) -> None:
        super().__init__(studio, workspace=workspace)
        self.form = form
        self._planned: SweepRun | None = None
        self._asked: Hashable = None
        self._moment = 0
        self._asker: Asker[Hashable, tuple[SweepRun, PlanFacts]] = Asker(self._answers, self._heard, self._refused)
        form.observe(self._form_changed, FOLLOWED)
        self.workspace.observe(self._project_changed, "project")

    # What there is to be told by those who make one

    @abstractmethod
    def _question(self) -> Hashable:
        """Return what is to be planned, complete; raises `StudioError` when it cannot be planned as it is."""

    @abstractmethod
    def _build(self, question: Hashable) -> SweepRun:
        """Return the sweep that a question describes, only planned."""

    # Planning

    def plan_again(self) -> None:
        """Make a new plan, also when nothing was changed: other programs may have made cells."""
        self._moment += 1
        self._plan()

    @property
    def can_run(self) -> bool:
        """Whether `run` would begin something."""
        plan = self.plan
        is_something = plan is not None and plan.to_do + plan.under_way + plan.done > 0
        return is_something and not self.doing and not self.needs_yes and self.can_change

    @property
    def needs_yes(self) -> bool:
        """Whether so many pictures would be made that `agreed` must be set first."""
        return self.plan is not None and self.plan.is_many and not self.agreed

    @property
    def needs_consent(self) -> bool:
        """Whether nobody knows what some cells cost; the form's `accept_unknown_price` says yes to that."""
        return self.plan is not None and self.plan.unpriced > 0

    def close(self) -> None:
        """Follow form and project no longer; what was begun goes on."""
        with suppress(ValueError):  # done before
            self.form.unobserve(self._form_changed, FOLLOWED)
            self.workspace.unobserve(self._project_changed, "project")
        self._asker.drop()

    def _form_changed(self, _change: traitlets.Bunch) -> None:
        self._plan()

    def _project_changed(self, _change: traitlets.Bunch) -> None:
        """Plan for the other project: its runs go there, and its budget may say something else."""
        self.plan_again()

    def _asks_for(self, *axes: str) -> dict[str, object]:
        """Return what the form asks for; what is wrong with a parameter that is an axis is no matter.

        Raises
        ------
        InvalidRequestError
            When it cannot be asked for as it is.
        """
        snapshot = self.form.resolve()
        wrong = [problem for problem in snapshot.problems if problem.field not in axes]
        if wrong:
            raise InvalidRequestError(wrong, "form")
        return dict(snapshot.values)

    def _plan(self) -> None:
        with self.lock:  # also while it is asked what is wanted: the question of another thread may be an older one
            try:
                question = (self._moment, self._question())
            except StudioError as error:
                self._asker.drop()
                self._say_no_plan(self.form.refusal(error))
                return
            if question == self._asked:
                return
            self._asked = question
            self.set_trait("is_stale", True)
            self._asker.ask(question)

    def _answers(self, question: Hashable) -> Iterator[tuple[SweepRun, PlanFacts]]:
        sweep = self._build(question[1])  # type: ignore[index]  # a moment and what is asked, see `_plan`
        for facts in facts_of(sweep.plan()):
            yield sweep, facts

    def _heard(self, question: Hashable, answer: tuple[SweepRun, PlanFacts]) -> None:
        with self.lock:
            if question != self._asked:
                return
            with self.hold_trait_notifications():
                self._planned, facts = answer
                if self.plan is None or facts.images != self.plan.images:
                    self.agreed = False
                self.set_trait("plan", facts)
                self.set_trait("problem", "")
                self.set_trait("is_stale", False)

    def _refused(self, question: Hashable, error: Exception) -> None:
        with self.lock:
            if question == self._asked:
                self._say_no_plan(self.form.refusal(error), question)

    def _say_no_plan(self, reason: str, asked: Hashable = None) -> None:
        with self.lock, self.hold_trait_notifications():
            self._asked, self._planned = asked, None
            self.set_trait("plan", None)
            self.set_trait("problem", reason)
            self.set_trait("is_stale", False)

    # Doing it

    def run(self) -> None:
        """Begin what was planned; returns at once. What stands in the way is found in `error`."""
        if self.needs_yes:
            self.error = MANY
        elif self.problem or self._asked is None:
            self.error = self.problem or "There is nothing to run yet."
        elif not self.doing:
            self._send("beginning", self._run)

    def pause(self) -> None:
        """Let what is at work finish and begin no other cell of this sweep; `resume` goes on with them."""
        sweep = self._sweep
        if sweep is not None and self.standing == "running":
            self._is_pausing = True
            self._send("pausing", lambda: self._studio.queue().stop_after_current(sweep.id))

    def resume(self) -> None:
        """Begin the cells that have no result."""
        sweep = self._sweep
        if sweep is not None and self.standing in ("paused", "failed"):
            agreed = self.form.accept_unknown_price
            self._send("resuming", lambda: sweep.resume(accept_unknown_price=agreed))

    def cancel(self) -> None:
        """Stop every cell that has not ended."""
        sweep = self._sweep
        if sweep is not None and self.standing in ("running", "pausing"):
            self._send("cancelling", sweep.cancel)

    def _run(self) -> None:
        with self.lock:
            asked, planned = self._asked, None if self.is_stale else self._planned
        sweep = planned or self._build(asked[1])  # type: ignore[index]  # a moment and what is asked, see `_plan`
        if planned is None and not self.agreed and sweep.plan().images > MANY_IMAGES:
            raise StudioError(MANY)
        sweep.start(accept_unknown_price=self.form.accept_unknown_price)
        self._show(sweep)

    def _errand_ended(self, error: Exception | None) -> None:
        with self.lock:
            self.error = self.form.refusal(error) if error is not None else ""
            self.set_trait("doing", "")
        if error is None:
            self.plan_again()
            self._glance(self._read_all)
