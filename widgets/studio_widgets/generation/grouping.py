"""In which part of the form a parameter stands; pure, and made of what the parameter says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from studio_kernel.domain.parameters import GROUPS, Group, Parameter
from studio_kernel.domain.tasks import Task

FIRST: tuple[Group, ...] = ("prompt", "inputs")
FOLDED: tuple[Group, ...] = ("adapters", "advanced")
OUTSIDE = {"image": "Size", "video": "Video", "audio": "Sound"}
"""What the group of sizes is about: of a clip that is also its length and its pictures per second."""
TITLES: dict[Group, str] = {"sampling": "Sampling", "seed": "Seed and output", "output": "Seed and output"}
_MOTION = re.compile(r"(^|_)(motion|camera)(_|$)")


@dataclass(frozen=True, slots=True)
class Section:
    """Parameters under one heading.

    Attributes
    ----------
    title : str
        The heading; empty for the first section, which needs none.
    parameters : tuple of Parameter
        In form order.
    is_folded : bool
        It begins folded away.
    """

    title: str
    parameters: tuple[Parameter, ...]
    is_folded: bool = False


def sections(parameters: Iterable[Parameter], task: Task) -> list[Section]:
    """Return the parts of a form; every parameter is in one of them, and none is empty."""
    placed: dict[str, list[Parameter]] = {}
    folded: list[Parameter] = []
    for parameter in sorted(parameters, key=lambda parameter: GROUPS.index(group_of(parameter, task))):
        group = group_of(parameter, task)
        shelf = folded if group in FOLDED else placed.setdefault(_title(group, task), [])
        shelf.append(parameter)
    made = [Section(title, tuple(shelf)) for title, shelf in placed.items()]
    return [*made, *([Section("Advanced settings", tuple(folded), is_folded=True)] if folded else [])]


def group_of(parameter: Parameter, task: Task) -> Group:
    """Return the group of a parameter; what moves a camera is no matter for experts where a video is made."""
    is_motion = task.makes == "video" and parameter.group == "advanced" and _MOTION.search(parameter.name)
    return "size" if is_motion else parameter.group


def _title(group: Group, task: Task) -> str:
    if group in FIRST:
        return ""
    return OUTSIDE[task.makes] if group == "size" else TITLES[group]
