"""Export without a screen: some runs, a preset, and a file for the browser to keep.

That is a ZIP of their files, a contact sheet of them, or a page with all it needs as a ZIP: a gallery with filters, or
the runs side by side. It is made in a thread, as
resizing many pictures takes a while. What is too large for one message to a page is
refused with the command that writes a folder instead.
"""

from __future__ import annotations

import io
import shlex
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.domain.boards import MAX_BOARD_RUNS
from studio_kernel.errors import StudioError
from studio_widgets.estimate.asker import Asker
from studio_widgets.state import PanelState
from studio_widgets.wording import counted, owned
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.domain.presets import ExportPreset
    from studio_kernel.export.files import ExportPlan
    from studio_kernel.export.table import TableFormat
    from studio_kernel.publishing import Kind
    from studio_kernel.studio import Studio

MOST_BYTES = 64 * 2**20
"""A file goes to the page in one message; see `studio_widgets.state.MOST_PLAYED_BYTES`."""


KINDS = (
    ("Files", "files"),
    ("Contact sheet", "sheet"),
    ("Dashboard folder", "page"),
    ("Comparison folder", "comparison"),
)
FORMATS = (("PNG", "png"), ("JPEG", "jpg"), ("PDF", "pdf"))
TABLES = (("CSV", "csv"), ("Parquet", "parquet"))
TYPES = {"png": "image/png", "jpg": "image/jpeg", "pdf": "application/pdf", "zip": "application/zip"}


@dataclass(frozen=True, slots=True)
class Archive:
    """A file that is ready to be kept.

    Attributes
    ----------
    name : str
        What it is called.
    data : bytes
        What is in it.
    """

    name: str
    data: bytes

    @property
    def media_type(self) -> str:
        """What it is, as its name says."""
        return TYPES[self.name.rpartition(".")[2]]


CHOICES = ("runs", "preset", "kind", "format", "table", "title", "columns")


@dataclass(frozen=True, slots=True)
class _Asked:
    runs: tuple[str, ...]
    preset: str
    kind: str
    format: str
    table: str
    title: str
    columns: int


