"""Numbers of stored files, each computed once: kept in this process and in the log of the home.

Files are named by their bytes and never change, so a number of one never does either. A viewer computes what it lacks
and keeps it to itself; numbers of private files, and of pictures that are no file, stay in this process too.

A video is measured at up to 16 moments, evenly spaced over its length, and has the mean of them. Two videos are
compared at the same moments, as long as both last; a video and a picture at every one of them.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from studio_kernel.assets.facts import file_facts
from studio_kernel.assets.frames import frames_at
from studio_kernel.contents import StoreOf
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.measurements import Measurement, MeasurementKey
from studio_kernel.domain.runs import RunRecord
from studio_kernel.errors import InvalidInputError, InvalidRequestError, Problem
from studio_kernel.metrics.arrays import Picture, rgb
from studio_kernel.metrics.pairs import Sizes
from studio_kernel.metrics.registry import Metric
from studio_kernel.runlog import RunLog
from studio_kernel.settings import Home

if TYPE_CHECKING:
    from PIL.Image import Image

REMEMBERED = 200_000
TOGETHER = 100
"""Numbers that are written to the log in one go."""
MOMENTS = 16
DECODED = 4
"""Pictures, or frames of videos, that are held while several metrics are computed of them."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured: a stored file, and the prompt it was made from, empty when there is none."""

    asset: Asset
    prompt: str = ""

    @classmethod
    def of(cls, given: Asset | RunRecord | Subject) -> Subject:
        """Return the first picture or video of a run, or the file that is given.

        Raises
        ------
        InvalidInputError
            When the run made neither.
        """
        if isinstance(given, Subject):
            return given
        if isinstance(given, Asset):
            return cls(given)
        found = subjects_of(given)
        if not found:
            raise InvalidInputError(f"run {given.id} made nothing that can be measured")
        return found[0]


def subjects_of(record: RunRecord) -> tuple[Subject, ...]:
    """Return the pictures that a run made; its videos when there are none."""
    for kind in ("image", "video"):
        if found := tuple(Subject(asset, record.request.prompt) for asset in record.assets if asset.is_a(kind)):
            return found
    return ()


@dataclass(frozen=True, eq=False)
class Reference:
    """What pictures are compared with: a stored file, or a picture of its own.

    Attributes
    ----------
    sha256 : str
        Digest of its file; empty when it is none.
    asset : Asset or None
        The stored file.
    picture : picture or None
        What is no stored file.
    """

    sha256: str
    asset: Asset | None = None
    picture: Picture | None = None

    @classmethod
    def of(cls, given: Asset | RunRecord | Subject | Picture) -> Reference:
        """Return the reference that is a stored file, the first of a run, a file anywhere, or a picture.

        Raises
        ------
        InvalidInputError
            When it cannot be read as a picture, or the run made none.
        """
        if isinstance(given, (Asset, RunRecord, Subject)):
            asset = Subject.of(given).asset
            return cls(asset.sha256, asset)
        values = rgb(given)
        if isinstance(given, (str, os.PathLike)):
            return cls(hashlib.sha256(Path(given).read_bytes()).hexdigest(), None, values)
        return cls("", None, values)


