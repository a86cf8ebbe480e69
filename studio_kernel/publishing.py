"""Dashboards as folders: a gallery, a sweep or a comparison for people who have neither a studio nor a server.

Nothing here changes the home, so a viewer may do all of it. Private and deleted runs stay, and so does what was said
in notes, why runs failed, keys, and paths and names of this machine.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.errors import InvalidRequestError, Problem, closest
from studio_kernel.reports import By
from studio_kernel.reviewing import ReviewedHome
from studio_kernel.runlog import RunFilter
from studio_kernel.sharing import Leaving
from studio_kernel.sweeps import SweepRun

if TYPE_CHECKING:
    from studio_kernel.export.page.folder import PageFolder
    from studio_kernel.export.page.wording import Wording
    from studio_kernel.grid.cells import GridCell

Kind = Literal["gallery", "sweep", "compare", "costs", "models"]
TAKES: Mapping[str, tuple[set[str], set[str]]] = {
    "gallery": (set(), {"runs", "project", "limit"}),
    "sweep": ({"sweep"}, set()),
    "compare": (set(), {"runs", "board"}),
    "costs": (set(), {"project"}),
    "models": (set(), {"project"}),
}
"""What each kind of page needs, and what it takes besides."""
TITLES = {"costs": "Costs and usage", "models": "Models"}


class PublishedHome(ReviewedHome):
    """A home, to look at, to find things out about, and to publish."""

    def export_gallery(
        self,
        folder: str | os.PathLike[str],
        *,
        runs: Leaving | None = None,
        title: str = "Gallery",
        limit: int | None = 1000,
        project: str | None = None,
        progress: bool = True,
    ) -> Path:
        """Write runs that have files as one folder that opens from disk or any web host, and return its page.

        `export_dashboard` does the same for every run that has ended, and for more than galleries.

        Parameters
        ----------
        folder : path
            Made when it does not exist; what an earlier export has put there is replaced, as a whole.
        runs : as for `export`, optional
            Which; those without a picture, video or sound are left out.
        title : str
            Above the page.
        limit, project
            Where `runs` is left out: at most so many, the newest; only those of a project.
        progress : bool
            Show a bar when it takes longer than a moment.

        Raises
        ------
        InvalidRequestError
            For private runs.
        HomeError
            When the folder cannot be written.

        Examples
        --------
        >>> studio.export_gallery("for-the-client", runs=[one, other], title="Harbour")  # doctest: +SKIP
        """
        where = RunFilter(project=project)
        records = self._leaving(runs) if runs is not None else self.records(where, limit=limit)
        shown = [each for each in records if each.status is RunStatus.SUCCEEDED and each.assets]
        with self._page(folder, "gallery") as page:
            self._write_gallery(page, shown, title, progress=progress)
        return Path(folder).expanduser() / "index.html"

    def export_dashboard(
        self,
        kind: Kind,
        folder: str | os.PathLike[str],
        *,
        runs: Leaving | None = None,
        sweep: SweepRun | str | None = None,
        board: str | None = None,
        project: str | None = None,
        limit: int | None = None,
        title: str | None = None,
        progress: bool = True,
    ) -> Path:
        """Write a page of a dashboard as one folder that opens from disk or any web host, and return its page.

        What a viewer may see is on it, but notes, why runs failed, keys, and paths and names of this machine. Private
        and deleted runs are not.

        Parameters
        ----------
        kind : {"gallery", "sweep", "compare", "costs", "models"}
            What it shows: runs with filters; a sweep whose axes can be placed anew; runs side by side; what was used
            by day, project, model and engine; how models did.
        folder : path
            Made when it does not exist; what an earlier export has put there is replaced, as a whole.
        runs : as for `export`, optional
            Of a gallery or comparison: which. Of a gallery every run that has ended, when left out.
        sweep : SweepRun or str
            Of the page of a sweep: which; a part of its id will do.
        board : str
            Of a comparison, in place of `runs`: the name or id of a board.
        project : str
            Of a gallery or report: only runs of that project.
        limit : int
            Of a gallery: at most so many, the newest.
        title : str
            Above the page.
        progress : bool
            Show a bar when it takes longer than a moment.

        Raises
        ------
        InvalidRequestError
            For an unknown kind, what that kind does not take or lacks, and private runs.
        HomeError
            When the folder cannot be written; it is as it was then.

        Examples
        --------
        >>> studio.export_dashboard("gallery", "for-the-client", project="harbour")  # doctest: +SKIP
        """
        given = {"runs": runs, "sweep": sweep, "board": board, "project": project, "limit": limit}
        _check(kind, {name for name, value in given.items() if value is not None})
        with self._page(folder, kind) as page:
            if kind == "gallery":
                records = self._ended(project, limit) if runs is None else self._leaving(runs)
                self._write_gallery(page, records, title or "Gallery", progress=progress)
            elif kind == "sweep":
                self._write_sweep(page, sweep or "", title, progress=progress)
            elif kind == "compare":
                self._write_comparison(page, runs, board, title)
            else:
                self._write_report(page, kind, project, title)
        return Path(folder).expanduser() / "index.html"

    @abstractmethod
    def sweep_of(self, sweep_id: str) -> SweepRun:
        """Return a sweep of this home."""

    def _ended(self, project: str | None, limit: int | None) -> list[RunRecord]:
        ended = [status for status in RunStatus if status.is_final]
        return self.records(RunFilter(project=project, status=ended), limit=limit)

    def _write_sweep(self, page: PageFolder, sweep: SweepRun | str, title: str | None, *, progress: bool) -> None:
        from studio_kernel.grid.page import write_page

        chosen = self.sweep_of(sweep) if isinstance(sweep, str) else sweep
        records = [outcome.record for outcome in chosen.outcomes() if outcome.record is not None]
        told = {record.id for record in self._told(records)}
        grid = chosen.grid()
        cells = {place: _public(cell, told, page.wording) for place, cell in grid.cells.items()}
        shown = replace(grid, cells=cells)
        write_page(shown, page.stage, title=title, wording=page.wording.clean, progress=progress)
        page.reword_files()

    def _write_comparison(self, page: PageFolder, runs: Leaving | None, board: str | None, title: str | None) -> None:
        from studio_kernel.export.page.boards import write_comparison

        if board is not None:
            shown = self.board(board)
            known = self._log.runs_of(shown.runs)
            records = self._told(known[run] for run in shown.runs if run in known)
            lost = len(shown.runs) - len(records)
            notes = [f"{lost} of its {len(shown.runs)} runs cannot be shown: deleted, or private."] if lost else []
            settings = shown.settings
            write_comparison(records, self.assets, page, title=title or shown.name, notes=notes, settings=settings)
            return
        records = self._told(self._leaving(runs or ()))
        write_comparison(records, self.assets, page, title=title or "Comparison")

    def _write_report(
        self, page: PageFolder, kind: Literal["costs", "models"], project: str | None, title: str | None
    ) -> None:
        from studio_kernel.charts import report_figure, usage_figure
        from studio_kernel.export.page.tables import Section, write_tables
        from studio_kernel.report_columns import MODELS, USAGE

        of = f"Runs of the project {project!r}" if project else "All runs of this home"
        told = f"{of}, as of {datetime.now(UTC):%Y-%m-%d %H:%M} UTC."
        if kind == "models":
            report = self.model_report(project=project)
            sections = [Section("Models", report, MODELS, report_figure(report))]
        else:
            used = {by: self.usage(by=by, project=project) for by in get_args(By)}
            sections = [
                Section(f"By {by}", table, USAGE, usage_figure(table, by=by))
                for by, table in used.items()
                if not (by == "project" and project)
            ]
        write_tables(sections, page, title=title or TITLES[kind], told=told)

    def _write_gallery(self, page: PageFolder, records: list[RunRecord], title: str, *, progress: bool) -> None:
        from studio_kernel.export.page.gallery import write_gallery

        shown = self._told(records)
        projects = {each.id: each.title for each in self._log.projects()}
        write_gallery(shown, self.assets, page, title=title, projects=projects, progress=progress)

    def _told(self, records: Iterable[RunRecord]) -> list[RunRecord]:
        """Return the runs without deleted ones, and private ones of this studio and any other."""
        private = set(self._log.sql("SELECT id FROM runs WHERE private")["id"].map(str))
        return [each for each in records if not (each.is_deleted or each.id in private or self.is_private(each.id))]

    @contextmanager
    def _page(self, folder: str | os.PathLike[str], kind: str) -> Iterator[PageFolder]:
        from studio_kernel.export.page.folder import page_folder

        with page_folder(Path(folder).expanduser(), kind, self.home.root) as page:
            yield page


def _check(kind: str, given: set[str]) -> None:
    """Refuse an unknown kind of page, what it does not take and what it lacks."""
    if kind not in TAKES:
        close = closest(kind, TAKES)
        hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"there are {', '.join(TAKES)}"
        raise InvalidRequestError([Problem("kind", f"{kind!r} is no page; {hint}")], "export")
    needed, taken = TAKES[kind]
    problems = [Problem(name, f"a page of kind {kind!r} needs it") for name in sorted(needed - given)]
    problems += [Problem(name, f"a page of kind {kind!r} does not take it") for name in sorted(given - needed - taken)]
    if kind == "compare" and len(given & {"runs", "board"}) != 1:
        problems.append(Problem("runs", "name either runs or a board"))
    if problems:
        raise InvalidRequestError(problems, "export")


def _public(cell: GridCell, told: set[str], wording: Wording) -> GridCell:
    """Return a cell as it may leave: nothing of a private or deleted run, and no error of an engine."""
    if cell.run_id is not None and cell.run_id not in told:
        return replace(cell, status="not shown", note="", pictures=(), run_id=None)
    return replace(cell, note="" if cell.run_id is not None else wording.of_settings(cell.note))
