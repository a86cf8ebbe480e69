"""What people do with a home besides making things: its catalog, marks, boards, imports, deletions, projects.

`Studio` is made on top of this: it adds the runs, and says who may change anything.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from studio_kernel.boards import Boards
from studio_kernel.domain.boards import Board
from studio_kernel.domain.marks import Mark, Project
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.presets import Preset, Style
from studio_kernel.domain.runs import RunRecord
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import Value
from studio_kernel.errors import (
    ImportRefusedError,
    InvalidRequestError,
    Problem,
    RunNotFinishedError,
    StudioError,
)
from studio_kernel.importing import Importer
from studio_kernel.projects import Projects
from studio_kernel.remembered import remember
from studio_kernel.run import Run
from studio_kernel.sharing import SharedHome

if TYPE_CHECKING:
    from studio_kernel.catalog.openapi.about import Service
    from studio_kernel.refreshing import Document, Report


class KeptHome(SharedHome):
    """A home, to look at and to keep in order."""

    @abstractmethod
    def run(self, run_id: str) -> Run:
        """Return the handle of a run."""

    @abstractmethod
    def ids_named(self, runs: Iterable[Run | str]) -> list[str]:
        """Return the whole ids of some runs, in their order; the log is asked once."""

    @abstractmethod
    def records_named(self, runs: Iterable[Run | str]) -> list[RunRecord]:
        """Return everything that is known of some runs, in their order; the log is asked once."""

    @abstractmethod
    def require_editor(self, wish: str) -> None:
        """Raise an error where nothing may be changed."""

    # The catalog

    def add_model(
        self,
        endpoint: str,
        *,
        openapi: Document | None = None,
        service: Service | None = None,
        name: str = "",
        replace: bool = False,
    ) -> ModelCard:
        """Add a model of a service that is not in the catalog, and return it; it then works like any other.

        Parameters
        ----------
        endpoint : str
            Its id at the service: ``fal-ai/x/y`` at fal, ``owner/name`` (or ``owner/name:version``) at Replicate.
        openapi : mapping or path, optional
            Its OpenAPI document; fetched when left out, at fal without a key, at Replicate with one.
        service : {"fal", "replicate"}, optional
            Whose it is; may be left out where the id tells.
        name : str
            What people see; made from the id when empty.
        replace : bool
            Describe an endpoint anew that is in the catalog already.

        Raises
        ------
        StudioError
            When it cannot be fetched, described or written; nothing has been changed then.

        Examples
        --------
        >>> studio.add_model("fal-ai/x/y", openapi="y.json")  # doctest: +SKIP
        """
        from studio_kernel import refreshing

        self.require_editor("add models")
        added = refreshing.add_model(
            self.home, self.models, endpoint, openapi=openapi, service=service, name=name, replace=replace
        )
        return self.models[added.id]

    def refresh_models(
        self,
        text: str = "",
        *,
        category: str = "",
        dry_run: bool = False,
        say: Callable[[str], None] = lambda _text: None,
    ) -> Report:
        """Ask fal for its models, their parameters and prices, and keep what is new or other in this home.

        Without a key everything but the prices is asked for. The result goes over the catalog that ships, and below
        the files of your own.

        Parameters
        ----------
        text, category : str
            Look only at the models that the service finds by these; what is not among them stays as it is.
        dry_run : bool
            Tell what would change, and write nothing.
        say : callable
            Is told in words when the service asks to wait, which it may for minutes.

        Raises
        ------
        StudioError
            When the service does not answer as it should; nothing has been changed then.
        """
        from studio_kernel import refreshing

        self.require_editor("refresh models")
        return refreshing.refresh(self.home, text=text, category=category, dry_run=dry_run, say=say)

    def save_preset(
        self,
        name: str,
        *,
        task: Task | str | None = None,
        model: str = "",
        values: Mapping[str, object],
        description: str = "",
        replace: bool = False,
    ) -> Preset:
        """Keep settings under a name, as a preset of this home; open studios see it at once.

        Parameters
        ----------
        name : str
            What people see; its id is made from it.
        task, model : str
            What it is for; left out, it is for all that take the values.
        values : mapping
            Parameter → value; no files.
        replace : bool
            Change the preset of that name; one that ships is covered by it.

        Raises
        ------
        InvalidRequestError
            When there is one of that name already, or a value cannot be kept.

        Examples
        --------
        >>> studio.save_preset("My portraits", values={"guidance_scale": 6})  # doctest: +SKIP
        """
        from studio_kernel import own_presets

        self.require_editor("save presets")
        key = own_presets.save_preset(
            self.home,
            self.catalog.presets,
            name,
            task=str(Task(task)) if task else "",
            model=model,
            values=values,
            description=description,
            replace=replace,
        )
        return self.catalog.presets[key]

    def delete_preset(self, preset: str) -> None:
        """Take a preset of this home away; one that ships stays, and shows again when it was covered.

        Raises
        ------
        InvalidRequestError
            When it is none of this home.
        """
        from studio_kernel import own_presets

        self.require_editor("delete presets")
        own_presets.delete(self.home, "presets", self.catalog.presets, preset)

    def save_style(
        self,
        name: str,
        text: str,
        *,
        description: str = "",
        defaults: Mapping[str, str] | None = None,
        replace: bool = False,
    ) -> Style:
        """Keep a prompt with gaps under a name, as a style of this home; open studios see it at once.

        Parameters
        ----------
        text : str
            Such as ``"photograph of {product} on {surface}"``; ``{prompt}`` stands for what is in the form.
        defaults : mapping
            Field → what it holds when nothing is given.
        replace : bool
            Change the style of that name; one that ships is covered by it.

        Raises
        ------
        InvalidRequestError
            When there is one of that name already, or the text is empty.
        """
        from studio_kernel import own_presets

        self.require_editor("save styles")
        key = own_presets.save_style(
            self.home,
            self.catalog.styles,
            name,
            text=text,
            description=description,
            defaults=dict(defaults or {}),
            replace=replace,
        )
        return self.catalog.styles[key]

    def delete_style(self, style: str) -> None:
        """Take a style of this home away; as `delete_preset`."""
        from studio_kernel import own_presets

        self.require_editor("delete styles")
        own_presets.delete(self.home, "styles", self.catalog.styles, style)

    # Marking

    def mark(
        self,
        *runs: Run | str,
        rating: int | None = None,
        favourite: bool | None = None,
        tags: Sequence[str] | None = None,
        note: str | None = None,
        by: str = "",
    ) -> None:
        """Say something about a run, or the same about several; what is left out stays as it is.

        Parameters
        ----------
        rating : int
            1 … 5 stars; 0 takes it away.
        favourite : bool
            In the gallery's favourites.
        tags : list of str
            All of its tags; an empty list takes them away.
        note : str
            Free text; empty takes it away.
        by : str
            Who says it, at most 64 characters; `marks` tells it.

        Raises
        ------
        UnknownRunError
            When there is none of that id; then none is marked.
        InvalidRequestError
            For a value that no mark has.
        """
        try:
            if isinstance(tags, str):
                raise ValueError(f"tags {tags!r} is not a list of words")
            mark = Mark(rating, favourite, tuple(tags) if tags is not None else None, note, by)
        except ValueError as error:
            raise InvalidRequestError([Problem("mark", str(error))], "mark") from error
        self._log.mark(self.ids_named(runs), mark)

    # Boards

    def save_board(
        self,
        name: str,
        runs: Iterable[Run | str],
        *,
        project: str | None = None,
        settings: Mapping[str, object] | None = None,
        replace: bool = False,
        by: str = "",
    ) -> Board:
        """Keep runs side by side under a name, for everybody who has this home open, and return the board.

        Parameters
        ----------
        name : str
            What people call it, at most 80 characters; unlike that of every other board.
        runs : iterable of Run or str
            1 … 24 runs or their ids, in their order; neither private ones nor deleted ones.
        project : str
            Id of the project it belongs to.
        settings : mapping
            How they are shown; plain values, at most 4 kB of JSON.
        replace : bool
            Change the board of that name, which keeps its id.
        by : str
            Who makes it, at most 64 characters.

        Raises
        ------
        InvalidRequestError
            When there is a board of that name already, or it cannot be kept so.
        UnknownRunError
            When there is no such run.
        HomeError
            When another process does not let go of the boards.

        Examples
        --------
        >>> board = studio.save_board("Cover ideas", [first, second], settings={"mode": "slider"})  # doctest: +SKIP
        >>> studio.link(board=board)  # doctest: +SKIP
        """
        self.require_editor("save boards")
        return Boards(self._log, self.home.locks).save(
            name, self.records_named(runs), project=project, settings=settings, replaces=replace, by=by
        )

    def delete_board(self, board: Board | str) -> None:
        """Delete a board, by its id or name, for good; its runs stay.

        Raises
        ------
        UnknownBoardError
            When there is none.
        """
        self.require_editor("delete boards")
        self._log.delete_board(self.board(board.id if isinstance(board, Board) else board).id)

    # Bringing in

    def import_files(self, paths: Iterable[str | os.PathLike[str]], project: str | None = None) -> list[Run]:
        """Bring in pictures, videos and sounds, each as a run of the engine ``import``.

        Settings are read from the file where it carries them: ours, or those of A1111 and what writes like it. A file
        that is here already, as an import or as the result of a run, stands for that run, which is returned; if that
        was deleted, it is restored.

        Parameters
        ----------
        project : str
            Id of a project to put the runs in.

        Raises
        ------
        ImportRefusedError
            When some of them are no picture, video or sound, are damaged or too large. The others are in by then; the
            error names them.

        Examples
        --------
        >>> studio.import_files(Path("pictures").glob("*.png"))  # doctest: +SKIP
        """
        results = list(self.import_each(paths, project))
        runs = [result for result in results if isinstance(result, Run)]
        refused = [str(result) for result in results if isinstance(result, StudioError)]
        if refused:
            raise ImportRefusedError(refused, [run.id for run in runs])
        return runs

    def import_each(
        self, paths: Iterable[str | os.PathLike[str]], project: str | None = None
    ) -> Iterator[Run | StudioError]:
        """Bring in files as `import_files` does; yield for each its run, or why it is refused."""
        self.require_editor("import files")
        for result in self._importer.files(paths, project):
            yield result if isinstance(result, StudioError) else self.run(result)

    def import_bytes(
        self, data: bytes, name: str, project: str | None = None, source: Literal["upload", "file"] = "upload"
    ) -> Run:
        """Bring in a file by its bytes, such as one that a browser has sent, and return its run.

        Parameters
        ----------
        name : str
            Its name, for people; no path is made of it.
        source : {"upload", "file"}
            How it came.

        Raises
        ------
        InvalidInputError
            When it is no picture, video or sound, is damaged or too large.
        """
        self.require_editor("import files")
        return self.run(self._importer.data(data, name, project, source))

    @property
    def _importer(self) -> Importer:
        return Importer(self.home, self._log, self.assets, lambda: self.catalog)

    # Deleting

    def delete(self, *runs: Run | str, files: bool = False) -> None:
        """Take runs out of every list; `restore` brings them back.

        What they cost counts on, and a sweep computes a cell again whose run was deleted.

        Parameters
        ----------
        files : bool
            Let the next `studio gc` remove their files, as far as no other run and no sweep refers to them. A run that
            is restored after that has none.

        Raises
        ------
        UnknownRunError
            When there is none of that id; then none is deleted.
        RunNotFinishedError
            When one has not ended; then none is deleted.
        """
        self.require_editor("delete runs")
        records = self.records_named(runs)
        unfinished = [record for record in records if not record.status.is_final]
        if unfinished:
            raise RunNotFinishedError(
                f"run {unfinished[0].id} is {unfinished[0].status} and cannot be deleted before it has ended; "
                "cancel it first"
            )
        if records:
            self._log.delete([record.id for record in records], files=files)

    def restore(self, *runs: Run | str) -> None:
        """Bring back runs that were deleted; one that was not stays as it is.

        Raises
        ------
        UnknownRunError
            When there is none of that id; then none is restored.
        """
        self.require_editor("restore runs")
        deleted = [record.id for record in self.records_named(runs) if record.is_deleted]
        if deleted:
            self._log.restore(deleted)

    # Projects

    def create_project(self, title: str, *, id: str | None = None, description: str = "") -> Project:  # noqa: A002
        """Make a shelf for runs; its id is made from the title when none is given.

        One that is there already keeps what is in it and gets this title.
        """
        self.require_editor("create a project")
        return Projects(self._log).create(title, id, description)

    def change_project(
        self,
        id: str,  # noqa: A002
        *,
        title: str | None = None,
        description: str | None = None,
        archived: bool | None = None,
        settings: Mapping[str, Value] | None = None,
    ) -> Project:
        """Change a project and return it; what is left out stays as it is.

        Parameters
        ----------
        archived : bool
            Put away: `project_cards` leaves it out, its runs stay where they are.
        settings : mapping
            All of what a form of this project begins with: ``model``, ``task``, ``preset``.

        Raises
        ------
        UnknownProjectError
            When nobody has made it and no run names it.
        InvalidRequestError
            When a text is too long or a setting is none that a project has.
        """
        self.require_editor("change a project")
        return Projects(self._log).change(
            id, title=title, description=description, archived=archived, settings=settings
        )

    # Panels

    def remember(self, name: str, values: Mapping[str, object]) -> None:
        """Keep what a panel shows, as plain JSON values, for when it is opened again; see `remembered`."""
        self.require_editor("keep what a panel shows")
        remember(self.home, name, values)
