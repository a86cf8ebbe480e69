"""What a sweep gains on a GPU: pipelines of the sizes of SD 1.5 and SDXL with random weights, resident and offloaded.

``python -m benchmarks.gpu_sweep`` needs a CUDA device, about 30 GB of main memory, and no network. For each model it
times the ``for`` loop over the bare pipeline and the engine with passes of several sizes: seeds that share a text, with
all networks on the device, and as many different texts with one network at a time on it, where the engine goes stage by
stage. It also makes sure that passes of equal size give the same bytes in any order on this card. The figures go to
``benchmarks/results/<name>.json``, with the date and the card.

``--device cpu --tiny`` tries the script itself, on a network of no use.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.random_models import SIDES, build, card_of

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Case:
    """A model, how often, and in passes of which sizes."""

    model: str
    steps: int
    pictures: int
    batch_sizes: tuple[int, ...]


CASES = (Case("sd15", 25, 32, (1, 4, 8, 16)), Case("sdxl", 25, 16, (1, 2, 4)))
TINY = (Case("tiny", 2, 4, (1, 2)),)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write the file of results."""
    options = _parser().parse_args(arguments)
    figures = [figure for case in (TINY if options.tiny else CASES) for figure in measured(case, options.device)]
    written = {"date": datetime.now(UTC).date().isoformat(), **machine(options.device), "figures": figures}
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / f"{options.name}.json"
    file.write_text(json.dumps(written, indent=2) + "\n")
    print(f"written to {file}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Time sweeps on a GPU.")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="a network of no use, to try the script")
    parser.add_argument("--name", default="gpu_sweep", help="of the file of results")
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser


def machine(device: str) -> dict[str, Any]:
    """Return what the figures depend on."""
    import torch

    card = torch.cuda.get_device_name(device) if device.startswith("cuda") else platform.processor() or device
    packages = {name: version(name) for name in ("torch", "diffusers", "transformers", "accelerate")}
    return {"card": card, "cuda": torch.version.cuda, **packages}


def measured(case: Case, device: str) -> list[dict[str, Any]]:
    """Return the figures of one model; the loop computes with as many threads as the engine."""
    from studio_kernel.engines.diffusers import DiffusersEngine
    from studio_kernel.engines.diffusers.devices import few_threads
    from studio_kernel.engines.diffusers.quiet import quiet

    seeds = [("a red house", seed) for seed in range(case.pictures)]
    texts = [(f"a red house, number {seed}", seed) for seed in range(case.pictures)]
    with few_threads(), quiet():
        pipe = build(case.model, device)
        figures = _compared(case, "resident", pipe, DiffusersEngine.from_pipeline(pipe), seeds, device)
        pipe.enable_model_cpu_offload(device=device)
        return figures + _compared(case, "model_offload", pipe, DiffusersEngine.from_pipeline(pipe), texts, device)


def _compared(
    case: Case, placement: str, pipe: Any, engine: Any, cells: list[tuple[str, int]], device: str
) -> list[dict[str, Any]]:
    shared = {"model": case.model, "placement": placement, "steps": case.steps, "pictures": len(cells)}
    _loop(case, pipe, cells[:1])
    naive = _timed(lambda: _loop(case, pipe, cells), device)
    figures = [_said({**shared, "way": "loop", **naive})]
    for size in case.batch_sizes:
        _swept(case, engine, cells[:size], size)
        ours = _timed(lambda size=size: _swept(case, engine, cells, size), device)
        gain = {"over_loop": round(naive["seconds"] / ours["seconds"], 3)}
        figures.append(_said({**shared, "way": f"passes of {size}", **ours, **gain}))
    figures.append(_said({**shared, "way": "any order", **_same_in_any_order(case, engine, cells)}))
    return figures


def _same_in_any_order(case: Case, engine: Any, cells: list[tuple[str, int]]) -> dict[str, Any]:
    size = case.batch_sizes[-1]
    some = cells[: size + 1]
    files, back = _swept(case, engine, some, size), _swept(case, engine, some[::-1], size)[::-1]
    return {"same_bytes": files == back, "different_pictures": len(set(files)), "of": len(files)}


def _loop(case: Case, pipe: Any, cells: list[tuple[str, int]]) -> None:
    import torch

    for prompt, seed in cells:
        made = pipe(prompt, generator=torch.Generator("cpu").manual_seed(seed), guidance_scale=5.0, **_settings(case))
        made.images[0].save(io.BytesIO(), "PNG")


def _swept(case: Case, engine: Any, cells: list[tuple[str, int]], size: int) -> list[bytes]:
    """Return the files that the engine makes of all cells, handed over as it wants them."""
    from studio_kernel.domain.events import Produced
    from studio_kernel.domain.request import GenerationRequest
    from studio_kernel.domain.tasks import Task
    from studio_kernel.engines.base import CancelToken, EngineContext, Member

    card, files = card_of(case.model), dict[int, bytes]()
    given = {"guidance_scale": 5.0, **_settings(case)}
    requests = [
        GenerationRequest(card.id, Task.TEXT_TO_IMAGE, {**given, "prompt": prompt, "seed": seed})
        for prompt, seed in cells
    ]
    at_once = max(engine.appetite(requests[0], size), size)
    for start in range(0, len(requests), at_once):
        members = [Member(request, CancelToken()) for request in requests[start : start + at_once]]
        context = EngineContext(card, CancelToken(), read_asset=lambda ref: ref)
        for place, event in engine.stream_batch(members, context, size):
            if isinstance(event, Produced):
                files[start + place] = event.data
    return [files[place] for place in range(len(cells))]


def _settings(case: Case) -> dict[str, int]:
    side = SIDES[case.model]
    return {"num_inference_steps": case.steps, "width": side, "height": side}


def _timed(work: Callable[[], object], device: str) -> dict[str, Any]:
    """Return the seconds of `work`, and the memory it took at most."""
    import torch

    on_cuda = device.startswith("cuda")
    if on_cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    begun = time.perf_counter()
    work()
    if on_cuda:
        torch.cuda.synchronize(device)
    seconds = round(time.perf_counter() - begun, 3)
    return {"seconds": seconds, "peak_bytes": torch.cuda.max_memory_allocated(device) if on_cuda else None}


def _said(figure: dict[str, Any]) -> dict[str, Any]:
    print("  " + ", ".join(f"{name} {value}" for name, value in figure.items()), flush=True)
    return figure


if __name__ == "__main__":
    main()
