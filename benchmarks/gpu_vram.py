"""The dry run against a real GPU: full-size models with random weights, built on the card; nothing is downloaded.

``python -m benchmarks.gpu_vram`` needs a CUDA device of 80 GB for all of it (``--cases sd15,sdxl`` for less), as much
main memory as the largest model for the offloaded modes, and minutes. Each configuration has a process of its own: it
builds the pipeline, makes a run of two steps in the mode, and reads ``torch.cuda.max_memory_allocated``, the same
reserved, and the most that the device showed as used, as a whole and for each stage. Probes measure what `kernels`
holds constants for: the driver's context, the workspace for matrices, and the scratch of convolutions and attention.
The table with its errors goes to ``benchmarks/results/vram.md``, the figures beside it as JSON.

``--device cpu --tiny`` tries the script itself, with the model that ships in place of each; it measures nothing.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).parent / "results"
GIB = 2**30
PLACEMENTS = {"none": "none", "tiled": "none", "model": "model", "leaf": "sequential", "block": "block"}
"""Mode of a measurement → placement of a trace."""
CLIP = {"width": 768, "height": 512, "num_frames": 121}


@dataclass(frozen=True)
class Case:
    """A model and how it is called."""

    name: str
    architecture: str
    modes: tuple[str, ...] = ("none", "model", "leaf")
    call: dict[str, int] = field(default_factory=dict)
    dtypes: tuple[str, ...] = ()
    dtype: str = ""


CASES = (
    Case("sd15", "sd15", ("none", "model")),
    Case("sd15-fp32", "sd15", ("none",), dtype="float32"),
    Case("sdxl", "sdxl", ("none", "model", "leaf", "tiled")),
    Case("sdxl-batch4", "sdxl", ("none",), {"num_images": 4}),
    Case("sd35-medium", "sd35-medium", ("none", "model")),
    Case("sd35-large", "sd35-large", ("none", "model")),
    Case("flux1-dev", "flux1-dev", ("none", "model", "leaf", "block")),
    Case("qwen-image", "qwen-image", ("none", "tiled")),
    Case("ltxv-2b", "ltxv-2b", ("none", "tiled", "model"), CLIP),
    Case("wan22-ti2v-5b", "wan22-ti2v-5b", ("none", "tiled"), dtypes=("vae=float32",)),
    Case("hunyuanvideo", "hunyuanvideo", ("none", "tiled"), CLIP),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, or be the process of one measurement; return the exit status."""
    options = _parser().parse_args(arguments)
    if options.one:
        _be_a_measurement(options)
        return 0
    if options.device.startswith("cuda") and not _has_cuda():
        print("there is no CUDA device here, so nothing can be measured; --device cpu --tiny tries the script itself")
        return 1
    rows = list(_rows(options))
    probes = _in_a_process("probes", "-", options) if options.device.startswith("cuda") else {}
    write(options.out, rows, probes, options.tiny)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Hold the memory estimate against a real GPU.")
    parser.add_argument("--cases", default=",".join(case.name for case in CASES))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="the model that ships in place of each, to try the script")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--one", nargs=2, metavar=("CASE", "MODE"), help="what the process of one measurement does")
    return parser


def _has_cuda() -> bool:
    import torch

    return bool(torch.cuda.is_available())


