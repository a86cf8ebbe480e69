"""Reading the answer of a service: which files it names, and what it says beside them.

A card says where the files are (``output.path``, such as ``images[].url``). Services keep to that loosely: one file
comes in place of a list and the other way round, an address in place of an object, and fields are missing or null. So
the path is where to look first, and whatever looks like a file there is one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from immutabledict import immutabledict

from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.values import Value
from studio_kernel.engines.remote.service import MediaKind, RemoteFile
from studio_kernel.errors import BadAnswerError
from studio_kernel.keys import hide

USUAL_PLACES = ("images", "image", "videos", "video", "audio", "audio_file", "audio_url", "output", "files", "file")
"""Where files are when they are not where the card says."""
MASK = "mask_image"
"""A second picture that background removal makes on request."""
LONGEST_TEXT = 8000
"""Characters of a text in a report; a lyric is shorter, a picture written as text is not wanted there."""
MOST_ITEMS = 500
_DEPTH = 6


def read_answer(service: str, card: ModelCard, answer: object) -> tuple[tuple[RemoteFile, ...], Mapping[str, Value]]:
    """Return the files that an answer names, in order, and what it says beside them.

    Raises
    ------
    BadAnswerError
        When it names none.
    """
    output = card.output or {}
    kind = media_kind(card)
    path = str(output.get("path") or "")
    if not isinstance(answer, Mapping):
        answer = {"output": answer}
    place, found = _found(answer, path)
    files = [file for one in found if (file := _file(one, kind)) is not None]
    if not files:
        raise BadAnswerError(
            service,
            f"its answer names no {kind} at {path or 'any usual place'!r}; it has {_summary(answer)}. The job can be "
            f"looked at in your account there",
            paid="yes",
        )
    beside = {str(name): value for name, value in answer.items() if name != place}
    if mask := _file(beside.get(MASK), "image"):
        files.append(mask)
        del beside[MASK]
    return tuple(files), report_of(beside)


def media_kind(card: ModelCard) -> MediaKind:
    """Return what the files of a model are."""
    told = str((card.output or {}).get("kind") or "").removesuffix("s")
    return told if told in ("image", "video", "audio") else card.default_task.makes  # type: ignore[return-value]


def report_of(said: Mapping[str, object]) -> Mapping[str, Value]:
    """Return what a service says as values that can be kept: without nulls, long texts cut, keys hidden."""
    return immutabledict({name: kept for name, value in _named(said) if (kept := _kept(value)) is not None})


def _named(said: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield what a mapping holds by names that can be kept: ``$`` begins those of references to files of ours."""
    for name, value in list(said.items())[:MOST_ITEMS]:
        yield hide(str(name)).lstrip("$"), value


def _kept(value: object, depth: int = _DEPTH) -> Value:
    if isinstance(value, str):
        text = hide(value)
        return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        return immutabledict({name: _kept(item, depth - 1) for name, item in _named(value)})
    if isinstance(value, (list, tuple)):
        return tuple(_kept(item, depth - 1) for item in value[:MOST_ITEMS])
    return hide(str(value))[:LONGEST_TEXT]


def _found(answer: Mapping[str, Any], path: str) -> tuple[str, list[Mapping[str, Any]]]:
    """Return the name under which the files are, and each as a mapping with its address."""
    names = [part.removesuffix("[]") for part in path.split(".") if part]
    if names and (found := list(_at(answer, names))):
        return names[0], found
    for name in dict.fromkeys(chain(names[:1], USUAL_PLACES)):
        if found := list(_at(answer.get(name), ["url"])):
            return name, found
    return "", []


def _at(value: object, names: list[str]) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, str):
        if value:
            yield {"url": value}
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _at(item, names)
    elif isinstance(value, Mapping) and names:
        last = value.get(names[0]) if len(names) == 1 else None
        if isinstance(last, str) and last:
            yield {**value, "url": _inline(last) if names[0] == "b64_json" else last}
        else:
            yield from _at(value.get(names[0]), names[1:])
    elif isinstance(value, Mapping) and isinstance(value.get("url"), str):
        yield value


def _inline(data: str) -> str:
    return f"data:;base64,{data}"


def _file(value: object, kind: MediaKind) -> RemoteFile | None:
    """Return the file that an object or an address stands for; `None` when it stands for none."""
    said = {"url": value} if isinstance(value, str) else value
    if not isinstance(said, Mapping) or not isinstance(said.get("url"), str):
        return None
    url = said["url"].strip()
    if not url.startswith(("https://", "http://", "data:")):
        return None
    size, seed, told = said.get("file_size"), said.get("seed"), said.get("content_type")
    return RemoteFile(
        url=url,
        kind=kind,
        media_type=told if isinstance(told, str) else "",
        size_bytes=size if isinstance(size, int) and size > 0 else None,
        seed=seed if isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0 else None,
    )


def _summary(answer: Mapping[str, Any]) -> str:
    """Return in words what an answer has in place of a file."""
    parts = [f"{name} = {hide(repr(value))[:60]}" for name, value in list(answer.items())[:8]]
    return ", ".join(parts) or "nothing at all"
