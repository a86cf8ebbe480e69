"""Batches without a screen: how many pictures, from which seeds; they run as one sweep over the seeds.

So they survive the kernel, share passes through the model and can be gone on with. A batch is known in the log by that
shape: a sweep over seeds alone, whose passes hold as many cells as follow each other by one.
"""

from __future__ import annotations

import secrets
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import traitlets
from immutabledict import immutabledict

from studio_kernel.domain.parameters import MAX_SEED
from studio_kernel.domain.sweep import Sweep
from studio_kernel.domain.values import describe
from studio_kernel.errors import InvalidRequestError, Problem
from studio_kernel.outcome import Outcome
from studio_kernel.sweeps import SweepRun
from studio_widgets.cells.state import CellsState
from studio_widgets.cells.table import Table, tile
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio
    from studio_widgets.generation.state import GenerationState

MOST = 20
"""Pictures in a batch, and batches."""
LOOKED_AT = 20
"""Newest sweeps among which an unfinished batch is looked for."""
SEED = "seed"
_SEED_COUNT = 10_000_000
"""Chosen seeds are below that, so that people can read and copy them."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a batch is made of."""

    model: str
    task: str
    values: Mapping[str, object]
    seeds: tuple[int, ...]
    batch_size: int
    project: str


class BatchState(CellsState):
    """Batches of pictures of one form.

    Parameters
    ----------
    studio : Studio
        Opened as an editor.
    form : GenerationState
        Says what is asked for; its seed is not used.
    find : bool
        Whether to show the newest batch of the home that has not ended, if there is one.

    Attributes
    ----------
    batch_size, batches : int
        1 … 20 each.
    seeds : tuple of int
        Of the first picture of each batch; the others follow it by one.

    Examples
    --------
    >>> state = BatchState(studio, form)  # doctest: +SKIP
    >>> state.batch_size, state.batches = 4, 2  # doctest: +SKIP
    >>> state.run()  # doctest: +SKIP
    """

    batch_size = traitlets.Int(4, min=1, max=MOST)
    batches = traitlets.Int(1, min=1, max=MOST)
    seeds = traitlets.Tuple()

    def __init__(
        self, studio: Studio, form: GenerationState, *, workspace: Workspace | None = None, find: bool = True
    ) -> None:
        super().__init__(studio, form, workspace=workspace)
        self._fit_seeds()
        self.observe(lambda _change: self._fit_seeds(), ["batch_size", "batches"])
        self.observe(lambda _change: self._plan(), ["seeds", "batch_size"])
        self._plan()
        if find and studio.mode == "editor":
            self._send("looking for an unfinished batch", self._find)

    @property
    def images(self) -> int:
        """How many pictures the form asks for at once."""
        number = self.form.values.get("num_images")
        return number if isinstance(number, int) and number > 0 else 1

    @property
    def total(self) -> int:
        """How many pictures all batches make, without alternatives in the prompt."""
        return self.batch_size * self.batches * self.images

    def set_seed(self, batch: int, seed: int) -> None:
        """Give a batch the seed of its first picture."""
        if not 0 <= batch < len(self.seeds):
            self.error = f"there is no batch {batch + 1}"
        elif not 0 <= seed <= self._largest:
            self.error = f"the seed {seed} is not between 0 and {self._largest}"
        else:
            self.error = ""
            self.seeds = (*self.seeds[:batch], seed, *self.seeds[batch + 1 :])

    def new_seeds(self) -> None:
        """Choose other seeds for all batches."""
        self.seeds = tuple(_chosen(self.batches, self.batch_size, (), self._largest))

    def again(self) -> None:
        """Run once more, with new seeds."""
        self.new_seeds()
        self.run()

    @property
    def _largest(self) -> int:
        """The largest seed from which a whole batch can be counted."""
        found = next((parameter.max for parameter in self.form.parameters if parameter.name == SEED), None)
        return int(found if found is not None else MAX_SEED) - self.batch_size + 1

    def _fit_seeds(self) -> None:
        """Keep the seeds there are, and choose those that are missing."""
        kept = tuple(min(seed, self._largest) for seed in self.seeds[: self.batches])
        more = _chosen(self.batches - len(kept), self.batch_size, kept, self._largest)
        self.seeds = (*kept, *more)

    def _question(self) -> Hashable:
        values = self._asks_for(SEED)
        values.pop(SEED, None)
        if SEED not in {parameter.name for parameter in self.form.parameters}:
            text = f"{self.form.model} takes none, so that all pictures of a batch would be asked for in the same words"
            raise InvalidRequestError([Problem(SEED, text)], "batch")
        seeds = tuple(seed + place for seed in self.seeds for place in range(self.batch_size))
        if len(set(seeds)) < len(seeds):
            raise InvalidRequestError([Problem(SEED, self._overlap())], "batch")
        form, project = self.form, self.workspace.project
        return Question(form.model, form.task, immutabledict(values), seeds, self.batch_size, project)

    def _overlap(self) -> str:
        """Return which batches would make the same pictures."""
        size = self.batch_size
        ordered = sorted((seed, number) for number, seed in enumerate(self.seeds, start=1))
        pairs = pairwise(ordered)
        one, other = next((a[1], b[1]) for a, b in pairs if b[0] - a[0] < size)
        return (
            f"of batches {min(one, other)} and {max(one, other)} are the same ones in part: they count on from their "
            f"first by one, so that first ones must be {size} apart"
        )

    def _build(self, question: Hashable) -> SweepRun:
        assert isinstance(question, Question), "as `_question` has it"
        values: dict[str, Any] = dict(question.values)
        return self._studio.sweep(
            values.pop("prompt", None),
            model=question.model,
            task=question.task,
            axes={SEED: list(question.seeds)},
            batch_size=question.batch_size,
            project=question.project or None,
            start=False,
            **values,
        )

    def _name_of(self, sweep: SweepRun) -> str:
        base = sweep.definition.base
        return base.prompt or base.task.label

    def _arrange(self, sweep: SweepRun, outcomes: Sequence[Outcome]) -> Table | None:
        size = sweep.definition.batch_size or 1
        chunks = [outcomes[first : first + size] for first in range(0, len(outcomes), size)]
        tiles = (tile(outcome, _title(outcome)) for chunk in chunks for outcome in chunk)
        columns = tuple(f"+{place}" if place else "seed" for place in range(size))
        return Table("", "", columns, tuple(_labels(chunks)), tuple(tiles))

    def _find(self) -> None:
        """Show the newest batch that has cells left."""
        for found in self._studio.sweeps(limit=LOOKED_AT).itertuples():
            if not str(found.axes).startswith(("seed (", "prompt:{")):
                continue
            sweep = self._studio.sweep_of(str(found.id))
            if shape_of(sweep.definition) is None or not _is_unfinished(sweep):
                continue
            if not self.opened:
                self._show(sweep)
            return

    def _opened(self) -> None:
        shape = shape_of(self._sweep.definition) if self._sweep is not None else None
        if shape is not None and len(shape[0]) <= MOST and shape[1] <= MOST:
            seeds, size = shape
            with self.hold_trait_notifications():
                self.seeds = seeds
                self.batch_size, self.batches = size, len(seeds)


