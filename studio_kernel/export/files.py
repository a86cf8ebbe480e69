"""Files of runs, out of the home: into a folder, or into one ZIP file with a table of their settings.

An export preset says what becomes of a picture; videos, sounds and moving pictures are copied as they are. What is in
the folder already is never written over.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio_kernel.assets.embed import read_any
from studio_kernel.assets.media import EXTENSIONS
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.presets import ExportPreset
from studio_kernel.domain.provenance import Provenance
from studio_kernel.domain.runs import IMPORT_ENGINE, RunRecord
from studio_kernel.errors import HomeError, InvalidInputError, InvalidRequestError, Problem, StudioError
from studio_kernel.export.naming import PATTERN, name_of, require_pattern
from studio_kernel.export.pictures import is_animated, press
from studio_kernel.export.table import Row, TableFormat, as_csv, as_parquet

ORIGINALS = ExportPreset("originals", "Originals")
TABLES: Mapping[TableFormat, Callable[[Sequence[Row]], bytes]] = {"csv": as_csv, "parquet": as_parquet}


class Exported(list[Path]):
    """The files that were written, in the order of the runs.

    Attributes
    ----------
    notes : tuple of str
        What should be known about them, such as files that were copied as they are.
    """

    def __init__(self, paths: Iterable[Path] = (), notes: Iterable[str] = ()) -> None:
        super().__init__(paths)
        self.notes = tuple(notes)


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What an export would take out of a home.

    Attributes
    ----------
    runs, files : int
        How many.
    size_bytes : int
        All files together, as they are now.
    notes : tuple of str
        What should be known before, such as runs without files.
    """

    runs: int
    files: int
    size_bytes: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Leaving:
    """One file on its way out.

    Attributes
    ----------
    record : RunRecord
        Its run.
    name : str
        Without an ending.
    extension : str
        The ending, without a dot.
    data : bytes
        What is in it.
    note : str
        What should be known about it.
    """

    record: RunRecord
    name: str
    extension: str
    data: bytes
    note: str = ""


