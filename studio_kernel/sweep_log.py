"""The sweeps that were planned in a home, as the log has them: found by id, or by the words they were planned in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.sweep import Sweep
from studio_kernel.errors import UnknownSweepError
from studio_kernel.grid.labels import axis_label
from studio_kernel.runlog import RunLog, SweepContents, SweepRecord

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("id", "created_at", "cells", "axes", "model", "prompt", "project")


@dataclass(frozen=True, slots=True)
class SweepCard:
    """A sweep as lists show it.

    Attributes
    ----------
    id, title : str
        Its id, and the prompt, or the model where there is none.
    axes : str
        Its axes with their numbers of values.
    size : int
        Its cells.
    cells : mapping
        Status → cells with a run of it that this sweep has made; cells that the home had already are in none.
    project : str or None
        Where it belongs.
    created_at : datetime.datetime
        When it was planned.
    cover : Asset or None
        Its newest file that can be shown.
    """

    id: str
    title: str
    axes: str
    size: int
    cells: Mapping[str, int]
    project: str | None
    created_at: datetime
    cover: Asset | None = None


class Planning(Protocol):
    """Plans a sweep in the same words again, with other parameters in it."""

    def __call__(self, **parameters: object) -> Sweep:
        """Return the sweep."""


@dataclass(frozen=True, slots=True)
class SweepLog:
    """The sweeps of one home.

    Attributes
    ----------
    log : RunLog
        Where they are.
    place : str
        What messages call the home.
    """

    log: RunLog
    place: str

    def find(self, sweep_id: str) -> SweepRecord:
        """Return the sweep of that id, of which a part will do when no other has it.

        Raises
        ------
        UnknownSweepError
            When there is none.
        """
        found = self.log.sweep_of(sweep_id)
        if found is not None:
            return found
        close = [record for record in self.log.sweeps(limit=None) if _is_part(sweep_id, record.id)]
        if len(close) == 1:
            return close[0]
        hint = f"it could be {', '.join(each.id for each in close[:10])}" if close else "studio.sweeps() lists them"
        raise UnknownSweepError(f"no sweep {sweep_id!r} in {self.place!r}; {hint}")

    def like(self, planned: Planning, *, has_seed: bool) -> SweepRecord | None:
        """Return the newest sweep that was planned in the same words.

        The record has the sweep as it is planned now, with the functions that the log does not keep.

        Parameters
        ----------
        has_seed : bool
            Whether the words name a seed. If not, one was chosen, and chosen seeds need not be the same.
        """
        now = planned()
        for record in self.log.sweeps(limit=None):
            again = (
                now if has_seed or not _may_differ_in_seed(record.sweep, now) else planned(seed=record.sweep.base.seed)
            )
            if again == record.sweep:
                return replace(record, sweep=again)
        return None

    def cards(self, project: str | None, limit: int | None) -> list[SweepCard]:
        """Return sweeps, newest first, and what has become of them."""
        records = self.log.sweeps(limit=limit if project is None else None)
        chosen = [record for record in records if project is None or record.project == project][:limit]
        contents = self.log.sweep_contents([record.id for record in chosen])
        return [_card(record, contents.get(record.id)) for record in chosen]

    def frame(self, limit: int | None) -> pd.DataFrame:
        """Return the sweeps as a table, newest first."""
        import pandas as pd

        return pd.DataFrame(map(_row, self.log.sweeps(limit=limit)), columns=list(_COLUMNS))


def _may_differ_in_seed(then: Sweep, now: Sweep) -> bool:
    """Whether two sweeps may be one but for a seed that was chosen; a quick look before planning anew."""
    return (
        then.base.seed is not None
        and then.base.replace(seed=None) == now.base.replace(seed=None)
        and then.full_size == now.full_size
    )


def _row(record: SweepRecord) -> tuple[object, ...]:
    base = record.sweep.base
    return (
        record.id, record.created_at, record.sweep.size, _axes(record.sweep), base.model, base.prompt, record.project
    )  # fmt: skip


def _axes(sweep: Sweep) -> str:
    return " × ".join(f"{group.title} ({len(group.points)})" for group in sweep.groups)


def _card(record: SweepRecord, contents: SweepContents | None) -> SweepCard:
    base = record.sweep.base
    return SweepCard(
        record.id,
        base.prompt or base.model,
        " × ".join(
            f"{' with '.join(map(axis_label, group.names))} ({len(group.points)})" for group in record.sweep.groups
        ),
        record.sweep.size,
        contents.cells if contents is not None else {},
        record.project,
        record.created_at,
        contents.cover if contents is not None else None,
    )


def _is_part(part: str, whole: str) -> bool:
    return bool(part) and (whole.startswith(part) or whole.endswith(part))
