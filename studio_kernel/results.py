"""What comes out of a sweep: a table, a grid, a film, numbers and what they say about each axis."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from studio_kernel import outcome
from studio_kernel.assets import AssetStore
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.sweep import Sweep
from studio_kernel.effects import CONFIDENCE, MAX_PAIRS
from studio_kernel.outcome import Outcome

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from studio_kernel import measuring
    from studio_kernel.grid.grid import Grid
    from studio_kernel.grid.layout import Names
    from studio_kernel.metrics.pairs import Sizes
    from studio_kernel.numbers import Numbers, Reference


class SweepResults(ABC):
    """What can be asked of a sweep that is done, or as far as it is done.

    Attributes
    ----------
    definition : Sweep
        Its axes.
    """

    definition: Sweep

    @abstractmethod
    def _outcomes(self) -> Sequence[Outcome]:
        """Return every cell and what became of it."""

    @abstractmethod
    def _store_of(self, asset: Asset) -> AssetStore:
        """Return the store that has a file."""

    @abstractmethod
    def _numbers(self) -> Numbers:
        """Return the numbers of the files of the home."""

    @abstractmethod
    def _reference(self, given: object) -> Reference | None:
        """Return what pictures are compared with."""

    @abstractmethod
    def _inputs(self) -> AssetStore:
        """Return the store of the pictures that are values of axes."""

    def outcomes(self) -> Sequence[Outcome]:
        """Return every cell and what has become of it by now, in the sweep's order."""
        return self._outcomes()

    def frame(self) -> pd.DataFrame:
        """Return the sweep as a table: a row a cell, its coordinates, its run and how it went.

        Columns of axes have the type of their values: numbers, booleans or text; LoRAs and pictures are text.
        """
        return outcome.frame(self._outcomes())

    def grid(
        self,
        rows: Names = None,
        columns: Names = None,
        *,
        facets: Names = None,
        at: Mapping[str, object] | None = None,
    ) -> Grid:
        """Return the pictures as a labelled grid.

        Parameters
        ----------
        rows, columns, facets : str or sequence of str
            Axes that go down, across, and into a panel each; the outermost first. Left out, the last group of axes
            that is free goes across and the one before it down.
        at : mapping
            Which value to show of other axes; the first when left out, as the title then says.

        Raises
        ------
        InvalidRequestError
            For an axis or a value that the sweep does not have.
        """
        from studio_kernel import contents
        from studio_kernel.grid.grid import Grid
        from studio_kernel.grid.layout import arrange

        layout = arrange(self.definition, rows, columns, facets, at)
        cells = contents.grid_cells(self._outcomes(), self.definition, self._store_of)
        return Grid(self.definition, cells, layout, contents.inputs(self.definition, self._inputs()))

    def film(
        self,
        rows: Names = None,
        columns: Names = None,
        *,
        facets: Names = None,
        over: Names,
        path: str | os.PathLike[str],
        fps: float = 4.0,
        at: Mapping[str, object] | None = None,
    ) -> Path:
        """Write a film of the grid that runs along an axis, and return its path.

        Parameters
        ----------
        rows, columns, facets, at
            As for `grid`; the axes that are free are placed as there.
        over : str or sequence of str
            The axes that change from frame to frame.
        path : path
            Ends in ``.gif`` or ``.mp4``.
        fps : float
            Frames a second.

        Raises
        ------
        InvalidRequestError
            For an unknown axis, value or ending.
        """
        from studio_kernel.grid.layout import arrange

        sides = arrange(self.definition, rows, columns, facets, at, over).sides
        grid = self.grid(sides["rows"], sides["columns"], facets=sides["facets"], at=at)
        return grid.film(over, path, fps=fps)

    def metrics(
        self, names: measuring.Wanted | None = None, *, reference: object = None, sizes: Sizes = "same"
    ) -> pd.DataFrame:
        """Return the numbers of every cell: its coordinates, its run, a column a metric.

        Parameters
        ----------
        names : str, function, list of them, or mapping
            Which, by their names in `studio_kernel.metrics.registry` and ``elapsed_s``, ``cost_usd``, ``rating``; a
            function takes a PIL image and returns a number; a mapping gives functions names. All that is possible
            when left out.
        reference : Run, PIL image, array or path
            What ``similarity``, ``psnr`` and the other metrics of pairs compare with.
        sizes : {"same", "scale", "crop", "pad"}
            What is done with pictures of another size than the reference: they are refused, both scaled to the smaller
            sides, cut to the middle that both have, or both laid on white of the larger sides.

        Returns
        -------
        pandas.DataFrame
            NaN where there is no picture; the mean over the pictures of a run that made several, and over 16 moments
            of a video. ``attrs["units"]`` has the units.

        Raises
        ------
        InvalidRequestError
            For an unknown name.
        InvalidInputError
            When a picture cannot be compared with the reference.
        """
        from studio_kernel import measuring

        compared_with = self._reference(reference)
        return measuring.measured(self._outcomes(), self._numbers(), names, reference=compared_with, sizes=sizes)

    def effects(
        self,
        metric: measuring.One,
        *,
        reference: object = None,
        sizes: Sizes = "same",
        confidence: float = CONFIDENCE,
    ) -> pd.DataFrame:
        """Return the effect of every value of every axis on a metric, with confidence intervals.

        Parameters
        ----------
        metric : str or function
            One of those of `metrics`; so are `reference` and `sizes`.
        confidence : float
            Of the intervals.

        Returns
        -------
        pandas.DataFrame
            See `studio_kernel.effects.estimates.effects`, and that module for what the intervals assume.
        """
        from studio_kernel import contents
        from studio_kernel.effects import estimates

        table, name = self._measured(metric, reference, sizes)
        return estimates.effects(table, contents.axes_of(self.definition), name, confidence=confidence)

    def interactions(
        self,
        metric: measuring.One,
        a: str,
        b: str,
        *,
        reference: object = None,
        sizes: Sizes = "same",
        confidence: float = CONFIDENCE,
    ) -> pd.DataFrame:
        """Return how far each pair of values of two axes is from the sum of their effects.

        Parameters and columns are those of `effects` and `studio_kernel.effects.estimates.interactions`.
        """
        from studio_kernel import contents
        from studio_kernel.effects import estimates

        table, name = self._measured(metric, reference, sizes)
        axes = contents.axes_of(self.definition)
        return estimates.interactions(table, axes, name, a, b, confidence=confidence)

    def plot_effects(self, metric: measuring.One, *, reference: object = None, sizes: Sizes = "same") -> Figure:
        """Return a main-effects plot: a panel an axis, means with the intervals of their effects."""
        from studio_kernel import contents, measuring
        from studio_kernel.effects import plots

        table = self.effects(metric, reference=reference, sizes=sizes)
        return plots.plot_effects(table, label=measuring.label_of(metric), shown=contents.labels_of(self.definition))

    def plot_interaction(
        self, metric: measuring.One, a: str, b: str, *, reference: object = None, sizes: Sizes = "same"
    ) -> Figure:
        """Return an interaction plot: a line for each value of `b` over those of `a`."""
        from studio_kernel import contents, measuring
        from studio_kernel.effects import plots

        table = self.interactions(metric, a, b, reference=reference, sizes=sizes)
        return plots.plot_interaction(
            table, label=measuring.label_of(metric), shown=contents.labels_of(self.definition)
        )

    def influence(
        self,
        metric: measuring.One | None = None,
        *,
        reference: object = None,
        sizes: Sizes = "same",
        max_pairs: int = MAX_PAIRS,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Return which axis moved the result most: the mean distance of cells that differ in that axis only.

        Parameters
        ----------
        metric : str or function
            Distance in this number; left out, pictures are compared: ``distance`` is 1 - SSIM, beside it
            ``pixel_difference``, both at 256 pixels on the longest side (a run's first picture, scaled where sizes
            differ).
        max_pairs : int
            An axis that has more pairs is judged by a random sample of so many, as ``pairs`` of ``pairs_total`` says.
        seed : int
            Of that sample.

        Returns
        -------
        pandas.DataFrame
            A row an axis, the most influential first.
        """
        from studio_kernel import measuring

        if metric is None:
            return measuring.moved(self._outcomes(), self.definition, self._store_of, max_pairs=max_pairs, seed=seed)
        table, name = self._measured(metric, reference, sizes)
        return measuring.moved_number(table, self.definition, name, max_pairs=max_pairs, seed=seed)

    def _measured(self, metric: measuring.One, reference: object, sizes: Sizes) -> tuple[pd.DataFrame, str]:
        from studio_kernel import measuring

        return self.metrics(metric, reference=reference, sizes=sizes), measuring.name_of(metric)
