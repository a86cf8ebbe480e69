"""Whether something may be bought: what is spent, committed and asked for, against a limit.

Pure; `studio_kernel.budgets` finds the amounts.
"""

from __future__ import annotations

from dataclasses import dataclass

ROUNDING_USD = 1e-9
"""Sums of amounts may differ by less than that from what was meant."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked for, against one budget; amounts in US dollars.

    Attributes
    ----------
    budget : str
        What people call it, such as ``the day's budget``.
    setting : str
        Its name in the settings.
    limit_usd : float
        The budget.
    spent_usd : float
        What runs that have ended cost.
    committed_usd : float
        What is expected of runs that have not.
    asked_usd : float
        What this would cost.
    """

    budget: str
    setting: str
    limit_usd: float
    spent_usd: float
    committed_usd: float
    asked_usd: float

    @property
    def total_usd(self) -> float:
        """Everything together."""
        return self.spent_usd + self.committed_usd + self.asked_usd

    @property
    def is_exceeded(self) -> bool:
        """Whether that is too much."""
        return self.total_usd > self.limit_usd + ROUNDING_USD

    def is_near(self, share: float) -> bool:
        """Return whether it takes more than a share of the budget."""
        return self.total_usd > share * self.limit_usd + ROUNDING_USD

    def __str__(self) -> str:
        before = "".join(
            f"{dollars(amount)} {words}, "
            for amount, words in (
                (self.spent_usd, "spent"),
                (self.committed_usd, "committed to runs that have not ended"),
            )
            if amount > ROUNDING_USD
        )
        return f"{self.budget} is {dollars(self.limit_usd)}: {before}{dollars(self.asked_usd)} asked for"


def dollars(usd: float) -> str:
    """Return an amount as people read it: cents, and more digits for less than ten of them."""
    return f"{usd:,.2f} $" if usd >= 0.1 or usd == 0 else f"{usd:.4g} $"
