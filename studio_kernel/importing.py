"""Files that people bring in: each becomes a run of the engine ``import``, with the settings it carries.

Such a run was made elsewhere: nobody estimated it, it took no time here and cost nothing, and statistics leave it out.
What a file says of itself is taken as a description, never as proof: no sweep takes an import for a cell that is done.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from filelock import FileLock
from immutabledict import immutabledict

from studio_kernel.assets import AssetStore, carried, embed
from studio_kernel.assets.media import identify, verify
from studio_kernel.catalog.loader import Catalog
from studio_kernel.domain import infotext
from studio_kernel.domain.infotext import Infotext
from studio_kernel.domain.provenance import Provenance
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import Origin
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import Value, asset_refs
from studio_kernel.errors import InvalidInputError, StudioError
from studio_kernel.runlog import RunLog, new_run_id
from studio_kernel.settings import Home

IMPORTED_MODEL = "imported"
"""The model of a run whose file does not tell, or names one that the catalog does not have."""
MAX_FILE_BYTES = 1 << 30
SourceKind = Literal["upload", "file"]
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Carried:
    """What a file tells of itself.

    Attributes
    ----------
    request : GenerationRequest
        What made it, as far as it tells.
    tool : str
        What wrote that: ``studio``, ``a1111``; empty when nothing did.
    details : mapping
        What else it tells, such as the name of a model that the catalog does not have.
    """

    request: GenerationRequest = field(default_factory=lambda: GenerationRequest(IMPORTED_MODEL, Task.IMPORT))
    tool: str = ""
    details: Mapping[str, Value] = field(default_factory=immutabledict)


@dataclass(frozen=True, slots=True)
class Importer:
    """Takes files into a home.

    Attributes
    ----------
    home : Home
        Where to.
    log : RunLog
        Its run log.
    assets : AssetStore
        Its files.
    catalog : callable
        Returns its catalog.
    """

    home: Home
    log: RunLog
    assets: AssetStore
    catalog: Callable[[], Catalog]

    def files(self, paths: Iterable[str | os.PathLike[str]], project: str | None) -> Iterator[str | StudioError]:
        """Take each file and yield the id of its run, or why it is refused."""
        for path in paths:
            try:
                yield self._file(Path(path).expanduser(), project)
            except StudioError as error:
                yield error

    def data(self, data: bytes, name: str, project: str | None, kind: SourceKind) -> str:
        """Take the bytes of a file and return the id of its run: that of an earlier one which has the same bytes.

        Raises
        ------
        InvalidInputError
            When it is no picture, video or sound, is damaged, or too large.
        """
        name = _shown(name)
        try:
            if len(data) > MAX_FILE_BYTES:
                raise InvalidInputError(_too_large(len(data)))
            verify(data, identify(data).media_type)
        except InvalidInputError as error:
            raise InvalidInputError(f"{name!r}: {error}") from error
        with FileLock(self.home.locks / "imports.lock", thread_local=False):  # the same file twice at once is one run
            return self._take(data, name, project, kind)

    def _file(self, path: Path, project: str | None) -> str:
        try:
            if path.is_dir():
                raise InvalidInputError(f"{str(path)!r} is a folder; name the files in it")
            size = path.stat().st_size
            if size > MAX_FILE_BYTES:
                raise InvalidInputError(f"{str(path)!r}: {_too_large(size)}")
            data = path.read_bytes()
        except OSError as error:
            raise InvalidInputError(f"{str(path)!r}: {error.strerror or error}") from error
        return self.data(data, path.name, project, "file")

    def _take(self, data: bytes, name: str, project: str | None, kind: SourceKind) -> str:
        asset = self.assets.put(data)
        known = self.log.made_by(asset.sha256)
        if known is not None:
            run_id, is_deleted = known
            if is_deleted:
                self.log.restore([run_id])
            return run_id
        told = self._carried(data)
        source = {"kind": kind, "name": name, "tool": told.tool, **told.details}
        run_id = new_run_id()
        self.log.imported(run_id, told.request, Origin(project=project), asset, {"source": source})
        return run_id

    def _carried(self, data: bytes) -> Carried:
        """Return what a file tells; a part that cannot be understood is left out, for strangers wrote it."""
        ours = embed.read_any(data)
        if ours is not None:
            return self._of_ours(ours)
        text = carried.settings_text(data)
        found = infotext.read(text)
        return self._of_infotext(found, text) if found is not None else Carried()

    def _of_ours(self, told: Provenance) -> Carried:
        """Return a request of the studio, without inputs whose files this home does not have."""
        kept = {
            name: value
            for name, value in told.request.parameters.items()
            if all(self._has(ref) for ref in asset_refs(value))
        }
        left_out = sorted(told.request.parameters.keys() - kept.keys())
        details: dict[str, Value] = {"engine": told.engine}
        if not any(asset_refs(value) for value in told.environment.values()):  # it never names files of a home
            details["environment"] = immutabledict(told.environment)
        if left_out:
            details["left_out"] = tuple(left_out)
        return Carried(GenerationRequest(told.request.model, told.request.task, kept), "studio", details)

    def _has(self, ref: object) -> bool:
        try:
            return self.assets.has(ref)  # type: ignore[arg-type]  # found by asset_refs
        except InvalidInputError:  # no digest at all
            return False

    def _of_infotext(self, told: Infotext, text: str) -> Carried:
        catalog = self.catalog()
        named = told.fields.get("Model", "")
        alike = {card.id for card in catalog.models.values() if named.casefold() in (card.id, card.name.casefold())}
        model = alike.pop() if named and len(alike) == 1 else IMPORTED_MODEL
        details: dict[str, Value] = {"text": text}
        if named and model == IMPORTED_MODEL:
            details["model"] = named
        parameters = told.parameters(catalog.schedulers.values())
        return Carried(GenerationRequest(model, told.task, parameters), "a1111", details)


def _shown(name: str) -> str:
    """Return the last part of a name, whatever system it comes from, without what no file name has."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable())[-_LONGEST_NAME:] or "file"


def _too_large(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.0f} MiB are more than the {MAX_FILE_BYTES >> 20} MiB that a file may have"
