"""What people find out about results: what differs, what they measure, which are better, which are alike.

Between what is kept of a home and the studio that makes things; a viewer may do all of it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from studio_kernel.assets import AssetStore
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.judging import Choice, Vote
from studio_kernel.domain.marks import Rating
from studio_kernel.domain.runs import RunRecord
from studio_kernel.domain.similarity import Similar, nearest
from studio_kernel.errors import InvalidRequestError, Problem
from studio_kernel.judging.duels import Duels
from studio_kernel.judging.ranking import CONFIDENCE, Ranking
from studio_kernel.keeping import KeptHome
from studio_kernel.ledger import moment
from studio_kernel.outcome import RUN_METRICS
from studio_kernel.reports import model_report
from studio_kernel.run import Run, id_of
from studio_kernel.runlog import Cursor, Order, RunFilter, RunLog, new_run_id
from studio_kernel.settings import Home
from studio_kernel.view import Mode
from studio_kernel.voting import Voters, Voting
from studio_kernel.workshop import Workshop

if TYPE_CHECKING:
    import pandas as pd

    from studio_kernel.comparing.comparison import Comparison
    from studio_kernel.metrics.pairs import Sizes
    from studio_kernel.numbers import Numbers, Reference

SIMILAR_AMONG = 3000
"""Runs that `Studio.similar` looks at: reading so many takes 0.4 s, however long the log is."""


class ReviewedHome(KeptHome):
    """A home, and what can be found out about its results.

    Attributes
    ----------
    mode : {"editor", "viewer"}
        A viewer keeps no number that it has measured.
    """

    mode: Mode

    def __init__(self, home: Home, workshop: Workshop, log: RunLog) -> None:
        super().__init__(home, workshop, log)
        self._numbers: Numbers | None = None
        self._measuring = Lock()

    @abstractmethod
    def store_of(self, asset: Asset) -> AssetStore:
        """Return the store that has a file."""

    @abstractmethod
    def thumbnail(self, asset: Asset) -> Path | None:
        """Return a small picture of a file, or `None` when it has none."""

    # Comparing

    def similar(self, run: Run | str, limit: int | None = 50) -> list[Similar]:
        """Return the runs whose settings are most like those of a run, nearest first; seeds do not count.

        They are looked for among the newest runs of the same task, `SIMILAR_AMONG` of them.

        Raises
        ------
        UnknownRunError
            When there is none of that id.
        """
        record = self.record(id_of(run))
        if not record.request.parameters:
            return []  # a file that tells nothing is like no other
        others = self.records(RunFilter(task=str(record.request.task)), limit=SIMILAR_AMONG)
        model, task = record.request.model, record.request.task
        known = self.models[model].parameters_for(task) if model in self.models else ()
        ranges = {p.name: (float(p.min), float(p.max)) for p in known if p.min is not None and p.max is not None}
        return nearest(record.request, [other for other in others if other.id != record.id], ranges, limit)

    def compare(self, *runs: Run | str, sizes: Sizes = "scale") -> Comparison:
        """Compare runs: what differs in their settings, in what they were made with, and in their pictures.

        Parameters
        ----------
        *runs : Run or str
            At least two; the first is what the others are measured against.
        sizes : {"scale", "crop", "pad", "same"}
            What is done with pictures of different sizes: scaled to the smaller sides, cut to what they have in common,
            filled up, or refused.

        Raises
        ------
        InvalidRequestError
            For fewer than two runs.
        UnknownRunError
            When there is none of an id.

        Examples
        --------
        >>> comparison = studio.compare(first, second)  # doctest: +SKIP
        >>> comparison.parameters["guidance_scale_delta"]  # doctest: +SKIP
        """
        from studio_kernel.comparing.comparison import Comparison

        return Comparison(self, [self.record(id_of(run)) for run in runs], sizes)

    # Measuring

    @property
    def numbers(self) -> Numbers:
        """What is measured of the files of this home, each number once."""
        from studio_kernel.numbers import Numbers

        with self._measuring:
            if self._numbers is None:
                self._numbers = Numbers(
                    self.home,
                    self._log,
                    self.store_of,
                    shared=lambda asset: self.store_of(asset) is self.assets,
                    keeps=self.mode == "editor",
                )
            return self._numbers

    def measure(
        self,
        runs: Run | RunRecord | str | Iterable[Run | RunRecord | str],
        metrics: str | Iterable[str] | None = None,
        *,
        reference: object = None,
        sizes: Sizes = "same",
    ) -> pd.DataFrame:
        """Return numbers of what runs made: a row a run, its ``id`` and a column a metric.

        Each number of a file is computed once and kept in the log, for every process that opens this home; a viewer
        computes what is not there and keeps nothing. Of a run that made several pictures it is their mean, of a video
        the mean over at most 16 moments, evenly spaced over its length.

        Parameters
        ----------
        runs : Run, RunRecord, str or iterable of them
            What is measured; ids are fine.
        metrics : str or iterable of str
            Which, by their names in `studio_kernel.metrics.registry` and ``elapsed_s``, ``cost_usd``, ``rating``; the
            usual ones when left out, those that compare only with a reference.
        reference : Run, RunRecord, id of a run, path, PIL image or array
            What metrics of pairs compare with: the first picture or video of a run, or a picture.
        sizes : {"same", "scale", "crop", "pad"}
            What is done where sizes differ from the reference.

        Returns
        -------
        pandas.DataFrame
            NaN where something cannot be measured; ``attrs["notes"]`` then says why: id → metric → reason.
            ``attrs["units"]`` has the units.

        Raises
        ------
        InvalidRequestError
            For a name that is no metric, or one that needs what is not there: a reference, weights.

        Examples
        --------
        >>> studio.measure([first, second], ["psnr", "delta_e"], reference=first)  # doctest: +SKIP
        """
        from studio_kernel import measuring

        listed = [runs] if isinstance(runs, (Run, RunRecord, str)) else list(runs)
        named = iter(self.records_named(each for each in listed if not isinstance(each, RunRecord)))
        records = [each if isinstance(each, RunRecord) else next(named) for each in listed]
        return measuring.table_of(records, self.numbers, metrics, reference=self.reference(reference), sizes=sizes)

    def reference(self, given: object) -> Reference | None:
        """Return what pictures are compared with, as `measure` takes it.

        Raises
        ------
        StudioError
            When it is neither a run that made a picture or video, nor a picture.
        """
        from studio_kernel.numbers import Reference

        if given is None or isinstance(given, Reference):
            return given
        if isinstance(given, Run):
            return Reference.of(self.record(given.id))
        if isinstance(given, str) and not Path(given).is_file():
            return Reference.of(self.record(given))
        return Reference.of(given)  # type: ignore[arg-type]  # refused there when it is none

    def order_by(self, number: str, *, highest_first: bool = True) -> Order:
        """Return an order for `records`: by what the log knows of runs, or by what was measured of their pictures.

        Parameters
        ----------
        number : str
            ``elapsed_s``, ``cost_usd``, ``rating``, or the name of a metric that needs no reference.
        highest_first : bool
            Or the lowest; runs without the number come last.

        Raises
        ------
        InvalidRequestError
            For a name that is none, a metric of pairs, or one whose weights are missing.

        Examples
        --------
        >>> studio.records(order=studio.order_by("sharpness"))  # doctest: +SKIP
        """
        from studio_kernel.metrics.registry import metric_of

        if number in RUN_METRICS:
            return Order(number, highest_first)
        metric = metric_of(number, RUN_METRICS)
        if metric.kind == "pair":
            text = f"{number} is of two pictures; runs can be sorted by numbers of one, and the cells of a sweep by it"
            raise InvalidRequestError([Problem("metric", text)], "order")
        return Order(metric.key(self.home), highest_first, of_prompt=metric.kind == "prompt")

    def coverage(self, order: Order, where: RunFilter | None = None) -> tuple[int, int]:
        """Return how many runs with something to measure have the number of an order, and how many there are."""
        return self._log.coverage(order, where or RunFilter())

    def place_by(self, order: Order, run: Run | str, where: RunFilter | None = None) -> int:
        """Return how many runs stand before one in an order."""
        return self._log.place_by(order, id_of(run), where or RunFilter())

    def unmeasured(
        self, order: Order, where: RunFilter | None = None, *, limit: int = 50, before: Cursor | None = None
    ) -> list[RunRecord]:
        """Return runs with something to measure that nobody has measured for an order, newest first."""
        return self._log.unmeasured(order, where or RunFilter(), limit=limit, before=before)

    # Judging

    def vote(
        self,
        left: Run | str,
        right: Run | str,
        choice: Choice,
        *,
        rater: str,
        ballot: str = "",
        seconds: float | None = None,
    ) -> Vote:
        """Say which of two runs is better, and return the vote, which `retract` takes back.

        A viewer may do this too.

        Parameters
        ----------
        left, right : Run or str
            Runs that have made something, or their ids; not private ones.
        choice : {"left", "right", "tie", "skip"}
            The better one; ``tie`` = neither; ``skip`` = nothing is said.
        rater : str
            Whose vote it is, at most 64 characters.
        ballot : str
            What was asked, or on which occasion, at most 64 characters: votes of several ballots are counted apart.
        seconds : float
            How long it took.

        Raises
        ------
        UnknownRunError
            When there is no such run.
        InvalidRequestError
            When one of them cannot be judged, or a value is none that a vote has.

        Examples
        --------
        >>> studio.vote(one, other, "left", rater="Ada", ballot="which is sharper")  # doctest: +SKIP
        """
        ids = self._judged((left, right))
        try:
            vote = Vote(new_run_id(), datetime.now(UTC), rater, ids[0], ids[1], choice, ballot, seconds)
        except ValueError as error:
            raise InvalidRequestError([Problem("vote", str(error))], "vote") from error
        self._log.append_vote(vote)
        return vote

    def retract(self, vote: Vote | str) -> None:
        """Take back a vote; one that was taken back already stays so.

        Raises
        ------
        InvalidRequestError
            When there is no vote of that id.
        """
        vote_id = vote.id if isinstance(vote, Vote) else vote
        if not self._log.has_vote(vote_id):
            text = f"there is no vote {vote_id!r}; studio.votes() lists what there is"
            raise InvalidRequestError([Problem("vote", text)], "retract")
        self._log.retract_vote(vote_id)

    def duels(
        self, runs: Voters = None, *, rater: str, by: str | None = None, ballot: str = "", seed: int | None = None
    ) -> Duels:
        """Return the pairs that somebody is to judge, one after the other; a viewer may ask for them too.

        Parameters
        ----------
        runs : RunFilter, SweepRun, or runs or their ids
            What is judged; of a filter the newest 1,000, and the newest of all when left out. Runs that have made
            nothing, and private ones, are left out.
        rater : str
            Who judges: what they have judged or skipped does not come again.
        by : str
            What is to be ranked, as for `ranking`: only runs of different groups meet. Left out, any two may.
        ballot : str
            As for `vote`; votes of others in it decide which pairs say most.
        seed : int
            Of what is drawn: the order and the sides.

        Raises
        ------
        InvalidRequestError
            When none of the runs has what `by` names.

        Examples
        --------
        >>> duels = studio.duels(rater="Ada", by="model")  # doctest: +SKIP
        >>> duel = duels.next()  # doctest: +SKIP
        >>> duels.tell(studio.vote(duel.left.id, duel.right.id, "left", rater="Ada"))  # doctest: +SKIP
        """
        return self._voting.duels(runs, rater, by, ballot, seed)

    def ranking(
        self,
        by: str = "model",
        *,
        runs: Voters = None,
        ballot: str | None = None,
        rater: str | None = None,
        confidence: float = CONFIDENCE,
    ) -> Ranking:
        """Return which group of runs is the best by the votes, how sure that is, and how far raters agree.

        Parameters
        ----------
        by : str
            What makes a group: ``run``, ``model``, ``prompt``, ``preset``, ``project``, ``engine``, ``seed``, any
            parameter or any axis of a sweep. A run's preset is the one whose settings it has; of several, the one with
            the most.
        runs : RunFilter, SweepRun, or runs or their ids
            Only votes about two of these; all when left out.
        ballot, rater : str
            Only votes of it; of all when left out.
        confidence : float
            Of the intervals, between 0 and 1.

        Raises
        ------
        InvalidRequestError
            When none of the runs has what `by` names.

        Examples
        --------
        >>> studio.ranking("guidance_scale")  # doctest: +SKIP
        """
        return self._voting.ranking(by, runs, ballot, rater, confidence)

    def model_report(
        self, since: date | datetime | None = None, *, project: str | None = None, ballot: str | None = None
    ) -> pd.DataFrame:
        """Return how models did in this home as a table, a row a model, the one with the most runs first.

        Its columns are ``model``, ``runs``, those that ``succeeded``, ``failed`` and were ``cancelled``,
        ``success_rate`` (of those that succeeded or failed), ``median_s`` and ``p90_s`` (seconds of those that
        succeeded), ``median_usd`` (of those that succeeded and were charged), ``total_usd``, ``rating`` (mean of the
        stars) of so many ``ratings``, ``favourites``, ``last_used``, and of the votes, where there are some,
        ``strength`` with its interval ``strength_low`` … ``strength_high``, ``win_rate`` and ``votes``, as `ranking`
        says them. Runs that were deleted and private ones count, but not what people said of them.

        Parameters
        ----------
        since : datetime.date or datetime.datetime
            Only runs of that day or later.
        project : str
            Only runs of that project.
        ballot : str
            Only votes of it; of all when left out.

        Examples
        --------
        >>> studio.model_report().sort_values("rating", ascending=False)  # doctest: +SKIP
        """
        of = RunFilter(project=project, since=moment(since)) if project or since else None
        return model_report(self._log, lambda: self.ranking(runs=of, ballot=ballot), since, project=project)

    def model_ratings(self) -> dict[str, Rating]:
        """Return what the stars that people gave in this home come to, by model: the mean, and of how many runs.

        A model that nobody rated is not in it. The numbers are those of `model_report`, without all the others.

        Examples
        --------
        >>> studio.model_ratings()["studio-tiny"].mean  # doctest: +SKIP
        4.3
        """
        return self._log.ratings()

    @property
    def _voting(self) -> Voting:
        return Voting(self._log, self.catalog, self.record)

    def _judged(self, runs: Sequence[Run | str]) -> list[str]:
        """Return the ids of runs that may be judged."""
        known = self._log.runs_of(id_of(run) for run in runs)
        records = [self._known(id_of(run), known) for run in runs]
        problems = [
            Problem("run", f"{record.id} {reason}") for record in records if (reason := self._not_judged(record))
        ]
        if problems:
            raise InvalidRequestError(problems, "vote")
        return [record.id for record in records]

    def _not_judged(self, record: RunRecord) -> str:
        """Return why a run cannot be judged; empty when it can."""
        if self.is_private(record.id):
            return "is private, and votes are not"
        if record.is_deleted:
            return "is deleted; studio.restore brings it back"
        if any(asset.role == "output" for asset in record.assets):
            return ""
        ended = f"has made nothing that could be judged; it {record.status}"
        return ended if record.status.is_final else f"is {record.status} and has made nothing yet"
