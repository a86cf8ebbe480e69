"""The examples people copy from the catalog's README load without a mistake."""

import re
from pathlib import Path

import pytest

from studio_kernel.catalog.loader import load
from studio_kernel.settings import data_dir

README = (data_dir() / "catalog" / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_adds_models_without_a_mistake(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    catalog = load(tmp_path)
    assert catalog.problems == ()
    assert len(catalog.models) > len(load().models)
