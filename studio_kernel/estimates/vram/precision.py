"""Which parts of a network its class keeps in full precision, however the rest is loaded.

Read from the source of diffusers and transformers, which are not imported: that takes seconds, and a table here would
be wrong with their next version.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

_KEPT = "_keep_in_fp32_modules"
_KEPT_STRICTLY = "_keep_in_fp32_modules_strict"


def kept_in_float32(library: str, class_name: str, model_type: str, dtype: str, *, single_file: bool) -> frozenset[str]:
    """Return the names of the modules that stay in float32 when a network is loaded in `dtype`.

    Parameters
    ----------
    library : str
        ``diffusers`` or ``transformers``, as ``model_index.json`` says.
    model_type : str
        What the configuration of a network of transformers calls its kind, such as ``t5``.
    single_file : bool
        Whether it comes out of a single-file checkpoint.

    Notes
    -----
    diffusers 0.42 (``modeling_utils.py``, ``single_file_model.py``): whatever the precision from a directory, with
    float16 only from a single file. transformers 5.23 (``modeling_utils.py``): with float16, and with bfloat16 what is
    kept strictly.
    """
    if library == "transformers":
        kept = _kept_by_transformers(model_type)
        wanted = {"float16": (_KEPT, _KEPT_STRICTLY), "bfloat16": (_KEPT_STRICTLY,)}.get(dtype, ())
        return frozenset(name for attribute in wanted for name in kept.get(attribute, ()))
    if single_file and dtype != "float16":
        return frozenset()
    return frozenset(_kept_by_diffusers(class_name).get(_KEPT, ()))


@lru_cache(maxsize=64)
def _kept_by_transformers(model_type: str) -> dict[str, tuple[str, ...]]:
    name = model_type.replace("-", "_")
    folder = _package("transformers")
    path = folder / "models" / name / f"modeling_{name}.py" if folder and name.isidentifier() else None
    if path is None or not path.is_file():
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for node in ast.walk(_parsed(path.read_text("utf-8"))):
        found |= _assigned(node)
    return found


@lru_cache(maxsize=64)
def _kept_by_diffusers(class_name: str) -> dict[str, tuple[str, ...]]:
    folder = _package("diffusers")
    if folder is None or not class_name.isidentifier():
        return {}
    start = f"class {class_name}(".encode()
    for path in sorted((folder / "models").rglob("*.py")):
        source = path.read_bytes()
        if start in source:
            return _of_class(_parsed(source.decode()), class_name)
    return {}


def _of_class(tree: ast.AST, class_name: str) -> dict[str, tuple[str, ...]]:
    """Return what a class says of itself; bases in the same file say it too."""
    classes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    found: dict[str, tuple[str, ...]] = {}
    node = classes.get(class_name)
    if node is not None:
        for base in reversed(node.bases):
            if isinstance(base, ast.Name) and base.id in classes and base.id != class_name:
                found |= _of_class(tree, base.id)
        for statement in node.body:
            found |= _assigned(statement)
    return found


def _assigned(node: ast.AST) -> dict[str, tuple[str, ...]]:
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        name, value = node.targets[0].id, node.value
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        name, value = node.target.id, node.value
    else:
        return {}
    if name not in (_KEPT, _KEPT_STRICTLY) or not isinstance(value, (ast.List, ast.Tuple, ast.Set)):
        return {}
    words = [item.value for item in value.elts if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    # some are written as a pattern: "norm\\.weight" names what "norm.weight" does
    return {name: tuple(re.sub(r"\\", "", word) for word in words)}


def _parsed(source: str) -> ast.AST:
    try:
        return ast.parse(source)
    except SyntaxError:  # a newer Python's file
        return ast.Module(body=[], type_ignores=[])


def _package(name: str) -> Path | None:
    spec = find_spec(name)  # finds it without importing it
    folders = (spec.submodule_search_locations if spec else None) or []
    return next((Path(folder) for folder in folders), None)
