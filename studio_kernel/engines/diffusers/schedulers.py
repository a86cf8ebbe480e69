"""The scheduler of a run: always a new one, always made from the configuration the model came with.

So no run inherits the state or the settings of an earlier one, and what the model needs (v-prediction, spacing) stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from immutabledict import immutabledict

from studio_kernel.domain.model import SchedulerCard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import Value
from studio_kernel.engines.diffusers.refusal import refusal
from studio_kernel.errors import EngineError, closest


def chosen(request: GenerationRequest, cards: Mapping[str, SchedulerCard]) -> SchedulerCard | None:
    """Return the card of the scheduler that `request` names; `None` = the model's own.

    Raises
    ------
    InvalidRequestError
        When there is none of that id, or its card names something else than a scheduler class.
    """
    name = request.parameters.get("scheduler")
    if not name:
        return None
    card = cards.get(str(name))
    if card is None:
        hint = ", ".join(closest(str(name), cards) or sorted(cards)) or "none in the catalog"
        raise refusal(request, "scheduler", f"{name!r} is not known; there are: {hint}")
    if not (card.class_name.isidentifier() and card.class_name.endswith("Scheduler")):
        message = f"its catalog entry {card.id!r} names {card.class_name!r}, which is no scheduler class"
        raise refusal(request, "scheduler", message)
    return card


def scheduler_for(original: Any, card: SchedulerCard | None) -> Any:
    """Return a fresh scheduler after `card`, or like `original`, which is left as it is; `None` when there is none."""
    if original is None and card is not None:
        raise EngineError(f"this model has no scheduler, so {card.id!r} cannot take its place")
    if original is None:
        return None
    if card is None:
        return type(original).from_config(original.config)
    import diffusers

    scheduler_class = getattr(diffusers, card.class_name, None)
    if scheduler_class is None:
        raise EngineError(f"diffusers {diffusers.__version__} has no {card.class_name}; choose another scheduler")
    return scheduler_class.from_config(original.config, **card.options)


def described(scheduler: Any, card: SchedulerCard | None) -> immutabledict[str, Value]:
    """Return the class of `scheduler` and what was changed in the model's configuration, for provenance."""
    changes = immutabledict(sorted(card.options.items())) if card else immutabledict()
    return immutabledict({"class": type(scheduler).__name__, "changes": changes})
