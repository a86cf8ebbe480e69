"""What is written beside a grid: names of axes, and values that show only what differs.

Long prompts that differ in a word are told apart by that word; what they have in common is an ellipsis.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import PurePath

from studio_kernel.domain.parameters import label_of
from studio_kernel.domain.values import AssetRef, Lora, Value, describe

SHORT = 24
"""Characters up to which a text is shown whole."""

ELLIPSIS = "…"
# words, punctuation, and single characters of scripts that are written without blanks
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[\w'’-]+|[^\w\s]")


def axis_label(name: str) -> str:
    """Return the name of an axis as people read it within a sentence."""
    parameter, inside, token = name.partition(":")
    if inside and parameter == "lora":
        return f"LoRA {_stem(token)}"
    label = label_of(parameter)
    label = label if label[1:2].isupper() else label[:1].lower() + label[1:]
    return f"{label} “{token}”" if inside else label


def value_label(value: Value) -> str:
    """Return one value in full, on one line."""
    if value is None:
        return "not given"
    if isinstance(value, Lora):
        return f"{_stem(value.id)} × {value.weight:g}"
    if isinstance(value, AssetRef):
        return f"{value.media_type.split('/')[0]} {value.sha256[:8]}"
    if isinstance(value, tuple):
        return " + ".join(map(value_label, value)) or "none"
    return _one_line(describe(value)) or "(empty)"


def value_labels(values: Sequence[Value]) -> list[str]:
    """Return the values of an axis as short as they can be told apart."""
    texts = [value_label(value) for value in values]
    if len(set(texts)) < len(texts):  # such as numbers that differ beyond six digits
        texts = [_one_line(repr(value)) if texts.count(text) > 1 else text for value, text in zip(values, texts)]  # noqa: B905
    if len(texts) < 2 or max(map(len, texts)) <= SHORT:
        return texts
    shortened = differences(texts)
    return shortened if len(set(shortened)) == len(set(texts)) else texts


def differences(texts: Sequence[str]) -> list[str]:
    """Return the parts of `texts` that not all of them have, in order, with an ellipsis for what is left out."""
    tokens = [[(found[0], found.start(), found.end()) for found in _TOKEN.finditer(text)] for text in texts]
    words = [[token[0] for token in row] for row in tokens]
    pairs = [_matches(words[0], row) for row in words]
    shared = set.intersection(*(set(pair) for pair in pairs))
    common = [{pair[at] for at in shared} for pair in pairs]
    return [_shown(text, row, kept) for text, row, kept in zip(texts, tokens, common, strict=True)]


def _matches(one: list[str], other: list[str]) -> dict[int, int]:
    """Return which places of `one` stand where in `other`."""
    blocks = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    return {block.a + i: block.b + i for block in blocks for i in range(block.size)}


def _shown(text: str, tokens: list[tuple[str, int, int]], common: set[int]) -> str:
    """Return `text` without its tokens at `common`; with its last word where nothing else is left."""
    own = [at for at in range(len(tokens)) if at not in common]
    if not own:
        own = [len(tokens) - 1] if tokens else []
    parts, before = [], -1
    for at in own:
        if at == before + 1 and before >= 0:
            parts.append(text[tokens[before][2] : tokens[at][2]])
        else:
            parts += [ELLIPSIS] if at > 0 else []
            parts.append(tokens[at][0])
        before = at
    if before < len(tokens) - 1:
        parts.append(ELLIPSIS)
    return "".join(parts) or text


def _one_line(text: str) -> str:
    """Return `text` without line breaks and control characters, which have no shape."""
    shapeless = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    plain = "".join(" " if unicodedata.category(char) in shapeless else char for char in text)
    return " ".join(plain.split())


def _stem(identifier: str) -> str:
    return PurePath(identifier).stem if identifier.endswith(".safetensors") else identifier
