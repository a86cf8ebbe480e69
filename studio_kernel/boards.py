"""The boards of a home: saving, finding and deleting sets of runs that are looked at side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from immutabledict import immutabledict

from studio_kernel.domain.boards import Board
from studio_kernel.domain.runs import RunRecord
from studio_kernel.domain.values import Value, freeze
from studio_kernel.errors import InvalidRequestError, Problem, UnknownBoardError, closest
from studio_kernel.presence import one_at_a_time
from studio_kernel.runlog import RunLog, new_run_id


class Boards:
    """The boards of a home.

    Parameters
    ----------
    log : RunLog
        Its run log.
    locks : pathlib.Path
        The directory of its locks.
    """

    def __init__(self, log: RunLog, locks: Path) -> None:
        self._log, self._locks = log, locks

    def save(
        self,
        name: str,
        runs: Sequence[RunRecord],
        *,
        project: str | None,
        settings: Mapping[str, object] | None,
        replaces: bool,
        by: str,
    ) -> Board:
        """Keep runs under a name and return the board.

        Parameters
        ----------
        replaces : bool
            Whether a board of that name may be changed.

        Raises
        ------
        InvalidRequestError
            When there is one of that name and it may not be changed, for a deleted or private run, and for what a
            board cannot hold.
        HomeError
            When another process does not let go of the boards.
        """
        self._require_shown(runs)
        try:
            asked = Board(
                new_run_id(),
                name,
                tuple(run.id for run in runs),
                project,
                _frozen(settings or {}),
                created_by=by.strip(),
            )
        except (TypeError, ValueError) as error:
            raise _refused("board", str(error)) from error
        with one_at_a_time(self._locks, "boards"):  # else two that save one new name at once make two boards
            return self._write(asked, replaces=replaces)

    def find(self, id_or_name: str) -> Board:
        """Return one board.

        Raises
        ------
        UnknownBoardError
            When there is none of that id or name.
        """
        boards = self._log.boards()
        for board in boards:
            if id_or_name == board.id or _same(board.name, id_or_name):
                return board
        close = closest(id_or_name, [board.name for board in boards])
        hint = f"did you mean {' or '.join(map(repr, close))}?" if close else "studio.boards() lists what there is"
        raise UnknownBoardError(f"no board {id_or_name!r} in this home; {hint}")

    def _write(self, asked: Board, *, replaces: bool) -> Board:
        self._log.catch_up()
        known = next((each for each in self._log.boards() if _same(each.name, asked.name)), None)
        if known is not None and not replaces:
            raise _refused("name", f"there is a board {known.name!r} already; say replace=True to change it")
        now = datetime.now(UTC)
        board = replace(asked, created_at=now, changed_at=now)
        if known is not None:
            board = replace(board, id=known.id, created_at=known.created_at)
        self._log.board(board)
        return replace(board, created_by=known.created_by) if known is not None else board

    def _require_shown(self, runs: Sequence[RunRecord]) -> None:
        private = self._log.private_among([run.id for run in runs])
        reasons = [(run.id, "is private, and boards are not") for run in runs if run.id in private]
        reasons += [(run.id, "is deleted; studio.restore brings it back") for run in runs if run.is_deleted]
        if reasons:
            raise InvalidRequestError([Problem("run", f"{run_id} {reason}") for run_id, reason in reasons], "board")


def _frozen(settings: Mapping[str, object]) -> Mapping[str, Value]:
    return immutabledict({str(name): freeze(value) for name, value in settings.items()})


def _same(name: str, other: str) -> bool:
    return name.strip().casefold() == other.strip().casefold()


def _refused(field: str, text: str) -> InvalidRequestError:
    return InvalidRequestError([Problem(field, text)], "board")