def _rows(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    wanted = options.cases.split(",")
    for case in CASES:
        for mode in case.modes if case.name in wanted else ():
            row = {"case": case.name, "mode": mode, **_in_a_process(case.name, mode, options)}
            print("  " + ", ".join(f"{name} {value}" for name, value in row.items() if name != "stages"), flush=True)
            yield row


def _in_a_process(case: str, mode: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return what one measurement says; its error when it ended with one."""
    given = ["--one", case, mode, "--device", options.device, *(["--tiny"] if options.tiny else [])]
    command = [sys.executable, "-m", "benchmarks.gpu_vram", *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "it was killed"}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _be_a_measurement(options: argparse.Namespace) -> None:
    name, mode = options.one
    if name == "probes":
        print(json.dumps(probes()))
        return
    case = next(case for case in CASES if case.name == name)
    print(json.dumps(measured(case, mode, options.device, options.tiny)))


def subject_of(case: Case, mode: str, tiny: bool) -> Any:
    """Return what is traced and measured."""
    from studio_kernel.estimates.vram.architectures import architecture
    from studio_kernel.estimates.vram.subject import Subject
    from studio_kernel.settings import data_dir

    is_tiled = mode == "tiled"
    if tiny:
        directory = str(data_dir() / "models" / "studio-tiny")
        return Subject(directory=directory, device="cpu", dtype="float32", width=64, height=64, vae_tiling=is_tiled)
    known = architecture(case.architecture)
    call = {**known.call, **case.call}
    sizes = {name: int(call[name]) for name in ("width", "height", "num_frames", "num_images") if name in call}
    how = {"dtype": case.dtype or known.dtype, "dtypes": case.dtypes, "vae_tiling": is_tiled}
    return Subject(architecture=case.architecture, **how, **sizes)


def measured(case: Case, mode: str, device: str, tiny: bool) -> dict[str, Any]:
    """Return the peaks of one run, measured, and those of its trace."""
    import torch

    from benchmarks.random_weights import fill
    from studio_kernel.estimates.vram.dry_run import blueprint_of
    from studio_kernel.estimates.vram.skeleton import arguments, build

    subject = subject_of(case, mode, tiny)
    blueprint = blueprint_of(subject)
    on_card = mode in ("none", "tiled")
    dtypes = dict(pair.split("=") for pair in subject.dtypes)
    pipe = fill(build(blueprint, subject.dtype, dtypes), device if on_card else "cpu")
    _arrange(pipe, mode, device)
    stages = _watched(pipe, device)
    _reset(device)
    begun = time.perf_counter()
    with torch.no_grad():
        pipe(**arguments(pipe, subject, blueprint.call))
    whole = _now(device)
    seconds = round(time.perf_counter() - begun, 2)
    peak = {name: max([whole.get(name, 0), *(one.get(name, 0) for one in stages.values())]) for name in whole}
    return {"seconds": seconds, **peak, "stages": stages, **_traced(subject, mode)}


def _traced(subject: Any, mode: str) -> dict[str, Any]:
    from studio_kernel.estimates.vram.dry_run import trace
    from studio_kernel.estimates.vram.trace import Trace

    found = trace(subject, reserved=mode in ("none", "tiled"))
    if not isinstance(found, Trace):
        return {"untraceable": found.reason}
    return {
        "predicted": found.peaks[PLACEMENTS[mode]],
        "predicted_reserved": found.reserved_bytes,
        "predicted_stages": [_plain(stage) for stage in found.stages],
    }


def _plain(stage: Any) -> dict[str, Any]:
    """Return a stage as JSON."""
    import msgspec

    return dict(msgspec.to_builtins(stage))


def _arrange(pipe: Any, mode: str, device: str) -> None:
    if mode == "tiled":
        pipe.vae.enable_tiling()
    if not device.startswith("cuda"):
        return
    if mode == "model":
        pipe.enable_model_cpu_offload(device=device)
    if mode in ("leaf", "block"):
        import torch

        level = {"leaf": "leaf_level", "block": "block_level"}[mode]
        pipe.enable_group_offload(onload_device=torch.device(device), offload_type=level, num_blocks_per_group=1)


def _watched(pipe: Any, device: str) -> dict[str, dict[str, int]]:
    """Let each network tell its peak after every call; return the highest of each, filled as the pipeline runs."""
    import torch

    stages: dict[str, dict[str, int]] = {}
    for name, part in pipe.components.items():
        if isinstance(part, torch.nn.Module):
            ways = [way for way in ("encode", "decode") if hasattr(part, "decode")] or ["forward"]
            for way in ways:
                setattr(part, way, _telling(getattr(part, way), f"{name}.{way}", stages, device))
    return stages


def _telling(run: Callable[..., Any], name: str, stages: dict[str, dict[str, int]], device: str) -> Callable[..., Any]:
    def telling(*args: Any, **named: Any) -> Any:
        between = _now(device)
        _note(stages, "between", between)
        _reset(device, empty=False)
        result = run(*args, **named)
        _note(stages, name, _now(device))
        return result

    return telling


def _note(stages: dict[str, dict[str, int]], name: str, now: dict[str, int]) -> None:
    if now.get("allocated", 0) >= stages.get(name, {}).get("allocated", 0):
        stages[name] = now


def _now(device: str) -> dict[str, int]:
    if not device.startswith("cuda"):
        return {}
    import torch

    torch.cuda.synchronize()
    free, total = torch.cuda.mem_get_info()
    allocated, reserved = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
    return {"allocated": allocated, "reserved": reserved, "device_used": total - free}


def _reset(device: str, empty: bool = True) -> None:
    if device.startswith("cuda"):
        import torch

        if empty:
            gc.collect()
            torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def probes() -> dict[str, Any]:
    """Return what the constants of `kernels` stand for, measured on this card, in bytes."""
    import torch

    torch.zeros(1, device="cuda")
    found: dict[str, Any] = {"context": _now("cuda")["device_used"] - torch.cuda.memory_reserved()}
    matrix = torch.zeros(256, 256, device="cuda", dtype=torch.bfloat16)
    before = torch.cuda.memory_allocated()
    product = matrix @ matrix
    found["workspace"] = torch.cuda.memory_allocated() - before - product.nbytes
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        found |= dict(_convolution_probes(dtype)) | dict(_attention_probes(dtype))
    return found


def _convolution_probes(dtype: Any) -> Iterator[tuple[str, float]]:
    """Yield the scratch of convolutions as a share of their input and output."""
    import torch

    flat = [((512, 512), (256, 256)), ((256, 256), (1024, 1024)), ((256, 128), (1024, 1024)), ((320, 320), (128, 128))]
    deep = [((256, 256), (5, 176, 320)), ((1024, 512), (4, 44, 80)), ((128, 128), (17, 256, 384))]
    for (given, made), size in [*flat, *deep]:
        kind = torch.nn.Conv2d if len(size) == 2 else torch.nn.Conv3d
        layer = kind(given, made, 3, padding=1, device="cuda", dtype=dtype).requires_grad_(False)
        pixels = torch.randn(1, given, *size, device="cuda", dtype=dtype)
        scratch, result = _beyond_the_result(lambda layer=layer, pixels=pixels: layer(pixels))
        yield f"convolution {given}->{made} {size} {dtype}", round(scratch / (pixels.nbytes + result), 3)


def _attention_probes(dtype: Any) -> Iterator[tuple[str, float]]:
    """Yield the scratch of attention in bytes for each row."""
    import torch

    for heads, length, width in ((24, 4608, 128), (1, 16384, 512), (10, 4096, 64)):
        rows = torch.randn(1, heads, length, width, device="cuda", dtype=dtype)
        attend = torch.nn.functional.scaled_dot_product_attention
        scratch, _ = _beyond_the_result(lambda rows=rows, attend=attend: attend(rows, rows, rows))
        yield f"attention {heads}x{length}x{width} {dtype}", round(scratch / (heads * length), 3)


def _beyond_the_result(work: Callable[[], Any]) -> tuple[int, int]:
    """Return what the second call takes beside its result, and the result's bytes."""
    import torch

    work()
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    result = work()
    torch.cuda.synchronize()
    size = int(result.untyped_storage().nbytes())
    return torch.cuda.max_memory_allocated() - before - size, size


def write(out: Path, rows: list[dict[str, Any]], probed: dict[str, Any], tiny: bool) -> None:
    """Write the table and the figures."""
    out.mkdir(parents=True, exist_ok=True)
    machine = _machine()
    figures = {"date": datetime.now(UTC).date().isoformat(), **machine, "rows": rows, "probes": probed}
    (out / "vram.json").write_text(json.dumps(figures, indent=2) + "\n")
    heading = "# Memory of a GPU, predicted and measured\n\n"
    if tiny:
        (out / "vram.md").write_text(
            heading + "The model that ships in place of each, to try the script: nothing was measured.\n"
        )
        return
    where = ", ".join(f"{name} {value}" for name, value in machine.items())
    (out / "vram.md").write_text(f"{heading}{figures['date']}; {where}\n\n{summary(rows)}\n{_table(rows)}")
    print((out / "vram.md").read_text())


def _machine() -> dict[str, str]:
    import torch

    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    cudnn = str(torch.backends.cudnn.version()) if torch.cuda.is_available() else "none"
    return {"card": card, "cudnn": cudnn, **{name: version(name) for name in ("torch", "diffusers", "transformers")}}


def errors(rows: list[dict[str, Any]]) -> list[float]:
    """Return the relative error of each row that has both numbers."""
    return [row["predicted"] / row["allocated"] - 1 for row in rows if row.get("predicted") and row.get("allocated")]


def summary(rows: list[dict[str, Any]]) -> str:
    """Return the statistics in words."""
    sizes = [abs(error) for error in errors(rows)]
    if not sizes:
        return "No row has both a measured and a predicted figure.\n"
    return (
        f"{len(sizes)} configurations; median error {median(sizes):.1%}, largest {max(sizes):.1%} "
        "(asked for: median at most 2 %, half precision at most 5 %, all at most 10 %).\n"
    )


def _table(rows: list[dict[str, Any]]) -> str:
    head = "| case | mode | measured GiB | predicted GiB | error | reserved GiB | predicted | device GiB |\n"
    return head + "|---|---|---|---|---|---|---|---|\n" + "".join(map(_line, rows))


def _line(row: dict[str, Any]) -> str:
    trouble = row.get("error") or row.get("untraceable")
    if trouble:
        return f"| {row['case']} | {row['mode']} | {trouble} | | | | | |\n"
    error = "".join(f"{one:+.1%}" for one in errors([row]))
    names = ("allocated", "predicted", "reserved", "predicted_reserved", "device_used")
    measured_, predicted, reserved, simulated, used = (_gib(row.get(name)) for name in names)
    cells = (row["case"], row["mode"], measured_, predicted, error, reserved, simulated, used)
    return f"| {' | '.join(cells)} |\n"


def _gib(size: int | None) -> str:
    return f"{size / GIB:.2f}" if size else ""


if __name__ == "__main__":
    sys.exit(main())
