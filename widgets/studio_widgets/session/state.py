"""The session strip without a screen: what has come out since the panel was opened, newest first."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.runlog import RunFilter
from studio_widgets.records import pictured, title_of
from studio_widgets.state import LiveState
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.domain.assets import Asset
    from studio_kernel.studio import Studio

LIMIT = 60
RESULTS = (str(RunStatus.SUCCEEDED), str(RunStatus.FAILED))
"""A run that was cancelled has no result, and one that has not ended has none yet."""


@dataclass(frozen=True, slots=True)
class Result:
    """One place of the strip.

    Attributes
    ----------
    run : str
        Id of the run.
    key : str
        Digest of the file of which a picture is shown; empty when there is none.
    kind : str
        What that file is, or else the first: ``image``, ``video``, ``audio``; empty without files.
    title : str
        The prompt, or the task when there is none.
    model : str
        Catalog id.
    files : int
        How many the run has.
    error : str
        Why it failed, in words; empty when it did not.
    """

    run: str
    key: str
    kind: str
    title: str
    model: str
    files: int
    error: str


class SessionState(LiveState):
    """The newest results of a session.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.
    workspace : Workspace or None
        Its project is the one whose results are shown; what is chosen is handed to it.
    since : datetime.datetime or None
        Results of runs that were asked for at that time or later; now when left out.
    on_choose : callable or None
        Called with the id of a run that is chosen, in place of handing it to the workspace.

    Attributes
    ----------
    results : tuple of Result
        Newest first, sixty at most.
    chosen : str
        Id of the run that was chosen last.

    Examples
    --------
    >>> state = SessionState(studio)  # doctest: +SKIP
    >>> studio.generate("a red boat")  # doctest: +SKIP
    >>> state.poll()  # doctest: +SKIP
    >>> state.results[0].title  # doctest: +SKIP
    'a red boat'
    """

    results = traitlets.Tuple(read_only=True)
    chosen = traitlets.Unicode(read_only=True)

    def __init__(
        self,
        studio: Studio,
        *,
        workspace: Workspace | None = None,
        since: datetime | None = None,
        on_choose: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__(studio, workspace=workspace)
        self.since = since or datetime.now(UTC)
        self._on_choose = on_choose
        self._pictures: dict[str, Asset] = {}
        self.workspace.observe(self._follow_project, "project")
        self.refresh()

    def close(self) -> None:
        """Follow the project no longer."""
        with suppress(ValueError):  # done before
            self.workspace.unobserve(self._follow_project, "project")

    def _follow_project(self, _change: traitlets.Bunch) -> None:
        self.refresh()

    @property
    def filter(self) -> RunFilter:
        """Which runs are meant, as the run log takes it."""
        return RunFilter(status=RESULTS, since=self.since, project=self.workspace.project or None)

    def choose(self, run: str) -> None:
        """Load the settings of a run into the form, or show it where no form is; only for one that is in the strip."""
        if run not in [result.run for result in self.results]:
            return
        with self.lock:
            self.set_trait("chosen", run)
        self._attempt(lambda: self._hand_on(run))

    @property
    def does(self) -> str:
        """What choosing does, in words; empty when nobody takes what is chosen."""
        if self._on_choose is not None:
            return "show it"
        if self.workspace.can("load"):
            return "load its settings"
        return "show it" if self.workspace.can("show") else ""

    @property
    def nothing(self) -> str:
        """What stands there while there is no result."""
        return "What you make appears here. Drag a result onto an input, or choose it."

    def pictures(self) -> list[bytes]:
        """Return small pictures of the newest results."""
        found = (self.thumbnail(result.run) for result in self.results)
        return [picture for picture in found if picture]

    def thumbnail(self, run: str) -> bytes | None:
        """Return a WebP picture of a run in the strip, or `None` when it has none."""
        asset = self._pictures.get(run)
        return self._thumbnail_of(asset) or None if asset is not None else None

    def _hand_on(self, run: str) -> None:
        if self._on_choose is not None:
            self._on_choose(run)
        else:
            self.workspace.ask("load" if self.workspace.can("load") else "show", run)

    def _read(self) -> None:
        records = self._studio.records(self.filter, limit=LIMIT)
        pictures = {record.id: asset for record in records if (asset := pictured(record)) is not None}
        self._pictures = pictures
        self.set_trait("results", tuple(_result(record, pictures.get(record.id)) for record in records))


def _result(record: RunRecord, picture: Asset | None) -> Result:
    shown = picture or next(iter(record.assets), None)
    failed = record.status is RunStatus.FAILED
    return Result(
        run=record.id,
        key=picture.sha256 if picture else "",
        kind=shown.media_type.split("/")[0] if shown else "",
        title=title_of(record),
        model=record.request.model,
        files=len(record.assets),
        error=(record.error or "it failed, and nobody said why") if failed else "",
    )
