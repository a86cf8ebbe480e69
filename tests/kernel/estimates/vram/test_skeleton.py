"""Pipelines without weights: what they count, in which precision, and from where."""

import pytest
import torch

from studio_kernel.errors import ModelUnavailableError
from studio_kernel.estimates.vram.architectures import architecture, architectures
from studio_kernel.estimates.vram.quantisation import SCHEMES
from studio_kernel.estimates.vram.quantised import is_quantised, quantised_bytes
from studio_kernel.estimates.vram.skeleton import build
from studio_kernel.estimates.vram.tokens import LengthTokenizer


@pytest.mark.parametrize("name", architectures())
def test_a_skeleton_has_as_many_parameters_as_were_counted(name: str) -> None:
    known = architecture(name)
    counted = {part: facts.parameters for part, facts in known.parts.items() if facts.parameters is not None}
    pipe = build(known.blueprint, known.dtype)
    found = {part: sum(one.numel() for one in pipe.components[part].parameters()) for part in counted}
    assert counted
    assert found == counted


def test_every_architecture_has_a_source_and_a_date() -> None:
    for known in map(architecture, architectures()):
        assert known.source.startswith("https://")
        assert known.as_of
        assert known.id in architectures()


def test_nothing_of_a_skeleton_takes_memory() -> None:
    pipe = build(architecture("sd15").blueprint, "float16")
    for part in ("unet", "vae", "text_encoder"):
        assert {one.device.type for one in pipe.components[part].parameters()} == {"meta"}


@pytest.mark.parametrize(("dtype", "kept"), [("float16", torch.float32), ("bfloat16", torch.bfloat16)])
def test_what_loading_leaves_in_full_precision_stays_in_it(dtype: str, kept: torch.dtype) -> None:
    text = build(architecture("ltxv-2b").blueprint, dtype).text_encoder
    assert {one.dtype for name, one in text.named_parameters() if ".wo." in name} == {kept}


def test_a_scheme_makes_linear_layers_smaller_and_nothing_else() -> None:
    network = torch.nn.Sequential(torch.nn.Linear(64, 128, bias=False), torch.nn.Conv2d(3, 4, 1, bias=False)).half()
    rest = 3 * 4 * 2
    sizes = {scheme: quantised_bytes(network, scheme).resident_bytes - rest for scheme in SCHEMES}
    assert sizes["nf4"] == 64 * 128 / 2 + 4 * 128 + 4 * 16  # with a table of the 16 values
    assert sizes["int8"] == 64 * 128 + 4 * 128
    assert sizes["fp8"] == 64 * 128
    assert sizes["Q8_0"] == 64 * 128 * 34 / 32
    assert quantised_bytes(network, "nf4").dequantised_bytes == 64 * 128 * 2
    assert quantised_bytes(network, "int8").dequantised_bytes == 0


def test_denoisers_and_large_text_encoders_are_quantised() -> None:
    pipe = build(architecture("flux1-dev").blueprint, "bfloat16")
    parts = ("transformer", "text_encoder", "text_encoder_2", "vae")
    assert [part for part in parts if is_quantised(part, pipe.components[part])] == ["transformer", "text_encoder_2"]


def test_an_unknown_architecture_names_those_there_are() -> None:
    with pytest.raises(ModelUnavailableError, match="sdxl"):
        architecture("../sdxl")


def test_a_tokenizer_knows_lengths() -> None:
    tokenizer = LengthTokenizer(77)
    padded = tokenizer(["a", "b"], padding="max_length", max_length=20)
    assert padded.input_ids.shape == (2, 20)
    assert tokenizer("a", padding="max_length").input_ids.shape == (1, 77)
    assert tokenizer("four letters a token", padding="longest").input_ids.shape == (1, 7)
    assert tokenizer("a" * 1000, padding=True, truncation=True).input_ids.shape == (1, 77)
