"""What can be seen of a home: its catalog, its files and its log; nothing here asks an engine for anything.

`Studio` is made on top of this: it adds the runs that are under way in this process, and everything that changes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from studio_kernel.assets import AssetStore
from studio_kernel.domain.marks import Project
from studio_kernel.domain.reported import ReportedChoices
from studio_kernel.domain.runs import RunRecord
from studio_kernel.errors import InvalidRequestError, Problem
from studio_kernel.export import export_gallery
from studio_kernel.ledger import By, ledger
from studio_kernel.reported import ReportedValues
from studio_kernel.runlog import Cursor, Facets, Health, RunFilter, RunLog
from studio_kernel.settings import Home
from studio_kernel.sweep_log import SweepLog
from studio_kernel.workshop import Workshop

if TYPE_CHECKING:
    import pandas as pd

    from studio_kernel.catalog.loader import Catalog
    from studio_kernel.catalog.models import Models


class HomeView:
    """A home, to look at.

    Parameters
    ----------
    home : Home
        Exists.
    workshop : Workshop
        Its catalog, engines and files.
    log : RunLog
        Its run log.
    """

    def __init__(self, home: Home, workshop: Workshop, log: RunLog) -> None:
        self.home = home
        self._workshop = workshop
        self._log = log

    @property
    def assets(self) -> AssetStore:
        """The files of this home."""
        return self._workshop.assets

    @property
    def models(self) -> Models:
        """Every model of the catalog, those that ship and those of this home."""
        return self._workshop.models

    @property
    def catalog(self) -> Catalog:
        """Everything the catalog files say: models, schedulers, LoRAs, and mistakes in the user's own files."""
        return self._workshop.catalog

    @property
    def wildcards(self) -> Mapping[str, tuple[str, ...]]:
        """What ``__name__`` in a prompt stands for: name → texts, those that ship and those of this home.

        Examples
        --------
        >>> studio.sweep("a __animal__", axes={"prompt:__animal__": studio.wildcards["animal"]})  # doctest: +SKIP
        """
        return self.catalog.wildcards

    def reported(self, model: str, parameter: str, *, limit: int | None = 50) -> ReportedChoices:
        """Return what a parameter that takes a value of an earlier run can be given, newest first.

        Parameters
        ----------
        model : str
            Catalog id.
        parameter : str
            Such as ``video_id``.

        Raises
        ------
        UnknownModelError
            When there is no such model.
        InvalidRequestError
            When it has no such parameter, or one that takes other values.

        Examples
        --------
        >>> for clip in studio.reported("fal/sora2_video_to_video_remix", "video_id"):  # doctest: +SKIP
        ...     print(clip.value, clip.label)
        """
        found = next((each for each in self.models[model].parameters if each.name == parameter), None)
        if found is None or not found.from_run:
            reason = "not a parameter of this model" if found is None else "takes no value of an earlier run"
            raise InvalidRequestError([Problem(parameter, reason)], f"model {model!r}")
        return ReportedValues(self._workshop, self._log).offer(found, limit)

    def records(
        self, where: RunFilter | None = None, *, limit: int | None = 50, before: Cursor | None = None, offset: int = 0
    ) -> list[RunRecord]:
        """Return runs as records, newest first.

        Parameters
        ----------
        where : RunFilter
            Which runs; all when left out.
        limit : int or None
            At most so many; `None` = all.
        before : Cursor
            Only those behind this place: ``Cursor.after(page[-1])`` gives the next page.
        offset : int
            How many to leave out first.
        """
        return self._log.runs(where or RunFilter(), limit=limit, before=before, offset=offset)

    def facets(self, where: RunFilter | None = None) -> Facets:
        """Return how many runs there are of each model, status, rating and so on."""
        return self._log.facets(where or RunFilter())

    def runs(self, *, where: str | None = None, limit: int | None = 50, **filters: object) -> pd.DataFrame:
        """Return runs as a table, newest first, a row a run.

        Parameters
        ----------
        where : str
            A condition in SQL over the columns, such as ``"rating >= 4 AND guidance_scale > 5"``.
        limit : int or None
            At most so many; `None` = all.
        **filters
            Fields of `RunFilter`, such as ``model="studio-tiny"`` or ``favourite=True``.
        """
        return self._log.frame(RunFilter(**filters), where=where, limit=limit)  # type: ignore[arg-type]

    def sql(self, query: str, parameters: Sequence[object] = ()) -> pd.DataFrame:
        """Ask the run log a question in SQL; read-only.

        Examples
        --------
        >>> studio.sql("SELECT model, count(*) AS runs FROM runs GROUP BY model")  # doctest: +SKIP
        """
        return self._log.sql(query, parameters)

    def count(self, **filters: object) -> int:
        """Return how many runs there are; filters as for `runs`."""
        return self._log.count(RunFilter(**filters))  # type: ignore[arg-type]

    def costs(self, by: By = "day", since: date | datetime | None = None) -> pd.DataFrame:
        """Return what was spent in this home as a table, in US dollars.

        Its columns are what (the day, project, model or sweep), runs, what services billed, what was estimated where
        they did not say, the two together, and what is committed to runs that have not ended.

        Parameters
        ----------
        by : {"day", "project", "model", "sweep"}
            What makes a row.
        since : datetime.date or datetime.datetime
            Only what ended on that day or later.
        """
        return ledger(self._log, by, since)

    def health(self) -> Health:
        """Return how the run log is doing."""
        return self._log.health()

    def changed_since(self, token: str | None = None) -> str:
        """Return a token that differs from `token` when something was logged since; cheap enough to poll."""
        return self._log.changed_since(token)

    def sweeps(self, *, limit: int | None = 50) -> pd.DataFrame:
        """Return the sweeps of this home as a table, newest first: id, when, cells, axes, model, prompt, project."""
        return self._sweep_log.frame(limit)

    def projects(self) -> list[Project]:
        """Return the projects of this home."""
        return self._log.projects()

    def export_gallery(
        self,
        folder: str | os.PathLike[str],
        *,
        title: str = "Gallery",
        limit: int | None = 1000,
        project: str | None = None,
    ) -> Path:
        """Write the newest runs as one folder that opens from disk or any web host, and return its page."""
        records = self.records(RunFilter(project=project), limit=limit)
        return export_gallery(records, self.assets, folder, title=title)

    @property
    def _sweep_log(self) -> SweepLog:
        return SweepLog(self._log, str(self.home.root))
