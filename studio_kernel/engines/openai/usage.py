"""What a picture of OpenAI costs: the tokens that it tells with its answer, at the prices of the card."""

from __future__ import annotations

from dataclasses import dataclass

from studio_kernel.domain.price import TokenPrices
from studio_kernel.domain.values import Value

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one answer."""

    text_input: int = 0
    image_input: int = 0
    image_output: int = 0
    text_output: int = 0

    @classmethod
    def of(cls, usage: object) -> Tokens | None:
        """Return what an answer tells; output of which it does not say what it is, is pictures.

        Servers that speak the protocol leave out what they do not count; `None` when they count nothing.
        """
        if usage is None:
            return None
        inputs, outputs = getattr(usage, "input_tokens_details", None), getattr(usage, "output_tokens_details", None)
        text_output, output = _count(outputs, "text_tokens"), _count(usage, "output_tokens")
        return cls(_count(inputs, "text_tokens"), _count(inputs, "image_tokens"), output - text_output, text_output)

    def cost_usd(self, prices: TokenPrices) -> float:
        """Return what they cost."""
        amount = (
            self.text_input * prices.text_input_usd
            + self.image_input * prices.image_input_usd
            + self.image_output * prices.image_output_usd
            + self.text_output * prices.text_output_usd
        )
        return amount / _MILLION

    @property
    def report(self) -> dict[str, Value]:
        """The counts by name."""
        return {
            "text_input_tokens": self.text_input,
            "image_input_tokens": self.image_input,
            "image_output_tokens": self.image_output,
            "text_output_tokens": self.text_output,
        }


def _count(counts: object, name: str) -> int:
    value = getattr(counts, name, 0)
    return value if isinstance(value, int) else 0
