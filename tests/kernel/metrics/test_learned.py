"""Metrics with weights, and metrics that other packages bring."""

import shutil
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

from studio_kernel.errors import InvalidRequestError
from studio_kernel.metrics import registry
from studio_kernel.metrics.registry import METRICS, metric_names, metric_of
from studio_kernel.settings import Home, data_dir

CLIP = METRICS["clip_score"]
PICTURE = np.random.default_rng(1).random((40, 64, 3))


@pytest.fixture
def home(tmp_path):
    home = Home.at(tmp_path / "home")
    home.prepare()
    return home


@pytest.fixture(scope="module")
def small_clip(tmp_path_factory):
    """A CLIP model of random weights, saved as transformers does."""
    import torch
    from transformers import CLIPConfig, CLIPModel
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    folder = tmp_path_factory.mktemp("clip")
    layers = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    torch.manual_seed(5)
    config = CLIPConfig(
        text_config={**layers, "projection_dim": 8, "eos_token_id": 49407},
        vision_config={**layers, "projection_dim": 8, "image_size": 32, "patch_size": 8},
        projection_dim=8,
    )
    CLIPModel(config).save_pretrained(folder)
    size = {"height": 32, "width": 32}
    CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=size).save_pretrained(folder)
    for file in (data_dir() / "models" / "studio-tiny" / "tokenizer").iterdir():
        shutil.copy(file, folder)
    return folder


@pytest.mark.parametrize("name", ["lpips", "clip_score"])
def test_without_weights_a_metric_says_where_they_go(home, name):
    problem = METRICS[name].problem(home)
    if name == "lpips" and find_spec("lpips") is None:
        assert "pip install 'studio-workbench[perceptual]'" in problem
    else:
        assert str(home.root / "models" / "metrics" / name) in problem
        assert f"[metrics] {name} = " in problem
    with pytest.raises(InvalidRequestError, match=f"{name} cannot be measured"):
        METRICS[name].ready(home)


def test_metrics_without_weights_are_always_there(home):
    assert [name for name, metric in METRICS.items() if metric.problem(home)] == ["lpips", "clip_score"]


def test_a_clip_score_is_the_cosine_of_both_embeddings(home, small_clip):
    import torch
    from transformers import AutoImageProcessor, AutoTokenizer, CLIPModel

    shutil.copytree(small_clip, home.metric_weights("clip_score"))
    assert CLIP.problem(home) == ""
    scores = {text: CLIP.ready(home)(PICTURE, text) for text in ("a red fox", "snow on a hill", "seven boats")}

    network = CLIPModel.from_pretrained(small_clip).eval()
    shown = Image.fromarray(np.rint(PICTURE * 255).astype(np.uint8))
    with torch.inference_mode():
        found = network(
            **AutoTokenizer.from_pretrained(small_clip)(list(scores), return_tensors="pt", padding=True),
            **AutoImageProcessor.from_pretrained(small_clip)(shown, return_tensors="pt"),
        )
        logits = found.logits_per_image[0] / network.logit_scale.exp()
    assert list(scores.values()) == pytest.approx([max(0, 100 * float(each)) for each in logits], abs=1e-3)
    assert max(scores.values()) > 0


def test_a_long_prompt_counts_with_its_beginning(home, small_clip):
    home.settings_file.write_text(f'[metrics]\nclip_score = "{small_clip}"\n')
    score = CLIP.ready(home)
    assert score(PICTURE, "fox " * 100) == score(PICTURE, "fox " * 200)


def test_settings_name_weights_elsewhere_and_relative_to_the_home(home, small_clip):
    home.settings_file.write_text('[metrics]\nclip_score = "weights/clip"\n')
    assert str(home.root / "weights" / "clip") in CLIP.problem(home)
    shutil.copytree(small_clip, home.root / "weights" / "clip")
    assert CLIP.problem(home) == ""


def test_numbers_of_other_weights_are_kept_apart(home, small_clip):
    weights = home.metric_weights("clip_score")
    shutil.copytree(small_clip, weights)
    before = CLIP.key(home)
    assert before == CLIP.key(home)
    assert before.startswith("clip_score:")
    with (weights / "config.json").open("a") as file:
        file.write("\n")
    assert CLIP.key(home) != before
    assert METRICS["psnr"].key(home) == "psnr"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Have packages installed that bring metrics, each with one entry point."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(*lines):
        for number, line in enumerate(lines):
            info = tmp_path / f"package_{number}-1.0.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: package-{number}\nVersion: 1.0\n")
            (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{line}\n")
        registry._installed.cache_clear()

    yield install
    registry._installed.cache_clear()


def test_a_package_adds_a_metric(installed, tmp_path):
    (tmp_path / "metric_of_a_package.py").write_text(
        "from studio_kernel.metrics.registry import Metric\n"
        "def redness(picture):\n    'Return how red it is.'\n    return 0.25\n"
        "REDNESS = Metric('redness', '', 'picture', redness)\n"
    )
    installed("redness = metric_of_a_package:REDNESS")
    assert metric_names()[-1] == "redness"
    assert metric_of("redness").function(PICTURE) == 0.25


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["odd = no_such_package:IT"], "'odd' .no_such_package:IT. cannot be loaded: ModuleNotFoundError"),
        (["odd = json:dumps"], "json:dumps is registered as the metric 'odd' but is no Metric"),
        (["odd = json:dumps", "odd = json:loads"], "claimed by json:dumps and json:loads"),
    ],
)
def test_a_package_that_does_not_work_harms_only_its_metric(installed, lines, said):
    installed(*lines)
    assert "odd" in metric_names()
    with pytest.raises(InvalidRequestError, match=said):
        metric_of("odd")
    assert metric_of("psnr") is METRICS["psnr"]
