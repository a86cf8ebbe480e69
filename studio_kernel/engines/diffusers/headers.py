"""What the header of a safetensors file says about its tensors; their values are never read.

Layout after github.com/huggingface/safetensors: 8 bytes header length N, little endian; N bytes JSON; data.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

MAX_HEADER_BYTES = 100_000_000
"""The safetensors library refuses longer headers."""

FLOATS = ("F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2")
"""What is brought to the precision of the loaded model. Measured with diffusers 0.42 and transformers 5.23: floating
point values of 8 bits too, unless the component's configuration names a quantisation."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a weights file.

    Attributes
    ----------
    dtype : str
        In the words of its format, such as ``BF16``.
    size_bytes : int
        In the file.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    size_bytes: int

    @property
    def count(self) -> int:
        """Number of its values, as the shape has it."""
        return math.prod(self.shape)

    def loaded_bytes(self, value_bytes: int) -> int:
        """Return its size when floating point values take `value_bytes` each; whole numbers keep their size."""
        return self.count * value_bytes if self.dtype in FLOATS else self.size_bytes


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a safetensors file.

    Attributes
    ----------
    file_bytes : int
        How long the file should be.
    """

    file_bytes: int
    tensors: tuple[Tensor, ...]


def read(path: Path) -> Header:
    """Return the header of the safetensors file at `path`; read again only when its size or time of change differ.

    Raises
    ------
    OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, struct.error
        When it cannot be read; which one depends on what is wrong with it.
    """
    stat = path.stat()
    return _read(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=32)
def _read(path: Path, _size: int, _changed: int) -> Header:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > MAX_HEADER_BYTES:
            raise ValueError(f"a header of {length} bytes")
        header = json.loads(file.read(length))
    tensors, end = [], 0
    for name, entry in header.items():
        if name != "__metadata__":
            begin, stop = map(int, entry["data_offsets"])
            end = max(end, stop)
            tensors.append(Tensor(name, str(entry["dtype"]), tuple(map(int, entry["shape"])), stop - begin))
    return Header(8 + int(length) + end, tuple(tensors))
