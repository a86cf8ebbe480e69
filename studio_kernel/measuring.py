"""Runs and sweeps, measured: tables of metrics, how far pictures are from each other, and numbers for panels.

What a number of one file is, and where it is kept, is in `studio_kernel.numbers`.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from studio_kernel.contents import StoreOf, axes_of
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.domain.sweep import Sweep
from studio_kernel.effects import MAX_PAIRS
from studio_kernel.effects.influence import influence
from studio_kernel.errors import StudioError
from studio_kernel.metrics import pairs
from studio_kernel.metrics.arrays import rgb, scaled
from studio_kernel.metrics.registry import METRICS, Metric, metric_names, metric_of
from studio_kernel.numbers import Numbers, Reference, Subject, needs_reference, subjects_of
from studio_kernel.outcome import RUN_METRICS, Outcome, axis_columns

if TYPE_CHECKING:
    import pandas as pd
    from PIL.Image import Image

    from studio_kernel.metrics.arrays import Floats
    from studio_kernel.metrics.pairs import Sizes
    from studio_kernel.studio import Studio

Measurable: TypeAlias = "Asset | RunRecord | Subject"
Function: TypeAlias = "Callable[[Image], float]"
One: TypeAlias = "str | Function"
Wanted: TypeAlias = "str | Function | Iterable[str | Function] | Mapping[str, Function]"

INFLUENCE_PX = 256
"""Longest side at which pictures are compared for `moved`: SSIM of two colour pictures takes 26 ms of CPU at this
size, 129 ms at 512 pixels, 485 ms at 1,024."""


@dataclass(frozen=True, eq=False)
class Told:
    """One number, as a panel hears of it.

    Attributes
    ----------
    pair : int
        Place of the pair among those that were asked for.
    metric : str
        Name of the metric.
    value : float
        Not a number when it cannot be measured.
    problem : str
        Why it cannot be.
    """

    pair: int
    metric: str
    value: float
    problem: str = ""


class Measurer:
    """Measures beside the calling thread, one thing at a time, the latest question first.

    Parameters
    ----------
    studio : Studio
        Whose files are measured, and whose log keeps the numbers.

    Examples
    --------
    >>> measurer = Measurer(studio)  # doctest: +SKIP
    >>> drop = measurer.ask([(run.record, other.record)], ["psnr"], "scale", print)  # doctest: +SKIP
    """

    def __init__(self, studio: Studio) -> None:
        self._numbers = studio.numbers
        self._lock = threading.Lock()
        self._waiting: list[_Question] = []
        self._is_at_work = False

    def ask(
        self,
        pairs: Iterable[tuple[Measurable, Measurable | None]],
        metrics: Iterable[str],
        sizes: Sizes,
        heard: Callable[[Told], None],
        *,
        most: int | None = None,
        ended: Callable[[int], None] | None = None,
    ) -> Callable[[], None]:
        """Have pairs measured; returns at once.

        What is known already is told first, then each number as it comes.

        Parameters
        ----------
        pairs : iterable of pairs
            Runs' records, stored files or `Subject`, each with what it is compared with; `None` when with nothing.
        metrics : iterable of str
            Names of metrics; each is told once for every pair.
        heard : callable
            Is told of each number, from another thread.
        most : int or None
            Numbers that are computed; those beyond are not told. What is known already does not count.
        ended : callable or None
            Is told how many were computed when no more will be, also when nobody wants them any more.

        Returns
        -------
        callable
            Call it when nobody wants the numbers any more: nothing more is told after it has returned, except by
            what is being told at that moment.

        Raises
        ------
        InvalidRequestError
            For a name that is no metric.
        """
        question = _Question(tuple(pairs), tuple(map(metric_of, metrics)), sizes, heard, most, ended)
        with self._lock:
            self._waiting.append(question)
            if not self._is_at_work:
                self._is_at_work = True
                threading.Thread(target=self._run, name="studio-measuring", daemon=True).start()
        return question.is_dropped.set

    def drop(self) -> None:
        """Have nothing more measured of all that was asked for."""
        with self._lock:
            for question in self._waiting:
                question.is_dropped.set()

    def _run(self) -> None:
        while (question := self._next()) is not None:
            try:
                self._answer(question)
            finally:
                with self._lock:
                    self._waiting.remove(question)

    def _next(self) -> _Question | None:
        with self._lock:
            for question in [each for each in self._waiting if each.is_dropped.is_set()]:
                self._waiting.remove(question)
            self._is_at_work = bool(self._waiting)
            return self._waiting[-1] if self._waiting else None

    def _answer(self, question: _Question) -> None:
        todo: list[tuple[int, Metric, Subject, Reference | None]] = []
        for pair, (one, other) in enumerate(question.pairs):
            try:
                subject = Subject.of(one)
                reference = None if other is None else Reference.of(other)
            except StudioError as error:
                for metric in question.metrics:
                    question.tell(Told(pair, metric.name, math.nan, str(error)))
            else:
                todo += [(pair, metric, subject, reference) for metric in question.metrics]
        with suppress(StudioError):  # of a log that cannot be read nothing is known
            self._look_up(todo)
        rest = [job for job in todo if not self._tell_known(question, *job)]
        computed = 0
        try:
            for job in rest[: question.most]:
                if question.is_dropped.is_set():
                    return
                self._tell(question, *job)
                computed += 1
        finally:
            with suppress(StudioError):  # what cannot be kept was told all the same
                self._numbers.flush()
            if question.ended is not None:
                question.ended(computed)

    def _look_up(self, todo: Sequence[tuple[int, Metric, Subject, Reference | None]]) -> None:
        assets = {subject.asset for _pair, _metric, subject, _reference in todo}
        assets |= {reference.asset for *_job, reference in todo if reference and reference.asset}
        usable = {metric for _pair, metric, *_files in todo if not metric.problem(self._numbers.home)}
        self._numbers.look_up(assets, usable)

    def _tell_known(
        self, question: _Question, pair: int, metric: Metric, subject: Subject, reference: Reference | None
    ) -> bool:
        if metric.problem(self._numbers.home):
            return False
        value = self._numbers.known(metric, subject, reference, question.sizes)
        if value is not None:
            question.tell(Told(pair, metric.name, value))
        return value is not None

    def _tell(
        self, question: _Question, pair: int, metric: Metric, subject: Subject, reference: Reference | None
    ) -> None:
        value, problem = _tried(self._numbers, metric, subject, reference, question.sizes)
        question.tell(Told(pair, metric.name, value, problem))


@dataclass(frozen=True, eq=False)
class _Question:
    pairs: tuple[tuple[Measurable, Measurable | None], ...]
    metrics: tuple[Metric, ...]
    sizes: Sizes
    heard: Callable[[Told], None]
    most: int | None = None
    ended: Callable[[int], None] | None = None
    is_dropped: threading.Event = field(default_factory=threading.Event)

    def tell(self, told: Told) -> None:
        if not self.is_dropped.is_set():
            self.heard(told)


def table_of(
    records: Sequence[RunRecord],
    numbers: Numbers,
    wanted: str | Iterable[str] | None = None,
    *,
    reference: Reference | None = None,
    sizes: Sizes = "same",
) -> pd.DataFrame:
    """Return a row a run, a column a metric; see `Studio.measure`.

    Raises
    ------
    InvalidRequestError
        For a name that is no metric, or one that needs what is not there: a reference, weights.
    """
    import pandas as pd
    from tqdm.auto import tqdm

    chosen = {
        name: metric
        for name, metric in _chosen(wanted, reference).items()
        if metric is None or isinstance(metric, Metric)
    }
    _prepare(numbers, chosen.values(), [subject.asset for each in records for subject in subjects_of(each)], reference)
    notes: dict[str, dict[str, str]] = {}
    rows = []
    for record in tqdm(records, desc="measure", unit="run", delay=0.5):
        found = {name: _of_record(record, name, metric, numbers, reference, sizes) for name, metric in chosen.items()}
        if told := {name: problem for name, (_value, problem) in found.items() if problem}:
            notes[record.id] = told
        rows.append([value for value, _problem in found.values()])
    numbers.flush()
    table = pd.DataFrame(rows, columns=list(chosen), dtype="float64")
    table.insert(0, "id", pd.Series([record.id for record in records], dtype="str"))
    table.attrs["units"] = {name: unit_of(name) for name in chosen}
    table.attrs["notes"] = notes
    return table


def measured(
    outcomes: Sequence[Outcome],
    numbers: Numbers,
    wanted: Wanted | None = None,
    *,
    reference: Reference | None = None,
    sizes: Sizes = "same",
) -> pd.DataFrame:
    """Return a row a cell: its coordinates, its run and its numbers; see `SweepRun.metrics`.

    Raises
    ------
    InvalidRequestError
        For a name that is no metric, or one that needs what is not there: a reference, weights.
    InvalidInputError
        When a picture cannot be compared with the reference.
    """
    import pandas as pd
    from tqdm.auto import tqdm

    columns = axis_columns([outcome.cell for outcome in outcomes])
    columns["id"] = pd.Series([outcome.record.id if outcome.record else None for outcome in outcomes], dtype="str")
    chosen = _chosen(wanted, reference)
    _prepare(numbers, chosen.values(), [subject.asset for each in outcomes for subject in _subjects(each)], reference)
    try:
        rows = [
            [_number(outcome, name, metric, numbers, reference, sizes) for name, metric in chosen.items()]
            for outcome in tqdm(outcomes, desc="measure", unit="cell", delay=0.5)
        ]
    finally:
        numbers.flush()
    found = pd.DataFrame(rows, columns=list(chosen), dtype="float64")
    table = pd.concat([pd.DataFrame(columns), found], axis=1)
    table.attrs["units"] = {name: unit_of(name) for name in chosen}
    return table


def unit_of(name: str) -> str:
    """Return the unit of a metric; empty when it has none."""
    if name in RUN_METRICS:
        return RUN_METRICS[name]
    return metric_of(name).unit if name in metric_names() else ""


def name_of(metric: One) -> str:
    """Return the column of a metric."""
    return metric if isinstance(metric, str) else getattr(metric, "__name__", "metric")


def label_of(metric: One) -> str:
    """Return the name of a metric with its unit."""
    name = name_of(metric)
    unit = unit_of(name)
    return f"{name.replace('_', ' ')} ({unit})" if unit else name.replace("_", " ")


def moved(
    outcomes: Sequence[Outcome], sweep: Sweep, store_of: StoreOf, *, max_pairs: int = MAX_PAIRS, seed: int = 0
) -> pd.DataFrame:
    """Return how far apart the pictures are that differ in one axis only; see `SweepRun.influence`."""
    import pandas as pd

    shown = [outcome for outcome in outcomes if outcome.images]

    @lru_cache(maxsize=128)
    def small(row: int) -> Floats:
        asset = shown[row].images[0]
        return _small(rgb(store_of(asset).path(asset)))

    def distance(i: int, j: int) -> dict[str, float]:
        one, other = small(i), small(j)
        return {
            "distance": 1 - pairs.similarity(one, other, sizes="scale"),
            "pixel_difference": pairs.pixel_difference(one, other, sizes="scale"),
        }

    frame = pd.DataFrame(axis_columns([outcome.cell for outcome in shown]))
    return influence(frame, axes_of(sweep), distance, max_pairs=max_pairs, seed=seed)


def moved_number(
    table: pd.DataFrame, sweep: Sweep, name: str, *, max_pairs: int = MAX_PAIRS, seed: int = 0
) -> pd.DataFrame:
    """Return the mean difference of a number between cells that differ in one axis only; see `SweepRun.influence`."""
    import numpy as np

    table = table[np.isfinite(table[name])].reset_index(drop=True)
    numbers = table[name].to_numpy(float)

    def difference(i: int, j: int) -> dict[str, float]:
        return {"difference": abs(float(numbers[i] - numbers[j]))}

    return influence(table, axes_of(sweep), difference, max_pairs=max_pairs, seed=seed)


def _chosen(wanted: Wanted | None, reference: Reference | None) -> dict[str, Metric | Function | None]:
    """Return what is to be measured, by the name of its column; `None` stands for what the log knows."""
    if wanted is None:
        kinds = {"picture", "file", *(["pair"] if reference else [])}
        wanted = [
            *(metric.name for metric in METRICS.values() if metric.kind in kinds and metric.is_usual),
            *RUN_METRICS,
        ]
    if isinstance(wanted, Mapping):
        return dict(wanted)
    listed = [wanted] if isinstance(wanted, str) or callable(wanted) else list(wanted)
    chosen: dict[str, Metric | Function | None] = {}
    for item in listed:
        if not isinstance(item, str):
            chosen[name_of(item)] = item
        elif item in RUN_METRICS:
            chosen[item] = None
        else:
            chosen[item] = _metric(item, reference)
    return chosen


def _metric(name: str, reference: Reference | None) -> Metric:
    metric = metric_of(name, RUN_METRICS)
    if metric.kind == "pair" and reference is None:
        raise needs_reference(name)
    return metric


def _prepare(
    numbers: Numbers,
    chosen: Iterable[Metric | Function | None],
    assets: Sequence[Asset],
    reference: Reference | None,
) -> None:
    """Refuse metrics without their weights before any work, and learn what is known already."""
    metrics = [metric for metric in chosen if isinstance(metric, Metric)]
    for metric in metrics:
        metric.ready(numbers.home)
    numbers.look_up([*assets, *([reference.asset] if reference and reference.asset else [])], metrics)


def _number(
    outcome: Outcome,
    name: str,
    metric: Metric | Function | None,
    numbers: Numbers,
    reference: Reference | None,
    sizes: Sizes,
) -> float:
    if metric is None:
        return _logged(outcome.record, name)
    subjects = _subjects(outcome)
    if not subjects:
        return math.nan
    try:
        if isinstance(metric, Metric):
            return sum(numbers.of(metric, subject, reference, sizes) for subject in subjects) / len(subjects)
        return sum(float(metric(numbers.shown(subject))) for subject in subjects) / len(subjects)
    except Exception as error:
        error.add_note(f"while measuring {name} of cell {outcome.cell.index}")
        raise


def _of_record(
    record: RunRecord, name: str, metric: Metric | None, numbers: Numbers, reference: Reference | None, sizes: Sizes
) -> tuple[float, str]:
    """Return the mean over what a run made, or why there is none."""
    if metric is None:
        return _logged(record, name), ""
    subjects = subjects_of(record)
    if not subjects:
        made = "only sound" if record.assets else f"nothing: it is {record.status}"
        return math.nan, f"it made {made}"
    found = [_tried(numbers, metric, subject, reference, sizes) for subject in subjects]
    problem = next((problem for _value, problem in found if problem), "")
    return sum(value for value, _problem in found) / len(found), problem


def _tried(
    numbers: Numbers, metric: Metric, subject: Subject, reference: Reference | None, sizes: Sizes
) -> tuple[float, str]:
    """Return a number, or why there is none."""
    try:
        return numbers.of(metric, subject, reference, sizes), ""
    except Exception as error:  # noqa: BLE001 - metrics may be foreign code; whatever is wrong is told beside the number
        return math.nan, str(error) or type(error).__name__


def _logged(record: RunRecord | None, name: str) -> float:
    value = getattr(record, name, None)
    return math.nan if value is None else float(value)


def _subjects(outcome: Outcome) -> tuple[Subject, ...]:
    record = outcome.record
    return subjects_of(record) if record is not None and record.status is RunStatus.SUCCEEDED else ()


def _small(picture: Floats) -> Floats:
    height, width = picture.shape[:2]
    scale = min(1.0, INFLUENCE_PX / max(width, height))
    return scaled(picture, max(1, round(width * scale)), max(1, round(height * scale)))
