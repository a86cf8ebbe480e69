"""The kernel side of the studio workbench: generate, sweep, compare, and query every run.

``import studio_kernel as sk``; `open` is the front door. Importing loads nothing heavy: torch, DuckDB and pandas come
when they are first needed.
"""

from studio_kernel.domain.ranges import linspace, logspace
from studio_kernel.domain.sampling import cells, latin_hypercube, random_samples, span, zipped
from studio_kernel.domain.values import Lora
from studio_kernel.errors import StudioError
from studio_kernel.prompts.matrix import prompt_matrix
from studio_kernel.studio import Studio, open  # noqa: A004 - reads as sk.open()

__version__ = "0.1.0"
__all__ = [
    "Lora",
    "Studio",
    "StudioError",
    "cells",
    "latin_hypercube",
    "linspace",
    "logspace",
    "open",
    "prompt_matrix",
    "random_samples",
    "span",
    "zipped",
]
