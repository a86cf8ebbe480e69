"""The layer rule, read from the imports themselves."""

import ast
from pathlib import Path

import pytest

import studio_kernel

ROOT = Path(studio_kernel.__file__).parent
WIDGETS = ROOT.parent / "widgets" / "studio_widgets"

# What each part of the kernel may import of the project; a part that is not named here has no business existing.
ALLOWED = {
    "errors": set(),
    "settings": {"errors"},
    "domain": {"errors"},
    "presence": {"errors"},
    "keys": {"errors"},
    "engines": {"errors", "settings", "keys", "domain"},
    "assets": {"errors", "domain"},
    "runlog": {"errors", "domain"},
    "prompts": {"errors"},
    "catalog": {"errors", "settings", "domain", "prompts"},
    "live": {"errors", "domain"},
    "previews": set(),
    "watch": {"errors", "domain"},
    "display": {"errors", "domain"},
    "grid": {"errors", "domain", "figures"},
    "metrics": {"errors", "domain"},
    "figures": set(),
    "effects": {"errors", "domain", "figures"},
    "axes": {"errors", "domain"},
    "pace": {"errors", "domain", "runlog"},
    "passes": {"domain", "engines"},
}
JOINING = {
    "jobs", "private", "workshop", "providers", "budgets", "ledger", "follower", "mending", "desk", "runner", "worker",
    "dispatch", "drafting", "planning", "run", "queue", "sweep_log", "sweeps", "results", "outcome", "contents",
    "measuring", "estimates", "orders", "reported", "listings", "refreshing", "studio", "view", "export", "gc",
}  # fmt: skip
ON_TOP = {"cli", "dashboards", "demo", "doctor", "lab", "repair"}
KERNEL = "studio_kernel"
NEVER = {"studio_widgets", "IPython", "ipywidgets", "fastapi", "flask"}


def modules(root):
    return sorted(path for path in root.rglob("*.py") if "data" not in path.relative_to(root).parts)


def imported(path):
    """Every module that `path` imports, at any depth of nesting."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def project_parts(path):
    return {name.split(".")[1] for name in imported(path) if name.startswith(f"{KERNEL}.")}


def test_every_part_has_its_place():
    parts = {part_of(path) for path in modules(ROOT)} - {"__init__", "__pycache__"}
    assert parts <= set(ALLOWED) | JOINING | ON_TOP


@pytest.mark.parametrize("part", sorted(ALLOWED))
def test_a_part_imports_only_what_stands_below_it(part):
    for path in modules(ROOT):
        if part_of(path) == part:
            assert project_parts(path) <= ALLOWED[part] | {part}, path


def test_joining_modules_import_nothing_from_above():
    for path in modules(ROOT):
        if part_of(path) in JOINING:
            assert not project_parts(path) & ON_TOP, path


def test_the_kernel_never_imports_widgets_or_a_web_framework():
    for path in modules(ROOT):
        assert not {name.split(".")[0] for name in imported(path)} & NEVER, path


def test_inner_modules_do_not_go_through_the_front_door():
    for path in modules(ROOT):
        if path != ROOT / "__init__.py" and part_of(path) not in ON_TOP:
            direct = {name for name in imported(path) if name.split(".")[0] == KERNEL}
            assert not {f"{KERNEL}.{name}" for name in studio_kernel.__all__} & direct, path


def test_states_of_panels_import_no_widgets():
    for path in WIDGETS.rglob("state.py"):
        assert not {name.split(".")[0] for name in imported(path)} & {"ipywidgets", "anywidget", "IPython"}, path
