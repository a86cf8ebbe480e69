"""Where two pictures differ: a number for every pixel, and a picture of it with a fixed scale.

Each kind has one scale, whatever the pictures, so that two heat maps of a kind can be compared. Values beyond the end
of a scale keep their number and get its last colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from immutabledict import immutabledict

from studio_kernel.errors import InvalidInputError
from studio_kernel.metrics.arrays import Picture
from studio_kernel.metrics.pairs import Sizes, delta_e_map, matched, similarity_map

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from PIL.Image import Image

HeatKind: TypeAlias = Literal["absolute", "delta_e", "structure"]
"""``absolute``: mean absolute difference of the three channels, 0 … 1. ``delta_e``: CIEDE2000 of the colours.
``structure``: 1 - SSIM of the window around the pixel, 0 … 1."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What the colours of a kind of heat map stand for.

    Attributes
    ----------
    label : str
        What people read beside it.
    unit : str
        Empty when it has none.
    low, high : float
        The ends of the scale.
    """

    label: str
    unit: str
    low: float
    high: float


SCALES: Mapping[HeatKind, Scale] = immutabledict(
    {
        "absolute": Scale("absolute difference", "", 0.0, 1.0),
        # Differences of more than 50 are other colours altogether; up to 100 a difference of 2 or 3, which people see
        # side by side, would be as dark as none.
        "delta_e": Scale("colour difference ΔE", "ΔE2000", 0.0, 50.0),
        "structure": Scale("structural difference", "", 0.0, 1.0),
    }
)
FIGURE_INCHES = 6.0


@dataclass(frozen=True, eq=False)
class HeatMap:
    """How far two pictures are apart at every pixel.

    Attributes
    ----------
    values : numpy.ndarray
        Shape (height, width), float32, 0 = the same.
    kind : {"absolute", "delta_e", "structure"}
        What the values are.
    """

    values: NDArray[np.float32]
    kind: HeatKind

    @property
    def unit(self) -> str:
        """Unit of the values; empty when they have none."""
        return SCALES[self.kind].unit

    @property
    def low(self) -> float:
        """The value of the first colour of the scale."""
        return SCALES[self.kind].low

    @property
    def high(self) -> float:
        """The value of the last colour of the scale; larger values have that colour too."""
        return SCALES[self.kind].high

    @property
    def mean(self) -> float:
        """The mean of the values."""
        return float(self.values.mean(dtype="float64"))

    @property
    def worst(self) -> float:
        """The largest of the values."""
        return float(self.values.max())

    def picture(self, colormap: str = "magma", high: float | None = None) -> Image:
        """Return the values as colours, a pixel a value.

        Parameters
        ----------
        colormap : str
            One of matplotlib's.
        high : float
            Another end of the scale, to show small differences.

        Raises
        ------
        InvalidInputError
            When there is no such colormap, or the scale would have no length.
        """
        import numpy as np
        from PIL import Image

        colours = (_colours(colormap)(np.arange(256))[:, :3] * 255).round().astype(np.uint8)
        length = self._end(high) - self.low
        steps = np.clip((self.values - self.low) * (255 / length), 0, 255).round().astype(np.uint8)
        return Image.fromarray(colours[steps])

    def figure(self, colormap: str = "magma", high: float | None = None) -> Figure:
        """Return a matplotlib figure of the values with the scale of its colours; takes what `picture` takes."""
        from studio_kernel.figures import NotebookFigure

        _colours(colormap)
        end = self._end(high)
        height, width = self.values.shape
        figure = NotebookFigure(figsize=(FIGURE_INCHES, FIGURE_INCHES * height / width + 0.3), layout="constrained")
        axes = figure.subplots()
        shown = axes.imshow(self.values, cmap=colormap, vmin=self.low, vmax=end, interpolation="nearest")
        axes.set_axis_off()
        axes.set_title(f"mean {self.mean:.3g}, largest {self.worst:.3g}", fontsize=9)
        beyond = "max" if self.worst > end else "neither"
        figure.colorbar(shown, ax=axes, label=self._label, extend=beyond)
        return figure

    def _repr_png_(self) -> bytes:
        import io

        buffer = io.BytesIO()
        self.picture().save(buffer, "PNG")
        return buffer.getvalue()

    @property
    def _label(self) -> str:
        return self.unit or SCALES[self.kind].label

    def _end(self, high: float | None) -> float:
        end = self.high if high is None else high
        if not end > self.low:
            raise InvalidInputError(f"a scale from {self.low:g} to {end!r} has no length; give more than {self.low:g}")
        return end


def heat_map(one: Picture, other: Picture, kind: HeatKind = "absolute", *, sizes: Sizes = "same") -> HeatMap:
    """Return where two pictures differ; it does not matter which comes first.

    Parameters
    ----------
    one, other : PIL image, array or path
        What is compared.
    kind : {"absolute", "delta_e", "structure"}
        ``absolute``: mean absolute difference of the channels; its mean is the metric ``pixel_difference``.
        ``delta_e``: CIEDE2000, the colour difference that people see; its mean is ``delta_e``. ``structure``: 1 - SSIM
        around each pixel, at most 1 (where patterns are opposite SSIM is below 0).
    sizes : {"same", "scale", "crop", "pad"}
        What is done where sizes differ; see `studio_kernel.metrics.pairs.Sizes`.

    Raises
    ------
    InvalidInputError
        When the sizes differ and are to be the same, when a side is shorter than 7 pixels for ``structure``, or
        there is no such kind.

    Examples
    --------
    >>> import numpy as np
    >>> heat_map(np.zeros((8, 8, 3)), np.ones((8, 8, 3))).mean
    1.0
    """
    import numpy as np

    if kind == "delta_e":
        values = delta_e_map(one, other, sizes=sizes)
    elif kind == "structure":
        values = 1 - similarity_map(one, other, sizes=sizes)
        values = np.clip(values, 0, 1)
    elif kind == "absolute":
        first, second = matched(one, other, sizes)
        values = np.abs(first - second).mean(axis=2)
    else:
        raise InvalidInputError(f"{kind!r} is no kind of heat map; there are {', '.join(SCALES)}")
    return HeatMap(np.ascontiguousarray(values, np.float32), kind)


def _colours(colormap: str) -> Colormap:
    import matplotlib

    try:
        return matplotlib.colormaps[colormap]
    except KeyError:
        raise InvalidInputError(
            f"matplotlib has no colormap {colormap!r}; 'magma', 'viridis' and 'gray' are some"
        ) from None
