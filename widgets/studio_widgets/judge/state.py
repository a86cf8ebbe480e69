"""Judging without a screen: what is judged and by whom, the two at hand, what was said, and the result.

A judge knows nothing but the two files: whatever would tell which is which stays in this state and goes to no page
while it judges. The result is not even computed before somebody asks for it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, cast

import traitlets

from studio_kernel.domain.judging import MAX_BALLOT_LENGTH, MAX_RATER_LENGTH, Choice, Vote
from studio_kernel.domain.runs import RunRecord
from studio_kernel.errors import StudioError
from studio_kernel.judging.ranking import Ranking
from studio_kernel.runlog import RunFilter
from studio_kernel.sweeps import SweepRun
from studio_widgets.judge import sources
from studio_widgets.judge.blind import without_facts
from studio_widgets.records import title_of
from studio_widgets.state import TOO_MUCH, LiveState
from studio_widgets.wording import counted
from studio_widgets.workspace import Workspace, tidy_name

if TYPE_CHECKING:
    from studio_kernel.judging.duels import Duel, Duels
    from studio_kernel.studio import Studio

QUESTION = "Which is better?"
KEPT_AS = "judge"
Side = Literal["left", "right"]


class JudgeState(LiveState):
    """Two at a time, which of them is better, and what follows from that.

    Parameters
    ----------
    studio : Studio
        Editor or viewer; both may vote.
    runs : RunFilter, SweepRun, sequence of Run or str, or None
        What is judged; it can be chosen when left out.
    by : str or None
        What is ranked: ``run``, ``model``, ``prompt``, ``project`` or a parameter.
    rater : str
        Who judges; an editor's is remembered.
    ballot : str
        What is asked; votes of several ballots are counted apart.
    workspace : Workspace
        Its `compared` runs can be judged.
    seed : int or None
        Of the order and the sides; `None` = another one each time.

    Attributes
    ----------
    stage : {"setup", "judging", "result"}
        Where it is.
    source, by, rater, ballot : str
        What was chosen; `offered` and `groupings` tell what there is.
    notice : str
        What there is to know of what is judged.
    turn : int
        Number of the pair at hand; 0 = none is.
    kinds : tuple of str
        What the two sides are: ``image``, ``video``, ``audio``.
    prompt : str
        The prompt of the pair at hand, when both have the same.
    progress : str
        How far it is, in words.
    can_undo : bool
        Whether there is something to take back.
    ranking : Ranking or None
        The result; `None` while nobody has asked for it.

    Examples
    --------
    >>> state = JudgeState(studio, runs=sweep, rater="Ada")  # doctest: +SKIP
    >>> state.begin()  # doctest: +SKIP
    >>> state.vote("left")  # doctest: +SKIP
    >>> state.show_result()  # doctest: +SKIP
    >>> state.ranking.table  # doctest: +SKIP
    """

    stage = traitlets.Enum(["setup", "judging", "result"], "setup", read_only=True)
    source = traitlets.Unicode(sources.ALL)
    by = traitlets.Unicode()
    rater = traitlets.Unicode()
    ballot = traitlets.Unicode()
    offered = traitlets.Instance(list, args=(), read_only=True)
    groupings = traitlets.Instance(list, args=(), read_only=True)
    notice = traitlets.Unicode(read_only=True)
    turn = traitlets.Int(0, read_only=True)
    progress = traitlets.Unicode(read_only=True)
    ranking = traitlets.Instance(Ranking, allow_none=True, read_only=True)

    def __init__(
        self,
        studio: Studio,
        *,
        runs: sources.Runs | None = None,
        by: str | None = None,
        rater: str = "",
        ballot: str = "",
        workspace: Workspace | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(studio, workspace=workspace)
        self._given = sources.source_of(runs) if runs is not None else None
        self._seed = seed
        self._source: sources.Source = RunFilter()
        self._field = sources.Field()
        self._duels: Duels | None = None
        self._duel: Duel | None = None
        self._shown_at = 0.0
        self._turns = 0
        self._own_grouping = by or ""
        self._read_for: tuple[object, ...] = ()
        self._said: list[tuple[Duel, Vote]] = []
        self.rater, self.ballot, self.by = rater or self.workspace.who or self._remembered(), ballot, by or ""
        self.source = sources.usual(self.workspace)
        self.workspace.observe(lambda _change: self._look_again(), "compared")
        self.workspace.observe(self._follow_who, "who")
        self.observe(lambda _change: self._look_again(), ["source", "by"])
        self.refresh()

    @property
    def candidates(self) -> tuple[RunRecord, ...]:
        """The runs that are judged."""
        return self._field.records

    @property
    def question(self) -> str:
        """What is asked of the pair at hand."""
        return self.ballot.strip() or QUESTION

    @property
    def kinds(self) -> tuple[str, ...]:
        """What the two sides are: ``image``, ``video`` or ``audio``; none while there is no pair."""
        files = [sources.judged_file(record) for record in self._pair]
        return tuple(file.media_type.split("/")[0] if file else self._field.kind for file in files)

    @property
    def prompt(self) -> str:
        """The prompt of the pair at hand, when both have the same."""
        prompts = {record.request.prompt or "" for record in self._pair}
        return prompts.pop() if len(prompts) == 1 else ""

    @property
    def can_undo(self) -> bool:
        """Whether there is something to take back."""
        return bool(self._said)

    # What is done

    def begin(self) -> None:
        """Judge what was chosen, under the name that was given."""
        self._attempt(self._begin)

    def vote(self, choice: Choice) -> None:
        """Say which side of the pair at hand is better, that neither is (``tie``), or nothing (``skip``)."""
        with self.lock:
            if self._duel is not None:
                self._attempt(lambda: self._vote(choice))

    def undo(self) -> None:
        """Take back what was said last, and judge that pair again."""
        with self.lock:
            if self._said and self.stage != "setup":
                self._attempt(self._undo)

    def show_result(self) -> None:
        """Compute the ranking from everything that was said about these runs, by whomever."""
        self._attempt(lambda: self._go_to("result"))

    def go_on(self) -> None:
        """Judge the pair at hand, or the next one."""
        self._attempt(self._begin if self._duel is None else lambda: self._go_to("judging"))

    def stop(self) -> None:
        """Choose again what is judged, and by whom; what was said stays."""
        with self.lock:
            self._duel, self._said = None, []
            self._attempt(lambda: self._go_to("setup"))

    def file(self, side: Side) -> bytes:
        """Return a file of the pair at hand, without what tells how it was made; nothing when it is gone."""
        record = dict(zip(("left", "right"), self._pair, strict=False)).get(side)
        asset = sources.judged_file(record) if record is not None else None
        if asset is None or self.stage != "judging":
            return b""
        try:
            return without_facts(self._studio.store_of(asset).path(asset).read_bytes(), asset.media_type)
        except (StudioError, OSError):
            return b""  # the page says so; the words of the error would say which file it is

    def face_of(self, run: str) -> sources.Face | None:
        """Return what a run that was judged looks like, for the result; `None` when it is none of them."""
        record = next((record for record in self.candidates if record.id == run), None)
        asset = sources.judged_file(record) if record is not None else None
        if record is None or asset is None or self.stage != "result":
            return None
        seed = f", seed {record.seed}" if record.seed is not None else ""
        return sources.Face(f"{title_of(record)} ({record.request.model}{seed})", self._thumbnail_of(asset))

    # Inside

    def _follow_who(self, change: traitlets.Bunch) -> None:
        """Somebody else works here now: what was begun was another's."""
        if change.new != self.rater.strip():
            with self.lock:
                self.stop()
                self.rater = change.new

    @property
    def _pair(self) -> tuple[RunRecord, ...]:
        return (self._duel.left, self._duel.right) if self._duel is not None else ()

    def _begin(self) -> None:
        _require_name(self.rater, "Say who judges", MAX_RATER_LENGTH)
        if self.ballot.strip():
            _require_name(self.ballot, "", MAX_BALLOT_LENGTH)
        with self.lock:
            self.rater = self.workspace.who = tidy_name(self.rater)
            self._read_field()
            if len(self.candidates) < 2:
                raise StudioError(f"It takes two to judge. {self.notice}")
            self._said = []
            self._remember()
            self._meet()

    def _meet(self) -> None:
        """Find who meets whom, from the votes there are, and begin."""
        self._duels = self._studio.duels(
            self._voted_on,
            rater=self.rater.strip(),
            by=None if self.by == "run" else self.by,
            ballot=self.ballot.strip(),
            seed=self._seed,
        )
        self._next()

    def _next(self) -> None:
        """Go on with the pair that says most now; with the result when nothing is left to be said."""
        self._duel = self._duels.next() if self._duels is not None else None
        self._go_to("judging" if self._duel is not None else "result")

    def _vote(self, choice: Choice) -> None:
        duel = cast("Duel", self._duel)
        seconds = round(time.monotonic() - self._shown_at, 3)
        if not self._may_say():
            self._show_pair()  # again: the page takes one vote a turn
            raise StudioError(TOO_MUCH)
        try:
            vote = self._studio.vote(
                duel.left.id,
                duel.right.id,
                choice,
                rater=self.rater.strip(),
                ballot=self.ballot.strip(),
                seconds=seconds,
            )
        except StudioError as error:
            self._read_field()
            self._meet()
            # words of the error name the run
            raise StudioError("That pair cannot be judged any more; this is another one.") from error
        except OSError as error:
            self._show_pair()  # again: the page takes one vote a turn
            raise StudioError(f"It could not be kept ({error.strerror}); say it again.") from error
        self._said.append((duel, vote))
        cast("Duels", self._duels).tell(vote)
        self._next()

    def _undo(self) -> None:
        duel, vote = self._said[-1]
        self._studio.retract(vote)
        self._said.pop()
        if self._duels is not None:
            self._duels.forget(vote)
        self._duel = duel
        self._go_to("judging")

    def _go_to(self, stage: Literal["setup", "judging", "result"]) -> None:
        with self.lock, self.hold_trait_notifications():
            self.set_trait("stage", stage)
            self._read()
            self._show_pair()

    def _show_pair(self) -> None:
        """Give what is at hand a number of its own, so that nothing is said about what was there before."""
        is_judging = self.stage == "judging"
        self._turns += is_judging
        self._shown_at = time.monotonic()
        self.set_trait("progress", self._progress() if is_judging else "")
        self.set_trait("turn", self._turns if is_judging else 0)

    def _progress(self) -> str:
        skipped = sum(vote.choice == "skip" for _duel, vote in self._said)
        left = f"{counted(self._duels.left, 'pair')} left" if self._duels is not None else ""
        done = f"{len(self._said) - skipped} judged" + (f", {skipped} skipped" if skipped else "")
        return f"{done} · {left}"

    def _look_again(self) -> None:
        if self.stage != "judging" and self._read_for != self._chosen:
            self.refresh()

    @property
    def _chosen(self) -> tuple[object, ...]:
        return self.source, self.by, self.workspace.compared

    def _read(self) -> None:
        if self.stage == "judging":
            self.set_trait("ranking", None)
            return  # the field stays what it was, and nobody sees the result
        if self.stage == "setup":
            self._read_field()
        self._read_for = self._chosen
        self.set_trait("ranking", self._ranked() if self.stage == "result" else None)

    def _read_field(self) -> None:
        studio, compared = self._studio, self.workspace.compared
        offered = [("What it was opened with", sources.GIVEN)] if self._given else sources.offered(studio, compared)
        if self.source not in [key for _label, key in offered]:
            self.source = offered[0][1]
        self._source = self._given or sources.source_for(studio, self.source, compared)
        self._field = sources.field_of(sources.records_of(studio, self._source))
        self.set_trait("offered", offered)
        self.set_trait("groupings", sources.groupings(self.candidates))
        self.set_trait("notice", self._field.notice)
        if self.by not in [self._own_grouping or "run", *(key for _label, key in self.groupings)]:
            self.by = self._usual_grouping()

    @property
    def _voted_on(self) -> SweepRun | tuple[RunRecord, ...]:
        """What is judged, as the kernel wants it: a sweep as such, for it knows the coordinates of its cells."""
        return self._source if isinstance(self._source, SweepRun) else self.candidates

    def _usual_grouping(self) -> str:
        return "model" if len({record.request.model for record in self.candidates}) > 1 else "run"

    def _ranked(self) -> Ranking:
        return self._studio.ranking(self.by, runs=self._voted_on, ballot=self.ballot.strip())

    def _remembered(self) -> str:
        """Return the name that an editor judged under last; visitors of a dashboard are somebody else each time."""
        name = self._studio.remembered(KEPT_AS).get("rater") if self.can_change else ""
        return name if isinstance(name, str) and len(name) <= MAX_RATER_LENGTH else ""

    def _remember(self) -> None:
        if self.can_change:
            self._studio.remember(KEPT_AS, {"rater": self.rater.strip()})


def _require_name(text: str, wish: str, most: int) -> None:
    if not text.strip():
        raise StudioError(f"{wish}: the name goes with every vote.")
    if len(text.strip()) > most:
        raise StudioError(f"{text[:20]!r}… has {counted(len(text.strip()), 'character')}; {most} are the most.")
