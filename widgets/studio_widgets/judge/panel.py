"""Judging on a screen: what is judged and by whom, then two at a time, and the result when somebody asks for it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import ipywidgets
import traitlets

from studio_kernel.domain.judging import MAX_BALLOT_LENGTH, MAX_RATER_LENGTH
from studio_widgets.choice import Choice
from studio_widgets.frame import panel as parts
from studio_widgets.frame.still import Still
from studio_widgets.judge import result
from studio_widgets.judge.sources import Runs
from studio_widgets.judge.state import QUESTION, JudgeState
from studio_widgets.judge.view import Duel
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio


class JudgePanel(parts.PanelBox):
    """Two at a time, blind, and a ranking of what made them.

    Parameters
    ----------
    studio : Studio
        Editor or viewer; a viewer may vote too.
    runs : RunFilter, SweepRun, sequence of Run or str, or None
        What is judged; it is chosen in the panel when left out.
    by : str or None
        What is ranked: ``run``, ``model``, ``prompt``, ``project`` or a parameter.
    rater : str
        Who judges; asked for when left out.
    ballot : str
        What is asked; votes of several ballots are counted apart.
    workspace : Workspace or None
        Shared with other panels: what is compared there can be judged here.

    Attributes
    ----------
    state : JudgeState
        Everything the panel shows and does.

    Examples
    --------
    >>> JudgePanel(studio, runs=sweep, by="guidance_scale")  # doctest: +SKIP
    """

    def __init__(
        self,
        studio: Studio,
        *,
        runs: Runs | None = None,
        by: str | None = None,
        rater: str = "",
        ballot: str = "",
        workspace: Workspace | None = None,
    ) -> None:
        self.state = JudgeState(studio, runs=runs, by=by, rater=rater, ballot=ballot, workspace=workspace)
        head, self._beside = parts.head("Judge")
        super().__init__("Judge", head, JudgeView(self.state), tick=self.state.poll)
        self.state.observe(lambda _change: self._show(), ["stage", "rater"])
        self._show()

    def still(self) -> Still:
        """Return what is asked; of what is judged nothing, for that would tell."""
        return Still(self.state.question)

    def _show(self) -> None:
        state = self.state
        self._beside.value = escape(f"as {state.rater.strip()}") if state.stage != "setup" else ""


class JudgeView(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """Judging without frame and title."""

    def __init__(self, state: JudgeState) -> None:
        self._state = state
        self._error = ipywidgets.HTML()
        self._setup, self._judging, self._result = Setup(state), Judging(state), Result(state)
        super().__init__([self._error, self._setup, self._judging, self._result])
        parts.styled(self, "sd-panel")
        state.observe(lambda _change: self._show(), ["error", "stage"])
        self._show()

    def _show(self) -> None:
        stage = self._state.stage
        parts.fill(self._error, parts.alert(self._state.error))
        parts.place(self._setup, stage == "setup")
        parts.place(self._judging, stage == "judging")
        parts.place(self._result, stage == "result")


class Setup(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """Who judges what."""

    def __init__(self, state: JudgeState) -> None:
        self._state = state
        rater = _text(state, "rater", "Your name", "Goes with every vote", MAX_RATER_LENGTH)
        ballot = _text(state, "ballot", "Question", QUESTION, MAX_BALLOT_LENGTH)
        source = Choice(state, "source", "What is judged", lambda: state.offered, follow=["offered"])
        by = Choice(state, "by", "What is ranked", lambda: state.groupings, follow=["groupings"])
        fields = parts.row(*map(parts.field, (rater, ballot)))
        choices = parts.row(*map(parts.field, (source, by)))
        self._notice = ipywidgets.HTML()
        self._begin = parts.button("Begin", state.begin, "Two at a time, without saying what made them", "st-primary")
        shown = parts.button("Show the result", state.show_result, "What follows from all votes so far")
        super().__init__([parts.card(fields, choices, self._notice, parts.row(self._begin, shown))])
        state.observe(lambda _change: self._show(), ["notice", "version"])
        self._show()

    def _show(self) -> None:
        state = self._state
        self._begin.disabled = len(state.candidates) < 2
        parts.fill(self._notice, f'<p class="st-sub sd-notice" role="status">{escape(state.notice)}</p>')


class Judging(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The pair at hand, and the ways out."""

    def __init__(self, state: JudgeState) -> None:
        shown = parts.button("Show the result", state.show_result, "Judge on with care: whoever knows it is biased")
        stop = parts.button("Stop", state.stop, "Judge something else, or let somebody else judge", "st-quiet")
        super().__init__([Duel(state), parts.styled(parts.row(shown, stop), "sd-ways")])
        parts.styled(self, "st-column")


class Result(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The ranking."""

    def __init__(self, state: JudgeState) -> None:
        self._state = state
        self._text = ipywidgets.HTML()
        by = parts.field(Choice(state, "by", "Ranked by", lambda: state.groupings, follow=["groupings"]))
        self._on = parts.button("Judge on", state.go_on, "The pair at hand, or the next one", "st-primary")
        stop = parts.button("Judge something else", state.stop)
        super().__init__([parts.card(parts.row(by), self._text, parts.row(self._on, stop))])
        state.observe(lambda _change: self._show(), ["ranking", "rater"])
        self._show()

    def _show(self) -> None:
        state = self._state
        parts.place(self._on, bool(state.rater.strip()))
        parts.fill(self._text, result.ranking_of(state.ranking, state.face_of) if state.ranking is not None else "")


def _text(state: JudgeState, name: str, label: str, placeholder: str, most: int) -> ipywidgets.Text:
    """Return a field of a text of the state; Enter in it begins."""
    made = parts.styled(ipywidgets.Text(description=label, placeholder=placeholder), "st-enter")
    made.observe(lambda change: state.set_trait(name, change.new[:most]), "value")
    traitlets.dlink((state, name), (made, "value"))
    return made
