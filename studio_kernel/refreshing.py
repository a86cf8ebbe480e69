"""Bringing a home's catalog up to date: models added by their address, and what services list now.

Joins what services say (`listings`) with what the catalog makes of it (`catalog.openapi`, `catalog.refresh`) and writes
the files of the home. A file is replaced as a whole or not at all, and read again by whoever looks next.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from studio_kernel.catalog import build
from studio_kernel.catalog.entries import CatalogFile, ModelEntry
from studio_kernel.catalog.loader import REFRESHED, entries_of
from studio_kernel.catalog.openapi.about import About, Service
from studio_kernel.catalog.openapi.document import describe, read_document, same_endpoint
from studio_kernel.catalog.refresh import Change, as_file, endpoints_of, merged, price_entry
from studio_kernel.errors import CatalogError, InvalidRequestError, Problem, ServiceError
from studio_kernel.forms import ready
from studio_kernel.listings.fal import FalListings
from studio_kernel.listings.replicate import ReplicateListings
from studio_kernel.writing import write_whole

if TYPE_CHECKING:
    from studio_kernel.catalog.models import Models
    from studio_kernel.settings import Home

Say = Callable[[str], None]
Document = Mapping[str, Any] | str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Added:
    """A model that was added to the catalog of a home.

    Attributes
    ----------
    id : str
        Its catalog id.
    path : pathlib.Path
        The file its entry was written to.
    notes : tuple of str
        What of its description could not be taken over.
    """

    id: str
    path: Path
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What a refresh has found.

    Attributes
    ----------
    listed : int
        Endpoints that were looked at.
    priced : int
        Those whose price was told.
    changes : tuple of Change
        What is other than the catalog said.
    path : pathlib.Path or None
        The file that was written; `None` = none was, because it was only tried.
    notes : tuple of str
        What could not be asked for, and why.
    """

    listed: int
    priced: int
    changes: tuple[Change, ...] = ()
    path: Path | None = None
    notes: tuple[str, ...] = ()


def add_model(
    home: Home,
    models: Models,
    endpoint: str,
    *,
    openapi: Document | None = None,
    service: Service | None = None,
    name: str = "",
    replace: bool = False,
    say: Say = lambda _text: None,
) -> Added:
    """Write the entry of an endpoint into the catalog of a home; `Studio.add_model` says more."""
    which = service or ("fal" if endpoint.count("/") != 1 or endpoint.startswith("fal-ai/") else None)
    if which is None:
        text = "could be an endpoint of fal or a model of Replicate; say which, with service= (--service)"
        raise InvalidRequestError([Problem("endpoint", f"{endpoint!r} {text}")], "add model")
    told = endpoint.strip().strip("/")
    key = _free_id(models, which, told, replace=replace)
    with (FalListings if which == "fal" else ReplicateListings)(say) as listings:
        document, source = _document(listings, told, openapi)
        described = describe(document, About(told, which, name, read_from=source, as_of=_today()))
        entry = described.entry
        if which == "fal" and openapi is None and isinstance(listings, FalListings):
            entry = _priced(listings, entry)
    if mistakes := build.model(key, entry, build.Shelf())[1]:
        raise CatalogError([Problem(f"{key}: {each.field}", each.message) for each in mistakes])
    path = home.catalog / f"{key.replace('/', '-').replace(':', '-')[:80]}.yaml"
    write_whole(path, _yaml(key, entry))
    return Added(key, path, described.notes)


def refresh(
    home: Home, *, text: str = "", category: str = "", dry_run: bool = False, say: Say = lambda _text: None
) -> Report:
    """Bring what the catalog says of fal's endpoints up to date; `Studio.refresh_models` says more."""
    known = entries_of("fal", home.catalog)
    notes: list[str] = []
    with FalListings(say) as fal:
        listings = list(fal.models(text=text, category=category))
        if fal.has_key:
            prices = list(fal.prices(list(dict.fromkeys(endpoints_of(known, listings)))))
        else:
            prices = []
            notes.append("prices were not asked for: fal tells them only with a key ('studio keys set fal')")
    if not listings and not (text or category):
        raise ServiceError("fal", "its list of models is empty, which cannot be; nothing was changed")
    result = merged(known, listings, prices, _today(), is_whole_list=not (text or category))
    path = None
    if not dry_run:
        path = home.catalog / REFRESHED / "fal.json"
        kept = {key: entry for key, entry in _refreshed(path).items() if key not in result.entries}
        write_whole(path, as_file(kept | dict(result.entries)))
    return Report(len(listings), len(prices), result.changes, path, tuple(notes))


def _document(
    listings: FalListings | ReplicateListings, endpoint: str, given: Document | None
) -> tuple[Mapping[str, Any], str]:
    """Return the document of an endpoint, and where it is from."""
    if isinstance(given, Mapping):
        return given, ""
    if given is not None:
        return read_document(Path(given)), str(given)
    return listings.document(endpoint), listings.document_address(endpoint)


def _priced(fal: FalListings, entry: ModelEntry) -> ModelEntry:
    """Return the entry with its price, where that is told."""
    if not fal.has_key:
        return entry
    price = next(iter(fal.prices([entry.endpoint])), None)
    return entry if price is None else msgspec.structs.replace(entry, price=price_entry(price, _today()))


def _free_id(models: Models, service: Service, endpoint: str, *, replace: bool) -> str:
    """Return the id of a new entry; that of the endpoint's own entry, when it may be replaced."""
    there = [
        card.id
        for card in models.values()
        if card.engine == service and card.source.endpoint and same_endpoint(card.source.endpoint, endpoint)
    ]
    if there and not replace:
        text = f"{endpoint!r} is in the catalog already, as {there[0]!r}; replace=True (--replace) describes it anew"
        raise InvalidRequestError([Problem("endpoint", text)], "add model")
    return there[0] if there else f"{service}/{endpoint.partition(':')[0]}"


def _refreshed(path: Path) -> dict[str, ModelEntry]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=ready(CatalogFile)).models
    except (OSError, msgspec.DecodeError):
        return {}  # none yet, or one that was damaged: it is written anew


def _yaml(key: str, entry: ModelEntry) -> bytes:
    import yaml

    plain = msgspec.to_builtins(CatalogFile(models={key: entry}))
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120)
    return f"# Written by 'studio models add'; change it as you like.\n{text}".encode()


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
