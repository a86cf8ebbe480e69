"""What a pipeline is built from: the classes and configurations of its parts, read from files; no weights, no torch.

A blueprint comes from a diffusers directory (`of_directory`) or from an architecture that ships (`architectures`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio_kernel.engines.diffusers.checkpoint import components, read_json

INDEX = "model_index.json"
TOKENIZER = "Tokenizer"
_CONFIGURATIONS = ("config.json", "scheduler_config.json", "tokenizer_config.json", "preprocessor_config.json")
_MOST_TOKENS = 100_000
"""Tokenizers without a limit of their own name an enormous one."""


@dataclass(frozen=True, slots=True)
class Part:
    """One component of a pipeline.

    Attributes
    ----------
    library : str
        ``diffusers``, ``transformers``, or the name of a pipeline of diffusers.
    class_name : str
        In that library.
    config : mapping
        Of a network or a scheduler; of a tokenizer ``model_max_length`` alone counts.
    folder : pathlib.Path or None
        Where it was read.
    dtype : str
        Its precision, when it has one of its own.
    parameters : int or None
        How many it has, counted by others, to hold a skeleton against.
    """

    library: str
    class_name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    dtype: str = ""
    parameters: int | None = None

    @property
    def is_tokenizer(self) -> bool:
        """Whether it turns texts into tokens."""
        return TOKENIZER in self.class_name

    @property
    def most_tokens(self) -> int | None:
        """The longest text of a tokenizer; `None` when it has no limit."""
        limit = self.config.get("model_max_length")
        return int(limit) if isinstance(limit, (int, float)) and limit < _MOST_TOKENS else None


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A pipeline that could be built.

    Attributes
    ----------
    pipeline : str
        Class of diffusers.
    parts : mapping
        By the pipeline's names.
    options : mapping
        What else the index says, such as ``requires_safety_checker``.
    call : mapping
        Arguments of a call that nobody gave, such as ``width``.
    """

    pipeline: str
    parts: Mapping[str, Part]
    options: Mapping[str, Any] = field(default_factory=dict)
    call: Mapping[str, Any] = field(default_factory=dict)


def of_directory(directory: Path) -> Blueprint:
    """Read the configuration files of a diffusers directory.

    Raises
    ------
    ModelUnavailableError
        When one is missing or damaged.
    """
    index = read_json(directory / INDEX)
    parts = {name: _part(directory / name, library, cls) for name, library, cls in components(index)}
    options = {name: value for name, value in index.items() if not name.startswith("_") and name not in parts}
    plain = {name: value for name, value in options.items() if not isinstance(value, list)}
    return Blueprint(str(index.get("_class_name", "")), parts, plain)


def _part(folder: Path, library: str, class_name: str) -> Part:
    found = [folder / name for name in _CONFIGURATIONS if (folder / name).is_file()]
    needs_one = not (TOKENIZER in class_name or "Processor" in class_name or "Extractor" in class_name)
    config = read_json(found[0] if found else folder / _CONFIGURATIONS[0]) if found or needs_one else {}
    return Part(library, class_name, config, folder)
