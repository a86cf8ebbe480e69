"""Rows of values for an axis: evenly spaced numbers, numbers evenly spaced by ratio, and what people type.

========================== ===============================================================
``7``, ``1, 2, 5``         those values
``1-5``                    1, 2, 3, 4, 5; for a whole number with a step of its own, in that step
``1-10(+3)``, ``10-1(-3)`` 1, 4, 7, 10 and 10, 7, 4, 1; what the last step would pass is left out
``0.1-0.9[5]``             five evenly spaced values, both ends among them
``1-100[3 log]``           three values, each the same multiple of the one before: 1, 10, 100
``1, 3, .., 9``            1, 3, 5, 7, 9; with one value before the dots the step is that of ``1-9``
``red, "dark blue, matt"`` texts; quotes keep a comma inside one
========================== ===============================================================

All of them may stand in one list, separated by commas.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable
from decimal import Decimal

from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.values import Value, freeze

MAX_VALUES = 100_000
"""A row of more values is refused before it is made."""

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_ONE = re.compile(_NUMBER)
_WITH_SECONDS = re.compile(r"(\d)\s*s\b")
_RANGE = re.compile(
    rf"(?P<first>{_NUMBER})\s*-\s*(?P<last>{_NUMBER})"
    rf"(?:\s*\(\s*(?P<step>{_NUMBER})\s*\)|\s*\[\s*(?P<count>\d+)\s*(?P<log>log)?\s*\])?"
)
_DOTS = ("..", "...")
_TYPED = str.maketrans({"–": "-", "−": "-", "…": ".."})  # what keyboards and editors make of them
_FORMS = "a number, 1-5, 1-10(+3), 0.1-0.9[5], 1-100[3 log] or 1, 2, .., 10"
_OUTSIDE_QUOTES = r'(?=(?:[^"]*"[^"]*")*[^"]*$)'
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}


def linspace(start: float, stop: float, count: int) -> tuple[float, ...]:
    """Return `count` evenly spaced numbers from `start` to `stop`, both included.

    Values are rounded to 12 significant digits, so that 0.1 … 0.3 in three steps reads 0.1, 0.2, 0.3 and a request
    made from it has the digest of one typed by hand.

    Raises
    ------
    ValueError
        When `count` is below 1.

    Examples
    --------
    >>> linspace(1, 9, 5)
    (1.0, 3.0, 5.0, 7.0, 9.0)
    """
    if count < 1:
        raise ValueError(f"count {count!r} must be at least 1")
    if count == 1:
        return (float(start),)
    width = (stop - start) / (count - 1)
    return tuple(_rounded(start + width * i) for i in range(count))


def logspace(start: float, stop: float, count: int) -> tuple[float, ...]:
    """Return `count` numbers from `start` to `stop`, both included, each the same multiple of the one before.

    Unlike NumPy's, the ends are given themselves, not their exponents (as in ``numpy.geomspace``). Rounded as by
    `linspace`.

    Raises
    ------
    ValueError
        When `count` is below 1, or an end is not above 0.

    Examples
    --------
    >>> logspace(1, 100, 3)
    (1.0, 10.0, 100.0)
    """
    if start <= 0 or stop <= 0:
        raise ValueError(f"the ends {start!r} and {stop!r} of a logarithmic row must be above 0")
    if count <= 1:
        return linspace(start, stop, count)
    growth = math.log(stop / start) / (count - 1)
    inner = (_rounded(start * math.exp(growth * i)) for i in range(1, count - 1))
    return (float(start), *inner, float(stop))


def read_values(text: str, parameter: Parameter) -> tuple[Value, ...]:
    """Return the values of `parameter` that `text` lists; the module says which forms there are.

    Whether the parameter allows them is for its check to say.

    Raises
    ------
    ValueError
        When it cannot be read, or stands for more than `MAX_VALUES` values.

    Examples
    --------
    >>> read_values("1-3, 10-2(-4), 20", Parameter("seed", "integer"))
    (1, 2, 3, 10, 6, 2, 20)
    >>> read_values("0.1-0.9[3]", Parameter("strength", "number"))
    (0.1, 0.5, 0.9)
    >>> read_values('red, "blue, matt"', Parameter("colour", "text"))
    ('red', 'blue, matt')
    """
    try:
        if parameter.type in ("integer", "number"):
            return _Row(parameter).read(_WITH_SECONDS.sub(r"\1", text) if parameter.unit == "s" else text)
        if parameter.type == "object":
            return _read_objects(text)
        return tuple(_read_choice(parameter, item) for item in split(text))
    except ValueError as error:
        raise ValueError(f"{text!r} cannot be read as values of {parameter.name}: {error}") from None


def read_value(text: str, parameter: Parameter) -> object:
    """Return the one value that `text` means for `parameter`; what cannot be read stays text, for a check to refuse.

    Examples
    --------
    >>> read_value("512x768", Parameter("image_size", "size"))
    (512, 768)
    >>> read_value("yes", Parameter("sharpen", "boolean"))
    True
    """
    match parameter.type:
        case "integer" | "number":
            return _number_or_text(text, int if parameter.type == "integer" else float)
        case "boolean":
            return _BOOLEANS.get(text.lower(), text)
        case "size" if "x" in text:
            sides = text.split("x")
            return tuple(int(side) for side in sides) if all(side.isdecimal() for side in sides) else text
        case "object":
            try:
                return json.loads(text)
            except json.JSONDecodeError:
                return text
    return text


def split(text: str, delimiter: str = ",", *, keep_quotes: bool = False) -> tuple[str, ...]:
    """Return the texts that `text` lists, without the blanks around them; quotes keep a delimiter inside one.

    Parameters
    ----------
    keep_quotes : bool
        Leave quotation marks where they are, for a text that is split again by another delimiter.

    Raises
    ------
    ValueError
        For a quotation mark without its other half.

    Examples
    --------
    >>> split('red, "blue, matt",')
    ('red', 'blue, matt', '')
    """
    if keep_quotes:
        return tuple(part.strip() for part in re.split(rf"{re.escape(delimiter)}{_OUTSIDE_QUOTES}", text))
    try:
        rows = list(csv.reader(io.StringIO(text.strip()), delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise ValueError(
            f'{error}; quotation marks stand around a whole value, as in red, "blue, matt", and are doubled inside one'
        ) from None
    return tuple(item.strip() for row in rows for item in row)


class _Row:
    """Reads numbers; exact, because 0.1 + 0.1 + 0.1 is not the 0.3 that somebody types."""

    def __init__(self, parameter: Parameter) -> None:
        self._whole = parameter.type == "integer"
        self._step = Decimal(int(parameter.step)) if self._whole and parameter.step else Decimal(1)
        self._numbers: list[Decimal] = []

    def read(self, text: str) -> tuple[Value, ...]:
        continues = False
        for item in (part.strip() for part in text.translate(_TYPED).split(",")):
            if item in _DOTS:
                if continues or not self._numbers:
                    raise ValueError(f"{item!r} stands between values, as in 1, 2, .., 10")
                continues = True
            elif continues:
                self._continue_to(self._number(item))
                continues = False
            else:
                self._add(self._item(item))
        if continues:
            raise ValueError("'..' needs a last value behind it, as in 1, 2, .., 10")
        return tuple(int(number) if self._whole else float(number) for number in self._numbers)

    def _item(self, item: str) -> Iterable[Decimal]:
        found = _RANGE.fullmatch(item)
        if found is None:
            return [self._number(item)]
        first, last = self._number(found["first"]), self._number(found["last"])
        if found["count"]:
            return self._spaced(item, first, last, int(found["count"]), logspace if found["log"] else linspace)
        if found["step"]:
            return self._stepped(first, last, self._directed(item, first, last, found["step"]))
        return self._stepped(first, last, self._step if last >= first else -self._step)

    def _number(self, text: str) -> Decimal:
        if not _ONE.fullmatch(text):
            raise ValueError(f"{text!r} is not {_FORMS}")
        number = Decimal(text)
        if not math.isfinite(float(number)):
            raise ValueError(f"{text!r} is too large")
        if self._whole and number != number.to_integral_value():
            raise ValueError(f"{text!r} is not a whole number")
        return number

    def _directed(self, item: str, first: Decimal, last: Decimal, text: str) -> Decimal:
        """Return the step; one without a sign leads from the first to the last."""
        step = self._number(text)
        if not float(step):
            raise ValueError(f"the step in {item!r} is 0")
        if text[0] not in "+-" and last < first:
            return -step
        if (last - first) * step < 0:
            raise ValueError(f"the step {text} in {item!r} leads away from {last}; write {first}-{last}({-step:+})")
        return step

    def _stepped(self, first: Decimal, last: Decimal, step: Decimal) -> Iterable[Decimal]:
        self._require_room(float((last - first) / step) + 1)
        count = int((last - first) / step) + 1
        return (first + step * place for place in range(count))

    def _spaced(
        self,
        item: str,
        first: Decimal,
        last: Decimal,
        count: int,
        space: Callable[[float, float, int], tuple[float, ...]],
    ) -> Iterable[Decimal]:
        self._require_room(count)
        numbers = [Decimal(repr(number)) for number in space(float(first), float(last), count)]
        if not self._whole:
            return numbers
        rounded = [(number / self._step).to_integral_value() * self._step for number in numbers]
        if len(set(rounded)) < len(rounded):
            raise ValueError(f"there are no {count} different whole numbers in {item!r}")
        return rounded

    def _continue_to(self, last: Decimal) -> None:
        """Add what goes on from the values before as far as `last`."""
        previous = self._numbers[-1]
        natural = self._step if last >= previous else -self._step
        step = previous - self._numbers[-2] if len(self._numbers) > 1 else natural
        if not step or (last - previous) / step < 1:
            raise ValueError(f"no row leads on from {self._shown()} to {last}")
        if (last - previous) % step:
            reached = previous + step * int((last - previous) / step)
            raise ValueError(f"{self._shown()}, .. reaches {reached} and then {reached + step}, not {last}")
        self._add(list(self._stepped(previous + step, last, step)))

    def _shown(self) -> str:
        return ", ".join(map(str, self._numbers[-2:]))

    def _add(self, numbers: Iterable[Decimal]) -> None:
        self._numbers += numbers
        self._require_room(0)

    def _require_room(self, more: float) -> None:
        if len(self._numbers) + more > MAX_VALUES:
            raise ValueError(f"it stands for more than {MAX_VALUES:,} values; give fewer, or a larger step")


def _read_objects(text: str) -> tuple[Value, ...]:
    try:
        found = json.loads(f"[{text}]")
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no list of JSON objects: {error}") from None
    return tuple(freeze(item) for item in found)


def _read_choice(parameter: Parameter, text: str) -> Value:
    value = read_value(text, parameter)
    if parameter.type == "boolean" and not isinstance(value, bool):
        raise ValueError(f"{text!r} is neither true nor false")
    return freeze(value)


def _number_or_text(text: str, kind: Callable[[str], float]) -> object:
    try:
        return kind(text)
    except ValueError:
        return text


def _rounded(number: float) -> float:
    return float(f"{number:.12g}")
