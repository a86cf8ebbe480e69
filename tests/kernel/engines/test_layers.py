"""Engines stand beside the log, the assets and the catalog, and know none of them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import studio_kernel.engines

ROOT = Path(studio_kernel.engines.__file__).parent
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))
ALLOWED = ("studio_kernel.domain", "studio_kernel.engines", "studio_kernel.errors")


@pytest.mark.parametrize("module", MODULES)
def test_an_engine_module_imports_only_what_stands_below(module: str) -> None:
    tree = ast.parse((ROOT / module).read_text())
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]

    own = [name for name in imported if name.startswith("studio_")]
    assert [name for name in own if not name.startswith(ALLOWED)] == []


def test_finding_making_and_asking_an_engine_loads_no_torch(tiny_random: Path) -> None:
    script = f"""
import sys
sys.path[:0] = {sys.path!r}
from pathlib import Path
from studio_kernel.engines.registry import EngineRegistry
import engine_subjects
subject = engine_subjects.diffusers(Path({str(tiny_random)!r}), Path())
subject.engine = EngineRegistry().get("diffusers")
assert subject.engine.unavailable(subject.card) is None
subject.engine.check(subject.request(scheduler="euler"), subject.context())
print(*{{"torch", "diffusers", "transformers", "duckdb", "ipywidgets"}} & sys.modules.keys())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""
