"""Who does which run: the worker of the home, or threads of this process for engines that exist only here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from studio_kernel.budgets import Budgets
from studio_kernel.desk import Workplace
from studio_kernel.follower import Follower
from studio_kernel.jobs import Work
from studio_kernel.live import LiveBoard
from studio_kernel.mending import mend
from studio_kernel.pace import Paces
from studio_kernel.runlog import RunLog
from studio_kernel.runner import InlineRunner, Runner
from studio_kernel.workshop import Workshop

if TYPE_CHECKING:
    from studio_kernel.worker.launch import Launcher

RunnerName = Literal["worker", "inline"]


class Dispatch:
    """The runners of one studio, made when they are needed.

    Parameters
    ----------
    inline : bool
        Whether all work is done in this process.
    revives : bool
        Whether a worker that has died is started again while somebody here waits for a run.

    Attributes
    ----------
    follower : Follower
        Keeps the studio's handles up to date.
    """

    def __init__(
        self,
        workshop: Workshop,
        log: RunLog,
        live: LiveBoard,
        budgets: Budgets,
        *,
        inline: bool,
        revives: bool = True,
    ) -> None:
        self._workshop, self._log, self._live, self._all_inline = workshop, log, live, inline
        self._budgets = budgets
        self._revives = revives and not inline
        self.follower = Follower(log, live, self._keep_worker)

    def submit(self, works: Sequence[Work]) -> None:
        """Log runs as queued and see that somebody does them; returns at once.

        Raises
        ------
        StudioError
            When nobody can; they are not in the log then.
        """
        here = [work for work in works if self._all_inline or work.engine.name in self._workshop.own_engines]
        there = [work for work in works if not self._all_inline and work.engine.name not in self._workshop.own_engines]
        if there:
            self._worker.submit(there)
        if here:
            self._inline.submit(here)

    def cancel(self, run_ids: Sequence[str]) -> None:
        """Ask for runs of the home to stop, wherever they are."""
        if run_ids:
            here: list[Runner] = [self._inline] if "_inline" in self.__dict__ else []
            for runner in here if self._all_inline and here else [*here, self._worker]:
                runner.cancel(run_ids)

    def mend(self) -> list[str]:
        """Deal with runs whose process has died; return what was done, in words."""
        return mend(self._workshop.home, self._log, self._workshop.capabilities)

    def close(self) -> None:
        """End what works in this process, and follow nothing any more."""
        if "_inline" in self.__dict__:
            self._inline.close()
        self.follower.close()

    @cached_property
    def _inline(self) -> Runner:
        # Where nobody uses a worker, whoever comes next deals with what a killed program has left.
        self._log.later(self.mend)
        place = Workplace(self._log, self._workshop.assets, self._live, Paces(self._log))
        return InlineRunner(place, self._workshop.home, self.follower, self._budgets)

    @cached_property
    def _worker(self) -> Runner:
        from studio_kernel.worker.client import WorkerRunner

        return WorkerRunner(self._workshop, self._log, self.follower, self._launcher)

    @cached_property
    def _launcher(self) -> Launcher:
        from studio_kernel.worker.launch import Launcher

        return Launcher(self._workshop.home, self._log)

    def _keep_worker(self) -> None:
        """Start the worker again when it has died while somebody here waits for it."""
        if self._revives:
            self._launcher.revive()
