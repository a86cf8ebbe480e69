"""The numbers of the cells of a sweep: those of the log at once, what is missing one after the other, up to a bound."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.measuring import Measurer, Told
from studio_kernel.metrics.registry import metric_of
from studio_kernel.numbers import Subject, subjects_of
from studio_kernel.outcome import RUN_METRICS
from studio_widgets import beside

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

MOST_MEASURED = 1_000
"""Pictures that are measured by one panel without being asked for: 2,000 numbers of small pictures take some 2 s, one
of a picture of 4 megapixels up to 0.5 s. Numbers that the log has do not count."""
TELL_EVERY_S = 0.5
_BOUND = f"a viewer measures at most {MOST_MEASURED:,} pictures"

Key: TypeAlias = "tuple[str, str, str, str]"
"""Metric, file, prompt, what it is compared with."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far measuring is.

    Attributes
    ----------
    measured, total : int
        Runs that have their number, and runs that can have one.
    is_at_work : bool
        Whether more are being measured.
    """

    measured: int = 0
    total: int = 0
    is_at_work: bool = False

    @property
    def missing(self) -> int:
        """Runs without their number."""
        return self.total - self.measured


class CellNumbers:
    """Knows and finds the numbers of runs by one metric at a time.

    Parameters
    ----------
    studio : Studio
        A viewer computes what the log lacks and keeps it to itself.
    heard : callable
        Called in another thread, at most twice a second, whenever there are more numbers.
    most : int
        Pictures that are measured without being asked for, over all questions.
    """

    def __init__(self, studio: Studio, heard: Callable[[], None], most: int = MOST_MEASURED) -> None:
        self._studio = studio
        self._heard = heard
        self._left = most
        self._lock = threading.Lock()
        self._known: dict[Key, float] = {}
        self._measurer: Measurer | None = None
        self._drop: Callable[[], None] = _nothing
        self._asked: tuple[object, ...] = ()
        self._told_at = 0.0
        self._works = self._is_stopped = False
        self._records: Sequence[RunRecord] = ()
        self._metric, self._against = "", None

    _against: RunRecord | None

    def want(self, records: Sequence[RunRecord], metric: str, against: RunRecord | None = None) -> None:
        """Find the numbers of these runs, and of no others any more; returns at once.

        Parameters
        ----------
        metric : str
            Its name; empty = none.
        against : RunRecord
            What metrics of pairs compare with.
        """
        is_other = (metric, against and against.id) != (self._metric, self._against and self._against.id)
        self._records, self._metric, self._against = records, metric, against
        self._is_stopped = self._is_stopped and not is_other
        if not self._is_stopped:
            self._ask(self._left)

    def want_all(self) -> None:
        """Find all that is missing of what was wanted last, however many they are."""
        self._asked, self._is_stopped = (), False
        self._ask(None)

    def stop(self) -> None:
        """Measure no more of what was wanted last."""
        self._is_stopped = True
        self._end()

    def _end(self) -> None:
        self._drop()
        self._works = False

    @property
    def values(self) -> Mapping[str, float]:
        """Run → its number, the mean over its pictures; not a number where it cannot be measured."""
        if self._metric in RUN_METRICS:
            found = ((record.id, getattr(record, self._metric)) for record in self._records)
            return {run: float(value) for run, value in found if value is not None}
        with self._lock:
            means = ((record.id, self._mean(record)) for record in self._measurable())
            return {run: value for run, value in means if value is not None}

    @property
    def bound(self) -> str:
        """Why a viewer does not have all numbers, in words; empty for an editor, who may have the rest measured."""
        if self._studio.mode == "editor":
            return ""
        return "a viewer measures nothing this slow" if self._is_heavy else _BOUND

    @property
    def _is_heavy(self) -> bool:
        """Whether a metric loads networks, which a kernel that only looks never does."""
        is_measured = bool(self._metric) and self._metric not in RUN_METRICS
        return is_measured and self._studio.mode == "viewer" and not metric_of(self._metric).is_usual

    @property
    def progress(self) -> Progress:
        """How far it is."""
        if not self._metric or self._metric in RUN_METRICS:
            return Progress()
        values = self.values
        total = len(self._measurable())
        return Progress(len(values), total, self._works and len(values) < total)

    def _measurable(self) -> list[RunRecord]:
        """Return the runs that have something to measure; what the others are compared with is not."""
        other = self._against.id if self._against is not None else ""
        done = (record for record in self._records if record.status is RunStatus.SUCCEEDED and record.id != other)
        return [record for record in done if subjects_of(record)]

    def _mean(self, record: RunRecord) -> float | None:
        found = [self._known.get(self._key(subject)) for subject in subjects_of(record)]
        known = [value for value in found if value is not None]
        return sum(known) / len(known) if len(known) == len(found) else None

    def _key(self, subject: Subject) -> Key:
        other = subjects_of(self._against)[0].asset.sha256 if self._against is not None else ""
        return self._metric, subject.asset.sha256, subject.prompt, other

    def _ask(self, most: int | None) -> None:
        metric, against = self._metric, self._against
        is_pair = bool(metric) and metric not in RUN_METRICS and metric_of(metric).kind == "pair"
        if not metric or metric in RUN_METRICS or (is_pair and against is None):
            self._asked = ()
            self._end()
            return
        subjects = {self._key(each): each for record in self._measurable() for each in subjects_of(record)}
        with self._lock:
            missing = {key: subject for key, subject in subjects.items() if key not in self._known}
        asked = (metric, against.id if against else "", *missing)
        if not missing or (self._works and set(asked) <= set(self._asked)) or asked == self._asked:
            return
        self._drop()
        self._asked, self._works = asked, True
        self._begin(missing, metric, against if is_pair else None, most)

    def _begin(self, missing: Mapping[Key, Subject], metric: str, against: RunRecord | None, most: int | None) -> None:
        if self._measurer is None:
            self._measurer = Measurer(self._studio)
        most = 0 if self._is_heavy else most
        keys, number = list(missing), self._asked

        @beside.unasked
        def hear(told: Told) -> None:
            with self._lock:
                self._known[keys[told.pair]] = told.value
            self._tell()

        @beside.unasked
        def end(computed: int) -> None:
            if most is not None:
                self._left -= computed
            if self._asked == number:
                self._works = False
                self._told_at = 0.0
                self._tell()

        pairs = [(subject, against) for subject in missing.values()]
        self._drop = self._measurer.ask(pairs, [metric], "scale", hear, most=most, ended=end)

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told_at >= TELL_EVERY_S:
            self._told_at = now
            self._heard()


def words_of(progress: Progress, bound: str) -> str:
    """Return how far measuring is, in words; empty when there is nothing to say.

    Parameters
    ----------
    bound : str
        Why no more is measured.
    """
    if not progress.total or not progress.missing:
        return ""
    told = f"measured {progress.measured:,} of {progress.total:,}"
    return f"{told} …" if progress.is_at_work else "; ".join(filter(None, [told, bound]))


def _nothing() -> None:
    pass
