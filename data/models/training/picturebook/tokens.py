"""Token ids of captions."""

from __future__ import annotations

from torch import Tensor
from transformers import CLIPTokenizer

#: Length of a prompt in tokens; longer ones are cut.
LENGTH = 32


def token_ids(tokenizer: CLIPTokenizer, texts: list[str]) -> Tensor:
    """Make padded token ids, one row a text."""
    encoded = tokenizer(texts, padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt")
    return encoded.input_ids
