"""Texts from a language model: any endpoint for chats that speaks OpenAI's protocol, here or elsewhere.

Prompts are refined with it. Local servers (llama.cpp, Ollama, vLLM) speak the same and want no key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload
from urllib.parse import urlsplit

import msgspec

from studio_kernel.engines.base import CancelToken
from studio_kernel.engines.openai.connection import SERVICE, Place, Watch, client_for
from studio_kernel.engines.openai.refusals import said, translated
from studio_kernel.errors import BadAnswerError, ContentRefusedError
from studio_kernel.forms import ready
from studio_kernel.keys import Key

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion

LIMIT_S = 120.0
"""Seconds an answer may take."""

Form = TypeVar("Form", bound=msgspec.Struct)
Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class Message:
    """Something said in a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Completion(Generic[Content]):
    """What a model has answered.

    Attributes
    ----------
    content : str or Struct
        The text, or what was read from it when a form was asked for.
    model : str
        What has answered, as it says.
    input_tokens, output_tokens : int
        As it counts them; 0 = it does not say.
    """

    content: Content
    model: str
    input_tokens: int = 0
    output_tokens: int = 0


class TextEndpoint:
    """A language model at an address.

    Parameters
    ----------
    base_url : str
        With the version, such as ``http://127.0.0.1:11434/v1``.
    model : str
        What the server calls it.
    key : Key or None
        `None` = none is sent.
    limit_s : float
        Seconds an answer may take.

    Examples
    --------
    >>> endpoint = TextEndpoint("http://127.0.0.1:11434/v1", "llama3")
    >>> endpoint.model
    'llama3'
    """

    def __init__(self, base_url: str, model: str, key: Key | None = None, *, limit_s: float = LIMIT_S) -> None:
        if urlsplit(base_url).scheme not in ("http", "https"):
            raise ValueError(f"base_url is {base_url!r}; give an address that begins with https:// or http://")
        self.model = model
        self._place, self._limit_s = Place(base_url.rstrip("/"), key), limit_s

    @overload
    def complete(
        self, messages: Sequence[Message], schema: None = None, *, cancel: CancelToken | None = None
    ) -> Completion[str]: ...

    @overload
    def complete(
        self, messages: Sequence[Message], schema: type[Form], *, cancel: CancelToken | None = None
    ) -> Completion[Form]: ...

    def complete(
        self, messages: Sequence[Message], schema: type[Form] | None = None, *, cancel: CancelToken | None = None
    ) -> Completion[str] | Completion[Form]:
        """Return what the model says next.

        Parameters
        ----------
        messages : sequence of Message
            What was said so far.
        schema : type of Struct or None
            The form that its answer has to have; `None` = any text.
        cancel : CancelToken or None
            Ends the wait.

        Raises
        ------
        ContentRefusedError
            When it refuses to answer.
        BadAnswerError
            When the answer is cut off, empty, or not of the form.
        ServiceError
            When the server does not answer.
        """
        options: dict[str, Any] = {} if schema is None else {"response_format": strict_form(schema)}
        said_so_far: Any = [{"role": message.role, "content": message.content} for message in messages]
        with (
            Watch(cancel or CancelToken(), self._limit_s) as watch,
            translated(self._place, watch, is_paid=False),
            client_for(self._place, watch) as client,
        ):
            answer = client.chat.completions.create(model=self.model, messages=said_so_far, **options)
        text = _text(answer)
        counts: Any = getattr(answer, "usage", None)
        told = (
            str(getattr(answer, "model", "") or self.model),
            getattr(counts, "prompt_tokens", 0) or 0,
            getattr(counts, "completion_tokens", 0) or 0,
        )
        return Completion(text, *told) if schema is None else Completion(_form(text, schema), *told)


def strict_form(schema: type[msgspec.Struct]) -> dict[str, object]:
    """Return how a form is asked for: everything in it is named and required, and nothing has a default.

    Notes
    -----
    The rules of strict schemas: openai 3.52.0, ``lib/_pydantic.py``. What may be left out is given as ``null``.
    """
    (top,), parts = msgspec.json.schema_components([schema], ref_template="#/$defs/{name}")
    name = str(top["$ref"]).rpartition("/")[2]
    strict = {part: _strict(definition) for part, definition in parts.items()}
    whole = {**strict.pop(name), **({"$defs": strict} if strict else {})}
    return {"type": "json_schema", "json_schema": {"name": schema.__name__, "schema": whole, "strict": True}}


def _strict(definition: Mapping[str, Any]) -> dict[str, Any]:
    if "properties" not in definition:
        return dict(definition)
    properties = {
        name: {key: value for key, value in each.items() if key != "default"}
        for name, each in definition["properties"].items()
    }
    return {**definition, "properties": properties, "required": list(properties), "additionalProperties": False}


def _text(answer: ChatCompletion) -> str:
    choices = getattr(answer, "choices", None)
    if not choices:
        raise BadAnswerError(SERVICE, "its answer has no text")
    message, reason = choices[0].message, choices[0].finish_reason
    if message.refusal:
        raise ContentRefusedError(SERVICE, f"the model refuses to answer ({said(message.refusal)})", paid="yes")
    if reason == "content_filter":
        raise ContentRefusedError(SERVICE, "its answer was filtered; say it in another way", paid="yes")
    if reason == "length":
        raise BadAnswerError(SERVICE, "its answer is cut off at the most it may say; ask for less", paid="yes")
    if not (message.content or "").strip():
        raise BadAnswerError(SERVICE, "its answer is empty", paid="yes")
    return str(message.content)


def _form(text: str, schema: type[Form]) -> Form:
    try:
        return msgspec.json.decode(text, type=ready(schema))
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BadAnswerError(
            SERVICE, f"its answer is not of the form that was asked for ({said(error)}): {said(text)!r}", paid="yes"
        ) from None