class Numbers:
    """The numbers of the files of a home.

    Parameters
    ----------
    home : Home
        Whose weights are used.
    log : RunLog
        Where numbers are kept.
    store_of : callable
        Returns the store that has a file.
    shared : callable
        Whether the log may know of a file.
    keeps : bool
        Whether new numbers go to the log.
    """

    def __init__(
        self, home: Home, log: RunLog, store_of: StoreOf, *, shared: Callable[[Asset], bool], keeps: bool
    ) -> None:
        self.home = home
        self._log = log
        self._store_of = store_of
        self._shared = shared
        self._keeps = keeps
        self._lock = threading.Lock()
        self._known: dict[MeasurementKey, float | None] = {}
        self._asked: set[tuple[str, str]] = set()
        self._new: list[Measurement] = []
        self._image = lru_cache(DECODED)(self._decoded)
        self._frames = lru_cache(DECODED)(self._taken)

    def look_up(self, assets: Iterable[Asset], metrics: Iterable[Metric]) -> None:
        """Learn in one go what the log knows of files, also what other processes have measured since."""
        digests = sorted({asset.sha256 for asset in assets})
        names = sorted({metric.key(self.home) for metric in metrics})
        found = self._log.measurements(digests, names)
        with self._lock:
            if len(self._known) + len(found) > REMEMBERED:
                self._known.clear()
                self._asked.clear()
            self._known.update(found)
            self._asked.update((digest, name) for digest in digests for name in names)

    def known(
        self, metric: Metric, subject: Subject, reference: Reference | None = None, sizes: Sizes = "same"
    ) -> float | None:
        """Return a number that is there already; `None` when it would have to be computed."""
        key = self._key(metric, subject, reference, sizes)
        with self._lock:
            return self._known.get(key) if key is not None else None

    def of(self, metric: Metric, subject: Subject, reference: Reference | None = None, sizes: Sizes = "same") -> float:
        """Return a number of a file; computed when nobody has done so before. `flush` keeps it.

        Raises
        ------
        InvalidRequestError
            When a metric needs a reference, a prompt or weights that are not there.
        InvalidInputError
            When it cannot be measured.
        """
        reference = reference if metric.kind == "pair" else None
        key = self._key(metric, subject, reference, sizes)
        if key is None:
            return self._computed(metric, subject, reference, sizes)
        if (key.sha256, key.metric) not in self._asked:
            self.look_up([subject.asset, *([reference.asset] if reference and reference.asset else [])], [metric])
        with self._lock:
            value = self._known.get(key)
        if value is None:
            value = self._computed(metric, subject, reference, sizes)
            self._learn(key, value, self._may_be_logged(subject, reference))
        return value

    def shown(self, subject: Subject) -> Image:
        """Return the picture of a file: of a video, the one in its middle."""
        asset = subject.asset
        if not asset.is_a("video"):
            return self._image(asset)
        moments = self._moments([asset])
        return self._taken(asset, (moments[len(moments) // 2],))[0]

    def flush(self) -> None:
        """Write to the log what was computed since."""
        with self._lock:
            new, self._new = self._new, []
        if new and self._keeps:
            self._log.append_measurements(new)

    def _learn(self, key: MeasurementKey, value: float, is_shared: bool) -> None:
        with self._lock:
            self._known[key] = value
            if is_shared:
                self._new.append(Measurement(key.metric, key.sha256, value, key.reference_sha256, key.sizes))
            is_full = len(self._new) >= TOGETHER
        if is_full:
            self.flush()

    def _may_be_logged(self, subject: Subject, reference: Reference | None) -> bool:
        assets = [subject.asset] + ([reference.asset] if reference and reference.asset else [])
        return all(self._shared(asset) for asset in assets)

    def _key(
        self, metric: Metric, subject: Subject, reference: Reference | None, sizes: Sizes
    ) -> MeasurementKey | None:
        name, sha256 = metric.key(self.home), subject.asset.sha256
        if metric.kind == "prompt":
            return MeasurementKey(name, sha256, hashlib.sha256(subject.prompt.encode()).hexdigest())
        if metric.kind != "pair":
            return MeasurementKey(name, sha256)
        if reference is None or not reference.sha256:
            return None
        one, other = sha256, reference.sha256
        if metric.is_symmetric and other < one:
            one, other = other, one
        return MeasurementKey(name, one, other, "" if _same_size(subject.asset, reference) else sizes)

    def _computed(self, metric: Metric, subject: Subject, reference: Reference | None, sizes: Sizes) -> float:
        function = metric.ready(self.home)
        asset = subject.asset
        if asset.is_a("audio"):
            raise InvalidInputError("a sound cannot be measured; pictures and videos can be")
        if metric.kind == "file":
            return float(function(self._store_of(asset).path(asset)))
        if metric.kind == "pair":
            return self._compared(function, metric, asset, reference, sizes)
        pictures = self._pictures(asset, self._moments([asset]))
        if metric.kind == "prompt":
            if not subject.prompt:
                raise InvalidInputError(f"{metric.name} needs a prompt, and there is none")
            return _mean([float(function(picture, subject.prompt)) for picture in pictures])
        return _mean([float(function(picture)) for picture in pictures])

    def _compared(
        self,
        function: Callable[..., float],
        metric: Metric,
        asset: Asset,
        reference: Reference | None,
        sizes: Sizes,
    ) -> float:
        if reference is None:
            raise needs_reference(metric.name)
        other = reference.asset
        moments = self._moments([asset, other] if other else [asset])
        pictures = self._pictures(asset, moments)
        references: Sequence[object] = self._pictures(other, moments) if other else [reference.picture]
        if len(pictures) < len(references):
            pictures = pictures * len(references)
        elif len(references) < len(pictures):
            references = list(references) * len(pictures)
        pairs = zip(pictures, references, strict=True)
        return _mean([float(function(one, two, sizes=sizes)) for one, two in pairs])

    def _moments(self, assets: Sequence[Asset]) -> tuple[float, ...]:
        """Return the times at which videos are looked at; none without a video."""
        facts = [
            file_facts(self._store_of(asset).path(asset), asset.media_type) for asset in assets if asset.is_a("video")
        ]
        if not facts:
            return ()
        if not all(each.seconds for each in facts):
            raise InvalidInputError("the length of the video cannot be read")
        shortest = min(each.seconds or 0.0 for each in facts)
        fewest = min((each.frames or MOMENTS) * shortest / (each.seconds or shortest) for each in facts)
        count = max(1, min(MOMENTS, round(fewest)))
        return tuple((number + 0.5) / count * shortest for number in range(count))

    def _pictures(self, asset: Asset, moments: tuple[float, ...]) -> list[Image]:
        return self._frames(asset, moments) if asset.is_a("video") else [self._image(asset)]

    def _decoded(self, asset: Asset) -> Image:
        return self._store_of(asset).image(asset)

    def _taken(self, asset: Asset, moments: tuple[float, ...]) -> list[Image]:
        return frames_at(self._store_of(asset).path(asset), moments)


def needs_reference(name: str) -> InvalidRequestError:
    """Return the error of a metric of pairs that is given one picture."""
    return InvalidRequestError([Problem("reference", f"{name} needs one: a run or a picture")], "metrics")


def _same_size(asset: Asset, reference: Reference) -> bool:
    if reference.asset is not None:
        size = (reference.asset.height, reference.asset.width)
    else:
        size = getattr(reference.picture, "shape", (None, None))[:2]
    return asset.width is not None and (asset.height, asset.width) == size


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)
