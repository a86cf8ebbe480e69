"""The asset store: a file is named by the SHA-256 of its bytes, so the same bytes are one file.

Files are written beside their place and renamed into it, so a reader sees all of a file or nothing, and a process that
dies leaves at most a stray temporary file.

A file is used before the log says so: it is stored, or named as an input, and only then is its run logged. So whoever
uses a file that is there already renews its modification time, under a lock that `assets.upkeep` holds too while it
looks at a file for the last time and removes it.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from studio_kernel.assets import thumbnails
from studio_kernel.assets.media import EXTENSIONS, MEDIA_TYPES, identify, verify_picture
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.values import AssetRef
from studio_kernel.errors import HomeError, InvalidInputError

if TYPE_CHECKING:
    from PIL.Image import Image


class AssetStore:
    """Content-addressed files under one directory.

    Parameters
    ----------
    root : pathlib.Path
        Holds ``ab/abcd….png`` and ``ab/abcd….thumb.webp``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, data: bytes, *, index: int = 0, seed: int | None = None, role: str = "output") -> Asset:
        """Store `data` and return what it is; on disk when this returns.

        Raises
        ------
        InvalidInputError
            When it is no picture, video or sound that the studio knows.
        """
        info = identify(data)
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest, info.extension)
        if path.exists():
            self._use_again(path, data)
        else:
            _write_whole(path, data)
        return Asset(digest, info.media_type, len(data), info.width, info.height, index, seed, role)

    def take(self, source: object, what: str = "input") -> AssetRef:
        """Store something given as an input and return its reference.

        Parameters
        ----------
        source : AssetRef, Asset, bytes, path, PIL image or array of shape (height, width[, 3 or 4]) and dtype uint8
            What to take.
        what : str
            The parameter it is meant for, named in errors.

        Raises
        ------
        InvalidInputError
            When it cannot be read as a picture, video or sound.
        """
        if isinstance(source, Asset):
            return self.take(source.ref, what)
        if isinstance(source, AssetRef):
            self.hold([source])
            return source
        try:
            data = _bytes_of(source)
            asset = self.put(data, role=what)
            if asset.media_type.startswith("image/"):
                verify_picture(data)
        except InvalidInputError as error:
            name = str(source) if isinstance(source, (str, os.PathLike)) else type(source).__name__
            raise InvalidInputError(f"{what} {name!r}: {error}") from error
        return asset.ref

    def has(self, ref: AssetRef | Asset) -> bool:
        """Return whether this store has a file."""
        return self._path(ref.sha256, EXTENSIONS.get(ref.media_type, "")).is_file()

    def find(self, sha256: str) -> AssetRef:
        """Return the reference of a stored file that is known by its digest alone.

        Raises
        ------
        InvalidInputError
            When this store has no such file.
        """
        beside = self._path(sha256, "").parent
        for path in beside.glob(f"{sha256}.*"):
            if (media_type := MEDIA_TYPES.get(path.name.partition(".")[2])) is not None:
                return AssetRef(sha256, media_type)
        raise InvalidInputError(f"no stored file {sha256[:12]}… in {str(self.root)!r}")

    def hold(self, refs: Iterable[AssetRef]) -> None:
        """Keep stored files from being taken for unused, until the run that uses them is logged.

        Raises
        ------
        InvalidInputError
            When this store has no such file.
        HomeError
            When the store cannot be written.
        """
        for ref in refs:
            with self.exclusive():
                _renew(self.path(ref))

    def path(self, ref: AssetRef | Asset) -> Path:
        """Return where a stored file is.

        Raises
        ------
        InvalidInputError
            When this store has no such file.
        """
        path = self._path(ref.sha256, EXTENSIONS.get(ref.media_type, ""))
        if not path.is_file():
            raise InvalidInputError(f"no stored file {ref.sha256[:12]}… of type {ref.media_type} in {str(self.root)!r}")
        return path

    def thumbnail(self, ref: AssetRef | Asset) -> Path | None:
        """Return the path of a WebP thumbnail, made on first use.

        `None` for what has none: a sound, and a picture or video that cannot be decoded.
        """
        if not thumbnails.can_be_shown(ref.media_type):
            return None
        path = self._path(ref.sha256, "thumb.webp")
        if not path.is_file():
            source = self.path(ref)
            try:
                small = thumbnails.thumbnail(source, ref.media_type)
            except InvalidInputError:
                return None
            _write_whole(path, small)
        return path

    def still(self, ref: AssetRef | Asset) -> Image:
        """Return a picture of a stored video: a frame from its beginning that is not black.

        Raises
        ------
        InvalidInputError
            When it cannot be decoded.
        """
        return thumbnails.still(self.path(ref))

    def image(self, ref: AssetRef | Asset) -> Image:
        """Return a stored picture, decoded."""
        from PIL import Image

        with Image.open(self.path(ref)) as picture:
            picture.load()
            return picture

    def digests(self) -> Iterable[str]:
        """Yield the digest of every stored file."""
        for path in self.root.glob("??/*"):
            if not path.name.startswith(".") and not path.name.endswith(".thumb.webp"):
                yield path.name.split(".")[0]

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep every process from renewing, replacing and removing stored files; for moments only."""
        from filelock import FileLock

        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.root / ".lock", thread_local=False)
            lock.acquire()
        except OSError as error:
            raise _unwritable(self.root / ".lock", error) from error
        try:
            yield
        finally:
            lock.release()

    def _use_again(self, path: Path, data: bytes) -> None:
        """Renew a file that is there already; one that was damaged or has just been removed is written anew."""
        with self.exclusive():
            if _holds(path, data):
                _renew(path)
            else:
                _write_whole(path, data)

    def _path(self, digest: str, extension: str) -> Path:
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise InvalidInputError(f"{digest!r} is not the SHA-256 of a file")
        return self.root / digest[:2] / f"{digest}.{extension}"


def _bytes_of(source: object) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, (str, os.PathLike)):
        try:
            return Path(source).expanduser().read_bytes()
        except OSError as error:
            raise InvalidInputError(error.strerror or str(error)) from error
    return _png_of(source)


def _png_of(source: object) -> bytes:
    from PIL import Image

    try:
        picture = source if isinstance(source, Image.Image) else Image.fromarray(source)  # type: ignore[arg-type]
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidInputError(
            "give a path, bytes, a PIL image, an array of uint8, or a file of an earlier run"
        ) from error
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _holds(path: Path, data: bytes) -> bool:
    """Return whether the file has these bytes; reading costs less than the digest did."""
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


def _renew(path: Path) -> None:
    try:
        os.utime(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _write_whole(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        Path(name).unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> HomeError:
    return HomeError(f"cannot store {path.name[:12]}… in {str(path.parent)!r}: {error.strerror or error}")
