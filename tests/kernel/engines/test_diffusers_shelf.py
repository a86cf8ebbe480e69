"""Which models stay in memory, decided by how much of it is free."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import engine_subjects as subjects
from studio_kernel.domain.model import ModelCard
from studio_kernel.engines.diffusers import checkpoint
from studio_kernel.engines.diffusers.loading import LoadedModel, Shelf, placed
from studio_kernel.engines.diffusers.memory import free_bytes, needed_bytes
from studio_kernel.engines.diffusers.quiet import quiet

CPU = torch.device("cpu")


@pytest.fixture
def cards(tiny_random: Path, tmp_path: Path) -> list[ModelCard]:
    copies = [shutil.copytree(tiny_random, tmp_path / name) for name in "abc"]
    return [subjects.diffusers(copy, tmp_path).card for copy in copies]


def room_for(models: int, card: ModelCard) -> Callable[[Shelf], Callable[[torch.device], int]]:
    """A memory in which so many of `card` have room."""
    each = needed_bytes(checkpoint.find(card), torch.float32)
    return lambda shelf: lambda _device: (models - len(shelf._models)) * each


def shelf_with(memory: Callable[[Shelf], Callable[[torch.device], int]], **options: Any) -> Shelf:
    shelf = Shelf(**options)
    shelf._free_bytes = memory(shelf)
    return shelf


def loaded(shelf: Shelf, cards: list[ModelCard]) -> list[LoadedModel]:
    with quiet():
        return [shelf.get(card) for card in cards]


def test_models_stay_while_there_is_memory(cards: list[ModelCard]) -> None:
    shelf = shelf_with(room_for(3, cards[0]))

    assert loaded(shelf, cards) == loaded(shelf, cards)


def test_the_one_used_longest_ago_leaves_for_one_that_does_not_fit(cards: list[ModelCard]) -> None:
    shelf = shelf_with(room_for(2, cards[0]))
    first, second = loaded(shelf, cards[:2])
    shelf.get(cards[0])

    (third,) = loaded(shelf, cards[2:])

    assert list(shelf._models.values()) == [first, third]
    assert loaded(shelf, cards[1:2]) != [second]


def test_a_model_is_tried_when_all_others_have_left_even_if_it_seems_too_large(cards: list[ModelCard]) -> None:
    shelf = shelf_with(room_for(0, cards[0]))

    loaded(shelf, cards)

    assert len(shelf._models) == 1


def test_small_models_do_not_pile_up(cards: list[ModelCard]) -> None:
    shelf = shelf_with(room_for(99, cards[0]), capacity=2)

    models = loaded(shelf, cards)

    assert list(shelf._models.values()) == models[1:]


def test_a_run_can_have_the_memory_for_its_model_alone(cards: list[ModelCard]) -> None:
    shelf = shelf_with(room_for(3, cards[0]))
    models = loaded(shelf, cards)

    assert shelf.keep_only(models[1])
    assert not shelf.keep_only(models[1])
    assert list(shelf._models.values()) == [models[1]]


@pytest.mark.parametrize(("dtype", "value_bytes"), [(torch.float32, 4), (torch.bfloat16, 2)])
def test_what_a_model_needs_follows_from_its_files_and_the_precision(
    cards: list[ModelCard], dtype: torch.dtype, value_bytes: int
) -> None:
    with quiet():
        pipe = shelf_with(room_for(1, cards[0])).get(cards[0]).pipe
    networks = [pipe.unet, pipe.vae, pipe.text_encoder]
    floats = sum(value.numel() for network in networks for value in network.parameters())

    needed = needed_bytes(checkpoint.find(cards[0]), dtype)

    assert needed == pytest.approx(1.25 * floats * value_bytes, rel=0.01)


def test_the_cpu_has_memory_free() -> None:
    assert 0 < free_bytes(CPU) < 2**50


def test_a_model_that_does_not_fit_beside_others_is_moved_again_without_them(pipe: Any) -> None:
    gone: list[bool] = []
    refuse(pipe.vae, until=lambda: bool(gone))

    ladder = placed(pipe, CPU, lambda: gone.append(True) or True)  # type: ignore[func-returns-value]

    assert ladder.fallbacks(1) == ()


def test_a_model_that_does_not_fit_at_all_waits_in_the_main_memory(pipe: Any) -> None:
    elsewhere = torch.device("meta")
    for network in (pipe.unet, pipe.vae, pipe.text_encoder):
        refuse(network, until=lambda: False, where=elsewhere)

    ladder = placed(pipe, elsewhere, lambda: False)

    assert ladder.fallbacks(1) == ("model_offload",)
    assert not any(value.is_meta for value in pipe.vae.parameters())


def test_on_the_cpu_there_is_no_other_place_to_wait(pipe: Any) -> None:
    refuse(pipe.vae, until=lambda: False)

    with pytest.raises(torch.OutOfMemoryError):
        placed(pipe, CPU, lambda: False)


def refuse(network: torch.nn.Module, until: Callable[[], bool], where: torch.device = CPU) -> None:
    """Let `network` run out of memory when it is moved."""
    moved = network.to

    def to(*args: Any, **options: Any) -> Any:
        if not until() and args and torch.device(args[0]) == where:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return moved(*args, **options)

    network.to = to  # type: ignore[method-assign]
