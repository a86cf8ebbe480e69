"""What the header of a GGUF file says about its tensors; their values are never read."""

from __future__ import annotations

import struct
from functools import lru_cache
from pathlib import Path

from studio_kernel.engines.diffusers.headers import Tensor
from studio_kernel.errors import ModelUnavailableError

FLOATS = ("F64", "F32", "F16")
"""Types that diffusers 0.42 brings to the precision of the model (``load_gguf_checkpoint``); the others, BF16 among
them, stay as they are in the file."""


def tensors(path: Path) -> tuple[Tensor, ...]:
    """Return the tensors of the GGUF file at `path`, the types in GGUF's words.

    Raises
    ------
    ModelUnavailableError
        When it is missing, damaged or cut off.
    """
    if not path.is_file():
        raise ModelUnavailableError(f"the weights file {str(path)!r} is missing")
    stat = path.stat()
    return _tensors(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=32)
def _tensors(path: Path, _size: int, _changed: int) -> tuple[Tensor, ...]:
    from gguf import GGUFReader

    try:
        reader = GGUFReader(path)  # maps the file; only what is looked at comes from the disk
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        OverflowError,
        UnicodeError,
        MemoryError,
        struct.error,
    ) as error:
        raise ModelUnavailableError(
            f"{str(path)!r} is not a readable GGUF file ({error}), or its download was cut off; download it again"
        ) from error
    found = []
    for entry in reader.tensors:
        shape = tuple(int(side) for side in reversed(entry.shape))  # GGUF names the innermost side first
        found.append(Tensor(entry.name, entry.tensor_type.name, shape, int(entry.n_bytes)))
    return tuple(found)
