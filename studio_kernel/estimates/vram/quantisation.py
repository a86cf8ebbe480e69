"""How many bytes a value takes in each way to quantise weights, and what their names mean in a file.

The idea to know: a weight is quantised only if it is the matrix of a linear layer; embeddings, norms and biases keep
the precision in which the model computes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from studio_kernel.errors import InvalidRequestError, Problem

_BLOCK = 64
_NESTED = 256
_LEFT_OUT = ("proj_out", "norm_out", "lm_head", "embed", "shared", "relative_attention_bias")
"""Parts of the names of matrices that quantisers leave alone, or that are looked up and not multiplied."""
_GGUF_BITS: Mapping[str, tuple[int, int]] = {
    "Q8_0": (32, 34),
    "Q6_K": (256, 210),
    "Q5_K": (256, 176),
    "Q5_1": (32, 24),
    "Q5_0": (32, 22),
    "Q4_K": (256, 144),
    "Q4_1": (32, 20),
    "Q4_0": (32, 18),
    "Q3_K": (256, 110),
    "Q2_K": (256, 84),
}
SCHEMES = ("nf4", "fp4", "nf4-double", "int8", "int8-torchao", "fp8", *_GGUF_BITS)
"""What `matrix_bytes` knows."""

_STATE = re.compile(r"\.(nested_)?(absmax|quant_map)$|\.SCB$|_scale(_inv)?$|\.scale_(weight|input)$|_zero_point$")
_STATE_ON_CPU = re.compile(r"\.quant_state\.|weight_format$")


def scheme_of(words: str) -> str:
    """Return the scheme that `words` name, such as ``Q4_K`` for ``q4_k_m``.

    Raises
    ------
    InvalidRequestError
        When there is none of that name.
    """
    wanted = words.strip().lower()
    for scheme in sorted(SCHEMES, key=len, reverse=True):
        if wanted == scheme.lower() or (scheme in _GGUF_BITS and wanted.startswith(scheme.lower())):
            return scheme
    problem = Problem("quantisation", f"{words!r} is not known; one of {', '.join(SCHEMES)}")
    raise InvalidRequestError([problem], "memory")


def matrix_bytes(shape: tuple[int, ...], scheme: str) -> int:
    """Return how much memory the matrix of a linear layer takes.

    Notes
    -----
    bitsandbytes (``functional.py``): 4 bit values with a float32 scale for each 64, or, nested, an 8 bit scale for each
    64 and a float32 one for each 256 of those, and tables of 16 and 256 values; int8 with a float32 scale for each row.
    torchao's int8 and fp8 have scales too few to count. GGUF: values and bytes of a block in ``ggml-common.h``.
    """
    count = math.prod(shape)
    if scheme in _GGUF_BITS:
        values, size = _GGUF_BITS[scheme]
        return math.ceil(count / values) * size
    if scheme == "int8":
        return count + 4 * (shape[0] if shape else 1)
    if scheme in ("fp8", "int8-torchao"):
        return count
    blocks = math.ceil(count / _BLOCK)
    scales = blocks + 4 * math.ceil(blocks / _NESTED) + 4 * _NESTED if scheme == "nf4-double" else 4 * blocks
    return math.ceil(count / 2) + scales + 4 * 16


def dequantised_bytes(shape: tuple[int, ...], scheme: str, value_bytes: int) -> int:
    """Return the memory of a matrix while it is multiplied; int8 multiplies as it is."""
    return 0 if scheme.startswith("int8") else math.prod(shape) * value_bytes


def is_linear(name: str, shape: tuple[int, ...]) -> bool:
    """Whether a tensor is the matrix of a linear layer, which is what is quantised."""
    return name.endswith(".weight") and len(shape) == 2 and not any(part in name for part in _LEFT_OUT)


def is_state(name: str) -> bool:
    """Whether a tensor of a quantised file holds scales or the like, which keep the precision of the file."""
    return _STATE.search(name) is not None


def stays_in_main_memory(name: str) -> bool:
    """Whether a tensor of a quantised file is read and not sent to the device."""
    return _STATE_ON_CPU.search(name) is not None
