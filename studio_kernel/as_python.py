"""A request as Python text: a notebook cell that does the same where ``studio`` is open.

Pure: text from a request and, where it is known, the card of its model. Laid out as a formatter would, with nothing in
it that the model does by itself: values that are its defaults are left out. `Studio.as_python` is the way to it.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterator, Mapping

from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import AssetRef, Lora, Value, canonical, to_json
from studio_kernel.drafting import is_prompt, task_meant
from studio_kernel.prompts.template import escape, has_marks

INDENT = "    "
WIDTH = 100
"""Texts that would make a longer line are broken into several, between words."""


def as_python(
    request: GenerationRequest, card: ModelCard | None, *, project: str | None = None, private: bool = False
) -> str:
    """Return the text of a cell that asks for `request`.

    Parameters
    ----------
    card : ModelCard or None
        Its model; `None` when the catalog has it no more, and then every value is in the text.
    project : str
        Id of the project to put the run in.
    private : bool
        Ask for a private run.

    Examples
    --------
    >>> print(as_python(GenerationRequest("studio-tiny", parameters={"prompt": "a red boat", "seed": 7}), None))
    run = studio.generate(
        "a red boat",
        model="studio-tiny",
        task="text-to-image",
        seed=7,
    )
    run
    """
    arguments = [*_arguments(request, card)]
    if project is not None:
        arguments.append(f"project={_text(project)}")
    if private:
        arguments.append("private=True")
    lines = "".join(f"{INDENT}{argument},\n" for argument in arguments)
    return f"run = studio.generate(\n{lines})\nrun\n"


def _arguments(request: GenerationRequest, card: ModelCard | None) -> Iterator[str]:
    values = dict(request.parameters)
    prompt = values.pop("prompt", None)
    if isinstance(prompt, str):
        yield _text(_plain("prompt", prompt), INDENT)
    yield f"model={_text(request.model)}"
    if card is None or task_meant(card, None, request.parameters) != request.task:
        yield f"task={_text(str(request.task))}"
    known = {each.name: each for each in card.parameters_for(request.task)} if card is not None else {}
    if "seed" in values:
        yield f"seed={values.pop('seed')!r}"
    for name in sorted(values, key=_order(known)):
        if not _is_default(known.get(name), values[name]):
            yield _argument(name, values[name])


def _order(known: Mapping[str, Parameter]) -> Callable[[str], tuple[int, str]]:
    """Return a key that puts names in the order of the model's form, and others behind them."""
    places = {name: place for place, name in enumerate(known)}
    return lambda name: (places.get(name, len(places)), name)


def _argument(name: str, value: Value) -> str:
    if isinstance(value, str):
        value = _plain(name, value)
    if name.isidentifier() and not keyword.iskeyword(name):
        return f"{name}={_literal(value, INDENT)}"
    return f"**{{{_text(name)}: {_literal(value, INDENT)}}}"


def _is_default(parameter: Parameter | None, value: Value) -> bool:
    if parameter is None or parameter.default is None:
        return False
    try:
        default = parameter.check(parameter.default)
    except (TypeError, ValueError):
        return False
    return canonical(to_json(default)) == canonical(to_json(value))  # 1, 1.0 and True are equal, and differ here


def _plain(name: str, text: str) -> str:
    """Return what has to be written so that a prompt stands for `text`, which may look like a template."""
    return escape(text) if is_prompt(name) and has_marks(text) else text


def _literal(value: Value, indent: str = "") -> str:
    if isinstance(value, str):
        return _text(value, indent)
    if isinstance(value, AssetRef):
        return f"studio.asset({_text(value.sha256)})"
    if isinstance(value, Lora):
        return f"({_text(value.id)}, {value.weight!r})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(key)}: {_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return repr(value)


def _text(text: str, indent: str | None = None) -> str:
    """Return a literal in double quotes where they need no escapes; a long one in pieces, when an indent is given."""
    whole = _quoted(text)
    if indent is None or len(indent) + len(whole) <= WIDTH:
        return whole
    inner = indent + INDENT
    pieces = "".join(f"{inner}{_quoted(piece)}\n" for piece in _pieces(text, WIDTH - len(inner) - 2))
    return f"(\n{pieces}{indent})"


def _quoted(text: str) -> str:
    literal = repr(text)
    return f'"{literal[1:-1]}"' if literal[0] == "'" and '"' not in text else literal


def _pieces(text: str, width: int) -> Iterator[str]:
    piece = ""
    for word in re.findall(r"\S+\s*|\s+", text):
        if piece and (len(piece) + len(word) > width or piece.endswith("\n")):
            yield piece
            piece = ""
        piece += word
    if piece:
        yield piece
