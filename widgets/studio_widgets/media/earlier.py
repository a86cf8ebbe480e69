"""Earlier results to choose an input from, without a screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.domain.runs import RunStatus
from studio_kernel.runlog import RunFilter
from studio_widgets.session.state import SessionState
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

MAX_TEXT = 500


class EarlierState(SessionState):
    """The newest runs that have a file of a kind.

    Parameters
    ----------
    studio : Studio
        Opened as an editor.
    kind : str
        ``image``, ``video`` or ``audio``.
    take : callable
        Called with the id of the run that is chosen.
    workspace : Workspace or None
        Its project is the one whose runs are shown.

    Attributes
    ----------
    text : str
        Only runs whose prompt has these words in it.

    Examples
    --------
    >>> state = EarlierState(studio, "image", print)  # doctest: +SKIP
    >>> state.text = "boat"  # doctest: +SKIP
    >>> state.choose(state.results[0].run)  # doctest: +SKIP
    """

    text = traitlets.Unicode()

    def __init__(
        self, studio: Studio, kind: str, take: Callable[[str], object], *, workspace: Workspace | None = None
    ) -> None:
        self._kind = kind
        super().__init__(studio, workspace=workspace, on_choose=take)
        self.observe(lambda _change: self.refresh(), "text")

    @traitlets.validate("text")
    def _short(self, proposal: dict[str, str]) -> str:
        return proposal["value"][:MAX_TEXT]

    @property
    def filter(self) -> RunFilter:
        """Which runs are meant, as the run log takes it."""
        project = self.workspace.project or None
        return RunFilter(status=str(RunStatus.SUCCEEDED), kind=self._kind, text=self.text, project=project)

    @property
    def does(self) -> str:
        """What choosing does, in words."""
        return "use it as the input"

    @property
    def nothing(self) -> str:
        """What stands there while there is no run."""
        where = " in this project" if self.workspace.project else ""
        said = " whose prompt has these words" if self.text.strip() else ""
        return f"There is no earlier {self._kind}{where}{said}."