@dataclass(frozen=True, slots=True)
class Exporter:
    """Takes files of runs out of a home.

    Attributes
    ----------
    path_of : callable
        Where a stored file is.
    scheduler_name : callable
        What people call a scheduler, by its id.
    preset : ExportPreset
        What becomes of pictures.
    names : str
        A pattern of `naming`.
    """

    path_of: Callable[[Asset], Path]
    scheduler_name: Callable[[str], str] = str
    preset: ExportPreset = ORIGINALS
    names: str = PATTERN

    def into_folder(self, records: Sequence[RunRecord], folder: Path) -> Exported:
        """Write the files into `folder`, made when it does not exist, and return their paths.

        Raises
        ------
        InvalidRequestError
            For a pattern with unknown fields.
        InvalidInputError
            When a picture cannot be read.
        HomeError
            When the folder cannot be written.
        """
        require_pattern(self.names)
        paths, notes = [], [*_without_files(records)]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for leaving in self._leaving(records):
                path = _written(folder, leaving)
                paths.append(path)
                if leaving.note:
                    notes.append(f"{path.name}: {leaving.note}")
        except OSError as error:
            raise HomeError(f"cannot write to {str(folder)!r}: {error.strerror or error}") from error
        return Exported(paths, notes)

    def into_zip(
        self, records: Sequence[RunRecord], *, table: TableFormat = "csv", max_bytes: int | None = None
    ) -> bytes:
        """Return a ZIP file of the files, with a table of the settings of each.

        Raises
        ------
        StudioError
            When it would have more than `max_bytes`; and as `into_folder`.
        """
        require_pattern(self.names)
        if table not in TABLES:
            raise InvalidRequestError([Problem("table", f"{table!r} is neither 'csv' nor 'parquet'")], "export")
        settings = f"settings.{table}"
        buffer, taken, rows = io.BytesIO(), {settings}, []
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:  # pictures are compressed already
            for leaving in self._leaving(records):
                name = next(each for each in _names(leaving) if each.casefold() not in taken)
                taken.add(name.casefold())
                _require_size(buffer.tell() + len(leaving.data), max_bytes)
                archive.writestr(_entry(name, leaving.record), leaving.data)
                rows.append((name, leaving.record))
            entry = zipfile.ZipInfo(settings, (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, TABLES[table](rows), zipfile.ZIP_DEFLATED)
        _require_size(buffer.tell(), max_bytes)
        return buffer.getvalue()

    def plan(self, records: Sequence[RunRecord]) -> ExportPlan:
        """Return what would leave; nothing is read or written for that."""
        assets = [asset for record in records for asset in record.assets]
        notes = [*_without_files(records)]
        copied = sum(not asset.is_a("image") for asset in assets)
        if copied and self.preset.format != "original":
            which = "1 video or sound is" if copied == 1 else f"{copied} videos and sounds are"
            notes.append(f"{which} copied without a change, with the settings in the file")
        return ExportPlan(len(records), len(assets), sum(asset.size_bytes for asset in assets), tuple(notes))

    def _leaving(self, records: Iterable[RunRecord]) -> Iterator[Leaving]:
        for record in records:
            several = len(record.assets) > 1
            for place, asset in enumerate(record.assets, 1):
                yield self._one(record, asset, name_of(record, self.names, place if several else None))

    def _one(self, record: RunRecord, asset: Asset, name: str) -> Leaving:
        data = self.path_of(asset).read_bytes()
        if self.preset.format == "original":
            return Leaving(record, name, EXTENSIONS[asset.media_type], data)
        if not asset.is_a("image"):
            kind = "video" if asset.is_a("video") else "sound"
            return Leaving(record, name, EXTENSIONS[asset.media_type], data, _copied(kind, data))
        try:
            if is_animated(data):
                return Leaving(record, name, EXTENSIONS[asset.media_type], data, _copied("moving picture", data))
            made_by = read_any(data) or _made_by(record, asset)
            scheduler = made_by.request.parameters.get("scheduler") if made_by is not None else None
            pressed = press(data, self.preset, made_by, self.scheduler_name(str(scheduler or "")))
        except InvalidInputError as error:
            raise InvalidInputError(f"run {record.id}: {error}") from error
        return Leaving(record, name, pressed.extension, pressed.data, pressed.note)


def _made_by(record: RunRecord, asset: Asset) -> Provenance | None:
    """Return what the log knows of a file that says nothing itself; nothing of one that was brought in."""
    is_import = record.engine == IMPORT_ENGINE
    return None if is_import else Provenance(record.request, record.engine, index=asset.index)


def _copied(kind: str, data: bytes) -> str:
    inside = ", with the settings that are in it" if read_any(data) is not None else ""
    return f"a {kind} is copied as it is{inside}"


def _without_files(records: Iterable[RunRecord]) -> Iterator[str]:
    for record in records:
        if not record.assets:
            yield f"run {record.id} ({record.status}) has no files"


def _names(leaving: Leaving) -> Iterator[str]:
    """Yield names for a file, from the one that is wanted to numbered ones."""
    yield f"{leaving.name}.{leaving.extension}"
    number = 2
    while True:
        yield f"{leaving.name}_{number}.{leaving.extension}"
        number += 1


def _written(folder: Path, leaving: Leaving) -> Path:
    """Write a file under the first name that nobody has, and return its path."""
    for name in _names(leaving):
        path = folder / name
        try:
            with path.open("xb") as file:
                try:
                    file.write(leaving.data)
                except BaseException:
                    path.unlink(missing_ok=True)
                    raise
        except FileExistsError:
            continue
        return path
    raise AssertionError("there is always another number")


def _entry(name: str, record: RunRecord) -> zipfile.ZipInfo:
    """Return the head of a file in an archive; its time is that of the run, not of now."""
    created = record.created_at
    return zipfile.ZipInfo(name, (max(created.year, 1980), *created.timetuple()[1:6]))


def _require_size(size: int, most: int | None) -> None:
    if most is not None and size > most:
        raise StudioError(
            f"these files are more than {most / 2**20:.0f} MB together; 'studio export RUN… --to FOLDER' "
            "(studio.export) writes them to a folder instead"
        )
