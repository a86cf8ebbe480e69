"""Rules that leave cells out of a sweep: an expression over the values of a cell, or a function of them.

An expression has Python's operators and `min`, `max`, `abs`, `round`, `len`; it can call nothing else.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from simpleeval import EvalWithCompoundTypes

from studio_kernel.domain.values import Json, Value, describe

_FUNCTIONS: Mapping[str, Callable[..., object]] = {
    "min": min, "max": max, "abs": abs, "round": round, "len": len,
}  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """What a cell must fulfil.

    Attributes
    ----------
    text : str
        The expression, such as ``guidance_scale < 5 or num_inference_steps >= 20``, or what a function is called. An
        axis such as ``prompt:red boat`` is called ``prompt_red_boat`` in it.
    function : callable or None
        Takes the values of a cell, name → value, in place of an expression.
    is_expression : bool
        Whether `text` is one. A rule read from the log that was a function keeps everything, because the log keeps no
        code.
    """

    text: str
    function: Callable[[Mapping[str, Value]], object] | None = field(default=None, compare=False)
    is_expression: bool = True

    def __post_init__(self) -> None:
        """Refuse what is no expression."""
        if self.is_expression:
            self._parsed  # noqa: B018 - parses, or raises

    @classmethod
    def of(cls, given: str | Callable[[Mapping[str, Value]], object]) -> Rule:
        """Return the rule of an expression or a function.

        Raises
        ------
        ValueError
            When the expression cannot be read.
        """
        if isinstance(given, str):
            return cls(given)
        return cls(getattr(given, "__name__", repr(given)), given, is_expression=False)

    def looks_at(self, names: Iterable[str]) -> bool:
        """Whether the outcome can depend on one of `names`."""
        return self._names is None or any(_identifier(name) in self._names for name in names)

    def keeps(self, values: Mapping[str, Value]) -> bool:
        """Whether a cell of these values stays.

        Raises
        ------
        ValueError
            When the rule cannot be applied to them.
        """
        try:
            if self.function is not None:
                return bool(self.function(values))
            if not self.is_expression:
                return True
            known = {_identifier(name): value for name, value in values.items()}
            evaluator = EvalWithCompoundTypes(names=known, functions=dict(_FUNCTIONS))
            return bool(evaluator.eval(self.text, previously_parsed=self._parsed))
        except Exception as error:  # whatever the user's own function or expression throws
            told = ", ".join(f"{name} {describe(value)}" for name, value in values.items() if self.looks_at([name]))
            raise ValueError(f"the rule {self.text!r} cannot be applied to {told or 'a cell'}: {error}") from error

    def to_json(self) -> Json:
        """Return the JSON form."""
        return {"expression" if self.is_expression else "function": self.text}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Rule:
        """Return the rule that `to_json` wrote."""
        if "expression" in data:
            return cls(str(data["expression"]))
        return cls(str(data["function"]), is_expression=False)

    @cached_property
    def _names(self) -> frozenset[str] | None:
        """The names in the expression; `None` = a function may look at anything."""
        if not self.is_expression:
            return None
        tree = ast.parse(self.text.strip(), mode="eval")
        return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))

    @cached_property
    def _parsed(self) -> ast.AST:
        try:
            parsed: ast.AST = EvalWithCompoundTypes.parse(self.text.strip())
        except Exception as error:  # its parser has several ways to refuse
            raise ValueError(f"the rule {self.text!r} cannot be read: {error}") from error
        return parsed


def _identifier(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_")
