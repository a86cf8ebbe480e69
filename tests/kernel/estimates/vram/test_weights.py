"""Bytes of weights from headers, held against what is loaded."""

import contextlib
import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import single_file
import tiny_pipelines
from studio_kernel.errors import InvalidRequestError, ModelUnavailableError, UnsafeFileError
from studio_kernel.estimates.vram.subject import Subject
from studio_kernel.estimates.vram.weights import component_bytes
from studio_kernel.settings import data_dir
from weight_files import write_model, write_safetensors

TINY = data_dir() / "models" / "studio-tiny"
LORA = data_dir() / "models" / "studio-tiny-loras" / "blueprint.safetensors"
GIB = 1 << 30


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return tiny_pipelines.save(tmp_path_factory.mktemp("tiny") / "pipeline")


@pytest.fixture(scope="module")
def saved_flux(tmp_path_factory):
    directory = tmp_path_factory.mktemp("flux") / "pipeline"
    tiny_pipelines.build_flux().save_pretrained(directory)
    return directory


def loaded(directory, dtype, **options):
    import torch
    from diffusers import DiffusionPipeline

    pipe = DiffusionPipeline.from_pretrained(
        str(directory), dtype=getattr(torch, dtype), local_files_only=True, use_safetensors=True, **options
    )
    return parameter_bytes(pipe)


def parameter_bytes(pipe):
    import torch

    networks = {name: part for name, part in pipe.components.items() if isinstance(part, torch.nn.Module)}
    return {name: sum(p.nbytes for p in network.parameters()) for name, network in networks.items()}


def of(directory, **given):
    return dict(component_bytes(Subject(directory=str(directory), **given)).components)


