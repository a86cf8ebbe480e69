"""The lines of ``settings.toml`` that set budgets. The file is people's own: nothing here writes it."""

from __future__ import annotations

import json
import re

from studio_kernel.settings import BudgetSettings

_AMOUNTS = (
    ("run_usd", 2.0, "one run"),
    ("sweep_usd", 20.0, "all runs of a sweep"),
    ("day_usd", 25.0, "all runs of a day, from midnight to midnight"),
    ("project_usd", 50.0, "all runs of a project, of each that is not named below"),
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def lines_for(settings: BudgetSettings, project: str | None = None) -> str:
    """Return the budgets as they are, and what could be set besides as comments.

    Parameters
    ----------
    project : str or None
        One for which a budget of its own is shown.
    """
    lines = ["[budget]", *(_line(settings, *amount) for amount in _AMOUNTS)]
    lines.append(_set("warn_at", settings.warn_at, "from this share of a budget on it is warned of"))
    named = {name: _set(_key(name), usd) for name, usd in settings.projects.items()}
    if project and project not in named:
        named[project] = f"# {_set(_key(project), 100.0)}"
    table = ["", "[budget.projects]", *named.values()] if named else []
    return "\n".join([*lines, *table])


def _line(settings: BudgetSettings, name: str, example: float, meaning: str) -> str:
    value = getattr(settings, name)
    return _set(name, value, meaning) if value is not None else f"# {_set(name, example, meaning)}"


def _set(name: str, value: float, meaning: str = "") -> str:
    said = f"{name} = {value:.2f}"
    return f"{said:<24}# {meaning}" if meaning else said


def _key(name: str) -> str:
    """Return a name as TOML takes it as a key."""
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)
