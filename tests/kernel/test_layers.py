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
    "forms": set(),
    "settings": {"errors", "forms"},
    "domain": {"errors"},
    "presence": {"errors"},
    "keys": {"errors"},
    "writing": set(),
    "remembered": {"settings", "writing"},
    "engines": {"errors", "settings", "keys", "forms", "domain"},
    "assets": {"errors", "domain"},
    "runlog": {"errors", "domain", "writing"},
    "prompts": {"errors"},
    "catalog": {"errors", "forms", "settings", "domain", "prompts"},
    "live": {"errors", "forms", "domain"},
    "previews": set(),
    "prompt_length": {"domain"},
    "watch": {"errors", "domain"},
    "display": {"errors", "domain"},
    "grid": {"errors", "domain", "figures", "fonts"},
    "metrics": {"errors", "settings", "domain", "figures"},
    "svg": set(),
    "fonts": set(),
    "figures": {"svg"},
    "charts": {"domain", "figures"},
    "links": {"errors"},
    "judging": {"errors", "domain", "figures"},
    "effects": {"errors", "domain", "figures"},
    "axes": {"errors", "domain"},
    "pace": {"errors", "domain", "runlog"},
    "passes": {"domain", "engines"},
}
JOINING = {
    "as_python", "boards", "budgets", "comparing", "contents", "desk", "dispatch", "drafting", "estimates", "export",
    "finding", "follower", "gc", "importing", "jobs", "keeping", "ledger", "listings", "measuring", "mending",
    "numbers", "orders", "outcome", "own_presets", "planning", "preparing", "private", "projects", "providers",
    "publishing", "queue", "refreshing", "replaying", "report_columns", "reported", "reports", "results", "reviewing",
    "run", "runner", "sharing", "studio", "sweep_log", "sweeping", "sweeps", "view", "voting", "worker", "workshop",
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
