"""Metrics of trained networks, for people who have the weights: LPIPS and the CLIP score.

Nothing is ever downloaded here. Each has a function that computes it with the weights at a path, and one that says in
words what is missing there. Networks run on the CPU, in single precision, so that a number does not depend on the
machine's GPU; the one used last stays in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from studio_kernel.errors import InvalidInputError, MissingPackageError
from studio_kernel.metrics.arrays import Picture, rgb
from studio_kernel.metrics.pairs import Sizes, matched

if TYPE_CHECKING:
    import torch

LPIPS_FILES = ("alexnet-owt-7be5be79.pth", "vgg16-397923af.pth", "squeezenet1_1-b8a52dc0.pth")
"""The trunks that LPIPS was calibrated for, as torchvision publishes them."""
LPIPS_SIDE = 32
"""Pixels of a side that every trunk can halve as often as it does."""
CLIP_TOKENS = 77


def lpips(picture: Picture, reference: Picture, *, weights: Path, sizes: Sizes = "same") -> float:
    """Return the learned perceptual distance (LPIPS) of two pictures; 0 = the same, about 0.7 unrelated.

    Parameters
    ----------
    weights : pathlib.Path
        The trunk, trained on ImageNet: AlexNet, which the authors recommend, VGG-16 or SqueezeNet 1.1; told apart by
        what is in the file. The linear layers are in the package ``lpips``.

    Raises
    ------
    InvalidInputError
        When the sizes differ, a side is shorter than 32 pixels, or the file holds something else.

    Notes
    -----
    R. Zhang, P. Isola, A. A. Efros, E. Shechtman, O. Wang, "The unreasonable effectiveness of deep features as a
    perceptual metric", CVPR 2018, arXiv:1801.03924; version 0.1 of the authors' package.
    """
    one, other = matched(picture, reference, sizes)
    if min(one.shape[:2]) < LPIPS_SIDE:
        raise InvalidInputError(f"lpips needs {LPIPS_SIDE} pixels on each side, not {one.shape[1]} × {one.shape[0]}")

    import torch

    with torch.inference_mode():
        distance = _lpips_of(weights)(_tensor(one), _tensor(other), normalize=True)
    return float(distance)


def lpips_problem(weights: Path) -> str:
    """Return what is missing for LPIPS; empty when nothing is."""
    missing = [name for name in ("lpips", "torchvision") if find_spec(name) is None]
    if missing:
        return f"the package {' and '.join(missing)} is missing; pip install 'studio-workbench[perceptual]'"
    if _lpips_file(weights) is None:
        return (
            f"there are no weights at {str(weights)!r}; put one of {', '.join(LPIPS_FILES)} there, "
            'or name the file in settings.toml: [metrics] lpips = "/path/to/alexnet-owt-7be5be79.pth"'
        )
    return ""


def clip_score(picture: Picture, prompt: str, *, weights: Path) -> float:
    """Return how well a picture fits its prompt (CLIP score): 100 × cosine of both embeddings, not below 0.

    Depends on the CLIP model: numbers of one model can be compared, which are usually between 15 and 40. Of a prompt
    of more than 77 tokens the beginning counts.

    Parameters
    ----------
    prompt : str
        The text.
    weights : pathlib.Path
        The folder of a CLIP model as ``transformers`` saves it, such as ``openai/clip-vit-base-patch16``.

    Notes
    -----
    J. Hessel, A. Holtzman, M. Forbes, R. Le Bras, Y. Choi, "CLIPScore: a reference-free evaluation metric for image
    captioning", EMNLP 2021, arXiv:2104.08718, scaled by 100 and not by the paper's 2.5, as torchmetrics does.
    """
    import numpy as np
    import torch
    from PIL import Image

    network, tokenizer, processor = _clip_of(weights)
    shown = Image.fromarray(np.rint(rgb(picture) * 255).astype(np.uint8))
    words = tokenizer([prompt], return_tensors="pt", truncation=True, max_length=CLIP_TOKENS)  # type: ignore[operator]
    pixels = processor(shown, return_tensors="pt")["pixel_values"]  # type: ignore[operator]
    with torch.inference_mode():
        found = network(**words, pixel_values=pixels)  # type: ignore[operator]
    return max(0.0, 100 * float((found.image_embeds * found.text_embeds).sum()))


def clip_problem(weights: Path) -> str:
    """Return what is missing for the CLIP score; empty when nothing is."""
    needed = ("config.json", "model.safetensors", "preprocessor_config.json")
    missing = [name for name in needed if not (weights / name).is_file()]
    if missing:
        return (
            f"there is no CLIP model at {str(weights)!r} ({', '.join(missing)} missing); put the files of one there, "
            "such as those of openai/clip-vit-base-patch16 at Hugging Face, or name their folder in settings.toml: "
            '[metrics] clip_score = "/path/to/clip-vit-base-patch16"'
        )
    return ""


@lru_cache(maxsize=1)
def _lpips_of(weights: Path) -> torch.nn.Module:
    import warnings

    import torch

    file = _lpips_file(weights)
    if file is None:
        raise InvalidInputError(f"there are no weights at {str(weights)!r}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torchvision tells of a parameter that the package lpips still uses
        try:
            from lpips import LPIPS
        except (ImportError, RuntimeError) as error:  # a torchvision made for another torch raises the latter
            reason = f"the package lpips cannot be loaded: {error}; install a torchvision that fits the torch here"
            raise MissingPackageError(reason) from error

        trained = torch.load(file, map_location="cpu", weights_only=True)
        network = LPIPS(net=_trunk_in(trained), pnet_rand=True, verbose=False)
    # The package cuts a trunk in slices and keeps the numbers of its layers: features.3.weight is slice2.3.weight.
    trunk = network.net
    try:
        trunk.load_state_dict({name: trained["features." + name.split(".", 1)[1]] for name in trunk.state_dict()})
    except (KeyError, RuntimeError) as error:
        raise InvalidInputError(f"{str(file)!r} holds no trunk of LPIPS: {error}") from error
    ready: torch.nn.Module = network.eval()
    return ready


def _lpips_file(weights: Path) -> Path | None:
    if weights.is_file():
        return weights
    return next((weights / name for name in LPIPS_FILES if (weights / name).is_file()), None)


def _trunk_in(trained: dict[str, object]) -> str:
    if any("squeeze" in name for name in trained):
        return "squeeze"
    return "vgg" if "features.28.weight" in trained else "alex"


@lru_cache(maxsize=1)
def _clip_of(weights: Path) -> tuple[object, object, object]:
    from transformers import AutoImageProcessor, AutoTokenizer, CLIPModel

    with _without_bars():
        network = CLIPModel.from_pretrained(weights, local_files_only=True, use_safetensors=True).eval()
        tokenizer = AutoTokenizer.from_pretrained(weights, local_files_only=True)
        processor = AutoImageProcessor.from_pretrained(weights, local_files_only=True)
    return network, tokenizer, processor


@contextmanager
def _without_bars() -> Iterator[None]:
    from transformers.utils import logging

    were_shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if were_shown:
            logging.enable_progress_bar()


def _tensor(values: object) -> torch.Tensor:
    import numpy as np
    import torch

    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(np.asarray(values, np.float32), 2, 0)))[None]
