"""Files that are missing, damaged or unsafe are refused in words, without torch and before any work."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cards import diffusers_card
from studio_kernel.domain.model import ModelCard, ModelSource
from studio_kernel.engines.diffusers import DiffusersEngine, checkpoint
from studio_kernel.errors import ModelUnavailableError, StudioError, UnsafeFileError


@pytest.fixture
def model(tiny_random: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return shutil.copytree(tiny_random, tmp_path / "model")


def card(model: Path, **source: str) -> ModelCard:
    return diffusers_card(ModelSource(path=str(model), **source))


def weights(model: Path, component: str = "unet") -> Path:
    return next((model / component).glob("*.safetensors"))


def edit_index(model: Path, **entries: object) -> None:
    file = model / "model_index.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | entries))


def remove_unet(model: Path) -> None:
    shutil.rmtree(model / "unet")


def remove_weights(model: Path) -> None:
    weights(model, "vae").unlink()


def remove_index(model: Path) -> None:
    (model / "model_index.json").unlink()


def cut_off(model: Path) -> None:
    weights(model).write_bytes(weights(model).read_bytes()[:-100])


def append(model: Path) -> None:
    weights(model).write_bytes(weights(model).read_bytes() + b"more")


def lie(model: Path) -> None:
    weights(model).write_bytes(b"\x02" + bytes(7) + b"[]")


def scramble(model: Path) -> None:
    weights(model).write_bytes(b"\x10" + bytes(7) + b"not a header at all")


def break_index(model: Path) -> None:
    (model / "model_index.json").write_text("{")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (shutil.rmtree, "there is no directory"),
        (remove_index, "model_index.json is missing"),
        (break_index, "cannot be read"),
        (remove_unet, r"component 'unet' \(UNet2DConditionModel\) is missing"),
        (remove_weights, "no weights without a variant in .*vae"),
        (cut_off, "cut off"),
        (append, "header describes"),
        (lie, "not a readable safetensors file"),
        (scramble, "not a readable safetensors file"),
    ],
)
def test_what_is_missing_or_damaged_is_named(model: Path, damage: Callable[[Path], None], message: str) -> None:
    damage(model)

    with pytest.raises(ModelUnavailableError, match=message):
        checkpoint.find(card(model))
    assert DiffusersEngine().unavailable(card(model))


def as_pickle(model: Path) -> None:
    weights(model).rename(model / "unet" / "diffusion_pytorch_model.bin")


def own_code(model: Path) -> None:
    edit_index(model, _class_name=["pipeline", "MyPipeline"])


def foreign_class(model: Path) -> None:
    edit_index(model, vae=["subprocess", "Popen"])


def class_in_the_directory(model: Path) -> None:
    (model / "vae" / "mine.py").write_text("class Vae: ...")
    edit_index(model, vae=["mine", "Vae"])


@pytest.mark.parametrize(
    ("danger", "message"),
    [
        (as_pickle, "is a pickle, which can run any code .* convert it to safetensors"),
        (own_code, "brings pipeline code of its own"),
        (foreign_class, "comes from 'subprocess'"),
        (class_in_the_directory, "comes from 'mine'"),
    ],
)
def test_what_could_run_code_is_refused(model: Path, danger: Callable[[Path], None], message: str) -> None:
    danger(model)

    with pytest.raises(UnsafeFileError, match=message):
        checkpoint.find(card(model))


@pytest.mark.parametrize("suffix", checkpoint.PICKLES)
def test_a_single_file_pickle_is_refused(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"old{suffix}"
    file.write_bytes(b"\x80\x04.")

    with pytest.raises(UnsafeFileError, match="is a pickle"):
        checkpoint.find(diffusers_card(ModelSource(file=str(file))))


def test_weights_of_an_unknown_kind_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.weights").write_bytes(bytes(16))

    with pytest.raises(UnsafeFileError, match=r"no \.safetensors file"):
        checkpoint.find(diffusers_card(ModelSource(file=str(tmp_path / "model.weights"))))


def test_a_directory_that_holds_only_a_pickle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.ckpt").write_bytes(b"\x80\x04.")

    with pytest.raises(UnsafeFileError, match="is a pickle"):
        checkpoint.find(card(tmp_path))


def test_a_pickle_beside_safetensors_does_no_harm(model: Path) -> None:
    (model / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04.")

    assert checkpoint.find(card(model)).directory == model


def test_a_missing_variant_is_named(model: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"no weights of the variant 'fp16' .* other weights there: model"):
        checkpoint.find(card(model, variant="fp16"))


def test_a_directory_that_holds_a_variant_only_names_it(model: Path) -> None:
    weights(model).rename(model / "unet" / "diffusion_pytorch_model.fp16.safetensors")

    with pytest.raises(ModelUnavailableError, match=r"diffusion_pytorch_model.fp16.safetensors; .* change the variant"):
        checkpoint.find(card(model))


def test_a_missing_shard_is_named(model: Path) -> None:
    index = {"weight_map": {"conv_in.weight": "diffusion_pytorch_model-00001-of-00002.safetensors"}}
    (model / "unet" / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))

    with pytest.raises(ModelUnavailableError, match=r"00001-of-00002.safetensors' is missing"):
        checkpoint.find(card(model))


def test_a_single_file_without_configuration_says_where_to_put_it(model: Path, tmp_path: Path) -> None:
    file = shutil.copy(weights(model), tmp_path / "photo.safetensors")

    with pytest.raises(ModelUnavailableError, match=r"hf download .* --local-dir .*photo'"):
        checkpoint.find(diffusers_card(ModelSource(file=str(file))))


def test_a_hub_model_that_is_not_here_says_how_to_get_it() -> None:
    source = ModelSource(hub="nobody/no-such-model", revision="abc")

    with pytest.raises(ModelUnavailableError, match="hf download nobody/no-such-model --revision abc"):
        checkpoint.find(diffusers_card(source))


def test_a_hub_model_in_the_cache_is_found(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = tmp_path / "hub" / "models--somebody--tiny"
    snapshot = repository / "snapshots" / "0123abc"
    shutil.copytree(model, snapshot)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123abc")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))

    assert checkpoint.find(diffusers_card(ModelSource(hub="somebody/tiny"))).directory == snapshot


def test_a_model_without_a_source_is_refused() -> None:
    with pytest.raises(StudioError, match="names no weights"):
        checkpoint.find(diffusers_card(ModelSource()))


def test_the_digest_follows_the_contents_not_the_place(model: Path, tiny_random: Path) -> None:
    original = checkpoint.find(card(tiny_random))
    copied = checkpoint.find(card(model))
    assert copied.digest == original.digest

    (model / "scheduler" / "scheduler_config.json").write_text("{}")

    assert copied.digest != original.digest
