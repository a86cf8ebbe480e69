"""The generation panel without a screen: set values, call `submit`, read progress and result.

Nothing here works itself: `submit` hands the request to the studio and returns at once. Progress comes from a thread of
the studio a few times a second and only sets traits that are shown. Several runs may be asked for one after another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import traitlets

from studio_kernel.domain.runs import RunProgress, RunRecord, RunStatus
from studio_kernel.domain.tasks import Task
from studio_kernel.errors import InvalidRequestError, Problem, StudioError
from studio_widgets import beside
from studio_widgets.generation.asking import OWN_TRAITS, shown
from studio_widgets.generation.carried import CarriedForm
from studio_widgets.generation.carrying import part_of
from studio_widgets.generation.following import Followed, Following
from studio_widgets.remedies import question_of
from studio_widgets.saving.files import RunFiles
from studio_widgets.saving.slices import Slice, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from studio_kernel.run import Run
    from studio_kernel.studio import Studio
    from studio_widgets.workspace import Workspace

__all__ = ["OWN_TRAITS", "GenerationState", "shown"]

Standing = Literal["ready", "generating", "blocked"]


class GenerationState(CarriedForm):
    """What is to be generated, how far it is, and what came of it.

    Parameters
    ----------
    studio : Studio
        Opened as an editor.
    task, model : str
        What to begin with; the first model that serves the task when none is named.
    attach : bool
        Whether to show the run at work here, if there is one.
    workspace : Workspace or None
        Shared with other panels: runs are put into its project, and theirs can be loaded here.

    Attributes
    ----------
    status : str
        Of the run that is shown: the first of those asked for here that works, else the next one; empty before any.
    waiting, working : int
        How many others of those asked for here wait, and how many work.
    step, total, stage, elapsed_s, remaining_s
        How far it is; nothing is known of what remains at first.
    position : int or None
        Jobs before it in the queue of a service.
    passed_s : float
        Seconds since it was asked for, waiting included.
    question : str
        What `agree` says yes to, such as paying twice; empty when nothing is asked.
    preview : bytes
        A small WebP picture of the state so far.
    result : RunRecord or None
        The last run that ended.
    shown : int
        Which of its files.

    Examples
    --------
    >>> state = GenerationState(studio)  # doctest: +SKIP
    >>> state.prompt = "a red boat on the sea"  # doctest: +SKIP
    >>> state.set("num_inference_steps", 20)  # doctest: +SKIP
    >>> state.submit()  # doctest: +SKIP
    """

    status = traitlets.Unicode()
    waiting = traitlets.Int(0)
    working = traitlets.Int(0)
    step = traitlets.Int(0)
    total = traitlets.Int(0)
    stage = traitlets.Unicode()
    elapsed_s = traitlets.Float(0.0)
    remaining_s = traitlets.Float(None, allow_none=True)
    position = traitlets.Int(None, allow_none=True)
    passed_s = traitlets.Float(0.0)
    question = traitlets.Unicode()
    preview = traitlets.Bytes()
    result = traitlets.Instance(RunRecord, allow_none=True)
    shown = traitlets.Int(0)

    def __init__(
        self,
        studio: Studio,
        *,
        task: str = str(Task.TEXT_TO_IMAGE),
        model: str = "",
        attach: bool = True,
        workspace: Workspace | None = None,
    ) -> None:
        self._following = Following()
        self._shown_run: Run | None = None
        self._companions: list[Callable[[], None]] = []
        self._files = RunFiles(studio)
        super().__init__(studio, task=task, model=model, workspace=workspace)
        if attach:
            self._attempt(self._find_run_at_work)

    @property
    def studio(self) -> Studio:
        """The studio that is asked."""
        return self._studio

    # Doing it

    @property
    def is_busy(self) -> bool:
        """Whether some run that was asked for here has not ended."""
        return self.status in (RunStatus.QUEUED, RunStatus.RUNNING)

    @property
    def can_submit(self) -> bool:
        """Whether `submit` would ask for something; what is at work does not stand in the way."""
        return self.can_change and bool(self.parameters) and not self.blocked

    @property
    def standing(self) -> tuple[Standing, str]:
        """Whether a run can be asked for or is at work, and in words why not or what else waits."""
        if not self.can_change:
            return "blocked", "This studio is open for looking only."
        if not self.parameters or self.blocked:
            return "blocked", self.blocked or "Choose a model first."
        if self.is_busy:
            return "generating", self._others()
        problems = self.resolve().problems
        return ("blocked", f"{self.in_words(problems[0])}.") if problems else ("ready", "")

    def _others(self) -> str:
        waits = f"{self.waiting} more {'waits' if self.waiting == 1 else 'wait'}" if self.waiting else ""
        works = f"{self.working} more at work" if self.working else ""
        return ", ".join(filter(None, (works, waits)))

    @property
    def can_fetch(self) -> bool:
        """Whether the run that is shown has failed, and a service may still have what it made."""
        return self._failed is not None and bool(self._failed.provenance.get("can_be_fetched"))

    @property
    def can_run_again(self) -> bool:
        """Whether the run that is shown has failed, and the same could go well the next time."""
        return self._failed is not None and not self._failed.provenance.get("problems")

    @property
    def _failed(self) -> RunRecord | None:
        has_failed = self.result is not None and self.result.status is RunStatus.FAILED
        return self.result if has_failed and not self.is_busy else None

    def attach(self, run: Run) -> None:
        """Show a run that was not asked for here, with the form as it was for that run."""
        request = run.request
        with self.lock:
            if request.model in self._studio.models:
                self._turn_to(request.model, str(request.task))
                self._fill(part_of(request.parameters, "all"))
        self._follow(run, is_own=False)

    def submit(self) -> None:
        """Ask for what the form says; returns at once. What is wrong with it is found in `error`."""
        self._attempt(self._submit)

    def regenerate(self) -> None:
        """Ask for the result that is shown once more, with its settings and a new seed, whatever the form says now."""
        if self.result is not None:
            self._attempt(self._regenerate)

    def cancel(self) -> None:
        """Stop the run that is shown; it ends within one denoising step."""
        if self._run is not None and self.is_busy:
            self._attempt(self._run.cancel)

    def cancel_all(self) -> None:
        """Stop everything that was asked for here."""
        with self.lock:
            runs = self._following.runs()
        self._attempt(lambda: self._studio.cancel(*runs))

    def fetch(self) -> None:
        """Fetch what a service may still have of the run that has failed; that is not charged again."""
        if self.can_fetch:
            self._attempt(self._retry)

    def run_again(self) -> None:
        """Ask anew for what has failed; where that may be paid twice, `question` asks first."""
        if self._failed is None or not self.can_run_again:
            return
        self.question = question_of(self._failed)
        if not self.question:
            self._attempt(self._retry)

    def agree(self) -> None:
        """Say yes to `question`."""
        if self.question and self._failed is not None:
            self._attempt(lambda: self._retry(may_pay_twice=True))

    def decline(self) -> None:
        """Say no to `question`; nothing happens."""
        self.question = ""

    def tick(self) -> None:
        """Bring up to date what only time changes; to be called about once a second while somebody looks."""
        self._count_time()
        for poll in self._companions:
            poll()

    def accompany(self, poll: Callable[[], None]) -> None:
        """Bring something that stands in the form up to date whenever the form is: `poll` is called by `tick`."""
        self._companions.append(poll)

    def close(self) -> None:
        """Watch no longer; a run goes on."""
        with self.lock:
            self._following.clear()

    # What came of it

    def reuse_seed(self) -> None:
        """Keep the seed of the result for the runs to come."""
        if self.result is not None:
            self.load(self.result.id, "seed")

    def use_result(self, task: str = "") -> None:
        """Use the file of the result that is shown as an input."""
        if self.result is not None:
            self.use_as_input(self.result.id, task, self.shown)

    def star(self, on: bool) -> None:
        """Make the result a favourite, or no longer."""
        self._attempt(lambda: self._mark(favourite=on))

    def rate(self, rating: int) -> None:
        """Give the result 1 … 5 stars; 0 takes them away."""
        self._attempt(lambda: self._mark(rating=rating))

    def file(self, index: int | None = None) -> tuple[bytes, str]:
        """Return bytes and media type of a file of the result; nothing when there is none."""
        return self._file_of(self.result, self.shown if index is None else index)

    def file_name(self, index: int | None = None) -> str:
        """Return what a file of the result is called when it is saved elsewhere; nothing when there is none."""
        place = self.shown if index is None else index
        if self.result is None or place >= len(self.result.assets):
            return ""
        return name_of(self.result, self.result.assets[place])

    def part(self, run: str, file: int, start: int) -> Slice:
        """Return a part of a file of a run; nothing when there is none, or when it is too large for a page."""
        try:
            return self._files.part(run, file, start)
        except (StudioError, OSError) as error:
            self.error = str(error)
            return Slice()

    def thumbnails(self) -> list[bytes]:
        """Return a small picture of every file of the result; no bytes for what is no picture."""
        return self._thumbnails_of(self.result)

    # Inside

    @property
    def _run(self) -> Run | None:
        """The run that is shown: the one in front, or the last that ended."""
        front = self._following.front
        return front.run if front is not None else self._shown_run

    @property
    def _project(self) -> str | None:
        return self.workspace.project or None

    def _submit(self) -> None:
        snapshot = self.resolve()
        self.wrong = _marks(snapshot.problems)
        if not snapshot.is_ready:
            raise StudioError("\n".join(self.in_words(problem) for problem in snapshot.problems))
        try:
            self._ask(snapshot.model, snapshot.task, snapshot.values, agreed=self.accept_unknown_price)
        except InvalidRequestError as error:
            self.wrong = _marks(error.problems)
            raise

    def _regenerate(self) -> None:
        if self.result is None:
            return
        request = self.result.request
        values = {name: value for name, value in part_of(request.parameters, "all").items() if name != "seed"}
        agreed = self.accept_unknown_price and request.model == self.model
        self._ask(request.model, request.task, values, agreed=agreed)

    def _ask(self, model: str, task: Task, asked: Mapping[str, object], *, agreed: bool) -> None:
        values: Mapping[str, Any] = asked
        run = self._studio.submit(model=model, task=task, project=self._project, accept_unknown_price=agreed, **values)
        if run.request.seed is not None and "seed" in self.values:
            self.set("seed", run.request.seed)
        self._follow(run)

    def _retry(self, *, may_pay_twice: bool = False) -> None:
        if self._failed is None:
            return
        agreed = self.accept_unknown_price
        self._follow(self._studio.retry(self._failed.id, accept_unknown_price=agreed, may_pay_twice=may_pay_twice))

    def _mark(self, *, favourite: bool | None = None, rating: int | None = None) -> None:
        if self.result is None:
            raise StudioError("there is no result to say something about")
        self._say(self.result.id, favourite=favourite, rating=rating)
        self.result = self._studio.record(self.result.id)

    def _follow(self, run: Run, *, is_own: bool = True) -> None:
        followed = Followed(run, run.record.created_at, run.progress, is_own)
        with self.lock:
            self._following.add(followed)
            self.wrong, self.question, self.notice = {}, "", ""
            self._show_front()
        followed.unwatch = self._studio.watch(run, beside.unasked(lambda progress: self._heard(run, progress)))

    def _find_run_at_work(self) -> None:
        """Show the newest single run of the home that has not ended: one from before a restart, or of a neighbour."""
        found = self._studio.queue().singles
        if found:
            self.attach(found[-1])

    def _heard(self, run: Run, progress: RunProgress) -> None:
        """Take progress; called from a thread of the studio, at most eight times a second."""
        with self.lock:
            followed = self._following.find(run)
            if followed is None:
                return
            followed.progress = progress
            if progress.status.is_final:
                self._following.drop(followed)
                self._ended(followed)
            self._show_front(progress)

    def _ended(self, followed: Followed) -> None:
        record = followed.run.record
        self._shown_run = followed.run
        with self.hold_trait_notifications():
            if self.result is None or self.result.id != record.id:
                self.shown = 0
            self.result = record
        self.error = followed.progress.error or ""
        said = record.provenance.get("problems")
        found = said if isinstance(said, Mapping) else {}
        self.wrong = {name: str(words) for name, words in found.items() if name not in followed.touched}

    def _touch(self, names: Iterable[str]) -> None:
        with self.lock:
            self._following.touch(names)

    def _show_front(self, last: RunProgress | None = None) -> None:
        """Show the run in front, or how the last one ended."""
        front = self._following.front
        progress = front.progress if front is not None else last
        if progress is None:
            return
        with self.hold_trait_notifications():
            self.waiting, self.working = self._following.behind
            self.status, self.stage = str(progress.status), progress.stage
            self.step, self.total, self.position = progress.step, progress.total, progress.position
            self.elapsed_s, self.remaining_s = progress.elapsed_s, progress.remaining_s
            self.preview = (progress.preview or b"") if not progress.status.is_final else b""
            self._count_time()

    def _count_time(self) -> None:
        with self.lock:
            front = self._following.front
            if front is not None:
                self.passed_s = (datetime.now(UTC) - front.asked_at).total_seconds()


def _marks(problems: Iterable[Problem]) -> dict[str, str]:
    return {problem.field: problem.message for problem in problems}
