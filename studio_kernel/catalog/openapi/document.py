"""From the OpenAPI document of an endpoint to a catalog entry.

Services describe each model by such a document: fal publishes one per endpoint, Replicate keeps one per version. What
it says becomes the entry; what it does not say, such as a price, stays unknown. The idea to know: the schema decides
types, ranges and choices, and the names of inputs decide what they hold, because a file is only an address to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio_kernel.catalog.entries import ModelEntry
from studio_kernel.catalog.inputs import INLINE
from studio_kernel.catalog.openapi.about import About
from studio_kernel.catalog.openapi.inputs import Inputs
from studio_kernel.catalog.openapi.outputs import output_of, task_of
from studio_kernel.catalog.openapi.schemas import Reader, mistake, object_of

_LONGEST_NOTE = 400


@dataclass(frozen=True, slots=True)
class Described:
    """An entry that was made of a document.

    Attributes
    ----------
    entry : ModelEntry
        Complete but for what no document says, such as the price.
    notes : tuple of str
        What of the document could not be taken over, in words.
    """

    entry: ModelEntry
    notes: tuple[str, ...] = ()


def read_document(source: Path) -> Mapping[str, Any]:
    """Return the document in a file, JSON or YAML.

    Raises
    ------
    CatalogError
        When there is none in it.
    """
    import yaml

    try:
        text = source.read_text(encoding="utf-8-sig")
        data = json.loads(text) if source.suffix == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise mistake(str(source), f"cannot be read: {error.strerror or error}") from error
    except (ValueError, yaml.YAMLError) as error:
        raise mistake(str(source), f"is neither JSON nor YAML: {error}") from error
    if not isinstance(data, Mapping):
        raise mistake(str(source), "holds no OpenAPI document; it should be an object with 'components'")
    return data


def describe(document: Mapping[str, Any], about: About) -> Described:
    """Return the entry of an endpoint.

    Parameters
    ----------
    document : mapping
        The OpenAPI document; of Replicate also the answer about a model, or about a version, that holds one.

    Raises
    ------
    CatalogError
        When it is none, is about another endpoint, or makes nothing that can be shown.
    """
    told = _told_by(document, about)
    reader = Reader(_schema_document(document), told.endpoint)
    inputs = Inputs(reader)
    output, made = output_of(reader, inputs, told)
    task = task_of(told, inputs, made)
    if inputs.has_inline:
        output["inline_parameter"] = INLINE
    if inputs.own_keys:
        output["own_keys"] = inputs.own_keys
    entry = ModelEntry(
        name=told.name or _name_of(told.endpoint),
        creator=told.creator or "unknown",
        description=told.description,
        engine=told.service,
        endpoint=told.endpoint,
        tasks=(task,),
        parameters=inputs.parameters,
        homepage=_homepage(told),
        as_of=told.as_of,
        read_from=tuple(filter(None, [told.read_from])),
        availability=f"listed-{told.as_of[:7]}" if told.as_of else "",
        note=" ".join(inputs.notes)[:_LONGEST_NOTE],
        output=output,
    )
    return Described(entry, tuple(inputs.notes))


def same_endpoint(first: str, second: str) -> bool:
    """Return whether two ids mean one endpoint; a version of Replicate stands behind a colon."""
    return first.partition(":")[0].strip("/").lower() == second.partition(":")[0].strip("/").lower()


def _told_by(document: Mapping[str, Any], about: About) -> About:
    """Return `about` with what the document says besides."""
    if about.service == "replicate":
        return _told_by_replicate(document, about)
    info = object_of(document.get("info"))
    metadata = object_of(info.get("x-fal-metadata"))
    named_there = str(metadata.get("endpointId") or "")
    if named_there and not same_endpoint(named_there, about.endpoint):
        raise mistake(about.endpoint, f"the document is about {named_there!r}; give that id, or its own document")
    owner = about.endpoint.split("/")[0]
    return About(
        about.endpoint,
        "fal",
        about.name,
        about.creator or ("" if owner in ("fal-ai", "workflows", "comfy") else owner),
        about.description,
        about.category or str(metadata.get("category") or ""),
        about.read_from,
        about.as_of,
    )


def _told_by_replicate(document: Mapping[str, Any], about: About) -> About:
    named_there = "/".join(str(document[part]) for part in ("owner", "name") if document.get(part))
    if "/" in named_there and not same_endpoint(named_there, about.endpoint):
        raise mistake(about.endpoint, f"the document is about {named_there!r}; give that id, or its own document")
    version = str(object_of(document.get("latest_version")).get("id") or "")
    model, _, asked = about.endpoint.partition(":")
    version = asked or (version if re.fullmatch(r"[0-9a-f]{64}", version) and not document.get("is_official") else "")
    return About(
        f"{model}:{version}" if version else model,
        "replicate",
        about.name or model.partition("/")[2],
        about.creator or model.partition("/")[0],
        about.description or str(document.get("description") or ""),
        about.category,
        about.read_from,
        about.as_of,
    )


def _schema_document(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the OpenAPI document itself, out of what it was wrapped in."""
    for place in (document, object_of(document.get("latest_version"))):
        if inner := object_of(place.get("openapi_schema")):
            return inner
    return document


def _homepage(about: About) -> str:
    if about.service == "replicate":
        return f"https://replicate.com/{about.endpoint.partition(':')[0]}"
    return f"https://fal.ai/models/{about.endpoint}/api"


def _name_of(endpoint: str) -> str:
    """Return a name made of an id: ``fal-ai/flux/dev`` is Flux dev."""
    parts = endpoint.partition(":")[0].split("/")
    words = " ".join(parts[1:] or parts).replace("-", " ").replace("_", " ").split()
    text = " ".join(words)
    return text[:1].upper() + text[1:]
