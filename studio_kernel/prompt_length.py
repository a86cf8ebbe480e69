"""How long a prompt may be for a model, and in what: characters that a service counts, or tokens of a local encoder.

A service refuses what is too long; a CLIP encoder reads the first tokens and silently leaves out the rest. Tokens are
counted with the tokenizer that lies beside the model's weights, without torch; where there is none, or where a model
reads its prompt with another encoder too, nothing is said.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from studio_kernel.domain.model import ModelCard

Unit = Literal["characters", "tokens"]
CLIP = ("CLIPTokenizer", "CLIPTokenizerFast")
KEPT = 8
"""Tokenizers that are kept in memory; CLIP's own takes a few megabytes."""


@dataclass(frozen=True, slots=True)
class PromptLimit:
    """What a model takes of a prompt.

    Attributes
    ----------
    unit : {"characters", "tokens"}
        What is counted.
    most : int or None
        So many are taken; `None` = no limit is known.
    cuts : bool
        Whether the end of a longer prompt is left out; otherwise it is refused.
    folder : str
        Where the tokenizer is; empty for characters.
    """

    unit: Unit = "characters"
    most: int | None = None
    cuts: bool = False
    folder: str = ""

    def count(self, text: str) -> int:
        """Return how many of `unit` a prompt has, without the two tokens that an encoder puts around it."""
        if not self.folder:
            return len(text)
        return len(_tokenizer(self.folder).encode(text, add_special_tokens=False).ids)


def limit_of(card: ModelCard, name: str = "prompt") -> PromptLimit:
    """Return the limit of a text parameter of a model."""
    folders = _tokenizers(card)
    if folders and name == "prompt":
        limits = [_most(folder) for folder in folders]
        if None not in limits:
            return PromptLimit("tokens", min(most for most in limits if most is not None), True, str(folders[0]))
    longest = [parameter.max_length for parameter in card.parameters if parameter.name == name]
    return PromptLimit(most=longest[0] if longest else None)


def _tokenizers(card: ModelCard) -> list[Path]:
    root = Path(card.source.path) if card.source.path else None
    return sorted(folder for folder in root.glob("tokenizer*") if folder.is_dir()) if root is not None else []


def _most(folder: Path) -> int | None:
    """Return how many tokens of a text a CLIP tokenizer leaves; `None` when it is another kind or lacks its file."""
    try:
        config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        if config["tokenizer_class"] not in CLIP:
            return None
        return int(config["model_max_length"]) - _tokenizer(str(folder)).num_special_tokens_to_add(False)
    except (OSError, ValueError, LookupError, TypeError):
        return None


@lru_cache(KEPT)
def _tokenizer(folder: str) -> Tokenizer:
    from tokenizers import Tokenizer

    file = Path(folder, "tokenizer.json")
    try:
        tokenizer: Tokenizer = Tokenizer.from_str(file.read_text(encoding="utf-8"))
    except OSError:
        raise
    except Exception as error:  # what the library raises for a broken file is a bare Exception
        raise ValueError(f"{str(file)!r} is no tokenizer: {error}") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
