"""The generation panel without a screen: set values, call `submit`, read progress and result.

Nothing here works itself: `submit` hands the request to the studio and returns at once. Progress comes from a thread of
the studio a few times a second and only sets traits that are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import traitlets

from studio_kernel import keys
from studio_kernel.domain.budget import dollars
from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.reported import ReportedChoices
from studio_kernel.domain.runs import RunProgress, RunRecord, RunStatus
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.tips import Tips
from studio_kernel.domain.values import Value, describe
from studio_kernel.errors import InvalidRequestError, Problem, StudioError, UnknownModelError
from studio_widgets.generation.snapshot import Snapshot, resolve
from studio_widgets.state import PanelState

if TYPE_CHECKING:
    from studio_kernel.domain.model import ModelCard
    from studio_kernel.run import Run
    from studio_kernel.studio import Studio

OWN_TRAITS = ("prompt", "negative_prompt")
MAX_UPLOAD_BYTES = 64 * 2**20


class GenerationState(PanelState):
    """What is to be generated, how far it is, and what came of it.

    Parameters
    ----------
    studio : Studio
        Opened as an editor.
    task, model : str
        What to begin with; the first model that serves the task when none is named.
    attach : bool
        Whether to show the run at work here, if there is one.

    Attributes
    ----------
    task, model : str
        What is asked of which model; an unknown one is said in `error`.
    prompt, negative_prompt : str
        Texts.
    values : dict
        Every other parameter by name; replaced as a whole, see `set`.
    random_seed : bool
        A new seed for every run; the one that was used is then found in `values`.
    accept_unknown_price : bool
        Ask also where nobody knows what it will cost; forgotten when the model changes.
    parameters : tuple of Parameter
        What model and task take, in form order.
    tips : Tips or None
        What is known to work well with the model.
    told : str
        What following a tip has changed.
    blocked : str
        Why the model cannot be used now, such as a key that is missing; empty when it can.
    wrong : dict
        Parameter → what is wrong with its value, as the check before sending or the service says; until it is changed.
    status : str
        Of the run that was submitted last; empty before the first.
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

    task = traitlets.Unicode(str(Task.TEXT_TO_IMAGE))
    model = traitlets.Unicode()
    prompt = traitlets.Unicode()
    negative_prompt = traitlets.Unicode()
    values: traitlets.Dict[str, object] = traitlets.Dict()
    random_seed = traitlets.Bool(True)
    accept_unknown_price = traitlets.Bool(False)
    parameters = traitlets.Tuple(read_only=True)
    tips = traitlets.Instance(Tips, allow_none=True, read_only=True)
    told = traitlets.Unicode()
    blocked = traitlets.Unicode()
    wrong: traitlets.Dict[str, str] = traitlets.Dict()
    status = traitlets.Unicode()
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
        self, studio: Studio, *, task: str = str(Task.TEXT_TO_IMAGE), model: str = "", attach: bool = True
    ) -> None:
        super().__init__(studio, task=task, model=model)
        self._run: Run | None = None
        self._is_attached = False
        self._asked_at = datetime.now(UTC)
        self._touched: set[str] = set()
        self._unwatch: Callable[[], None] = lambda: None
        self.observe(lambda _change: self._choose_model(), "task")
        self.observe(lambda _change: self._adapt(), ["task", "model"])
        self.observe(lambda _change: self.set_trait("accept_unknown_price", False), "model")
        self.observe(self._forget_wrong, ["values", *OWN_TRAITS])
        if not model:
            self._choose_model()
        self._adapt()
        if attach:
            self._attempt(self._find_run_at_work)

    # What can be asked for

    def tasks(self) -> list[Task]:
        """Return the tasks of the chosen model, and those that another model serves, if need be once it has a key."""
        card = self._card()
        own = card.tasks if card is not None else ()
        return [task for task in Task if task in own or self.models(task) or self.locked(task)]

    def models(self, task: str | None = None) -> list[ModelCard]:
        """Return the usable models for a task, recommended ones first."""
        models = self._studio.models
        return [card for card in models.for_task(task or self.task) if models.status(card).selectable]

    def locked(self, task: str | None = None) -> list[ModelCard]:
        """Return the models for a task that lack nothing but the key of their service."""
        missing = {service: keys.missing(service) for service in keys.PLACES}
        return [card for card in self._studio.models.for_task(task or self.task) if self._lacks_key(card, missing)]

    def _lacks_key(self, card: ModelCard, missing: Mapping[str, str | None]) -> bool:
        models = self._studio.models
        status = models.status(card)
        if status.selectable:
            return False
        offered = (models[offer.model] for offer in card.offers if offer.model in models)
        return status.reason == missing.get(card.engine) or any(self._lacks_key(there, missing) for there in offered)

    def set(self, name: str, value: object) -> None:
        """Set one parameter; `None` means the model's default."""
        if name in OWN_TRAITS:
            self.set_trait(name, str(value or ""))
        else:
            self.values = {**self.values, name: value}

    def give(self, name: str, data: bytes) -> None:
        """Take a file, such as an input image, as the value of a parameter; no bytes take it away."""
        if not data:
            self.set(name, None)
        elif len(data) > MAX_UPLOAD_BYTES:
            self.error = f"{name}: {len(data) / 2**20:.0f} MB are more than the {MAX_UPLOAD_BYTES // 2**20} MB allowed"
        else:
            self._attempt(lambda: self.set(name, self._studio.assets.take(data, name)))

    def loras(self) -> dict[str, str]:
        """Return the adapters of the catalog: id → name."""
        return {lora.id: lora.name for lora in self._studio.catalog.loras.values()}

    def offer(self, name: str) -> ReportedChoices:
        """Return what a parameter that takes a value of an earlier run can be given, newest first."""
        return self._studio.reported(self.model, name)

    def in_words(self, problem: Problem) -> str:
        """Return a problem with the name that the form shows."""
        titles = {parameter.name: parameter.title for parameter in self.parameters}
        return f"{titles[problem.field]} {problem.message}" if problem.field in titles else str(problem)

    # Tips

    def apply_tips(self) -> None:
        """Take every recommended value that the model accepts; `told` says what that changed."""
        if self.tips is not None:
            self._change(self.tips.offered(self.parameters))

    def use_size(self, width: int, height: int) -> None:
        """Take a recommended size."""
        self._change({"width": width, "height": height})

    def use_example(self, index: int) -> None:
        """Take one of the example prompts."""
        if self.tips is not None:
            self.prompt = self.tips.examples[index]

    def add_trigger(self, word: str) -> None:
        """Put a word behind the prompt, unless it is in it."""
        if word.casefold() not in self.prompt.casefold():
            self.prompt = f"{self.prompt.rstrip(' ,')}, {word}" if self.prompt.strip() else word

    def _change(self, values: Mapping[str, Value]) -> None:
        known = {parameter.name: parameter for parameter in self.parameters}
        now = {name: getattr(self, name) if name in OWN_TRAITS else self.values.get(name) for name in values}
        changed = {name: value for name, value in values.items() if now[name] != value}
        said = [
            f"{known[name].title} {shown(known[name], now[name])} → {shown(known[name], value)}"
            for name, value in changed.items()
        ]
        with self.hold_trait_notifications():
            for name, value in changed.items():
                self.set(name, value)
            self.told = f"Changed: {', '.join(said)}." if said else "It is set like that already."

    def resolve(self) -> Snapshot:
        """Return what the form says now; changes nothing."""
        card = self._card()
        if card is None:
            raise UnknownModelError(self.model, self._studio.models)
        form = {**self.values, **{name: getattr(self, name) for name in OWN_TRAITS}}
        return resolve(card, Task(self.task), form, random_seed=self.random_seed)

    # Doing it

    @property
    def is_busy(self) -> bool:
        """Whether the run that was submitted last has not ended."""
        return self.status in (RunStatus.QUEUED, RunStatus.RUNNING)

    @property
    def can_submit(self) -> bool:
        """Whether `submit` would ask for something: a run of somebody else that is shown does not stand in the way."""
        return bool(self.parameters) and not self.blocked and (not self.is_busy or self._is_attached)

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
        if request.model in self._studio.models:
            with self.hold_trait_notifications():
                self.task, self.model = str(request.task), request.model
            for name, value in request.parameters.items():
                self.set(name, value)
        self._follow(run)
        self._is_attached = True

    def submit(self) -> None:
        """Ask for what the form says; returns at once. What is wrong with it is found in `error`."""
        if self.is_busy and not self._is_attached:
            self.error = "The last picture is not finished yet; cancel it or wait."
        else:
            self._attempt(self._submit)

    def cancel(self) -> None:
        """Stop the run that was submitted last; it ends within one denoising step."""
        if self._run is not None and self.is_busy:
            self._attempt(self._run.cancel)

    def fetch(self) -> None:
        """Fetch what a service may still have of the run that has failed; that is not charged again."""
        if self.can_fetch:
            self._attempt(self._retry)

    def run_again(self) -> None:
        """Ask anew for what has failed; where that may be paid twice, `question` asks first."""
        if self._failed is None or not self.can_run_again:
            return
        self.question = _question(self._failed)
        if not self.question:
            self._attempt(self._retry)

    def agree(self) -> None:
        """Say yes to `question`."""
        if self.question and self._failed is not None:
            self._attempt(lambda: self._retry(may_pay_twice=True))

    def decline(self) -> None:
        """Say no to `question`; nothing happens."""
        self.question = ""

    def _retry(self, *, may_pay_twice: bool = False) -> None:
        if self._failed is None:
            return
        agreed = self.accept_unknown_price
        run = self._studio.retry(self._failed.id, accept_unknown_price=agreed, may_pay_twice=may_pay_twice)
        self._is_attached = False
        self._follow(run)

    def tick(self) -> None:
        """Count the time of the run at work; to be called about once a second while somebody looks."""
        if self.is_busy:
            self.passed_s = (datetime.now(UTC) - self._asked_at).total_seconds()

    def look_again(self) -> None:
        """Look whether the model can be used by now: its key may have been put into its place meanwhile."""
        card = self._card()
        self.blocked = self._studio.models.status(card).reason if card is not None else ""

    def close(self) -> None:
        """Watch no longer; a run goes on."""
        self._unwatch()

    def file(self, index: int | None = None) -> tuple[bytes, str]:
        """Return bytes and media type of a file of the result; nothing when there is none."""
        return self._file_of(self.result, self.shown if index is None else index)

    def thumbnails(self) -> list[bytes]:
        """Return a small picture of every file of the result; no bytes for what is no picture."""
        return self._thumbnails_of(self.result)

    def _submit(self) -> None:
        snapshot = self.resolve()
        self.wrong = _marks(snapshot.problems)
        if not snapshot.is_ready:
            raise StudioError("\n".join(self.in_words(problem) for problem in snapshot.problems))
        values: Mapping[str, Any] = snapshot.values
        agreed = self.accept_unknown_price
        try:
            run = self._studio.submit(model=snapshot.model, task=snapshot.task, accept_unknown_price=agreed, **values)
        except InvalidRequestError as error:
            self.wrong = _marks(error.problems)
            raise
        self._is_attached = False
        if run.request.seed is not None:
            self.set("seed", run.request.seed)
        self._follow(run)

    def _follow(self, run: Run) -> None:
        with self._lock:
            self._unwatch()
            self._run = run
            self._asked_at = run.record.created_at
            self._touched = set()
            self.wrong, self.question = {}, ""
            self._show(run.progress)
        self._unwatch = self._studio.watch(run, lambda progress: self._heard(run, progress))

    def _find_run_at_work(self) -> None:
        """Show the newest single run of the home that has not ended: one from before a restart, or of a neighbour."""
        found = self._studio.queue().singles
        if found:
            self.attach(found[-1])

    def _heard(self, run: Run, progress: RunProgress) -> None:
        """Take progress; called from a thread of the studio, at most eight times a second."""
        with self._lock:
            if run is not self._run:
                return
            if progress.status.is_final:
                with self.hold_trait_notifications():
                    if self.result is None or self.result.id != run.id:
                        self.shown = 0
                    self.result = run.record
                self.error = progress.error or ""
                said = run.record.provenance.get("problems")
                found = said if isinstance(said, Mapping) else {}
                self.wrong = {name: str(words) for name, words in found.items() if name not in self._touched}
            self._show(progress)

    def _forget_wrong(self, change: traitlets.Bunch) -> None:
        """Unmark what was changed: whether it is still wrong nobody knows."""
        changed = {change.name}
        if change.name == "values":
            names = {*change.old, *change.new}
            changed = {name for name in names if change.old.get(name) != change.new.get(name)}
        self._touched |= changed
        if changed & self.wrong.keys():
            self.wrong = {name: words for name, words in self.wrong.items() if name not in changed}

    def _show(self, progress: RunProgress) -> None:
        with self.hold_trait_notifications():
            self.status, self.stage = str(progress.status), progress.stage
            self.step, self.total, self.position = progress.step, progress.total, progress.position
            self.elapsed_s, self.remaining_s = progress.elapsed_s, progress.remaining_s
            self.preview = (progress.preview or b"") if not progress.status.is_final else b""
            self.tick()

    # Following model and task

    def _card(self) -> ModelCard | None:
        return self._studio.models.get(self.model)

    def _choose_model(self) -> None:
        """Keep the model if it serves the task, else take the first that does."""
        card = self._card()
        if card is None or self.task not in card.tasks:
            offered = self.models() or self.locked()
            self.model = offered[0].id if offered else ""

    def _adapt(self) -> None:
        """Follow the model: keep the values it also takes, forget the others, fill in its defaults."""
        card = self._card()
        self.look_again()
        if card is None:
            self.set_trait("parameters", ())
            self.set_trait("tips", None)
            self.error = self._why_no_model()
            return
        if self.task not in card.tasks:
            self.task = str(card.default_task)
            return
        self.error = self.told = self.question = ""
        self.wrong = {}
        parameters = card.parameters_for(Task(self.task))
        with self.hold_trait_notifications():
            self.set_trait("tips", self._studio.catalog.tips_for(card))
            self.values = _adapted(parameters, self.values)
            self.set_trait("parameters", parameters)

    def _why_no_model(self) -> str:
        if not self.model:
            return f"No model that can be used here does {Task(self.task).label.lower()}."
        return str(UnknownModelError(self.model, self._studio.models))


