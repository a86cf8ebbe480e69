"""A file on its way from a browser: it comes in numbered parts, as no message may be as large as a file."""

from __future__ import annotations

from studio_kernel.errors import InvalidInputError
from studio_widgets.media.checks import check_size

PART_BYTES = 2**20


class Transfer:
    """Puts the parts of one file together.

    Parameters
    ----------
    id : str
        What the sender calls it.
    name : str
        Of the file, for people.
    size_bytes : int
        What the sender says will come; no more is taken.

    Raises
    ------
    InvalidInputError
        When it says that the file is empty or too large.
    """

    def __init__(self, id: str, name: str, size_bytes: int) -> None:  # noqa: A002
        check_size(size_bytes)
        self.id = id
        self.name = name
        self.size_bytes = size_bytes
        self._data = bytearray()  # grows with what comes: a size that is only claimed takes no memory
        self._next = 0

    @property
    def arrived_bytes(self) -> int:
        """How much has come."""
        return len(self._data)

    @property
    def is_complete(self) -> bool:
        """Whether all of it has come."""
        return len(self._data) == self.size_bytes

    @property
    def data(self) -> bytes:
        """What has come."""
        return bytes(self._data)

    def take(self, number: int, part: bytes) -> None:
        """Take the next part.

        Raises
        ------
        InvalidInputError
            When it is not the next one, is empty, or makes the file larger than was said.
        """
        if number != self._next:
            raise InvalidInputError(f"part {number} came where part {self._next} was expected; give the file again")
        if not part or len(self._data) + len(part) > self.size_bytes:
            raise InvalidInputError(f"part {number} does not fit the size that was announced; give the file again")
        self._data += part
        self._next += 1
