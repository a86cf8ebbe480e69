"""A file input without a screen: take bytes, or a run, and see what is given.

What is given belongs to whoever asked for the control: it comes in by `show`, and goes out through the callables of a
`Giving`. So the control says the same as the form, whoever changes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import traitlets

from studio_kernel.assets.facts import file_facts
from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.values import AssetRef, describe
from studio_kernel.errors import InvalidInputError, StudioError
from studio_widgets.media.checks import check_file
from studio_widgets.media.earlier import EarlierState
from studio_widgets.media.giving import Giving
from studio_widgets.media.transfer import Transfer

MOST_NAMES = 200


@dataclass(frozen=True, slots=True)
class Given:
    """A file that is given.

    Attributes
    ----------
    key : str
        Digest of the file.
    kind : str
        ``image``, ``video`` or ``audio``.
    name : str
        Of the file, as far as it is known.
    facts : str
        Pixels and size, as far as they are known.
    """

    key: str
    kind: str
    name: str
    facts: str


class MediaState(traitlets.HasTraits):
    """One parameter that takes a file, or several.

    Parameters
    ----------
    parameter : Parameter
        Of type image, mask, video or audio.
    giving : Giving
        Where files go.

    Attributes
    ----------
    given : tuple of Given
        What is given now.
    error : str
        Why the last file was not taken; empty when it was.
    arrived_bytes, expected_bytes : int
        Of the file that is on its way.
    earlier : EarlierState or None
        Earlier results to choose one of, while that is wished; see `ask_gallery`.
    """

    given = traitlets.Tuple(read_only=True)
    error = traitlets.Unicode()
    arrived_bytes = traitlets.Int(0, read_only=True)
    expected_bytes = traitlets.Int(0, read_only=True)
    earlier = traitlets.Instance(EarlierState, allow_none=True, read_only=True)

    def __init__(self, parameter: Parameter, giving: Giving) -> None:
        super().__init__()
        self.parameter = parameter
        self._giving = giving
        self._refs: tuple[AssetRef, ...] = ()
        self._names: dict[str, str] = {}
        self._transfer: Transfer | None = None

    @property
    def has_room(self) -> bool:
        """Whether one more file can be given without another one going."""
        limit = self.parameter.max_items if self.parameter.multiple else 1
        return limit is None or len(self._refs) < limit

    @property
    def can_take_runs(self) -> bool:
        """Whether the result of a run can be given."""
        return self._giving.take_run is not None

    @property
    def can_ask_gallery(self) -> bool:
        """Whether earlier results can be chosen from."""
        return self._giving.from_gallery is not None

    # Giving

    def give(self, data: bytes, name: str = "") -> bool:
        """Give a file; return whether it was taken, else `error` says why not."""
        return self._attempt(lambda: self._give(data, name), name)

    def give_run(self, run: str) -> bool:
        """Give the result of a run; return whether it was taken, else `error` says why not."""
        return self._attempt(lambda: self._give_run(run))

    def take_away(self, place: int = 0) -> None:
        """Take away what stands at a place."""
        if 0 <= place < len(self._refs):
            self._attempt(lambda: self._take_away(place))

    def ask_gallery(self) -> None:
        """Offer earlier results to choose one of, where that is possible; once more, no longer."""
        if self.earlier is not None:
            self.close_gallery()
        elif self._giving.from_gallery is not None:
            self.set_trait("earlier", self._giving.from_gallery(self._choose))

    def close_gallery(self) -> None:
        """Offer earlier results no longer."""
        if self.earlier is not None:
            self.earlier.close()
            self.set_trait("earlier", None)

    def _choose(self, run: str) -> None:
        """Give the run that was chosen; where several files are taken, the next one can be chosen at once."""
        if self.give_run(run) and not (self.parameter.multiple and self.has_room):
            self.close_gallery()

    def _give(self, data: bytes, name: str) -> None:
        check_file(self.parameter, data)
        self._make_sure_of_room()
        self._remember(hashlib.sha256(data).hexdigest(), name)
        self._giving.tell(data, name)

    def _give_run(self, run: str) -> None:
        if self._giving.take_run is None:
            raise InvalidInputError("the result of a run cannot be given here")
        self._make_sure_of_room()
        self._giving.take_run(run)

    def _take_away(self, place: int) -> None:
        if self.parameter.multiple and self._giving.take_away is not None:
            self._giving.take_away(place)
        else:
            self._giving.tell(b"", "")

    def _make_sure_of_room(self) -> None:
        if self.parameter.multiple and not self.has_room:
            raise InvalidInputError(f"{len(self._refs)} files are given, and no more are taken; remove one first")

    # Taking a file in parts

    def begin(self, id: str, name: str, size_bytes: int) -> bool:  # noqa: A002
        """Expect a file in parts; return whether it may come. One that is on its way is given up."""
        self.stop()
        return self._attempt(lambda: self._begin(id, name, size_bytes), name)

    def take_part(self, id: str, number: int, part: bytes) -> bool:  # noqa: A002
        """Take the next part; the last one gives the file. Return whether all is well, else `error` says why not."""
        transfer = self._transfer
        if transfer is None or transfer.id != id:
            return False  # given up already, and the reason was told
        if not self._attempt(lambda: transfer.take(number, part), transfer.name):
            self.stop()
            return False
        self.set_trait("arrived_bytes", transfer.arrived_bytes)
        if not transfer.is_complete:
            return True
        self.stop()
        return self.give(transfer.data, transfer.name)

    @property
    def is_receiving(self) -> bool:
        """Whether a file is on its way."""
        return self._transfer is not None

    def stop(self, id: str = "") -> None:  # noqa: A002
        """Give up the file of that id, or whichever is on its way."""
        if self._transfer is not None and id in ("", self._transfer.id):
            self._transfer = None
            self.set_trait("arrived_bytes", 0)
            self.set_trait("expected_bytes", 0)

    def _begin(self, id: str, name: str, size_bytes: int) -> None:  # noqa: A002
        self._transfer = Transfer(id, name, size_bytes)
        self.set_trait("expected_bytes", size_bytes)

    # Seeing what is given

    def show(self, value: object) -> None:
        """Show what the form has as the value: nothing, a reference to a stored file, or several."""
        items = value if isinstance(value, tuple) else (value,)
        refs = tuple(item for item in items if isinstance(item, AssetRef))
        if refs == self._refs:
            return  # a form shows all its values again when one of them changes, and files are looked into here
        self._refs = refs
        self.set_trait("given", tuple(map(self._described, self._refs)))

    def picture(self, key: str) -> bytes:
        """Return a small WebP picture of a file that is given; no bytes when it has none."""
        ref = next((ref for ref in self._refs if ref.sha256 == key), None)
        if ref is None or self._giving.assets is None:
            return b""
        try:
            path = self._giving.assets.thumbnail(ref)
            return path.read_bytes() if path else b""
        except (StudioError, OSError):
            return b""  # the name still says what it is

    def _described(self, ref: AssetRef) -> Given:
        return Given(
            ref.sha256, ref.media_type.split("/")[0], self._names.get(ref.sha256) or describe(ref), self._facts_of(ref)
        )

    def _facts_of(self, ref: AssetRef) -> str:
        if self._giving.assets is None:
            return ""
        try:
            path = self._giving.assets.path(ref)
            facts = file_facts(path, ref.media_type)
            size = path.stat().st_size
        except (StudioError, OSError):
            return "the file is missing"
        pixels = f"{facts.width} × {facts.height} px" if facts.width and facts.height else ""
        seconds = f"{facts.seconds:.1f} s" if facts.seconds else ""
        return " · ".join(part for part in (pixels, seconds, in_bytes(size)) if part)

    def _remember(self, key: str, name: str) -> None:
        if name:
            self._names[key] = name
        while len(self._names) > MOST_NAMES:
            self._names.pop(next(iter(self._names)))

    def _attempt(self, act: Callable[[], object], name: str = "") -> bool:
        """Do something that may be refused, and keep the reason."""
        try:
            act()
        except (StudioError, OSError) as error:
            self.error = f"{name}: {error}" if name else str(error)
            return False
        self.error = ""
        return True


def in_bytes(size: int) -> str:
    """Return a size as people read it."""
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1e3:.0f} kB" if size < 1e6 else f"{size / 1e6:.1f} MB"