def one(directory, class_name, config=None, library="diffusers", name="transformer"):
    """A pipeline of one network."""
    return write_model(directory, {name: (library, class_name, config or {})}) / name


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_pipeline_takes_what_it_says(saved, dtype):
    assert of(saved, dtype=dtype) == loaded(saved, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_modules_that_are_kept_in_full_precision_are_counted_so(saved_flux, dtype):
    assert of(saved_flux, dtype=dtype) == loaded(saved_flux, dtype)  # T5 keeps some with float16


def test_what_a_network_of_diffusers_keeps_in_full_precision_is_counted_so(tmp_path):
    import torch
    from diffusers import WanTransformer3DModel

    small = {"num_attention_heads": 2, "attention_head_dim": 12, "text_dim": 16, "freq_dim": 16, "ffn_dim": 32}
    made = WanTransformer3DModel(**small, num_layers=2, in_channels=4, out_channels=4)
    folder = one(tmp_path / "wan", "WanTransformer3DModel")
    made.save_pretrained(folder)
    again = WanTransformer3DModel.from_pretrained(folder, torch_dtype=torch.bfloat16)
    assert of(tmp_path / "wan", dtype="bfloat16") == {"transformer": sum(p.nbytes for p in again.parameters())}


def test_a_variant_is_counted_by_itself(saved, tmp_path):
    copy = tmp_path / "both"
    shutil.copytree(saved, copy)
    for folder in ("unet", "vae", "text_encoder"):
        (file,) = (copy / folder).glob("*.safetensors")
        file.rename(file.with_name(f"{file.stem}.fp16.safetensors"))
    write_safetensors(copy / "unet" / "diffusion_pytorch_model.safetensors", {"other": ("F32", (1000, 1000))})
    assert of(copy, variant="fp16") == of(saved)


def test_shards_are_added_up(tmp_path):
    made = tiny_pipelines.build()
    whole, sharded = tmp_path / "whole", tmp_path / "sharded"
    made.save_pretrained(whole)
    made.save_pretrained(sharded, max_shard_size="20KB")
    assert len(list((sharded / "unet").glob("*.safetensors"))) > 1
    assert of(sharded) == of(whole)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_single_file_is_told_apart_into_components(saved, tmp_path, dtype):
    file = single_file.save(tiny_pipelines.build(), tmp_path / "whole.safetensors")
    config = tmp_path / "config"
    shutil.copytree(saved, config, ignore=shutil.ignore_patterns("*.safetensors"))
    assert of(config, weights=(f"*={file}",), dtype=dtype) == of(saved, dtype=dtype)


def test_a_file_for_one_component_takes_the_place_of_its_own(saved, tmp_path):
    file = write_safetensors(tmp_path / "unet.safetensors", {"conv_in.weight": ("F16", (100, 10))})
    assert of(saved, weights=(f"unet={file}",)) == of(saved) | {"unet": 2000}


@pytest.mark.parametrize(
    ("names", "component"),
    [
        (["model.diffusion_model.input_blocks.0.0.weight"], "unet"),
        (["model.diffusion_model.x", "first_stage_model.decoder.conv_in.weight"], "vae"),
        (["model.diffusion_model.x", "conditioner.embedders.0.transformer.text_model.a"], "text_encoder"),
        (["model.diffusion_model.x", "conditioner.embedders.1.model.ln_final.weight"], "text_encoder_2"),
        (["model.diffusion_model.x", "text_encoders.clip_g.transformer.a"], "text_encoder_2"),
        (["model.diffusion_model.x", "text_encoders.t5xxl.transformer.a"], "text_encoder_3"),
        (["double_blocks.0.img_attn.proj.weight"], "unet"),
    ],
)
def test_the_start_of_a_name_says_whose_a_tensor_is(tmp_path, names, component):
    encoders = {"text_encoder": "CLIPTextModel", "text_encoder_2": "CLIPTextModel", "text_encoder_3": "T5EncoderModel"}
    parts = {name: ("transformers", class_name, {}) for name, class_name in encoders.items()}
    networks = {"unet": ("diffusers", "UNet2DConditionModel", {}), "vae": ("diffusers", "AutoencoderKL", {})}
    config = write_model(tmp_path / "config", parts | networks)
    tensors = dict.fromkeys(names[:-1], ("F16", (7,))) | {names[-1]: ("F16", (1000,))}
    file = write_safetensors(tmp_path / "whole.safetensors", tensors | {"model_ema.decay": ("F32", (1,))})
    assert of(config, weights=(f"*={file}",))[component] == 2000


def test_a_layer_that_the_model_leaves_out_is_not_counted(tmp_path):
    parts = {
        "text_encoder": ("transformers", "CLIPTextModel", {"num_hidden_layers": 23}),
        "unet": ("diffusers", "UNet", {}),
    }
    config = write_model(tmp_path / "config", parts)
    layer = "cond_stage_model.model.transformer.resblocks.{}.mlp.c_fc.weight"
    file = write_safetensors(tmp_path / "sd2.safetensors", {layer.format(n): ("F16", (10, 10)) for n in range(24)})
    assert of(config, weights=(f"*={file}",))["text_encoder"] == 23 * 200


def test_eight_bit_floats_are_widened_unless_the_configuration_keeps_them(tmp_path):
    tensors = {"a.weight": ("F8_E4M3", (64, 64)), "a.weight_scale": ("F32", (64, 1))}
    folder = one(tmp_path / "plain", "SomeModel")
    write_safetensors(folder / "model.safetensors", {"a.weight": tensors["a.weight"]})
    assert of(tmp_path / "plain", dtype="bfloat16") == {"transformer": 64 * 64 * 2}
    folder = one(tmp_path / "kept", "SomeModel", {"quantization_config": {"quant_method": "fp8"}})
    write_safetensors(folder / "model.safetensors", tensors)
    found = component_bytes(Subject(directory=str(tmp_path / "kept"), dtype="bfloat16"))
    assert found.components == {"transformer": 64 * 64 + 64 * 4}
    assert found.transient_bytes == 64 * 64 * 2


def test_diffusers_widens_eight_bit_floats_as_it_is_counted(saved_flux, tmp_path):
    import torch
    from safetensors.torch import load_file, save_file

    copy = tmp_path / "fp8"
    shutil.copytree(saved_flux, copy)
    for file in (copy / "transformer").glob("*.safetensors"):
        narrow = {k: v.to(torch.float8_e4m3fn) if v.ndim == 2 else v for k, v in load_file(file).items()}
        save_file(narrow, file, metadata={"format": "pt"})
    assert of(copy, dtype="bfloat16") == loaded(copy, "bfloat16")


BNB = {"quant_method": "bitsandbytes"}


def test_four_bits_of_bitsandbytes_are_counted_with_their_scales(tmp_path):
    config = BNB | {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
    folder = one(tmp_path, "SomeModel", {"quantization_config": config})
    tensors = {
        "a.weight": ("U8", (4096 * 4096 // 2, 1)),
        "a.weight.absmax": ("F32", (4096 * 4096 // 64,)),
        "a.weight.quant_map": ("F32", (16,)),
        "a.weight.quant_state.bitsandbytes__nf4": ("U8", (82,)),  # read by the processor
        "a.bias": ("F32", (4096,)),
        "scale_shift_table": ("F32", (2, 64)),  # no scale of a quantisation
    }
    write_safetensors(folder / "model.safetensors", tensors)
    found = component_bytes(Subject(directory=str(tmp_path), dtype="bfloat16"))
    assert found.components == {"transformer": 4096 * 4096 * 0.5625 + 64 + 4096 * 2 + 256}
    assert found.transient_bytes == 4096 * 4096 * 2
    assert found.assumed


def test_what_is_quantised_already_is_not_quantised_again(tmp_path):
    folder = one(tmp_path, "SomeModel", {"quantization_config": {"quant_method": "fp8"}})
    write_safetensors(folder / "model.safetensors", {"a.weight": ("F8_E4M3", (64, 64))})
    found = component_bytes(Subject(directory=str(tmp_path), quantisation="nf4"))
    assert found.components == {"transformer": 64 * 64}
    assert any("already" in assumed for assumed in found.assumed)


def test_double_quantisation_of_bitsandbytes_is_counted_with_both_scales(tmp_path):
    config = BNB | {"load_in_4bit": True, "bnb_4bit_use_double_quant": True}
    folder = one(tmp_path, "SomeModel", {"quantization_config": config})
    blocks = 1024 * 1024 // 64
    tensors = {
        "a.weight": ("U8", (1024 * 1024 // 2, 1)),
        "a.weight.absmax": ("U8", (blocks,)),
        "a.weight.nested_absmax": ("F32", (blocks // 256,)),
        "a.weight.nested_quant_map": ("F32", (256,)),
        "a.weight.quant_map": ("F32", (16,)),
    }
    write_safetensors(folder / "model.safetensors", tensors)
    expected = 1024 * 1024 // 2 + blocks + 4 * blocks // 256 + 1024 + 64
    assert of(tmp_path) == {"transformer": expected}
    plain = one(tmp_path / "plain", "SomeModel")
    write_safetensors(plain / "model.safetensors", {"a.weight": ("F16", (1024, 1024))})
    assert of(tmp_path / "plain", quantisation="nf4-double") == {"transformer": expected}


def test_int8_of_bitsandbytes_is_multiplied_as_it_is(tmp_path):
    folder = one(tmp_path, "SomeModel", {"quantization_config": BNB | {"load_in_8bit": True}})
    tensors = {"a.weight": ("I8", (64, 32)), "a.SCB": ("F32", (64,)), "a.weight_format": ("U8", ())}
    write_safetensors(folder / "model.safetensors", tensors)
    found = component_bytes(Subject(directory=str(tmp_path)))
    assert (found.components, found.transient_bytes) == ({"transformer": 64 * 32 + 64 * 4}, 0)


def test_torchao_keeps_its_whole_numbers_and_scales(tmp_path):
    config = {"quant_method": "torchao", "quant_type": "int8wo"}
    folder = one(tmp_path, "SomeModel", {"quantization_config": config})
    tensors = {"a._weight_qdata": ("I8", (64, 32)), "a._weight_scale": ("F32", (64,)), "b.bias": ("F32", (8,))}
    write_safetensors(folder / "model.safetensors", tensors)
    found = component_bytes(Subject(directory=str(tmp_path)))
    assert (found.components, found.transient_bytes) == ({"transformer": 64 * 32 + 256 + 16}, 64 * 32 * 2)


def test_a_quantisation_that_is_asked_for_leaves_the_other_networks_alone(tmp_path):
    parts = {"transformer": ("diffusers", "SomeModel", {}), "text_encoder": ("transformers", "CLIPTextModel", {})}
    write_model(tmp_path, parts)
    for name in parts:
        tensors = {"a.weight": ("F16", (64, 64)), "norm.weight": ("F16", (64,)), "x_embedding.weight": ("F16", (9, 64))}
        write_safetensors(tmp_path / name / "model.safetensors", tensors)
    found = component_bytes(Subject(directory=str(tmp_path), quantisation="int8"))
    plain = (64 + 9 * 64) * 2
    assert found.components == {"transformer": 64 * 64 + 4 * 64 + plain, "text_encoder": 64 * 64 * 2 + plain}
    assert "int8" in found.assumed[0]


@pytest.mark.parametrize("kind", ["Q4_0", "Q8_0", "Q4_K", "Q6_K", "Q2_K"])
def test_gguf_is_counted_as_it_is_in_the_file(tmp_path, kind):
    import gguf

    file, quantised = tmp_path / "model.gguf", gguf.GGMLQuantizationType[kind]
    values, size = gguf.GGML_QUANT_SIZES[quantised]
    writer = gguf.GGUFWriter(file, "flux")
    rows = np.zeros((48, 1024 // values * size), np.uint8)
    writer.add_tensor("double_blocks.0.img_mlp.0.weight", rows, raw_dtype=quantised)
    writer.add_tensor("double_blocks.0.img_mlp.0.bias", np.zeros(48, np.float32))
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file):
        step()
    writer.close()
    one(tmp_path, "FluxTransformer2DModel")
    found = component_bytes(Subject(directory=str(tmp_path), weights=(f"transformer={file}",), dtype="bfloat16"))
    assert found.components == {"transformer": rows.nbytes + 48 * 2}
    assert found.transient_bytes == 48 * 1024 * 2
    plain = one(tmp_path / "plain", "FluxTransformer2DModel")
    write_safetensors(plain / "m.safetensors", {"a.weight": ("BF16", (48, 1024)), "a.bias": ("BF16", (48,))})
    assert of(tmp_path / "plain", quantisation=f"{kind}_M".lower(), dtype="bfloat16") == found.components
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ModelUnavailableError, match="cut off"):
        component_bytes(Subject(directory=str(tmp_path), weights=(f"transformer={file}",)))


def test_diffusers_holds_a_gguf_model_as_it_is_counted(saved_flux, tmp_path):
    import gguf
    import torch
    from diffusers import FluxTransformer2DModel, GGUFQuantizationConfig

    made = FluxTransformer2DModel.from_pretrained(saved_flux / "transformer")
    file = tmp_path / "flux.gguf"
    writer = gguf.GGUFWriter(file, "flux")
    for name, tensor in made.state_dict().items():
        values, kind = tensor.numpy(), gguf.GGMLQuantizationType.Q8_0
        if values.ndim == 2 and values.shape[1] % 32 == 0:
            writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, values)
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file):
        step()
    writer.close()
    held = FluxTransformer2DModel.from_single_file(
        str(file),
        config=str(saved_flux / "transformer"),
        quantization_config=GGUFQuantizationConfig(compute_dtype=torch.bfloat16),
        torch_dtype=torch.bfloat16,
    )
    found = of(saved_flux, weights=(f"transformer={file}",), dtype="bfloat16")
    assert found["transformer"] == sum(parameter.nbytes for parameter in held.parameters())


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("stored", ["float32", "bfloat16"])
def test_a_lora_takes_what_the_library_makes_of_it(saved, tmp_path, dtype, stored):
    import torch
    from diffusers import DiffusionPipeline
    from safetensors.torch import load_file, save_file

    file = tiny_pipelines.save_lora(tmp_path / "lora.safetensors")
    save_file({name: value.to(getattr(torch, stored)) for name, value in load_file(file).items()}, file)
    pipe = DiffusionPipeline.from_pretrained(str(saved), dtype=getattr(torch, dtype), local_files_only=True)
    pipe.load_lora_weights(str(file), adapter_name="a", use_safetensors=True, local_files_only=True)
    found = component_bytes(Subject(directory=str(saved), dtype=dtype, loras=(str(file),)))
    assert found.total_bytes == sum(parameter_bytes(pipe).values())
    assert found.components == of(saved, dtype=dtype) | {"LoRA lora": found.components["LoRA lora"]}


def test_a_lora_is_known_by_its_rank():
    (adapter,) = component_bytes(Subject(directory=str(TINY), loras=(str(LORA),))).adapters
    assert adapter.rank == 8
    assert adapter.components == {"unet": of(TINY, loras=(str(LORA),))["LoRA blueprint"]}


def test_a_lora_for_text_encoders_counts_for_them(tmp_path):
    parts = {"unet": ("diffusers", "UNet", {})}
    parts |= {name: ("transformers", "CLIPTextModel", {}) for name in ("text_encoder", "text_encoder_2")}
    write_model(tmp_path, parts)
    for name in parts:
        write_safetensors(tmp_path / name / "m.safetensors", {"a.weight": ("F16", (8, 8))})
    tensors = {
        "lora_unet_mid_block.lora_down.weight": ("F16", (4, 32)),
        "lora_unet_mid_block.alpha": ("F16", ()),
        "lora_te1_text_model.lora_up.weight": ("F16", (32, 4)),
        "lora_te2_text_model.lora_up.weight": ("F16", (64, 4)),
    }
    file = write_safetensors(tmp_path / "lora.safetensors", tensors)
    (adapter,) = component_bytes(Subject(directory=str(tmp_path), loras=(str(file),))).adapters
    assert adapter.components == {"unet": 256, "text_encoder": 256, "text_encoder_2": 512}


def test_a_lora_on_fused_layers_takes_what_diffusers_makes_of_it(tmp_path):
    import torch
    from diffusers.loaders.lora_conversion_utils import _convert_kohya_flux_lora_to_diffusers
    from safetensors.torch import save_file

    tensors = {}
    layers = {"double_blocks_0_img_attn_qkv": (64, 9216), "single_blocks_0_linear1": (64, 21504)}
    layers |= {"double_blocks_0_img_mlp_0": (64, 128), "single_blocks_0_linear2": (128, 64)}
    for layer, (inputs, outputs) in layers.items():
        tensors[f"lora_unet_{layer}.lora_down.weight"] = torch.randn(4, inputs)
        tensors[f"lora_unet_{layer}.lora_up.weight"] = torch.randn(outputs, 4)
        tensors[f"lora_unet_{layer}.alpha"] = torch.tensor(4.0)
    file = tmp_path / "lora.safetensors"
    save_file(tensors, file)
    (adapter,) = component_bytes(Subject(loras=(str(file),), dtype="float32")).adapters
    converted = _convert_kohya_flux_lora_to_diffusers(dict(tensors))
    assert sum(adapter.components.values()) == sum(value.nbytes for value in converted.values())


def test_a_large_text_encoder_is_quantised_with_the_denoiser(tmp_path):
    folder = one(tmp_path, "T5EncoderModel", {"model_type": "t5"}, "transformers", "text_encoder_2")
    write_safetensors(folder / "m.safetensors", {"a.weight": ("BF16", (32000, 32000)), "a.bias": ("BF16", (8,))})
    found = component_bytes(Subject(directory=str(tmp_path), quantisation="fp8", dtype="bfloat16"))
    assert found.components == {"text_encoder_2": 32000 * 32000 + 16}
    assert found.transient_bytes == 0  # it is the denoiser's


def test_a_component_may_have_a_precision_of_its_own(saved):
    half, full = of(saved, dtype="float16"), of(saved, dtype="float32")
    assert of(saved, dtype="float16", dtypes=("vae=float32",)) == half | {"vae": full["vae"]}


def test_an_embedding_under_two_names_is_counted_once(tmp_path):
    folder = one(tmp_path, "T5EncoderModel", {"model_type": "t5"}, "transformers", "text_encoder")
    tensors = dict.fromkeys(("shared.weight", "encoder.embed_tokens.weight"), ("BF16", (100, 8)))
    tensors |= {"decoder.block.0.layer.0.SelfAttention.k.weight": ("BF16", (8, 8)), "lm_head.weight": ("BF16", (9, 8))}
    write_safetensors(folder / "model.safetensors", tensors)
    assert of(tmp_path, dtype="bfloat16") == {"text_encoder": 1600}


def test_no_value_of_a_tensor_is_read(tmp_path):
    folder = one(tmp_path, "SomeModel")
    file = write_safetensors(folder / "model.safetensors", {"a.weight": ("BF16", (1 << 20, 1 << 18))})
    assert file.stat().st_size > 512 * GIB
    assert file.stat().st_blocks < 100  # a hole: reading it would take minutes
    assert of(tmp_path, dtype="bfloat16") == {"transformer": 512 * GIB}


def test_torch_stays_out_of_it():
    code = (
        "import sys; from studio_kernel.estimates.vram.subject import Subject\n"
        "from studio_kernel.estimates.vram.weights import component_bytes\n"
        f"component_bytes(Subject(directory={str(TINY)!r}, quantisation='nf4', loras=({str(LORA)!r},)))\n"
        "print({'torch', 'diffusers', 'transformers'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


def test_a_component_without_weights_is_named(tmp_path, saved):
    config = tmp_path / "config"
    shutil.copytree(saved, config, ignore=shutil.ignore_patterns("*.safetensors"))
    found = component_bytes(Subject(directory=str(config)))
    assert not found.components
    assert any("vae" in assumed for assumed in found.assumed)


def test_a_cut_off_file_is_said_to_be_cut_off(saved, tmp_path):
    copy = tmp_path / "cut"
    shutil.copytree(saved, copy)
    (file,) = (copy / "unet").glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ModelUnavailableError, match=r"cut off"):
        of(copy)


@pytest.mark.parametrize("content", [b"", b"\0" * 7, b"\xff" * 64, b"\x02\0\0\0\0\0\0\0[]", b"GGUF"])
@pytest.mark.parametrize("suffix", ["safetensors", "gguf"])
def test_what_is_no_weights_file_is_refused_in_words(tmp_path, content, suffix):
    file = tmp_path / f"model.{suffix}"
    file.write_bytes(content)
    with pytest.raises(ModelUnavailableError, match="download it again"):
        component_bytes(Subject(weights=(f"transformer={file}",)))


@given(content=st.binary(max_size=200))
def test_no_bytes_make_the_gguf_reader_fall(tmp_path_factory, content):
    file = tmp_path_factory.mktemp("gguf") / "model.gguf"
    file.write_bytes(b"GGUF\x03\0\0\0" + content)
    with contextlib.suppress(ModelUnavailableError):
        component_bytes(Subject(weights=(f"transformer={file}",)))


def test_a_pickle_is_refused(tmp_path):
    (tmp_path / "model.ckpt").write_bytes(b"x")
    with pytest.raises(UnsafeFileError):
        component_bytes(Subject(weights=(f"*={tmp_path / 'model.ckpt'}",)))


@pytest.mark.parametrize(
    "wrong", [{"dtype": "int3"}, {"dtypes": ("vae=half",)}, {"quantisation": "nf5"}, {"weights": ("unet",)}]
)
def test_what_is_not_known_is_named(wrong):
    (name,) = wrong
    with pytest.raises(InvalidRequestError, match=name.removesuffix("s")):
        component_bytes(Subject(directory=str(TINY), **wrong))


shapes = st.lists(st.integers(1, 64), min_size=0, max_size=4).map(tuple)


@given(tensors=st.dictionaries(st.text("abc.", min_size=1), shapes, min_size=1, max_size=8))
def test_every_value_takes_as_much_as_the_precision_says(tmp_path_factory, tensors):
    directory = tmp_path_factory.mktemp("model")
    folder = one(Path(directory), "SomeModel")
    write_safetensors(folder / "m.safetensors", {name: ("F32", shape) for name, shape in tensors.items()})
    count = sum(math.prod(shape) for shape in tensors.values())
    for dtype, size in (("float32", 4), ("float16", 2), ("bfloat16", 2)):
        assert of(directory, dtype=dtype) == {"transformer": size * count}
