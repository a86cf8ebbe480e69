"""What is worked out from the pictures of a comparison, in a thread: heat maps, and numbers.

Numbers come from the `Measurer` of the kernel, which keeps them in the log. What nobody wants any more is left out, and
what was found is kept here as long as it is shown.
"""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from studio_kernel.domain.assets import Asset
from studio_kernel.errors import StudioError
from studio_kernel.measuring import Measurer, Told
from studio_widgets import beside
from studio_widgets.errands import Errands

if TYPE_CHECKING:
    from studio_kernel.metrics.heatmaps import HeatKind, HeatMap
    from studio_kernel.metrics.pairs import Sizes
    from studio_kernel.studio import Studio

COLOURS = "magma"
STOPS = 17
"""Colours that the scale beside the pictures is drawn with."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two files, and what is to be found of them.

    Attributes
    ----------
    picture, reference : Asset
        The file, and what it is held against; `None` where a metric is of one picture.
    sizes : {"scale", "crop", "pad"}
        What is done where their sizes differ.
    what : str
        The kind of a heat map, or the name of a metric; some are called the same.
    is_map : bool
        Whether it is a heat map.
    """

    picture: Asset
    reference: Asset | None
    sizes: Sizes
    what: str
    is_map: bool = False

    @property
    def key(self) -> str:
        """The same for what gives the same."""
        against = f"{self.sizes}/{self.reference.sha256}" if self.reference is not None else ""
        return f"{'map of ' if self.is_map else ''}{self.what}/{self.picture.sha256}/{against}"


@dataclass(frozen=True, slots=True)
class Heat:
    """A heat map as a page shows it.

    Attributes
    ----------
    data, media_type
        The picture; empty when there is none.
    low, high, unit, name
        The scale: what the first and the last colour stand for.
    mean, worst : float
        Of all pixels.
    colours : tuple of str
        From `low` to `high`, for CSS.
    error : str
        Why there is no picture.
    """

    data: bytes = field(default=b"", repr=False)
    media_type: str = "image/webp"
    low: float = 0.0
    high: float = 1.0
    unit: str = ""
    name: str = ""
    mean: float = 0.0
    worst: float = 0.0
    colours: tuple[str, ...] = ()
    error: str = ""


Found: TypeAlias = "Heat | float"


class Pixels:
    """Finds out what is asked for beside the calling thread, and remembers it as long as it is wanted.

    Parameters
    ----------
    studio : Studio
        Has the files, and keeps the numbers.
    heard : callable
        Called in another thread whenever something was found.
    """

    def __init__(self, studio: Studio, heard: Callable[[], None]) -> None:
        self._studio = studio
        self._heard = heard
        self._lock = threading.Lock()
        self._found: dict[str, Found] = {}
        self._wanted: dict[str, None] = {}
        self._errands = Errands(self._ended)
        self._measurer = Measurer(studio)

    @property
    def are_done(self) -> bool:
        """Whether everything that was asked for was found."""
        return self._errands.are_done and self._wanted.keys() <= self._found.keys()

    @property
    def found(self) -> Mapping[str, Found]:
        """What was found, by the key of its pair; a number is not one where there is none."""
        return self._found

    def want(self, heats: Sequence[Pair], numbers: Sequence[Pair]) -> None:
        """Find these; what was wanted before and is not among them is forgotten."""
        wanted = dict.fromkeys(pair.key for pair in (*heats, *numbers))
        if wanted == self._wanted:
            return
        with self._lock:
            fresh = wanted.keys() - self._wanted.keys()
            self._wanted = wanted
            self._found = {key: found for key, found in self._found.items() if key in wanted}
        for pair in heats:
            if pair.key in fresh:
                self._errands.send(lambda pair=pair: self._draw(pair))  # type: ignore[misc]  # one each
        self._measurer.drop()
        unknown = [pair for pair in numbers if pair.key not in self._found]
        self._measure([pair for pair in unknown if pair.reference is not None])
        self._measure([pair for pair in unknown if pair.reference is None])

    def _measure(self, pairs: Sequence[Pair]) -> None:
        """Ask for numbers of pairs that all have, or all have not, something they are held against."""
        if not pairs:
            return
        asked = list(dict.fromkeys((pair.picture, pair.reference) for pair in pairs))
        keys = {(asked.index((pair.picture, pair.reference)), pair.what): pair.key for pair in pairs}

        @beside.unasked
        def hear(told: Told) -> None:
            if (told.pair, told.metric) in keys:
                self._keep(keys[told.pair, told.metric], told.value)

        self._measurer.ask(asked, dict.fromkeys(pair.what for pair in pairs), pairs[0].sizes, hear)

    def _draw(self, pair: Pair) -> None:
        if pair.key in self._wanted:
            self._keep(pair.key, self._heat(pair))

    def _keep(self, key: str, found: Found) -> None:
        with self._lock:
            if key in self._wanted:
                self._found = {**self._found, key: found}
        self._heard()

    def _heat(self, pair: Pair) -> Heat:
        from studio_kernel.metrics.heatmaps import heat_map

        assert pair.reference is not None, "heat maps are of two pictures"
        kind: HeatKind = pair.what  # type: ignore[assignment]  # the state has checked it
        try:
            found = heat_map(self._path(pair.picture), self._path(pair.reference), kind, sizes=pair.sizes)
        except (StudioError, OSError) as error:
            return Heat(error=str(error))
        return _shown(found)

    def _path(self, asset: Asset) -> str:
        return str(self._studio.store_of(asset).path(asset))

    def _ended(self, error: Exception | None) -> None:
        if error is not None:
            logger.warning("a heat map of a comparison has failed: %s", error)


def _shown(found: HeatMap) -> Heat:
    from studio_kernel.metrics.heatmaps import SCALES

    buffer = io.BytesIO()
    found.picture(COLOURS).save(buffer, "WEBP", lossless=True, quality=0, method=0)  # exact, and no slower
    return Heat(
        data=buffer.getvalue(),
        low=found.low,
        high=found.high,
        unit=found.unit,
        name=SCALES[found.kind].label,
        mean=found.mean,
        worst=found.worst,
        colours=_colours(),
    )


def _colours() -> tuple[str, ...]:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return tuple(to_hex(colormaps[COLOURS](stop / (STOPS - 1))) for stop in range(STOPS))