class ExportState(PanelState):
    """Which runs leave, as what, and the file that came of it.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.
    runs : iterable of str
        Ids of runs.
    most_bytes : int
        Larger files are refused.

    Attributes
    ----------
    runs : tuple of str
        Ids of the runs that leave.
    kind : {"files", "sheet", "page", "comparison"}
        What is made of them; a page is a gallery with filters, a comparison has them side by side.
    preset : str
        Id of an export preset; of no meaning for a page, which has the files as they are.
    format : {"png", "jpg", "pdf"}
        Of a contact sheet.
    table : {"csv", "parquet"}
        Of the settings beside files.
    title : str
        Above a sheet or page.
    columns : int
        Pictures side by side on a sheet; 0 = chosen.
    presets : tuple of (str, str)
        What there is: what people read, and the id.
    summary : str
        How much that is, in words.
    notes : tuple of str
        What should be known about it.
    link : str
        Where the dashboards of this home show the same: a run, or runs side by side; empty for more than a board holds.
    is_busy : bool
        Whether the file is being made.
    made : int
        How many files were made; rises when `archive` is there.
    told : str
        What was done last, in words.

    Examples
    --------
    >>> state = ExportState(studio, runs=[run.id])  # doctest: +SKIP
    >>> state.preset = "web"  # doctest: +SKIP
    >>> state.make()  # doctest: +SKIP
    """

    runs: traitlets.Tuple = traitlets.Tuple()
    kind = traitlets.Enum([kind for _text, kind in KINDS], "files")
    preset = traitlets.Unicode("originals")
    format = traitlets.Enum([kind for _text, kind in FORMATS], "png")
    table = traitlets.Enum([kind for _text, kind in TABLES], "csv")
    title = traitlets.Unicode()
    columns = traitlets.Int(0, min=0, max=50)
    presets = traitlets.Tuple(read_only=True)
    summary = traitlets.Unicode(read_only=True)
    notes = traitlets.Tuple(read_only=True)
    link = traitlets.Unicode(read_only=True)
    is_busy = traitlets.Bool(False, read_only=True)
    made = traitlets.Int(0, read_only=True)
    told = traitlets.Unicode(read_only=True)

    def __init__(
        self,
        studio: Studio,
        runs: Iterable[str] = (),
        *,
        workspace: Workspace | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        super().__init__(studio, workspace=workspace, runs=tuple(runs))
        self._most_bytes = most_bytes
        self._archive: Archive | None = None
        self._asker: Asker[_Asked, Archive] = Asker(self._make, self._keep, self._fail, wait_s=0)
        self.observe(lambda _change: self._look(), CHOICES)
        self.refresh()

    @property
    def chosen(self) -> ExportPreset | None:
        """The preset that is chosen."""
        return self._studio.catalog.export_presets.get(self.preset)

    @property
    def can_make(self) -> bool:
        """Whether `make` would do something."""
        return bool(self.runs) and self.chosen is not None and not self.is_busy

    def refresh(self) -> None:
        """Look again what presets there are, and what the runs have."""
        with self.lock:
            presets = self._studio.catalog.export_presets
            self.set_trait("presets", tuple((owned(each.name, each.own), each.id) for each in presets.values()))
            if self.preset not in presets:
                self.preset = next(iter(presets), "")
            self._look()

    def select(self, runs: Iterable[str]) -> None:
        """Export these runs."""
        with self.lock:
            self.runs = tuple(dict.fromkeys(runs))

    def make(self) -> None:
        """Make the file, in a thread; `made` rises when it is there, and what went wrong is found in `error`."""
        with self.lock:
            if self.can_make:
                self.error = ""
                self._archive = None
                self.set_trait("told", "")
                self.set_trait("is_busy", True)
                self._asker.ask(self._wish)

    def cancel(self) -> None:
        """Wait for the file no more."""
        with self.lock:
            self._asker.drop()
            self.set_trait("is_busy", False)

    def take(self) -> Archive | None:
        """Return the file that was made, once; it is not kept any longer."""
        with self.lock:
            archive, self._archive = self._archive, None
            return archive

    def close(self) -> None:
        """Make nothing more, and forget what was made."""
        self.cancel()
        self._archive = None

    @property
    def command(self) -> str:
        """What writes the same to a disk, for a terminal."""
        home = shlex.quote(str(self._studio.home.root))
        runs = " ".join(self.runs) if len(self.runs) <= 3 else f"{self.runs[0]} …"
        what = {
            "files": f"export {runs} --to FOLDER --preset {self.preset}",
            "sheet": f"export sheet {runs} --to FILE.{self.format} --preset {self.preset}",
            "page": f"export gallery {runs} --to FOLDER",
            "comparison": f"export dashboard compare {' '.join(f'--run {run}' for run in self.runs)} --to FOLDER",
        }
        return f"studio --home {home} {what[self.kind]}"

    @property
    def _wish(self) -> _Asked:
        return _Asked(**{name: getattr(self, name) for name in CHOICES})

    def _look(self) -> None:
        with self.lock:
            self._asker.drop()
            self.set_trait("is_busy", False)
            self.set_trait("told", "")
            self._attempt(self._sum_up)

    def _sum_up(self) -> None:
        self.set_trait("summary", "")
        self.set_trait("notes", ())
        self.set_trait("link", "")
        if not self.runs or self.chosen is None:
            self.set_trait("summary", "Nothing is selected.")
            return
        plan = self._studio.export_plan(self.runs, self.preset if self.kind == "files" else "originals")
        self.set_trait("summary", _summary(plan))
        self.set_trait("link", self._address())
        self.set_trait("notes", () if self.kind == "sheet" else plan.notes)

    def _address(self) -> str:
        if len(self.runs) > MAX_BOARD_RUNS:
            return ""
        return self._studio.link(run=self.runs[0]) if len(self.runs) == 1 else self._studio.link(runs=self.runs)

    def _make(self, asked: _Asked) -> Iterator[Archive]:
        make = {"files": self._files, "sheet": self._sheet, "page": self._page, "comparison": self._comparison}[
            asked.kind
        ]
        archive = make(asked)
        if len(archive.data) > self._most_bytes:
            raise self._too_much()
        yield archive

    def _files(self, asked: _Asked) -> Archive:
        table: TableFormat = "parquet" if asked.table == "parquet" else "csv"
        try:
            data = self._studio.export_zip(asked.runs, asked.preset, table=table, max_bytes=self._most_bytes)
        except StudioError as error:
            if "studio.export" not in str(error):
                raise
            raise self._too_much() from error
        return Archive(f"studio-{asked.preset}-{len(asked.runs)}.zip", data)

    def _sheet(self, asked: _Asked) -> Archive:
        name = f"studio-sheet-{len(asked.runs)}.{asked.format}"
        with tempfile.TemporaryDirectory() as folder:
            path = self._studio.contact_sheet(
                asked.runs,
                Path(folder) / name,
                columns=asked.columns or None,
                title=asked.title,
                preset=asked.preset,
            )
            return Archive(name, path.read_bytes())

    def _page(self, asked: _Asked) -> Archive:
        return self._folder(asked, "page", "gallery")

    def _comparison(self, asked: _Asked) -> Archive:
        if len(asked.runs) > MAX_BOARD_RUNS:
            raise StudioError(f"at most {MAX_BOARD_RUNS} runs stand side by side; {len(asked.runs)} are selected")
        return self._folder(asked, "comparison", "compare")

    def _folder(self, asked: _Asked, name: str, kind: Kind) -> Archive:
        """Return a page as a ZIP file; what would be too much is refused before it is copied."""
        if self._studio.export_plan(asked.runs).size_bytes > self._most_bytes:
            raise self._too_much()
        named, title = f"studio-{name}-{len(asked.runs)}", asked.title or None
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / named
            page = self._studio.export_dashboard(kind, target, runs=asked.runs, title=title, progress=False)
            return Archive(f"{named}.zip", _zipped(page.parent))

    def _too_much(self) -> StudioError:
        most = f"{self._most_bytes / 2**20:.0f} MB are the most for a download"
        return StudioError(f"{most}. This writes it to a disk instead: {self.command}")

    def _keep(self, asked: _Asked, archive: Archive) -> None:
        with self.lock:
            if not self._waits_for(asked):
                return
            self._archive = archive
            self.set_trait("is_busy", False)
            self.set_trait("told", f"{archive.name}: {len(archive.data) / 2**20:.1f} MB")
            self.set_trait("made", self.made + 1)

    def _fail(self, asked: _Asked, error: Exception) -> None:
        with self.lock:
            if not self._waits_for(asked):
                return
            self.set_trait("is_busy", False)
            self.error = str(error) if isinstance(error, (StudioError, OSError)) else f"It went wrong: {error!r}"

    def _waits_for(self, asked: _Asked) -> bool:
        """Whether this is still what is to leave: it may have changed while the file was made."""
        return self.is_busy and asked == self._wish


def _zipped(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))
    return buffer.getvalue()


def _summary(plan: ExportPlan) -> str:
    return f"{counted(plan.runs, 'run')}, {counted(plan.files, 'file')}, {plan.size_bytes / 2**20:.1f} MB as they are"
