"""Model cards for tests, made of the studio's standard parameters; the catalog has its own."""

from __future__ import annotations

from studio_kernel.domain.model import ModelCard, ModelSource, SchedulerCard
from studio_kernel.domain.parameters import Parameter, standard
from studio_kernel.domain.tasks import Task

PICTURE_TASKS = (Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINTING)

_NAMES = (
    "prompt",
    "negative_prompt",
    "image",
    "mask_image",
    "strength",
    "guidance_scale",
    "scheduler",
    "seed",
    "num_images",
    "loras",
    "eta",
    "guidance_rescale",
)


def parameters(side: int = 64, steps: int = 4) -> tuple[Parameter, ...]:
    """The parameters of a small picture model."""
    sizes = (standard("width", default=None), standard("height", default=None))
    return (*map(standard, _NAMES), *sizes, standard("num_inference_steps", default=steps), standard("clip_skip"))


def procedural_card() -> ModelCard:
    slow = Parameter("step_seconds", "number", default=0.0, min=0.0, max=10.0, unit="s", group="advanced")
    return ModelCard(
        id="procedural",
        name="Procedural",
        creator="test",
        engine="procedural",
        tasks=PICTURE_TASKS,
        parameters=(*parameters(), slow),
        hidden=True,
    )


def diffusers_card(source: ModelSource, card_id: str = "tiny-random", **fields: object) -> ModelCard:
    return ModelCard(
        id=card_id,
        name="Tiny",
        creator="test",
        engine="diffusers",
        tasks=PICTURE_TASKS,
        parameters=parameters(),
        source=source,
        **fields,  # type: ignore[arg-type]
    )


SCHEDULERS = {
    card.id: card
    for card in (
        SchedulerCard("euler", "Euler", "EulerDiscreteScheduler", {}),
        SchedulerCard("euler_a", "Euler a", "EulerAncestralDiscreteScheduler", {}),
        SchedulerCard("dpmpp_2m_karras", "DPM++ 2M Karras", "DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
        SchedulerCard("heun", "Heun", "HeunDiscreteScheduler", {}),
        SchedulerCard("lms", "LMS", "LMSDiscreteScheduler", {}),
    )
}
