"""The parts of the diffusers engine that need no model."""

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from studio_kernel.engines.diffusers.background import in_background
from studio_kernel.engines.diffusers.devices import default_device, default_dtype
from studio_kernel.engines.diffusers.preview import LatentPreview


def test_what_the_work_says_comes_in_order() -> None:
    def work(say: Callable[[int], None]) -> None:
        for number in range(100):
            say(number)

    assert list(in_background(work, stop=lambda: None)) == list(range(100))


def test_what_the_work_raises_is_raised_after_what_it_said() -> None:
    def work(say: Callable[[int], None]) -> None:
        say(1)
        raise KeyError("odd")

    stream = in_background(work, stop=lambda: None)

    assert next(stream) == 1
    with pytest.raises(KeyError, match="odd"):
        next(stream)


def test_closing_stops_the_work_and_waits_for_its_end() -> None:
    stop, ended = threading.Event(), threading.Event()

    def work(say: Callable[[int], None]) -> None:
        say(1)
        stop.wait()
        ended.set()

    stream = in_background(work, stop=stop.set)
    next(stream)
    stream.close()

    assert ended.is_set()


class Config(dict[str, Any]):
    __getattr__ = dict.__getitem__


class LinearVae(torch.nn.Module):
    """A decoder whose picture is a linear map of the latents, four times as large."""

    def __init__(self, **config: object) -> None:
        super().__init__()
        self.config = Config(latent_channels=3, scaling_factor=2.0, **config)
        self.device, self.dtype = torch.device("cpu"), torch.float32
        self.decoded = 0

    def decode(self, latents: torch.Tensor, **_options: object) -> tuple[torch.Tensor]:
        self.decoded += 1
        return (torch.nn.functional.interpolate(latents * 0.5 - 0.1, scale_factor=4),)


@pytest.fixture
def latents() -> torch.Tensor:
    source = torch.Generator("cpu").manual_seed(1)
    return torch.rand(1, 3, 8, 12, generator=source) - 0.5


def test_a_preview_shows_what_the_decoder_would(latents: torch.Tensor) -> None:
    vae = LinearVae()
    shown = LatentPreview(vae).picture(latents)
    assert shown is not None

    expected = ((latents[0] / 2 * 0.5 - 0.1) / 2 + 0.5) * 255

    assert shown.size == (12, 8)
    red = torch.tensor(list(shown.getchannel("R").tobytes())).view(8, 12)
    assert (red - expected[0]).abs().max() <= 3


def test_the_map_is_fitted_once(latents: torch.Tensor) -> None:
    vae = LinearVae()
    preview = LatentPreview(vae)

    assert preview.picture(latents)
    assert preview.picture(latents * 2)
    assert vae.decoded == 1


def test_fitting_leaves_the_global_random_numbers_alone(latents: torch.Tensor) -> None:
    before = torch.random.get_rng_state()

    LatentPreview(LinearVae(latents_mean=[0.1] * 3, latents_std=[2.0] * 3)).picture(latents)

    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("shape", [(1, 96, 3), (1, 3, 5, 8, 8), (1, 16, 8, 8)])
def test_latents_that_are_no_picture_have_no_preview(shape: tuple[int, ...]) -> None:
    assert LatentPreview(LinearVae()).picture(torch.zeros(shape)) is None


class OddVae(LinearVae):
    def decode(self, *_: object, **_options: object) -> tuple[torch.Tensor]:
        raise TypeError("decode() needs a condition")


class FourChannelVae(LinearVae):
    def decode(self, latents: torch.Tensor, **_options: object) -> tuple[torch.Tensor]:
        return (latents.repeat(1, 2, 1, 1),)


@pytest.mark.parametrize("vae", [OddVae, FourChannelVae])
def test_a_decoder_that_cannot_be_asked_costs_the_preview_only(vae: type[LinearVae], latents: torch.Tensor) -> None:
    assert LatentPreview(vae()).picture(latents) is None


def test_an_offloaded_decoder_is_left_alone(latents: torch.Tensor) -> None:
    vae = LinearVae()
    vae._hf_hook = SimpleNamespace()

    assert LatentPreview(vae).picture(latents) is None


@pytest.fixture
def no_accelerator(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    return None


@pytest.mark.usefixtures("no_accelerator")
def test_the_device_is_the_best_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_device() == "cpu"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert default_device() == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert default_device() == "cuda"


@pytest.mark.parametrize(("bf16", "expected"), [(True, torch.bfloat16), (False, torch.float16)])
def test_half_precision_is_for_gpus_only(monkeypatch: pytest.MonkeyPatch, bf16: bool, expected: torch.dtype) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: bf16)

    assert default_dtype(torch.device("cuda")) is expected
    assert default_dtype(torch.device("mps")) is torch.float32
    assert default_dtype(torch.device("cpu")) is torch.float32