def _adapted(parameters: tuple[Parameter, ...], values: Mapping[str, object]) -> dict[str, object]:
    """Return a value for each parameter: the given one where it is legal, else the default."""
    return {
        parameter.name: _legal(parameter, values.get(parameter.name))
        for parameter in parameters
        if parameter.name not in OWN_TRAITS
    }


def _legal(parameter: Parameter, value: object) -> object:
    """Return a value as the parameter spells it, such as ``4s`` for 4; its default when it does not take it."""
    try:
        return parameter.default if value is None else parameter.check(value)
    except (ValueError, TypeError):
        return parameter.default


def _marks(problems: Iterable[Problem]) -> dict[str, str]:
    return {problem.field: problem.message for problem in problems}


def _question(record: RunRecord) -> str:
    """Return what to ask before a run that has failed is asked for anew; nothing where it was certainly not charged."""
    said = record.provenance
    expected = record.estimate.cost_usd if record.estimate is not None else None
    amount = f" about {dollars(expected)}" if expected else ""
    if said.get("can_be_fetched"):
        return (
            f"The service may still have the result, and fetching it costs nothing. Pay{amount} for a new one instead?"
        )
    if said.get("may_be_billed"):
        return f"This run may have been charged already: look at your account there first. Pay{amount} once more?"
    return ""


def shown(parameter: Parameter, value: Any) -> str:
    """Return a value as the form shows it."""
    if value in parameter.choices and parameter.choice_labels:
        return parameter.choice_labels[parameter.choices.index(value)]
    unit = f" {parameter.unit}" if parameter.unit and not isinstance(value, str) else ""
    return "none" if value in (None, "") else f"{describe(value)}{unit}"
