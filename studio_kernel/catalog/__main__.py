"""``python -m studio_kernel.catalog`` writes what is generated from the catalog: the schema and the reference pages."""

from __future__ import annotations

from pathlib import Path

from studio_kernel.catalog.loader import check_shipped, load
from studio_kernel.catalog.reference import MODELS_PAGE, PARAMETERS_PAGE, models_page, parameters_page
from studio_kernel.catalog.schema import SCHEMA_FILE, catalog_schema
from studio_kernel.settings import checkout_dir


def generated() -> dict[Path, str]:
    """Return the content of every generated file by its path in the checkout."""
    check_shipped()
    texts = {SCHEMA_FILE: catalog_schema(), MODELS_PAGE: models_page(load()), PARAMETERS_PAGE: parameters_page()}
    return {checkout_dir() / name: text for name, text in texts.items()}


if __name__ == "__main__":
    for path, text in generated().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
