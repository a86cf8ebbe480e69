"""Every metric by its name, with its unit: the one list that tables, effects, reports and help texts read.

Four kinds, by what they are computed from: a picture, a stored file, a picture and a reference, a picture and its
prompt. Some need weights, and are there only for a home whose owner has them. A package that is installed beside the
studio adds its own through the entry point group ``studio_workbench.metrics``: each names a `Metric`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from immutabledict import immutabledict

from studio_kernel.errors import InvalidRequestError, Problem
from studio_kernel.metrics import learned, pairs, pictures

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from studio_kernel.settings import Home

GROUP = "studio_workbench.metrics"

Kind: TypeAlias = Literal["picture", "file", "pair", "prompt"]
Direction: TypeAlias = Literal["better", "worse", ""]


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of a picture.

    Attributes
    ----------
    name : str
        Its column.
    unit : str
        Empty when it has none.
    kind : {"picture", "file", "pair", "prompt"}
        What `function` takes: a picture; the path of a stored file; a picture and a reference, with ``sizes=``; a
        picture and the text of its prompt.
    function : callable
        Returns the number. Its docstring says the range and the source.
    higher_is : {"better", "worse", ""}
        Whether a larger number means closer to the reference; empty where it says nothing of the kind.
    is_usual : bool
        Whether it is among those that are measured when none are named.
    is_symmetric : bool
        Of pairs: whether it does not matter which of the two is the reference.
    needs : callable or None
        Of metrics with weights: told the path where those of a home are, says what is missing, in words; empty when
        nothing is. `function` then takes that path as ``weights=``.
    """

    name: str
    unit: str
    kind: Kind
    function: Callable[..., float]
    higher_is: Direction = ""
    is_usual: bool = True
    is_symmetric: bool = True
    needs: Callable[[Path], str] | None = None

    def problem(self, home: Home) -> str:
        """Return why it cannot be measured in a home and what to do about it, in words; empty when it can be."""
        return self.needs(home.metric_weights(self.name)) if self.needs else ""

    def ready(self, home: Home) -> Callable[..., float]:
        """Return `function` with the weights of a home, where it needs some.

        Raises
        ------
        InvalidRequestError
            When it cannot be measured there; says what to do.
        """
        if self.needs is None:
            return self.function
        if problem := self.problem(home):
            raise InvalidRequestError([Problem("metric", f"{self.name} cannot be measured: {problem}")], "metrics")
        return partial(self.function, weights=home.metric_weights(self.name))

    def key(self, home: Home) -> str:
        """Return the name under which its numbers are kept; weights are part of it, as others give other numbers.

        Raises
        ------
        InvalidRequestError
            When it cannot be measured there.
        """
        if self.needs is None:
            return self.name
        self.ready(home)
        return f"{self.name}:{_digest(home.metric_weights(self.name))[:16]}"

    @property
    def summary(self) -> str:
        """The first sentence of the function's documentation."""
        return (inspect.getdoc(self.function) or "").split("\n", 1)[0]


METRICS: Mapping[str, Metric] = immutabledict(
    {
        metric.name: metric
        for metric in (
            Metric("sharpness", "grey levels²", "picture", pictures.sharpness),
            Metric("contrast", "", "picture", pictures.contrast),
            Metric("colourfulness", "", "picture", pictures.colourfulness),
            Metric("entropy", "bits per pixel", "picture", pictures.entropy),
            Metric("brightness", "", "picture", pictures.brightness),
            Metric("file_entropy", "bits per byte", "file", pictures.file_entropy),
            Metric("file_bits_per_pixel", "bits per pixel", "file", pictures.file_bits_per_pixel),
            Metric("similarity", "", "pair", pairs.similarity, "better"),
            # Loads torch, and cannot be had of small pictures: measured when it is asked for.
            Metric("ms_ssim", "", "pair", pairs.ms_ssim, "better", is_usual=False),
            Metric("psnr", "dB", "pair", pairs.psnr, "better"),
            Metric("pixel_difference", "", "pair", pairs.pixel_difference, "worse"),
            Metric("delta_e", "ΔE2000", "pair", pairs.delta_e, "worse"),
            Metric("phash_distance", "bits of 64", "pair", pairs.phash_distance, "worse"),
            Metric("lpips", "", "pair", learned.lpips, "worse", is_usual=False, needs=learned.lpips_problem),
            Metric(
                "clip_score", "", "prompt", learned.clip_score, "better", is_usual=False, needs=learned.clip_problem
            ),
        )
    }
)


def metric_names() -> tuple[str, ...]:
    """Return the names of all metrics, those of other packages at the end; nothing is imported to find them."""
    return (*METRICS, *(name for name in sorted(_installed()) if name not in METRICS))


def metric_of(name: str, also: Iterable[str] = ()) -> Metric:
    """Return the metric of a name.

    Parameters
    ----------
    also : iterable of str
        Other names that the caller knows, told in the error.

    Raises
    ------
    InvalidRequestError
        When there is none, or the package that brings it does not work.
    """
    if name in METRICS:
        return METRICS[name]
    if plugins := _installed().get(name):
        return _loaded(name, plugins)
    known = ", ".join([*metric_names(), *also])
    raise InvalidRequestError([Problem("metric", f"{name!r} is no metric; there are {known}")], "metrics")


@cache
def _installed() -> Mapping[str, tuple[EntryPoint, ...]]:
    from importlib.metadata import entry_points

    found: dict[str, tuple[EntryPoint, ...]] = {}
    for plugin in set(entry_points(group=GROUP)):
        found[plugin.name] = (*found.get(plugin.name, ()), plugin)
    return immutabledict(found)


@cache
def _loaded(name: str, plugins: tuple[EntryPoint, ...]) -> Metric:
    if len(plugins) > 1:
        claims = " and ".join(sorted(plugin.value for plugin in plugins))
        raise _unusable(f"the metric {name!r} is claimed by {claims}; uninstall one of their packages")
    (plugin,) = plugins
    try:
        metric = plugin.load()
    except Exception as error:  # whatever a foreign package raises is shown with its cause
        reason = f"{type(error).__name__}: {error}"
        raise _unusable(
            f"the metric {name!r} ({plugin.value}) cannot be loaded: {reason}; repair or uninstall its package"
        ) from error
    if not isinstance(metric, Metric) or metric.name != name:
        raise _unusable(f"{plugin.value} is registered as the metric {name!r} but is no Metric of that name")
    return metric


def _unusable(reason: str) -> InvalidRequestError:
    return InvalidRequestError([Problem("metric", reason)], "metrics")


def _digest(weights: Path) -> str:
    """Return a digest of a file, or of the files of a folder."""
    import hashlib

    files = sorted(path for path in weights.rglob("*") if path.is_file()) if weights.is_dir() else [weights]
    parts = [_digest_of_file(path, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return parts[0] if len(parts) == 1 else hashlib.sha256("".join(parts).encode()).hexdigest()


@lru_cache(maxsize=64)
def _digest_of_file(path: Path, _size_bytes: int, _changed_ns: int) -> str:
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
