"""Sweeps without a screen: axes built from a form, the plan, the runs, and the grid with its axes anywhere.

What the form says is the base of every cell. A sweep that was begun is found in the log, by any program.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets
from immutabledict import immutabledict

from studio_kernel.axes import parameter_of
from studio_kernel.domain.rules import Rule
from studio_kernel.domain.sweep import AxisGroup, Sweep
from studio_kernel.domain.values import Value
from studio_kernel.errors import InvalidRequestError, Problem, StudioError
from studio_kernel.grid.labels import axis_label
from studio_kernel.sweeps import SweepRun
from studio_widgets.cells.arranged import ArrangedCells
from studio_widgets.cells.state import CellsState
from studio_widgets.plans import PlanFacts, facts_of
from studio_widgets.sweep.axes import LORA, MODEL, PROMPT, Axis, choices, join, listed, offered, read
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.domain.parameters import Parameter
    from studio_kernel.studio import Studio
    from studio_widgets.generation.state import GenerationState

MOST_SEEDS = 100
MOST_KNOWN = 50
KNOWN_REST_S = 5.0


@dataclass(frozen=True, slots=True)
class Question:
    """What a sweep is made of."""

    model: str
    task: str
    values: Mapping[str, object]
    axes: tuple[tuple[tuple[str, ...], tuple[tuple[Value, ...], ...]], ...]
    where: tuple[str, ...]
    seeds: int
    exact: bool
    project: str


@dataclass(frozen=True, slots=True)
class Known:
    """A sweep of the home."""

    id: str
    words: str


class SweepState(ArrangedCells, CellsState):
    """Sweeps of one form.

    Parameters
    ----------
    studio : Studio
        Opened as an editor.
    form : GenerationState
        Says what every cell has in common.

    Attributes
    ----------
    axes : tuple of Axis
        As they are written; see `add`, `write`, `choose_values`, `zip`.
    wrong : dict
        Axis → what is wrong with its values.
    where : str
        Rules that a cell must fulfil, one a line.
    seeds : int
        Every cell with so many seeds; 0 = with the one of the form.
    exact : bool
        Every cell alone, so that it has the very bytes that the form makes.
    known : tuple of Known
        The newest sweeps of the home.
    finer : PlanFacts or None
        The plan of a finer sweep around the chosen cell; see `refine`.
    saved : str
        Where the grid was written last.

    Examples
    --------
    >>> state = SweepState(studio, form)  # doctest: +SKIP
    >>> state.add("guidance_scale", "2-8[4]")  # doctest: +SKIP
    >>> state.run()  # doctest: +SKIP
    """

    axes = traitlets.Tuple()
    wrong: traitlets.Dict[str, str] = traitlets.Dict(read_only=True)
    where = traitlets.Unicode()
    seeds = traitlets.Int(0, min=0, max=MOST_SEEDS)
    exact = traitlets.Bool(False)
    known = traitlets.Tuple(read_only=True)
    finer = traitlets.Instance(PlanFacts, allow_none=True, read_only=True)
    saved = traitlets.Unicode(read_only=True)

    def __init__(self, studio: Studio, form: GenerationState, *, workspace: Workspace | None = None) -> None:
        super().__init__(studio, form, workspace=workspace)
        self._finer: SweepRun | None = None
        self._known_at = 0.0
        self.observe(lambda _change: self._plan(), ["axes", "where", "seeds", "exact"])
        self._plan()
        self.refresh()

    # Building

    def offered(self) -> list[tuple[str, str]]:
        """Return (label, name) of what can become an axis and is none yet."""
        taken = {axis.name for axis in self.axes}
        card = self._studio.models.get(self.form.model)
        found = offered(card, self.form.parameters, self.form.loras()) if card is not None else []
        return [each for each in found if each[1] not in taken]

    def choices(self, name: str) -> list[tuple[str, str]]:
        """Return (label, text) of the values that an axis can be given, where they are a closed set."""
        if name == MODEL:
            return [(card.name or card.id, card.id) for card in self.form.models()]
        return choices(self._parameter(name))

    def add(self, name: str, text: str = "") -> None:
        """Make something an axis: a parameter, ``model``, ``prompt:WORDS``, ``lora:ID``."""
        if name in {axis.name for axis in self.axes}:
            self.error = f"{name!r} is an axis already"
        elif not self._is_fit(name):
            self.error = f"{name!r} cannot be an axis of {self.form.model}"
        else:
            self.error = ""
            self.axes = (*self.axes, Axis(name, text))

    def add_words(self, words: str) -> None:
        """Make words of the prompt an axis: its values take their place."""
        if not words.strip() or words not in self.form.prompt:
            self.error = f"the prompt does not contain {words!r}"
        else:
            self.add(f"{PROMPT}{words}")

    def write(self, name: str, text: str) -> None:
        """Write the values of an axis."""
        self._change(name, lambda axis: replace(axis, text=text))

    def choose_values(self, name: str, texts: Sequence[str]) -> None:
        """Choose the values of an axis among `choices`."""
        self.write(name, join(texts))

    def chosen_values(self, name: str) -> tuple[str, ...]:
        """Return which of `choices` an axis has."""
        return next((listed(axis) for axis in self.axes if axis.name == name), ())

    def zip(self, name: str, group: int) -> None:
        """Let an axis move together with the others of a group; 0 = alone."""
        self._change(name, lambda axis: replace(axis, group=max(0, group)))

    def remove(self, name: str) -> None:
        """Take an axis away."""
        self.axes = tuple(axis for axis in self.axes if axis.name != name)

    def move_axis(self, name: str, step: int) -> None:
        """Put an axis `step` places further: the first one is the outermost and changes slowest."""
        names = [axis.name for axis in self.axes]
        if name in names:
            axes = list(self.axes)
            axis = axes.pop(names.index(name))
            axes.insert(min(len(axes), max(0, names.index(name) + step)), axis)
            self.axes = tuple(axes)

    def refine(self, points: int = 5) -> None:
        """Plan a finer sweep around the cell that was chosen; `run_finer` begins it."""
        sweep, run = self._sweep, self.chosen
        if sweep is None or not run:
            self.error = "Choose a cell first."
        else:
            self._send("planning a finer sweep", lambda: self._refine(sweep, run, points))

    def run_finer(self) -> None:
        """Begin the finer sweep."""
        finer = self._finer
        if finer is not None and self.finer is not None:
            if self.finer.is_many and not self.agreed:
                self.error = "So many pictures need a yes."
                return
            self._send("beginning", lambda: self._run_finer(finer))

    def save(self, path: str = "") -> None:
        """Write the grid as it is laid out: a picture, or by the ending a PDF or a page; `saved` says where."""
        sweep = self._sweep
        if sweep is not None:
            target = path or f"sweep-{sweep.id[-8:]}.png"
            self._send("drawing the grid", lambda: self._save(sweep, Path(target)))

    def download(self, take: Callable[[str, bytes], None]) -> None:
        """Draw the grid and hand name and bytes of the picture to `take`, from a thread."""
        sweep = self._sweep
        if sweep is not None:
            self._send("drawing the grid", lambda: take(f"sweep-{sweep.id[-8:]}.png", self._drawn(sweep)))

    # Inside: building

    def _parameter(self, name: str) -> Parameter | None:
        card = self._studio.models.get(self.form.model)
        return parameter_of(card, name) if card is not None else None

    def _is_fit(self, name: str) -> bool:
        if name.startswith(PROMPT):
            return True
        if name.startswith(LORA):
            return self._parameter("loras") is not None
        return name in {each for _label, each in self.offered()}

    def _change(self, name: str, change: Callable[[Axis], Axis]) -> None:
        self.axes = tuple(change(axis) if axis.name == name else axis for axis in self.axes)

    def _question(self) -> Hashable:
        values = self._read_axes()
        if not self.axes:
            raise StudioError("Add an axis: something of the form that shall have several values.")
        if self.wrong:
            raise StudioError("; ".join(f"{axis_label(name)}: {text}" for name, text in self.wrong.items()))
        where = tuple(line.strip() for line in self.where.splitlines() if line.strip())
        for line in where:
            try:
                Rule.of(line)
            except ValueError as error:
                raise StudioError(str(error)) from error
        form = self._asks_for(*(axis.name.split(":")[0] for axis in self.axes))
        base = {name: value for name, value in form.items() if name not in values}
        return Question(
            self.form.model,
            self.form.task,
            immutabledict(base),
            tuple(_groups(self.axes, values)),
            where,
            self.seeds,
            self.exact,
            self.workspace.project,
        )

    def _read_axes(self) -> dict[str, tuple[Value, ...]]:
        """Return the values of every axis that can be read; `wrong` says why others cannot."""
        card = self._studio.models.get(self.form.model)
        found: dict[str, tuple[Value, ...]] = {}
        wrong: dict[str, str] = {}
        models = self._models()
        for axis in self.axes:
            try:
                if card is None:
                    raise ValueError(f"there is no model {self.form.model!r}")
                found[axis.name] = read(axis, card, prompt=self.form.prompt, models=models)
            except ValueError as error:
                wrong[axis.name] = str(error)
        wrong |= _unequal(self.axes, found)
        self.set_trait("wrong", wrong)
        return found

    def _models(self) -> set[str]:
        """Return the models that an axis may name: those that are offered, and others that would do."""
        known, task = self._studio.models, self.form.task
        named = [name for axis in self.axes if axis.name == MODEL for name in listed(axis) if name in known]
        fit = {name for name in named if task in known[name].tasks and known.status(known[name]).selectable}
        return fit | {model.id for model in self.form.models()}

    def _build(self, question: Hashable) -> SweepRun:
        assert isinstance(question, Question), "as `_question` has it"
        values: dict[str, Any] = dict(question.values)
        names = {name for group, _points in question.axes for name in group}
        if question.seeds and "seed" in names:
            raise InvalidRequestError([Problem("seeds", "cannot be repeated where seeds are an axis")], "sweep")
        return self._studio.sweep(
            values.pop("prompt", None),
            model=question.model,
            task=question.task,
            axes=[AxisGroup(names, points) for names, points in question.axes],
            where=list(question.where),
            seeds=question.seeds or None,
            exact=question.exact,
            project=question.project or None,
            start=False,
            **values,
        )

    def _name_of(self, sweep: SweepRun) -> str:
        return _words(sweep.definition)

    def _run_finer(self, finer: SweepRun) -> None:
        finer.start(accept_unknown_price=self.form.accept_unknown_price)
        self._show(finer)

    def _refine(self, sweep: SweepRun, run: str, points: int) -> None:
        finer = sweep.refine(run, points)
        *_, facts = facts_of(finer.plan())
        with self.lock:
            self._finer = finer
            self.set_trait("finer", facts)

    # Inside: the grid

    def _opened(self) -> None:
        self._finer, self._known_at = None, 0.0
        self.set_trait("finer", None)
        super()._opened()

    def _read(self) -> None:
        now = time.monotonic()
        if now - self._known_at >= KNOWN_REST_S:
            self._known_at = now
            self.set_trait("known", tuple(_known(self._studio)))
        super()._read()

    # Inside: pictures of the grid

    def _save(self, sweep: SweepRun, target: Path) -> None:
        grid = sweep.grid(self.rows, self.columns, facets=self.pages, at=self.at)
        self.set_trait("saved", str(grid.save(target).resolve()))

    def _drawn(self, sweep: SweepRun) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            grid = sweep.grid(self.rows, self.columns, facets=self.pages, at=self.at)
            return grid.save(Path(folder) / "grid.png").read_bytes()


def _groups(
    axes: Sequence[Axis], values: Mapping[str, tuple[Value, ...]]
) -> Iterable[tuple[tuple[str, ...], tuple[tuple[Value, ...], ...]]]:
    """Yield names and points of every group, each where its first axis stands."""
    done: set[int] = set()
    for axis in axes:
        if axis.group in done:
            continue
        members = [each.name for each in axes if each is axis or (axis.group and each.group == axis.group)]
        done |= {axis.group} - {0}
        yield tuple(members), tuple(zip(*(values[name] for name in members), strict=True))


def _unequal(axes: Sequence[Axis], values: Mapping[str, tuple[Value, ...]]) -> dict[str, str]:
    """Return which axes have another number of values than the first one of their group."""
    wrong = {}
    for axis in axes:
        first = next((each for each in axes if each.group == axis.group), axis)
        if axis.group and axis.name in values and first.name in values:
            own, needed = len(values[axis.name]), len(values[first.name])
            if own != needed:
                told = f"has {own} values and {axis_label(first.name)} {needed}; axes that move together have as many"
                wrong[axis.name] = told
    return wrong


def _known(studio: Studio) -> Iterable[Known]:
    for row in studio.sweeps(limit=MOST_KNOWN).itertuples():
        prompt = str(row.prompt or row.model)
        short = prompt if len(prompt) <= 40 else f"{prompt[:39]}…"
        yield Known(str(row.id), f"{row.created_at:%Y-%m-%d %H:%M} · {short} · {row.axes} · {row.cells:,} cells")


def _words(sweep: Sweep) -> str:
    axes = " × ".join(f"{' with '.join(map(axis_label, group.names))} ({len(group.points)})" for group in sweep.groups)
    return " · ".join(filter(None, [sweep.base.prompt or sweep.base.model, axes]))
