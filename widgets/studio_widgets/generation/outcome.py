"""What is being made, on a screen, and what came of it."""

from __future__ import annotations

from html import escape

import ipywidgets

from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.domain.tasks import Task
from studio_widgets.discarding import discard
from studio_widgets.exporting.state import ExportState
from studio_widgets.exporting.view import ZipButton
from studio_widgets.facts import badges_of, facts_of
from studio_widgets.frame import panel as parts
from studio_widgets.generation.standing import bar_of, stage_of, time_of
from studio_widgets.generation.state import GenerationState
from studio_widgets.marks.view import Marks
from studio_widgets.picture.view import Picture
from studio_widgets.records import title_of
from studio_widgets.saving.view import Download
from studio_widgets.strip.view import Strip
from studio_widgets.workspace import Wish

FETCH = "Fetch what the service may still have of it; that is not charged again"
ONCE_MORE = "Regenerate: the same settings as this result, with a new seed"
AS_INPUT = "Use this file as an input of another task"


class Outcome(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """What is being made, and what came of it."""

    def __init__(self, state: GenerationState) -> None:
        self._state = state
        self._error = ipywidgets.HTML()
        self._picture = Picture(placeholder="Your picture appears here.")
        self._strip = Strip(lambda place: state.set_trait("shown", place))
        self._badges = parts.styled(ipywidgets.HTML(), "sg-badges")
        self._facts = ipywidgets.HTML()
        shown = (
            *(self._error, Remedies(state), self._picture, self._strip, Working(state)),
            *(ResultBar(state), self._badges, self._facts),
        )
        super().__init__([parts.card(*shown)])
        parts.styled(self, "st-outcome")
        state.observe(lambda _change: self._show_error(), "error")
        state.observe(lambda _change: self._show_preview(), "preview")
        state.observe(lambda _change: self._show_result(), ["result", "shown"])
        state.observe(lambda _change: self._show_facts(), "status")
        self._show_error()
        self._show_preview()
        self._show_result()

    def _show_error(self) -> None:
        parts.fill(self._error, parts.alert(self._state.error))

    def _show_preview(self) -> None:
        state = self._state
        if state.preview:
            self._strip.show((), 0)
            self._picture.show(state.preview, "image/webp", f"Preview: {state.prompt}", preview=True)

    def _show_result(self) -> None:
        record = self._state.result
        self._show_facts()
        if record is None:
            return
        if record.status is RunStatus.SUCCEEDED or not record.assets:
            self._picture.show(*self._state.file(), alt=title_of(record))
            self._strip.show(self._state.thumbnails() if len(record.assets) > 1 else (), self._state.shown)

    def _show_facts(self) -> None:
        """Tell about the picture that is shown: nothing of a failed run while the next one is at work."""
        record = self._state.result
        if record is None or (record.status is RunStatus.FAILED and self._state.is_busy):
            parts.fill(self._badges, "")
            parts.fill(self._facts, "")
        else:
            parts.fill(self._badges, badges_of(record))
            parts.fill(self._facts, facts_of(record, with_error=False))


class ResultBar(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """What can be done with the result that is shown."""

    def __init__(self, state: GenerationState) -> None:
        self._state = state
        self._again = parts.button("Once more", state.regenerate, ONCE_MORE)
        self._seed = parts.button("Reuse seed", state.reuse_seed, "Take the seed of this result and keep it")
        self._input = ipywidgets.ToggleButton(description="Use as input", tooltip=AS_INPUT)
        self._to_compare = parts.button("Compare", lambda: self._ask("compare"), "Put it beside other results")
        self._to_gallery = parts.button("Show in gallery", lambda: self._ask("show"))
        self._download = Download(state.part)
        self._leaving = ExportState(state.studio)
        self._all = ZipButton(self._leaving, "Download all")
        self._refused = ipywidgets.HTML()
        self._tasks = parts.styled(ipywidgets.HBox(), "st-row", "sf-takers")
        self._marks = Marks(on_star=state.star, on_rate=state.rate)
        buttons = [self._again, self._seed, self._input, self._to_compare, self._to_gallery, self._download, self._all]
        super().__init__([parts.row(*buttons), self._refused, self._tasks, self._marks])
        parts.styled(self, "sf-result")
        state.observe(lambda _change: self._show(), ["result", "shown", "blocked", "parameters"])
        state.workspace.observe(lambda _change: self._show(), "can_do")
        self._input.observe(lambda _change: self._show_takers(), "value")
        self._leaving.observe(lambda _change: self._show_refused(), "error")
        self._show()
        self._show_refused()

    def _show(self) -> None:
        state, record = self._state, self._state.result
        has_files = record is not None and bool(record.assets)
        parts.place(self, record is not None)
        if record is None:
            return
        parts.place(self._again, state.can_change)
        parts.place(self._seed, record.seed is not None and state.can_change)
        parts.place(self._input, has_files and state.can_change)
        parts.place(self._to_compare, has_files and state.workspace.can("compare"))
        parts.place(self._to_gallery, state.workspace.can("show"))
        self._show_downloads(record)
        self._marks.favourite, self._marks.rating = record.favourite, record.rating or 0
        self._show_takers()

    def _show_downloads(self, record: RunRecord) -> None:
        """Offer the file that is shown, and all of them where there are several."""
        has_several = len(record.assets) > 1
        with self._download.hold_sync():
            self._download.run = record.id if record.assets else ""
            self._download.file, self._download.name = self._state.shown, self._state.file_name()
        self._leaving.select([record.id] if has_several else [])
        parts.place(self._download, bool(record.assets))
        parts.place(self._all, has_several)

    def _show_refused(self) -> None:
        parts.fill(self._refused, parts.alert(self._leaving.error))

    def _show_takers(self) -> None:
        """Offer the tasks that take such a file, once they are asked for: finding them takes a moment."""
        state = self._state
        wanted = bool(self._input.value) and state.result is not None and bool(state.result.assets)
        old = self._tasks.children
        medium = state.result.assets[state.shown].media_type.partition("/")[0] if wanted and state.result else ""
        takers = state.takers(medium) if medium else []
        self._tasks.children = [self._taker(task) for task in takers]
        parts.place(self._tasks, bool(takers))
        discard(old)

    def _taker(self, task: Task) -> ipywidgets.Button:
        return parts.button(task.label, lambda: self._use(task), f"Use it for {task.label.lower()}", "st-chip")

    def _use(self, task: Task) -> None:
        self._input.value = False
        self._state.use_result(str(task))

    def _ask(self, wish: Wish) -> None:
        if self._state.result is not None:
            self._state.workspace.ask(wish, self._state.result.id)


class Working(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """How far a run is. Bar, words and clock stand apart: the clock goes on without the words being read out again."""

    def __init__(self, state: GenerationState) -> None:
        self._state = state
        self._bar, self._stage, self._time = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        line = parts.styled(ipywidgets.HBox([self._stage, self._time]), "st-working")
        super().__init__([self._bar, line])
        state.observe(lambda _change: self._show(), ["status", "step", "stage", "total", "position", "passed_s"])
        self._show()

    def _show(self) -> None:
        state = self._state
        self.layout.display = None if state.is_busy else "none"
        if state.is_busy:
            self._bar.value = bar_of(state.step, state.total)
            self._stage.value = f'<span class="st-sub" role="status">{escape(stage_of(state))}</span>'
            self._time.value = f'<span class="st-sub">{escape(time_of(state))}</span>'


class Remedies(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """What can be done about a run that has failed, and the question that goes before what may cost twice."""

    def __init__(self, state: GenerationState) -> None:
        self._state = state
        self._fetch = parts.button("Fetch result", state.fetch, FETCH)
        self._again = parts.button("Run again", state.run_again, "Ask for the same once more")
        self._question = ipywidgets.HTML()
        yes, no = parts.button("Yes, run again", state.agree), parts.button("No", state.decline)
        self._asking = ipywidgets.VBox([self._question, parts.row(yes, no)])
        super().__init__([parts.row(self._fetch, self._again), parts.styled(self._asking, "st-asking")])
        parts.styled(self, "st-remedies")
        state.observe(lambda _change: self._show(), ["status", "result", "question"])
        self._show()

    def _show(self) -> None:
        state = self._state
        asks = bool(state.question)
        parts.place(self, state.can_fetch or state.can_run_again)
        parts.place(self._fetch, state.can_fetch)
        parts.place(self._again, state.can_run_again and not asks)
        parts.fill(self._question, parts.warning(state.question))
        parts.place(self._asking, asks)
