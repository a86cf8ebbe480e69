"""Every shipped scheduler is a class of the installed diffusers and works with what it is offered for."""

import warnings

import pytest

from studio_kernel.catalog.loader import load
from studio_kernel.domain.model import SchedulerCard

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # importing diffusers warns about packages the studio does not use
    import diffusers
    import torch

CARDS = load().schedulers.values()
DIFFUSION = [card for card in CARDS if not card.id.startswith("flow_")]
FLOW = [card for card in CARDS if card.id.startswith("flow_")]

V_PREDICTION = {
    "_class_name": "DDIMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "prediction_type": "v_prediction",
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "timestep_spacing": "trailing",
}


def _denoise(card: SchedulerCard, config: dict[str, object]) -> tuple[object, torch.Tensor]:
    scheduler = getattr(diffusers, card.class_name).from_config({**config, **card.options})
    scheduler.set_timesteps(6)
    generator = torch.Generator().manual_seed(7)
    latents = torch.randn((1, 4, 8, 8), generator=generator) * scheduler.init_noise_sigma
    takes_generator = "generator" in type(scheduler).step.__code__.co_varnames
    for t in scheduler.timesteps:
        seen = scheduler.scale_model_input(latents, t) if hasattr(scheduler, "scale_model_input") else latents
        extra = {"generator": generator} if takes_generator else {}
        latents = scheduler.step(0.1 * seen, t, latents, **extra).prev_sample
    return scheduler, latents


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("card", DIFFUSION, ids=lambda card: card.id)
def test_a_diffusion_scheduler_takes_over_a_v_prediction_configuration_and_denoises(card: SchedulerCard) -> None:
    scheduler, latents = _denoise(card, V_PREDICTION)
    assert scheduler.config.prediction_type == "v_prediction"
    assert {name: scheduler.config[name] for name in card.options} == dict(card.options)
    assert torch.isfinite(latents).all()


@pytest.mark.parametrize("card", FLOW, ids=lambda card: card.id)
def test_a_flow_scheduler_denoises(card: SchedulerCard) -> None:
    scheduler = getattr(diffusers, card.class_name).from_config({"num_train_timesteps": 1000, "shift": 3.0})
    scheduler.set_timesteps(6)
    latents = torch.ones((1, 4, 8, 8))
    for t in scheduler.timesteps:
        latents = scheduler.step(0.1 * latents, t, latents).prev_sample
    assert torch.isfinite(latents).all()
