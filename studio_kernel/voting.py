"""Which runs are put to the vote, and by what they are grouped.

Joins the log, the catalog and sweeps with `judging`, which knows none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from studio_kernel.catalog.loader import Catalog
from studio_kernel.domain.judging import Vote
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.domain.values import Value, describe
from studio_kernel.errors import InvalidRequestError, Problem, closest
from studio_kernel.judging.duels import Duels
from studio_kernel.judging.ranking import Ranking, rank
from studio_kernel.run import Run, id_of
from studio_kernel.runlog import RunFilter, RunLog
from studio_kernel.sweeps import SweepRun

Voters: TypeAlias = "RunFilter | SweepRun | Iterable[Run | RunRecord | str] | None"
"""Runs that are voted on: those of a filter or a sweep, some by handle, record or id; all when left out."""

MOST = 1000
"""Runs that are looked at for duels: the newest."""
NO_PRESET = "(no preset)"
_ALWAYS = ("run", "model", "prompt", "preset", "project", "engine", "seed")


@dataclass(frozen=True)
class Voting:
    """What of a home is voted on.

    Attributes
    ----------
    log : RunLog
        The log of the home.
    catalog : Catalog
        What its models and presets are.
    find : callable
        Takes the id of a run, or a part of it, returns the run; raises `UnknownRunError`.
    """

    log: RunLog
    catalog: Catalog
    find: Callable[[str], RunRecord]

    def duels(self, runs: Voters, rater: str, by: str | None, ballot: str, seed: int | None) -> Duels:
        """Return the pairs that somebody is to judge; see `Studio.duels`."""
        candidates = [run for run in self._chosen(runs) if _can_be_judged(run)]
        groups = self._groups(by, candidates, runs) if by not in (None, "run") else None
        votes = self.log.votes(ballot=ballot)
        return Duels(
            candidates, votes, rater=rater, by=(lambda run: groups[run.id]) if groups is not None else None, seed=seed
        )

    def ranking(self, by: str, runs: Voters, ballot: str | None, rater: str | None, confidence: float) -> Ranking:
        """Return which group of runs is the best; see `Studio.ranking`."""
        votes = self.log.votes(ballot=ballot, rater=rater)
        judged = list({run_id: None for vote in votes for run_id in (vote.left, vote.right)})
        known = self.log.runs_of(judged)
        if runs is not None:
            among = {run.id for run in self._chosen(runs, judged)}
            known = {run_id: record for run_id, record in known.items() if run_id in among}
            votes = [vote for vote in votes if _is_among(vote, among)]
        groups = self._groups(by, [known[run_id] for run_id in judged if run_id in known], runs)
        return rank(votes, groups.get, confidence=confidence, by=by)

    def _chosen(self, runs: Voters, judged: Sequence[str] | None = None) -> list[RunRecord]:
        """Return the runs that are meant, of a filter only those that were `judged` where that is given."""
        if isinstance(runs, SweepRun):
            ids = [run.id for run in runs.runs]
            known = self.log.runs_of(ids)
            return [known[run_id] for run_id in ids if run_id in known]
        if runs is None or isinstance(runs, RunFilter):
            wanted = runs or RunFilter(status=str(RunStatus.SUCCEEDED))
            if judged is not None:
                own = set(wanted.ids) if wanted.ids is not None else set(judged)
                return self.log.runs(replace(wanted, ids=[each for each in judged if each in own]), limit=None)
            return self.log.runs(wanted, limit=MOST)
        asked = [runs] if isinstance(runs, (Run, RunRecord, str)) else list(runs)
        return [each if isinstance(each, RunRecord) else self.find(id_of(each)) for each in asked]

    def _groups(self, by: str, records: Sequence[RunRecord], runs: Voters) -> Mapping[str, Hashable]:
        """Return the group of each run that is in one."""
        group_of = self._grouping(by, runs)
        groups = {record.id: group for record in records if (group := group_of(record)) is not None}
        if records and not groups:
            names = sorted({name for record in records for name in (*record.request.parameters, *record.origin.cell)})
            close = closest(by, [*_ALWAYS, *names])
            hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"they have {', '.join(names)}"
            raise InvalidRequestError([Problem("by", f"none of these runs has {by!r}; {hint}")], "groups")
        return groups

    def _grouping(self, by: str, runs: Voters) -> Callable[[RunRecord], Hashable]:
        fixed: Mapping[str, Callable[[RunRecord], Hashable]] = {
            "run": lambda record: record.id,
            "model": lambda record: record.request.model or None,
            "prompt": lambda record: record.request.prompt or None,
            "preset": lambda record: self._preset_of(record.request),
            "project": lambda record: record.origin.project,
            "engine": lambda record: record.engine,
            "seed": lambda record: record.seed,
        }
        if by in fixed:
            return fixed[by]
        cells = _cells(runs) if isinstance(runs, SweepRun) else {}
        return lambda record: _label(_value(record, cells.get(record.id, record.origin.cell), by))

    def _preset_of(self, request: GenerationRequest) -> str:
        """Return the preset whose settings a run has; of several, the one with the most."""
        card = self.catalog.models.get(request.model)
        parameters = card.parameters_for(request.task) if card is not None else ()
        best, most = NO_PRESET, 0
        for preset in self.catalog.presets.values():
            if preset.model not in ("", request.model) or preset.task not in ("", str(request.task)):
                continue
            values = preset.applied(parameters).values
            if len(values) > most and all(request.parameters.get(name) == value for name, value in values.items()):
                best, most = preset.id, len(values)
        return best


def _value(record: RunRecord, cell: Mapping[str, Value], name: str) -> Value:
    return cell[name] if name in cell else record.request.parameters.get(name)


def _label(value: Value) -> Hashable:
    """Return what a group is called: a number or text as it is, anything else as people read it."""
    return value if value is None or isinstance(value, (bool, int, float, str)) else describe(value)


def _cells(sweep: SweepRun) -> dict[str, Mapping[str, Value]]:
    """Return the coordinates of each run in a sweep, also of one that another sweep has made."""
    return {outcome.record.id: outcome.cell.coordinates for outcome in sweep.outcomes() if outcome.record is not None}


def _can_be_judged(record: RunRecord) -> bool:
    return not record.is_deleted and any(asset.role == "output" for asset in record.assets)


def _is_among(vote: Vote, runs: set[str]) -> bool:
    return vote.left in runs and vote.right in runs
