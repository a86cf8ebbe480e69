"""What leaves a home: files of runs, as they are or as a preset wants them, in a folder, in one file, on a sheet.

Links to dashboards are made here too. Nothing here changes the home, so a viewer may do all of it; private runs stay.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from studio_kernel.domain.boards import Board
from studio_kernel.domain.presets import ExportPreset
from studio_kernel.domain.runs import RunRecord
from studio_kernel.errors import HomeError, InvalidRequestError, Problem, closest
from studio_kernel.export import Exported, Exporter
from studio_kernel.export.files import ORIGINALS, ExportPlan
from studio_kernel.export.naming import PATTERN
from studio_kernel.export.table import TableFormat
from studio_kernel.links import DEFAULT_ADDRESS, PageName, link
from studio_kernel.run import Run, id_of
from studio_kernel.runlog import RunFilter
from studio_kernel.sweeps import SweepRun
from studio_kernel.view import HomeView

Leaving: TypeAlias = "Run | RunRecord | str | RunFilter | SweepRun | Iterable[Run | RunRecord | str]"
"""Runs that leave: one or several by handle, record or id, in their order; those of a filter, newest first; those of a
sweep. Of a filter or sweep, private ones and those without files are left out; named, private ones are refused."""


class SharedHome(HomeView):
    """A home, to look at and to take files out of."""

    @abstractmethod
    def record(self, run_id: str) -> RunRecord:
        """Return everything that is known of a run."""

    @abstractmethod
    def is_private(self, run_id: str) -> bool:
        """Whether a run is a private one of this studio."""

    def export(
        self,
        runs: Leaving,
        to: str | os.PathLike[str],
        preset: str | ExportPreset | None = None,
        *,
        names: str = PATTERN,
    ) -> Exported:
        """Write the files of runs into a folder, and return their paths; nothing there is written over.

        Parameters
        ----------
        runs : Run, RunRecord, str or several of them, RunFilter, SweepRun
            Runs or their ids; not private ones. Of a filter or a sweep those that have files.
        to : path
            The folder, made when it does not exist.
        preset : str or ExportPreset
            What becomes of pictures, such as ``"web"``; `catalog.export_presets` lists what there is. Left out, they
            are copied as they are, and so are videos and sounds always.
        names : str
            How files are called; fields are project, model, task, seed, id, prompt, date and engine.

        Returns
        -------
        Exported
            A list of paths; its `notes` say what should be known about them.

        Raises
        ------
        InvalidRequestError
            For an unknown preset or field, and for private runs.
        StudioError
            When a picture cannot be read, or the folder cannot be written.

        Examples
        --------
        >>> studio.export(run, "for-the-web", "web")  # doctest: +SKIP
        """
        return self._exporter(preset, names).into_folder(self._leaving(runs), Path(to).expanduser())

    def export_zip(
        self,
        runs: Leaving,
        preset: str | ExportPreset | None = None,
        *,
        names: str = PATTERN,
        table: TableFormat = "csv",
        max_bytes: int | None = None,
    ) -> bytes:
        """Return the files of runs as one ZIP file, with a table of settings: what decided each of them.

        Parameters
        ----------
        table : {"csv", "parquet"}
            The format of that table, ``settings.csv`` or ``settings.parquet``; the latter has typed columns.
        max_bytes : int
            Refuse more than that.
        runs, preset, names
            As for `export`.
        """
        return self._exporter(preset, names).into_zip(self._leaving(runs), table=table, max_bytes=max_bytes)

    def export_plan(self, runs: Leaving, preset: str | ExportPreset | None = None) -> ExportPlan:
        """Return how much an export would be, and what should be known before; arguments and errors as for `export`."""
        return self._exporter(preset, PATTERN).plan(self._leaving(runs))

    def contact_sheet(
        self,
        runs: Leaving,
        path: str | os.PathLike[str],
        *,
        columns: int | None = None,
        labels: Iterable[str] | None = None,
        title: str = "",
        preset: str | ExportPreset | None = None,
    ) -> Path:
        """Write small pictures of runs under each other, each with what tells it from the others; return the path.

        Of a video it shows the frame in its middle, of a moving picture the first, both with a mark; of a sound its
        kind and length; of a run that is named and has no file, why. A run of several files has a place for each.

        Parameters
        ----------
        runs : as for `export`
            In this order.
        path : path
            Ends in ``.png``, ``.jpg``, ``.webp`` or ``.pdf``; a file that is there is replaced. A PDF has as many
            pages as it takes, A4 where the preset has no page of its own.
        columns : int
            Pictures side by side; chosen when left out.
        labels : iterable of str
            Names of what is written below each picture: settings, ``lora:ID``, and ``id``, ``created_at``,
            ``engine``, ``project``, ``elapsed_s``, ``cost_usd``, ``rating``, ``tags``, ``note``. Left out, the
            settings that differ, at most six, those with the most values; an empty list writes nothing.
        title : str
            Above every page.
        preset : str or ExportPreset
            Its width and height are the page where it fills them (``"print-a4"``) and bound the picture else
            (``"web"``); its dots per inch, quality and background hold. The format is that of the ending.

        Raises
        ------
        InvalidRequestError
            For an unknown ending, label or preset, private runs, nothing to show, or more pictures than fit.
        HomeError
            When it cannot be written.

        Examples
        --------
        >>> studio.contact_sheet(studio.sweep_of(sweep_id), "sheet.pdf", preset="print-a4")  # doctest: +SKIP
        """
        from studio_kernel.export.captions import captions_of, shown_of
        from studio_kernel.export.sheet import format_of, sheet

        target = Path(path).expanduser()
        kind = format_of(target)
        shown = shown_of(self._leaving(runs))
        made = sheet(
            shown,
            captions_of(shown, labels),
            lambda _asset: self.assets,
            kind,
            columns=columns,
            title=title,
            preset=self._preset(preset),
        )
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(made)
        except OSError as error:
            raise HomeError(f"cannot write {str(target)!r}: {error.strerror or error}") from error
        return target

    def _exporter(self, preset: str | ExportPreset | None, names: str) -> Exporter:
        catalog = self.catalog

        def name_of(scheduler: str) -> str:
            card = catalog.schedulers.get(scheduler)
            return card.name if card is not None else ""

        return Exporter(self.assets.path, name_of, self._preset(preset) or ORIGINALS, names)

    def link(
        self,
        page: PageName | None = None,
        *,
        run: Run | str | None = None,
        runs: Iterable[Run | str] = (),
        board: Board | str | None = None,
        sweep: SweepRun | str | None = None,
        project: str | None = None,
        address: str | None = None,
    ) -> str:
        """Return the address of a page of the dashboards of this home, to be sent to somebody.

        There is no token in it: whoever opens it is asked for one.

        Parameters
        ----------
        page : str
            ``home``, ``gallery``, ``run``, ``sweep``, ``compare``, ``judge``, ``costs`` or ``models``; left out, the
            one for what is named, else the gallery.
        run : Run or str
            A run, or its id; not a private one.
        runs : iterable of Run or str
            Runs that are compared.
        board : Board or str
            A board that is compared, or its id.
        sweep : SweepRun or str
            A sweep, or its id.
        project : str
            Id of a project.
        address : str
            Where the dashboards are; as ``settings.toml`` says in ``[dashboards] address`` when left out, else the
            address of `studio dashboards` on this machine.

        Raises
        ------
        InvalidRequestError
            For a page that there is not, an address that is none, and for private runs.

        Examples
        --------
        >>> studio.link(run=run)  # doctest: +SKIP
        'http://127.0.0.1:8866/?page=run&run=0192…'
        """
        named = [id_of(each) for each in runs]
        shown = id_of(run) if run is not None else ""
        private = [each for each in (*named, shown) if each and self.is_private(each)]
        if private:
            raise InvalidRequestError([Problem("runs", f"{', '.join(private)} is private and on no dashboard")], "link")
        meant = "run" if shown else "compare" if named or board else "sweep" if sweep else "gallery"
        return link(
            address or self.home.settings().dashboards.address or DEFAULT_ADDRESS,
            page or meant,
            project=project or "",
            run=shown,
            runs=named,
            sweep=sweep.id if isinstance(sweep, SweepRun) else sweep or "",
            board=board.id if isinstance(board, Board) else board or "",
        )

    def _preset(self, preset: str | ExportPreset | None) -> ExportPreset | None:
        if not isinstance(preset, str):
            return preset
        known = self.catalog.export_presets
        if preset not in known:
            close = closest(preset, known)
            hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"there are {', '.join(known)}"
            raise InvalidRequestError([Problem("preset", f"no export preset {preset!r}; {hint}")], "export")
        return known[preset]

    def _leaving(self, runs: Leaving) -> list[RunRecord]:
        """Return the runs that leave; private ones do not."""
        if isinstance(runs, (RunFilter, SweepRun)):
            found = self._found(runs)
            return [record for record in found if record.assets and not self.is_private(record.id)]
        asked = [runs] if isinstance(runs, (Run, RunRecord, str)) else list(runs)
        known = self._log.runs_of(id_of(run) for run in asked if not isinstance(run, RunRecord))
        records = [run if isinstance(run, RunRecord) else self._known(id_of(run), known) for run in asked]
        private = [each.id for each in records if self.is_private(each.id)]
        if private:
            text = f"{', '.join(private)} is private and stays in this studio; run.image.save(…) saves a picture of it"
            raise InvalidRequestError([Problem("runs", text)], "export")
        return records

    def _found(self, runs: RunFilter | SweepRun) -> list[RunRecord]:
        if isinstance(runs, RunFilter):
            return self._log.runs(runs, limit=None)
        return [outcome.record for outcome in runs.outcomes() if outcome.record is not None]

    def _known(self, run_id: str, known: Mapping[str, RunRecord]) -> RunRecord:
        return known.get(run_id) or self.record(run_id)
