"""The folder of an exported page: written beside its place, and brought there when all of it is there.

::

    index.html             written last
    page-<digest>/         scripts, styles and data of this page, named by what is in them
    files/                 pictures, videos and sounds, named by the digest of their bytes
    studio-export.json     what belongs to the page, so that the next export can take away what it no longer has

A page opened from disk may not fetch, so its data are scripts. Text of people is data all the way: scripts put it on
screen as text, never as markup.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from studio_kernel.assets import AssetStore
from studio_kernel.assets.embed import embed, read_any
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.provenance import Provenance
from studio_kernel.domain.values import Json
from studio_kernel.errors import HomeError, InvalidInputError
from studio_kernel.export.page.wording import Wording

INDEX = "index.html"
MANIFEST = "studio-export.json"
VERSION = 1
_HERE = Path(__file__).parent
_PARTIAL = ".studio-export-"


class PageFolder:
    """A page in the making; `page_folder` makes it and brings it to its place.

    Parameters
    ----------
    stage : path
        Where it is written.
    target : path
        Where it will be; files that are there already are not copied again.
    wording : Wording
        Takes out of the data what stays.
    """

    def __init__(self, stage: Path, target: Path, wording: Wording) -> None:
        self.stage = stage
        self.target = target
        self.wording = wording
        self.kept: set[str] = set()
        """What is at its place already, from an earlier export."""
        self._own = stage / "page"
        self._own.mkdir()

    def use(self, *names: str) -> None:
        """Take scripts and styles that lie beside this module."""
        for name in names:
            shutil.copyfile(_HERE / name, self._own / name)

    def write(self, name: str, text: str) -> None:
        """Write one more script or style of the page."""
        (self._own / name).write_text(text, encoding="utf-8")

    def data(self, name: str, value: Json) -> None:
        """Write data as a script: ``head`` becomes `window.STUDIO`, every other part is handed to ``STUDIO_PART``."""
        script = as_script(self.wording.clean(value))
        call = f"window.STUDIO = {script};" if name == "head" else f'STUDIO_PART("{name}", {script});'
        self.write(f"{name}.js", f"{call}\n")

    def file(self, source: Path) -> str:
        """Copy a file that is named by its bytes, and return its address in the page.

        What is said inside it about how it was made is worded as the page is.
        """
        address = f"files/{source.name}"
        there, here = self.target / address, self.stage / address
        if there.is_file() and there.stat().st_size == source.stat().st_size:
            self.kept.add(address)
        elif not here.is_file():
            here.parent.mkdir(exist_ok=True)
            data = source.read_bytes()
            told = _reworded(data, self.wording)
            here.write_bytes(told) if told is not None else shutil.copyfile(source, here)
        return address

    def media(self, asset: Asset, assets: AssetStore) -> Json:
        """Copy a stored file and its thumbnail, and return what a page needs to show them; none for a lost one."""
        try:
            thumbnail = assets.thumbnail(asset)
            file, small = self.file(assets.path(asset)), self.file(thumbnail) if thumbnail is not None else ""
        except InvalidInputError:
            return None
        size = {"width": asset.width or 0, "height": asset.height or 0}
        return {"type": asset.media_type, "file": file, "thumbnail": small, **size}

    def reword_files(self) -> None:
        """Word anew what files say about themselves that something else has put into the folder."""
        for path in (self.stage / "files").glob("*"):
            try:
                told = _reworded(path.read_bytes(), self.wording)
            except InvalidInputError:
                path.unlink()
                continue
            if told is not None:
                path.write_bytes(told)

    def source(self, name: str) -> str:
        """Return a script or style that lies beside this module."""
        return (_HERE / name).read_text(encoding="utf-8")

    def finish(self, html: str, **parts: str) -> None:
        """Write the page itself, from the file `html` beside this module.

        Parameters
        ----------
        html : str
            Its name.
        **parts : str
            Finished markup, in which everything is escaped, for the places of these names.
        """
        base = f"page-{_digest(self._own)}"
        self._own.rename(self.stage / base)
        markup = self.source(html).replace("{base}", f"{base}/")
        for name, part in parts.items():
            markup = markup.replace(f"{{{name}}}", part)
        (self.stage / INDEX).write_text(markup, encoding="utf-8")


@contextmanager
def page_folder(folder: Path, kind: str, home: Path) -> Iterator[PageFolder]:
    """Write a page: what is made inside is at its place afterwards, or nothing is.

    What an earlier export has put there, and this one has not, goes; anything else in the folder stays.

    Parameters
    ----------
    folder : path
        Its place, made when it does not exist.
    kind : str
        What it shows.
    home : path
        The root of the home it is of, which no text of it names.

    Raises
    ------
    HomeError
        When it cannot be written, for instance as the disk is full; the folder is as it was then.
    """
    try:
        place = folder if folder.is_dir() else folder.parent
        place.mkdir(parents=True, exist_ok=True)
        stage = place / f"{_PARTIAL}{secrets.token_hex(4)}"
        stage.mkdir()
        try:
            made = PageFolder(stage, folder, Wording(home))
            yield made
            _publish(made, kind)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    except OSError as error:
        if isinstance(error, HomeError):
            raise
        raise HomeError(f"cannot write the page to {str(folder)!r}: {error.strerror or error}") from error


def as_script(value: Json) -> str:
    """Return a value as JavaScript.

    Only ASCII, and ``<`` escaped: no text can end the script it stands in, or be read in another encoding.
    """
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _reworded(data: bytes, wording: Wording) -> bytes | None:
    """Return a file whose words about itself had to change; `None` when it may leave as it is.

    Raises
    ------
    InvalidInputError
        When they cannot be changed.
    """
    said = read_any(data)
    may_be_said = wording.about(said.to_json()) if said is not None else None
    if said is None or not isinstance(may_be_said, dict) or may_be_said == said.to_json():
        return None
    told = embed(data, Provenance.from_json(may_be_said))
    if read_any(told) == said:
        raise InvalidInputError("a file says in its inside what may not leave, and cannot be changed")
    return told


def _publish(made: PageFolder, kind: str) -> None:
    stage, target = made.stage, made.target
    shutil.rmtree(stage / "page", ignore_errors=True)  # empty, where another page was written
    names = sorted(path.relative_to(stage).as_posix() for path in stage.rglob("*") if path.is_file())
    earlier = _listed(target)
    listed: Json = {"studio": VERSION, "kind": kind, "files": [*sorted({*names} | made.kept)]}
    (stage / MANIFEST).write_text(json.dumps(listed), encoding="ascii")
    if not target.is_dir():
        os.rename(stage, target)  # noqa: PTH104 - as atomic as the system has it
        return
    for name in sorted([*names, MANIFEST], key=lambda name: name == INDEX):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(stage / name, target / name)  # noqa: PTH105
    for name in earlier - {*names} - made.kept:
        _remove(target, name)


def _listed(target: Path) -> set[str]:
    """Return what an earlier export has put into a folder, as far as that lies in it."""
    try:
        known = json.loads((target / MANIFEST).read_text(encoding="utf-8"))["files"]
        return {
            name for name in known if not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts
        }
    except (OSError, ValueError, LookupError, TypeError):
        return set()


def _remove(target: Path, name: str) -> None:
    path = target / name
    path.unlink(missing_ok=True)
    for parent in path.relative_to(target).parents:
        if parent.name and not any((target / parent).iterdir()):
            (target / parent).rmdir()


def _digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:12]
