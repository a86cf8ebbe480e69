"""What a service charges, as the catalog says it: an amount, what is counted, and the rules beside it.

Data only; `domain.pricing` reads it. Every rule that decides an amount is a field here. What the catalog has in words
alone is kept, shown and never counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from immutabledict import immutabledict

from studio_kernel.domain.values import Value

QUANTITIES = ("seconds", "megapixels", "short_side")
"""What of a result a condition may be about, beside the parameters of its request."""
Bounds = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class PriceCondition:
    """When something holds; everything stated must.

    Attributes
    ----------
    when : mapping
        Parameter → its value, or several of which it is one; `None` = it is left out.
    given : tuple of str
        Parameters that are not left out.
    between : mapping
        Quantity → (above, up to), either may be `None`: ``seconds``, ``megapixels`` and ``short_side`` (pixels) of what
        comes out, or a parameter that is a number.
    """

    when: Mapping[str, Value] = field(default_factory=immutabledict)
    given: tuple[str, ...] = ()
    between: Mapping[str, Bounds] = field(default_factory=immutabledict)

    @property
    def is_empty(self) -> bool:
        """Whether it always holds."""
        return not (self.when or self.given or self.between)

    @property
    def size(self) -> int:
        """How much it states: of two that hold, the larger one is meant."""
        return len(self.when) + len(self.given) + len(self.between)


@dataclass(frozen=True, slots=True)
class PriceTerm:
    """An amount that holds under a condition.

    Attributes
    ----------
    amount_usd : float
        US dollars per unit.
    unit : str
        What is counted; empty = as the price says.
    after : float
        So many units cost nothing.
    words : str
        The condition in words.
    in_words_only : bool
        The condition cannot be told from a request: it is shown and never counted.
    assumes : str
        What is taken for granted when it is counted.
    """

    amount_usd: float
    unit: str = ""
    holds: PriceCondition = PriceCondition()
    after: float = 0.0
    words: str = ""
    in_words_only: bool = False
    assumes: str = ""


@dataclass(frozen=True, slots=True)
class PriceFactor:
    """What an amount is multiplied with under a condition."""

    factor: float
    holds: PriceCondition


@dataclass(frozen=True, slots=True)
class Counting:
    """How units are counted, where that does not follow from the unit.

    Attributes
    ----------
    step : float
        Units are rounded up to a multiple of it; 0 = megapixels to 1, anything else not at all.
    frames_per_second : float
        So many frames are one second that is charged; 0 = as many as the result has.
    seconds_from : tuple of str
        Files whose length counts, the longest of them; empty = the length of what comes out.
    seconds_factor : float
        Seconds count so many times.
    most_seconds : float
        What is longer is cut to that before; 0 = nothing is.
    inputs : bool
        Pictures that are given count too, each with its megapixels.
    frames : bool
        Megapixels are those of all frames together.
    """

    step: float = 0.0
    frames_per_second: float = 0.0
    seconds_from: tuple[str, ...] = ()
    seconds_factor: float = 1.0
    most_seconds: float = 0.0
    inputs: bool = False
    frames: bool = False


@dataclass(frozen=True, slots=True)
class TokenPrices:
    """What a service charges for tokens that it counts itself and tells when it answers, in US dollars per million.

    Attributes
    ----------
    text_input_usd, image_input_usd : float
        Of the prompt, and of pictures that are given.
    image_output_usd, text_output_usd : float
        Of pictures that are made, and of text that is.
    """

    text_input_usd: float = 0.0
    image_input_usd: float = 0.0
    image_output_usd: float = 0.0
    text_output_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Price:
    """What a service charges.

    Attributes
    ----------
    unit : str
        What is counted, such as ``image``, ``megapixel`` or ``second``.
    amount_usd : float or None
        US dollars per unit; `None` when it is not known, or when only variants have a price.
    as_of : str
        Year and month (and day) in which it was read.
    source : str
        Where it was read.
    variants : tuple of PriceTerm
        Amounts that hold instead.
    further_usd : float or None
        The amount of each unit after the first; `None` = all are alike.
    extras : tuple of PriceTerm
        What comes on top, counted in units of their own.
    factors : tuple of PriceFactor
        What everything is multiplied with.
    only_when : PriceCondition
        For what the amount was read; there is no price for anything else.
    assumes : str
        What is taken for granted in counting.
    is_tentative : bool
        The source itself is not sure.
    tokens : TokenPrices or None
        What the bill is made from, where the service counts tokens; the other amounts say what to expect.
    """

    unit: str
    amount_usd: float | None
    as_of: str
    source: str
    variants: tuple[PriceTerm, ...] = ()
    note: str = ""
    further_usd: float | None = None
    extras: tuple[PriceTerm, ...] = ()
    factors: tuple[PriceFactor, ...] = ()
    counting: Counting = Counting()
    only_when: PriceCondition = PriceCondition()
    assumes: str = ""
    is_tentative: bool = False
    tokens: TokenPrices | None = None
