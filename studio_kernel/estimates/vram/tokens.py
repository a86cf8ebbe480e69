"""A tokenizer that knows how long a text becomes, and nothing else.

Memory depends on the number of tokens alone, so no vocabulary has to be there; reading one would take longer than the
whole trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import BatchEncoding

_LETTERS_OF_A_TOKEN = 4
"""Of English text, with the vocabularies of language models (OpenAI's help pages say the same of theirs, 2024)."""
_ID = 5
"""Any token but a special one."""


class LengthTokenizer:
    """Stands for a tokenizer.

    Parameters
    ----------
    longest : int
        Texts are padded to so many tokens, where they are padded to the longest.
    """

    def __init__(self, longest: int) -> None:
        self.model_max_length = longest
        self.added_tokens_encoder: dict[str, int] = {}
        self.pad_token_id = self.eos_token_id = 0
        self.bos_token_id = 1
        self.padding_side = "right"

    def __call__(
        self, text: str | Sequence[str], max_length: int | None = None, padding: Any = False, **_: Any
    ) -> BatchEncoding:
        """Return tokens, as many as the text would have."""
        texts = [text] if isinstance(text, str) else list(text)
        limit = max_length or self.model_max_length
        length = limit if padding == "max_length" else min(limit, max(map(_length, texts)))
        shape = (len(texts), length)
        tokens = {"input_ids": torch.full(shape, _ID), "attention_mask": torch.ones(shape, dtype=torch.long)}
        return BatchEncoding(tokens)

    def tokenize(self, _text: str) -> list[str]:
        """Return no words: none of them is a special one."""
        return []

    def batch_decode(self, tokens: Sequence[object], **_: Any) -> list[str]:
        """Return an empty text for each row."""
        return [""] * len(tokens)

    def apply_chat_template(self, messages: Sequence[Any], tokenize: bool = True, **named: Any) -> Any:
        """Return the texts of a conversation, or their tokens."""
        text = str(messages)
        return self(text, **named) if tokenize else text


def _length(text: str) -> int:
    return len(text) // _LETTERS_OF_A_TOKEN + 2
