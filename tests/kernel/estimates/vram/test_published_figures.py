"""The dry run against figures that others measured on GPUs and published.

Each figure is marked as in section 1.3 of the report: *blind* = the method was fixed before it met the figure, so it is
evidence; *calibration* = a constant was read off it; *inferred* = the published setting leaves two or three readings,
of which one was picked after seeing the figure. Only blind ones count.

Not comparable, and left out: Wan 2.2 TI2V 5B "8 -> 26" (diffusers #12097, a tool's reading).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import pytest
import torch

from studio_kernel.estimates.vram.architectures import architecture
from studio_kernel.estimates.vram.dry_run import trace
from studio_kernel.estimates.vram.kernels import CUDA
from studio_kernel.estimates.vram.networks import weights_bytes
from studio_kernel.estimates.vram.quantised import quantised_bytes
from studio_kernel.estimates.vram.skeleton import build
from studio_kernel.estimates.vram.subject import Subject
from studio_kernel.estimates.vram.trace import Trace
from studio_kernel.estimates.vram.tracker import Tracker

GIB = 2**30
VIDEO = "https://huggingface.co/blog/video_gen"
QUANTISATION = "https://huggingface.co/blog/diffusers-quantization"
OFFLOADING = "https://github.com/huggingface/diffusers/pull/11682"
CLIP = {"width": 768, "height": 512, "num_frames": 121}
FLUX = Subject(architecture="flux1-dev", dtype="bfloat16", width=1024, height=1024)
HUNYUAN = Subject(architecture="hunyuanvideo", dtype="bfloat16", **CLIP)
HUNYUAN_TILED = Subject(architecture="hunyuanvideo", dtype="bfloat16", vae_tiling=True, **CLIP)


@dataclass(frozen=True)
class Figure:
    """What somebody measured, in GiB, and what we say."""

    what: str
    source: str
    published: float
    predicted: Callable[[], float]
    kind: Literal["blind", "calibration", "inferred"]
    tolerance: float

    @property
    def error(self) -> float:
        return self.predicted() / self.published - 1


@cache
def traced(subject: Subject, reserved: bool = False, **weights: int) -> Trace:
    found = trace(subject, weights, reserved=reserved)
    assert isinstance(found, Trace), found
    return found


@cache
def network(name: str, part: str, dtype: str = "") -> Any:
    known = architecture(name)
    return build(known.blueprint, dtype or known.dtype).components[part]


def peak(subject: Subject, placement: Any = "none") -> float:
    return traced(subject).peaks[placement] / GIB


def of(name: str, **how: Any) -> Subject:
    return Subject(architecture=name, **{"dtype": architecture(name).dtype, **how})


def hunyuan_quantised(scheme: str) -> float:
    size = quantised_bytes(network("hunyuanvideo", "transformer"), scheme).resident_bytes
    return traced(HUNYUAN, transformer=size).peaks["none"] / GIB


def reserved_at_peak() -> float:
    held = traced(FLUX, reserved=True).reserved_bytes
    assert held is not None
    return held / GIB


def reserved_after_load() -> float:
    """The large weights have segments of their own, so what is reserved is what they are, but for the workspace."""
    from studio_kernel.estimates.vram.allocator import Event, replay

    parts = ("text_encoder", "text_encoder_2", "transformer", "vae")
    tensors = [one for part in parts for one in _tensors(network("flux1-dev", part))]
    return replay(Event(-(-one.nbytes // 512) * 512, id(one)) for one in tensors).reserved_bytes / GIB


def convolution() -> float:
    tracker = Tracker(CUDA)
    layer = torch.nn.Conv2d(256, 256, 3, padding=1, device="meta", dtype=torch.float16, bias=False)
    with tracker:
        layer(torch.empty(1, 256, 2048, 1024, device="meta", dtype=torch.float16))
    return tracker.height.plain / GIB


def only_the_denoiser_by_blocks() -> float:
    found = traced(FLUX)
    resident = sum(found.weights.values()) - found.weights["transformer"]
    heights = [
        resident + stage.before_bytes + (stage.block_bytes if stage.name == "denoising" else stage.peak_bytes)
        for stage in found.stages
    ]
    return (max(heights) + CUDA.workspace_bytes) / GIB


def flux_quantised(scheme: str, wo: Literal["full", "half", "quantised"]) -> float:
    text = network("flux1-dev", "text_encoder_2")
    kept = () if wo == "quantised" else ("wo",)
    size = quantised_bytes(text, scheme, kept).resident_bytes
    if wo == "full":  # two more bytes for each weight than in half precision
        size += 2 * sum(one.numel() for name, one in text.named_parameters() if ".wo." in name)
    size += quantised_bytes(network("flux1-dev", "transformer"), scheme).resident_bytes
    rest = sum(weights_bytes(network("flux1-dev", part)) for part in ("text_encoder", "vae"))
    return (size + rest) / GIB


def sd3_with_half_wo() -> float:
    """The report has 16.74 here; ``wo`` is 1.875 GiB larger in 32 bits, which leaves 16.85 of its 18.73."""
    halves = weights_bytes(network("sd3-medium", "text_encoder_3", "bfloat16"))
    return traced(of("sd3-medium", dtype="float16"), text_encoder_3=halves).peaks["none"] / GIB


def _tensors(module: Any) -> list[torch.Tensor]:
    return [*module.parameters(), *module.buffers()]


FIGURES = [
    Figure("LTX-Video 2B", VIDEO, 17.75, lambda: peak(of("ltxv-2b", **CLIP)), "blind", 0.005),
    Figure("CogVideoX 1.5 5B", VIDEO, 36.51, lambda: peak(of("cogvideox15-5b", **CLIP)), "blind", 0.005),
    Figure("HunyuanVideo", VIDEO, 60.09, lambda: peak(HUNYUAN), "blind", 0.005),
    Figure("HunyuanVideo, tiles", VIDEO, 43.58, lambda: peak(HUNYUAN_TILED), "blind", 0.005),
    Figure("HunyuanVideo, model offload", VIDEO, 28.87, lambda: peak(HUNYUAN, "model"), "blind", 0.005),
    Figure("HunyuanVideo, nf4", VIDEO, 42.96, lambda: hunyuan_quantised("nf4"), "blind", 0.005),
    Figure("HunyuanVideo, bnb int8", VIDEO, 49.9, lambda: hunyuan_quantised("int8"), "blind", 0.04),
    Figure("FLUX reserved, loaded", QUANTISATION, 31.447, reserved_after_load, "blind", 0.005),
    Figure("FLUX reserved, peak", QUANTISATION, 36.166, reserved_at_peak, "blind", 0.005),
    Figure("Conv2d in half precision", "pytorch #123533", 4.02, convolution, "blind", 0.005),
    Figure("FLUX", OFFLOADING, 33.85, lambda: peak(FLUX), "calibration", 0.001),
    Figure("FLUX, model offload", OFFLOADING, 22.64, lambda: peak(FLUX, "model"), "calibration", 0.001),
    Figure("FLUX, sequential", OFFLOADING, 2.41, lambda: peak(FLUX, "sequential"), "calibration", 0.005),
    Figure("SDXL", "diffusers docs, using-diffusers/loading", 10.47, lambda: peak(of("sdxl")), "calibration", 0.008),
    Figure("FLUX, denoiser by blocks", OFFLOADING, 11.68, only_the_denoiser_by_blocks, "inferred", 0.003),
    Figure(
        "SD3, wo in 32 bits",
        "https://huggingface.co/blog/quanto-diffusers",
        18.765,
        lambda: peak(of("sd3-medium", dtype="float16")),
        "inferred",
        0.003,
    ),
    Figure(
        "SD3, wo in 16 bits",
        "https://huggingface.co/blog/quanto-diffusers",
        16.403,
        sd3_with_half_wo,
        "inferred",
        0.03,
    ),
    Figure("FLUX nf4, wo in 32 bits", QUANTISATION, 12.584, lambda: flux_quantised("nf4", "full"), "inferred", 0.006),
    Figure(
        "FLUX torchao int8, wo in 16 bits",
        QUANTISATION,
        17.020,
        lambda: flux_quantised("int8-torchao", "half"),
        "inferred",
        0.004,
    ),
    Figure(
        "FLUX bnb int8, wo in 32 bits", QUANTISATION, 19.273, lambda: flux_quantised("int8", "full"), "inferred", 0.025
    ),
]
BLIND = [figure for figure in FIGURES if figure.kind == "blind"]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: f"{figure.kind}: {figure.what}")
def test_a_published_figure_is_predicted(figure: Figure) -> None:
    assert abs(figure.error) <= figure.tolerance, (
        f"{figure.predicted():.3f} for {figure.published} ({figure.error:+.2%})"
    )


def test_nine_of_the_ten_blind_figures_hold_within_half_a_percent() -> None:
    close = [figure for figure in BLIND if abs(figure.error) <= 0.005]
    assert (len(close), len(BLIND)) == (9, 10)


@pytest.mark.parametrize(("wo", "gib"), [("half", 10.64), ("quantised", 9.30)])
def test_the_other_readings_of_a_setting_are_far_off(wo: Any, gib: float) -> None:
    assert flux_quantised("nf4", wo) == pytest.approx(gib, abs=0.01)
