"""Some runs beside each other: what `Studio.compare` returns.

Everything is worked out when it is asked for; settings cost nothing, metrics and heat maps read the pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from studio_kernel.comparing import page, tables
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.captions import letter_of
from studio_kernel.domain.difference import Differences, compare, compare_conditions, settings_of
from studio_kernel.domain.runs import RunRecord
from studio_kernel.errors import InvalidInputError, InvalidRequestError, Problem

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.figure import Figure

    from studio_kernel.metrics.heatmaps import HeatKind, HeatMap
    from studio_kernel.metrics.pairs import Sizes
    from studio_kernel.reviewing import ReviewedHome

LEAST = 2


class Comparison:
    """Some runs beside each other; the first is what the others are measured against.

    Made by `Studio.compare`, not by hand.

    Attributes
    ----------
    records : tuple of RunRecord
        The runs as they were when they were compared, called ``A``, ``B`` … in this order.
    sizes : {"same", "scale", "crop", "pad"}
        What is done where pictures have different sizes.
    """

    def __init__(self, studio: ReviewedHome, records: Sequence[RunRecord], sizes: Sizes) -> None:
        if len(records) < LEAST:
            problem = Problem("runs", f"at least {LEAST} are needed, not {len(records)}")
            raise InvalidRequestError([problem], "compare")
        self._studio = studio
        self.records = tuple(records)
        self.sizes = sizes

    def __repr__(self) -> str:
        settings, made = len(self.differences.differences), len(self.conditions.differences)
        return f"<Comparison of {len(self.records)} runs; {settings} settings and {made} conditions differ>"

    def __len__(self) -> int:
        return len(self.records)

    @cached_property
    def differences(self) -> Differences:
        """What differs in the settings, word by word where they are texts."""
        return compare([settings_of(record) for record in self.records])

    @cached_property
    def conditions(self) -> Differences:
        """What differs in what the runs were made with."""
        return compare_conditions(self.records)

    @property
    def parameters(self) -> pd.DataFrame:
        """The settings that differ: a row a run, a column a setting, and for numbers one more, ``NAME_delta``."""
        return tables.frame_of(self.differences, len(self))

    @property
    def provenance(self) -> pd.DataFrame:
        """What the runs were made with, where that differs: versions, device, precision, batch, fallbacks, weights."""
        return tables.frame_of(self.conditions, len(self))

    @property
    def captions(self) -> pd.DataFrame:
        """What the runs took: a row a run with engine, seconds, bytes of peak memory and dollars."""
        pictures = [next((a for a in record.assets if a.width), None) for record in self.records]
        return tables.captions_of(self.records, pictures, [self._endpoint(record) for record in self.records])

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """How close each picture is to the first: a row a run, a column a metric; the first row compares with itself.

        Empty where there is nothing to measure; ``attrs["notes"]`` says why.
        """
        from studio_kernel.metrics.registry import METRICS

        home = self._studio.home
        pairs = [name for name, metric in METRICS.items() if metric.kind == "pair" and not metric.problem(home)]
        first, *_others = runs = [record.id for record in self.records]
        table = self._studio.measure(runs, pairs, reference=first, sizes=self.sizes)
        return table.set_index(tables.letters_of(len(self)))

    def heatmap(self, of: int = 1, to: int = 0, kind: HeatKind = "absolute") -> HeatMap:
        """Return where, and how much, the picture of one run differs from that of another.

        Parameters
        ----------
        of, to : int
            Places of the two runs, from 0.
        kind : {"absolute", "delta_e", "structure"}
            What is shown; see `studio_kernel.metrics.heatmaps.heat_map`.

        Raises
        ------
        InvalidInputError
            When there is no such run, it has no picture, or sizes differ and `sizes` is ``same``.
        """
        from studio_kernel.metrics.heatmaps import heat_map

        return heat_map(self._picture(of), self._picture(to), kind, sizes=self.sizes)

    def figure(self, kind: HeatKind = "absolute") -> Figure:
        """Return the pictures in a row with what they took, and below each how it differs from the first.

        Raises
        ------
        InvalidInputError
            When a run has no picture, or sizes differ and `sizes` is ``same``.
        """
        from studio_kernel.comparing.drawing import drawn

        maps = [self.heatmap(place, 0, kind) for place in range(1, len(self))]
        return drawn(self.records, [self._picture(place) for place in range(len(self))], maps)

    def _repr_html_(self) -> str:
        shown = [page.figure_of(place, record, self._thumbnail(record)) for place, record in enumerate(self.records)]
        letters = [letter_of(place) for place in range(len(self))]
        row = f'<div style="display:flex;flex-wrap:wrap;gap:12px;margin-bottom:12px">{"".join(shown)}</div>'
        settings = page.table_of(self.differences, letters)
        return row + settings + page.table_of(self.conditions, letters, page.CONDITIONS)

    def _picture(self, place: int) -> Path:
        if not 0 <= place < len(self):
            raise InvalidInputError(f"there is no run {place}; the {len(self)} runs are 0 to {len(self) - 1}")
        found = first_picture(self.records[place])
        if found is None:
            raise InvalidInputError(f"run {letter_of(place)} ({self.records[place].id}) has no picture")
        return self._studio.store_of(found).path(found)

    def _thumbnail(self, record: RunRecord) -> bytes | None:
        path = self._studio.thumbnail(record.assets[0]) if record.assets else None
        return path.read_bytes() if path else None

    def _endpoint(self, record: RunRecord) -> str:
        card = self._studio.models.get(record.request.model)
        return card.source.endpoint if card else ""


def first_picture(record: RunRecord) -> Asset | None:
    """Return the first picture of a run; `None` when it has none."""
    return next((asset for asset in record.assets if asset.is_a("image")), None)
