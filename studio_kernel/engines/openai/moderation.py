"""Judging texts and a picture before they are sent anywhere: OpenAI's moderation, which costs nothing.

Notes
-----
Pictures are judged for self-harm, sexual content and violence only; hate, harassment, illicit and sexual content with
minors are judged in texts alone, and `Moderation.applied` says which judgement rests on what. One picture goes into a
request (openai 3.52.0, ``types/moderation.py``).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import puremagic
from immutabledict import immutabledict

from studio_kernel.engines.base import CancelToken
from studio_kernel.engines.openai.connection import SERVICE, Watch, client_for, place_of
from studio_kernel.engines.openai.refusals import translated
from studio_kernel.errors import BadAnswerError, InvalidInputError
from studio_kernel.settings import ServiceSettings

LIMIT_S = 60.0
"""Seconds a judgement may take."""


@dataclass(frozen=True, slots=True)
class Moderation:
    """What was found in texts and a picture together.

    Attributes
    ----------
    flagged : bool
        Whether anything was found.
    categories : tuple of str
        What was found, such as ``violence/graphic``.
    scores : mapping
        Category → how sure the service is of it, 0 … 1; the highest of all texts.
    applied : mapping
        Category → what was judged for it: ``text``, ``image``, both, or nothing.
    model : str
        What has judged.
    """

    flagged: bool
    categories: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=immutabledict)
    applied: Mapping[str, tuple[str, ...]] = field(default_factory=immutabledict)
    model: str = ""


def moderate(
    texts: Sequence[str],
    image: Path | bytes | None = None,
    *,
    settings: ServiceSettings | None = None,
    model: str = "",
    cancel: CancelToken | None = None,
) -> Moderation:
    """Return what is found in texts and a picture.

    Parameters
    ----------
    texts : sequence of str
        Each is judged by itself, or all with the picture when there is one.
    image : pathlib.Path or bytes or None
        A file of a picture.
    settings : ServiceSettings or None
        Where a server is that speaks the protocol; `None` = OpenAI itself.
    model : str
        What judges; empty = what the service takes for it.
    cancel : CancelToken or None
        Ends the wait.

    Raises
    ------
    ServiceError
        When the service does not answer, or not with a judgement.
    """
    given = _given([text for text in texts if text.strip()], image)
    if not given:
        return Moderation(flagged=False)
    place = place_of(settings or ServiceSettings())
    options: dict[str, Any] = {"model": model} if model else {}
    with (
        Watch(cancel or CancelToken(), LIMIT_S) as watch,
        translated(place, watch, is_paid=False),
        client_for(place, watch) as client,
    ):
        answer = client.moderations.create(input=given, **options)
    return _read(answer)


def _given(texts: list[str], image: Path | bytes | None) -> Any:
    """Return the input: a list of texts, or of parts when there is a picture."""
    if image is None:
        return texts
    data = image if isinstance(image, bytes) else _content(image)
    media_type = _media_type(data)
    address = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
    return [*({"type": "text", "text": text} for text in texts), {"type": "image_url", "image_url": {"url": address}}]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"image: {path} cannot be read ({error}); give a picture") from error


def _media_type(data: bytes) -> str:
    try:
        media_type = puremagic.from_string(data, mime=True)
    except puremagic.PureError:
        media_type = ""
    if not media_type.startswith("image/"):
        raise InvalidInputError("image: this is not a picture; give a PNG, JPEG or WebP")
    return media_type


def _read(answer: Any) -> Moderation:
    results = getattr(answer, "results", None)
    if not results:
        raise BadAnswerError(SERVICE, "its answer has no judgement")
    dumped = [result.model_dump(by_alias=True) for result in results]
    applied: dict[str, tuple[str, ...]] = {}
    for result in dumped:
        for category, kinds in (result.get("category_applied_input_types") or {}).items():
            applied[category] = tuple(dict.fromkeys([*applied.get(category, ()), *(kinds or ())]))
    return Moderation(
        any(result["flagged"] for result in dumped),
        tuple(dict.fromkeys(_found(dumped))),
        immutabledict(_highest(dumped)),
        immutabledict(applied),
        str(getattr(answer, "model", "") or ""),
    )


def _found(results: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for result in results:
        yield from (category for category, is_found in result["categories"].items() if is_found)


def _highest(results: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    scores: dict[str, float] = {}
    for result in results:
        for category, score in result["category_scores"].items():
            scores[category] = max(float(score or 0.0), scores.get(category, 0.0))
    return scores
