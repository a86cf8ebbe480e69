"""``python -m studio_kernel.catalog`` writes what is generated from the catalog: the schema and the reference pages."""

from studio_kernel.catalog.reference import generated

if __name__ == "__main__":
    for path, text in generated().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
