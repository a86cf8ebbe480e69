"""The JSON schema of catalog files, for editors that check while one types."""

from __future__ import annotations

import json

import msgspec

from studio_kernel.catalog.entries import CatalogFile
from studio_kernel.domain.tasks import MAKING

SCHEMA_FILE = "data/schema/catalog.json"


def catalog_schema() -> str:
    """Return the schema of a catalog file as JSON text, generated from the types it is decoded into."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **msgspec.json.schema(CatalogFile),
        "title": "Catalog file of the studio workbench",
    }
    schema["$defs"]["Task"]["enum"] = sorted(MAKING)
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