def shape_of(sweep: Sweep) -> tuple[tuple[int, ...], int] | None:
    """Return the first seeds of the batches of a sweep, and how many pictures each has; `None` when it has none."""
    *others, last = sweep.groups
    size = sweep.batch_size
    if last.names != (SEED,) or size is None or not all(group.title.startswith("prompt:{") for group in others):
        return None
    seeds = [point[0] for point in last.points]
    firsts = seeds[::size]
    counted = [first + place for first in firsts if isinstance(first, int) for place in range(size)]
    return (tuple(int(str(first)) for first in firsts), size) if seeds == counted else None


def _is_unfinished(sweep: SweepRun) -> bool:
    return any(outcome.status in ("queued", "running", "cancelled", "planned") for outcome in sweep.outcomes())


def _chosen(count: int, size: int, taken: Sequence[int], largest: int) -> Iterator[int]:
    """Yield seeds for batches that share none."""
    known = list(taken)
    for _ in range(count):
        seed = next(
            s for s in iter(lambda: secrets.randbelow(min(_SEED_COUNT, largest + 1)), None) if _is_free(s, size, known)
        )
        known.append(seed)
        yield seed


def _is_free(seed: int, size: int, known: Sequence[int]) -> bool:
    return all(abs(seed - other) >= size for other in known)


def _title(outcome: Outcome) -> str:
    return ", ".join(f"{name} {describe(value)}" for name, value in outcome.cell.coordinates.items())


def _labels(chunks: Sequence[Sequence[Outcome]]) -> Iterator[str]:
    for number, chunk in enumerate(chunks, start=1):
        coordinates = chunk[0].cell.coordinates
        others = [describe(value) for name, value in coordinates.items() if name != SEED]
        yield " · ".join([f"Batch {number}", *others, f"seed {coordinates[SEED]}"])
