"""From the values of a form to what would be asked for; pure, so that a panel only has to show the difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from immutabledict import immutabledict

from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.tasks import Task
from studio_kernel.errors import Problem

GUIDANCE_OFF = 1.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a form says at one moment.

    Attributes
    ----------
    model : str
        Catalog id.
    task : Task
        What it is asked to do.
    values : mapping
        Parameter → value, as `Studio.submit` takes them; what is empty or without effect is left out.
    problems : tuple of Problem
        Why it cannot be asked for like this; empty = it can.
    disabled : mapping
        Parameter → why it has no effect now.
    """

    model: str
    task: Task
    values: Mapping[str, object]
    problems: tuple[Problem, ...] = ()
    disabled: Mapping[str, str] = immutabledict()

    @property
    def is_ready(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.problems


def resolve(card: ModelCard, task: Task, form: Mapping[str, object], *, random_seed: bool) -> Snapshot:
    """Return what `form` asks of the model `card`."""
    disabled = _without_effect(card, task, form, random_seed=random_seed)
    known = {parameter.name for parameter in card.parameters_for(task)}
    values = {
        name: value
        for name, value in form.items()
        if name in known and name not in disabled and value not in (None, "", ())
    }
    return Snapshot(card.id, task, immutabledict(values), tuple(card.problems(task, values)), immutabledict(disabled))


def _without_effect(card: ModelCard, task: Task, form: Mapping[str, object], *, random_seed: bool) -> dict[str, str]:
    known = {parameter.name for parameter in card.parameters_for(task)}
    guidance = form.get("guidance_scale")
    reasons = {}
    if random_seed and "seed" in known:
        reasons["seed"] = "A new seed is chosen for every picture."
    if (
        isinstance(guidance, (int, float))
        and guidance <= GUIDANCE_OFF
        and {"negative_prompt", "guidance_scale"} <= known
    ):
        reasons["negative_prompt"] = "Acts only with a guidance scale above 1."
    return reasons
