"""What is to be repeated: a request, the conditions that were recorded, and the files that came out then.

A run of this home has all of it in the log. A file has it inside, as far as its kind can hold it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from immutabledict import immutabledict

from studio_kernel.assets.embed import read_any
from studio_kernel.assets.media import identify
from studio_kernel.domain.provenance import Provenance
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import Origin, RunRecord, RunStatus
from studio_kernel.domain.values import Value
from studio_kernel.errors import InvalidInputError, ReplayRefusedError, UnknownRunError
from studio_kernel.run import Run

if TYPE_CHECKING:
    from studio_kernel.domain.assets import Asset
    from studio_kernel.studio import Studio

Replayable: TypeAlias = "Run | RunRecord | Provenance | str | os.PathLike[str]"
"""A run or its id, the path of a file that holds its provenance, or a provenance."""


_NOWHERE = Origin()


@dataclass(frozen=True, slots=True)
class Original:
    """A result that was recorded.

    Attributes
    ----------
    name : str
        What people call it: ``run 0199…`` or ``boat.png``.
    request : GenerationRequest
        What was asked for.
    engine : str
        What made it.
    environment : mapping
        What was recorded beside the request; empty = nothing.
    files : mapping
        Place among the files of the run → bytes.
    origin : Origin
        The place of a run that repeats it.
    is_private : bool
        It is a private run of this studio.
    """

    name: str
    request: GenerationRequest
    engine: str
    environment: Mapping[str, Value]
    files: Mapping[int, bytes] = field(default_factory=immutabledict, repr=False)
    origin: Origin = _NOWHERE
    is_private: bool = False

    @property
    def run_id(self) -> str | None:
        """The run in this home; `None` when this home has none."""
        return self.origin.parent_id


def found(studio: Studio, what: Replayable) -> Original:
    """Return what is to be repeated.

    Raises
    ------
    ReplayRefusedError
        When nothing tells how it was made, or nothing came of it.
    UnknownRunError
        When there is no run of that id.
    InvalidInputError
        When a file cannot be read.
    """
    if isinstance(what, Provenance):
        return _of_provenance("the provenance", what)
    if isinstance(what, RunRecord):
        return _of_record(studio, what)
    if isinstance(what, Run):
        return _of_record(studio, studio.record(what.id))
    path = Path(what).expanduser()
    if isinstance(what, os.PathLike) or path.is_file():
        return _of_file(studio, path)
    try:
        return _of_record(studio, studio.record(str(what)))
    except UnknownRunError as error:
        if path.suffix or len(path.parts) > 1:
            raise InvalidInputError(f"there is no file {str(path)!r}") from error
        raise


def environment_of(studio: Studio, record: RunRecord) -> Mapping[str, Value]:
    """Return what was recorded beside the request of a run.

    Its first file tells what the engine said, without what a service answered or what was measured; where the file
    cannot, the log tells all of it.
    """
    told = record.provenance
    first = next((asset for asset in record.assets if studio.store_of(asset).has(asset)), None)
    inside = read_any(studio.store_of(first).path(first).read_bytes()) if first else None
    if inside is None or not inside.environment or record.is_import:
        return told
    ended = {name: told[name] for name in ("fallbacks", "batch_size") if name in told}
    return immutabledict({**inside.environment, **ended})


def files_of(studio: Studio, record: RunRecord) -> dict[int, bytes]:
    """Return the bytes of the files that a run made.

    Raises
    ------
    ReplayRefusedError
        When one of them is gone.
    """
    return {asset.index: _bytes_of(studio, asset, record) for asset in record.assets}


def _of_record(studio: Studio, record: RunRecord) -> Original:
    name = f"run {record.id}"
    if record.is_import:
        return _of_import(studio, record)
    if record.status is not RunStatus.SUCCEEDED:
        raise ReplayRefusedError(f"{name} {_ended_as(record)}; retry it: studio.retry(run), or studio queue retry")
    private = studio.is_private(record.id)
    if not record.assets or (not record.request.parameters and not private):
        raise ReplayRefusedError(
            f"{name} was private; only the studio that asked for it can repeat it, until it closes"
        )
    return Original(
        name,
        record.request,
        record.engine,
        environment_of(studio, record),
        files_of(studio, record),
        Origin(
            project=record.origin.project,
            parent_id=record.id,
            prompt_template=record.origin.prompt_template,
            batch_size=record.origin.batch_size,
        ),
        private,
    )


def _ended_as(record: RunRecord) -> str:
    return f"is {record.status}" if not record.status.is_final else f"has {record.status} and made nothing to compare"


def _of_import(studio: Studio, record: RunRecord) -> Original:
    """Return what an imported file tells of itself; its run was not made here."""
    asset = record.assets[0]
    source = record.provenance.get("source")
    name = str(source.get("name")) if isinstance(source, Mapping) else f"run {record.id}"
    origin = Origin(project=record.origin.project, parent_id=record.id)
    return _of_bytes(name, _bytes_of(studio, asset, record), origin)


def _of_file(studio: Studio, path: Path) -> Original:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInputError(
            f"there is no file {str(path)!r} that can be read: {error.strerror or error}"
        ) from error
    record = studio.maker_of(hashlib.sha256(data).hexdigest())
    if record is None or record.is_import or record.status is not RunStatus.SUCCEEDED:
        return _of_bytes(path.name, data, Origin(parent_id=record.id if record else None))
    return _of_record(studio, record)


def _of_bytes(name: str, data: bytes, origin: Origin) -> Original:
    identify(data)
    told = read_any(data)
    if told is None:
        raise ReplayRefusedError(
            f"{name!r} does not tell how it was made: it holds no provenance of the studio, so it cannot be repeated"
        )
    return _of_provenance(name, told, {told.index: data}, origin)


def _of_provenance(
    name: str, told: Provenance, files: Mapping[int, bytes] = immutabledict(), origin: Origin = _NOWHERE
) -> Original:
    batch = _cells_in_a_pass(told)
    place = Origin(project=origin.project, parent_id=origin.parent_id, batch_size=batch)
    return Original(name, told.request, told.engine, told.environment, files, place)


def _cells_in_a_pass(told: Provenance) -> int:
    """Return how many requests were made together: a pass has a row for each picture of each of them."""
    rows, pictures = told.environment.get("batch_size", 1), told.request.parameters.get("num_images", 1)
    if not isinstance(rows, int) or not isinstance(pictures, int):
        return 1
    return max(1, min(rows // max(1, pictures), _MOST_CELLS))


_MOST_CELLS = 64
"""What a stranger's file says is not believed beyond that: each would be computed."""


def _bytes_of(studio: Studio, asset: Asset, record: RunRecord) -> bytes:
    try:
        return studio.store_of(asset).path(asset).read_bytes()
    except (InvalidInputError, OSError) as error:
        raise ReplayRefusedError(
            f"a file of run {record.id} is gone, so there is nothing to compare with; studio doctor lists what is gone"
        ) from error
