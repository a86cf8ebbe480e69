"""A user's catalog directory for tests."""

from pathlib import Path
from textwrap import dedent

from studio_kernel.catalog.loader import Catalog, load


def load_with(directory: Path, **files: str) -> Catalog:
    """Write each text to ``<name>.yaml`` in `directory` and load the catalog with these as the user's files."""
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(dedent(text), encoding="utf-8")
    return load(directory)


def problems_of(catalog: Catalog) -> dict[str, str]:
    """Return place → message of every problem."""
    return {problem.field: problem.message for problem in catalog.problems}
