"""A sweep against the loop that anybody would write: ``for`` over the bare pipeline, in one process.

Thirty-two seeds, and four guidance scales times four seeds, at three sizes. What is gained depends on how long a step
takes, so that is printed: a small picture leaves the processor idle between its many short operations, a large one does
not. Both encode each picture as PNG and compute with the number of threads the engine takes. The loop with torch's own
number of threads, made before there are other threads, is printed too and not held to a bound. The loop is made in two
halves, one before the sweep and one after it, so that a machine that becomes busier is so for both; the gain in
processor time, which a busy machine changes less, is printed beside the one in time.

``python -m benchmarks.sweep_throughput --large`` measures a network of Stable Diffusion's size too, which takes about
half an hour: there the processor is busy with one picture already.
"""

import io
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, pairwise, product
from statistics import median
from typing import Any

from benchmarks.report import report_gain

PROMPT = "a red house in a meadow"


@dataclass(frozen=True)
class Cell:
    """What differs from picture to picture."""

    seed: int
    guidance_scale: float = 5.0


@dataclass(frozen=True)
class Case:
    """What is the same for all pictures, and what is to be gained."""

    side: int
    least: float
    steps: int = 20

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters of a request, and of a call of the pipeline."""
        return {"num_inference_steps": self.steps, "width": self.side, "height": self.side}


Sweep = Callable[[Case, Sequence[Cell]], int]
"""Makes all pictures of the cells as files and returns how many."""

CASES = (Case(side=64, least=2.5), Case(side=128, least=2.0), Case(side=192, least=1.5))
GRIDS = {
    "32 seeds": [Cell(seed) for seed in range(32)],
    "4 x 4 guidance x seed": [Cell(seed, scale) for scale, seed in product((2.0, 4.0, 6.0, 8.0), range(4))],
}


def main() -> None:
    """Print how many times as fast as the loop a sweep is, case by case."""
    from studio_kernel.settings import data_dir

    pipe = bare_pipeline(data_dir() / "models" / "studio-tiny")
    with studio_sweep() as sweep:
        measure(pipe, sweep, CASES)


def measure(pipe: Any, sweep: Sweep, cases: Sequence[Case]) -> None:
    """Print how many times as fast as the loop over `pipe` `sweep` is.

    Parameters
    ----------
    sweep : Sweep
        Whatever makes the pictures: a studio, or an engine alone.
    """
    import torch

    from studio_kernel.engines.diffusers.devices import thread_count

    usual, threads = torch.get_num_threads(), thread_count()
    for case in cases:
        loop(pipe, case, [Cell(99)])
        own = timed(lambda case=case: loop(pipe, case, [Cell(0)]))[0]
        torch.set_num_threads(threads)
        loop(pipe, case, [Cell(99)])
        step_ms = 1000 * median(step_seconds(pipe, case) for _ in range(3))
        print(f"  {case.side} x {case.side}: a step takes {step_ms:.0f} ms with {threads} threads")
        print(f"  a picture of the loop takes {own:.2f} s with torch's own {usual} threads")
        for name, cells in GRIDS.items():
            sweep(case, cells[:1])
            half = len(cells) // 2
            before = timed(lambda case=case, cells=cells, half=half: loop(pipe, case, cells[:half]))
            ours = timed(lambda case=case, cells=cells: check(sweep(case, cells), cells))
            after = timed(lambda case=case, cells=cells, half=half: loop(pipe, case, cells[half:]))
            wall, processor = ((before[n] + after[n]) / ours[n] for n in (0, 1))
            each, loops = ours[0] / len(cells), (before[0] + after[0]) / len(cells)
            print(
                f"  {name}: {loops:.3f} s a picture, with the sweep {each:.3f} s; by processor time {processor:.2f} x"
            )
            report_gain(f"{name} over the loop, steps of {step_ms:.0f} ms", wall, case.least)
        torch.set_num_threads(usual)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that `work` takes, and those of all processors."""
    begun, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begun, time.process_time() - used


def check(made: int, cells: Sequence[Cell]) -> None:
    """Make sure that nothing was left out."""
    assert made == len(cells), f"{made} pictures of {len(cells)}"


def bare_pipeline(source: Any) -> Any:
    """Return the pipeline in `source`, as a script would load it."""
    from diffusers import AutoPipelineForText2Image

    pipe = AutoPipelineForText2Image.from_pretrained(source, use_safetensors=True)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def loop(pipe: Any, case: Case, cells: Sequence[Cell]) -> int:
    """Make the pictures one after the other."""
    import torch

    for cell in cells:
        generator = torch.Generator("cpu").manual_seed(cell.seed)
        made = pipe(PROMPT, guidance_scale=cell.guidance_scale, generator=generator, **case.settings)
        made.images[0].save(io.BytesIO(), "PNG")
    return len(cells)


def step_seconds(pipe: Any, case: Case) -> float:
    """Return the time of the median step of one picture."""
    import torch

    seen: list[float] = []

    def note(_pipe: Any, _step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        seen.append(time.perf_counter())
        return tensors

    generator = torch.Generator("cpu").manual_seed(0)
    pipe(PROMPT, guidance_scale=5.0, generator=generator, callback_on_step_end=note, **case.settings)
    return median(later - earlier for earlier, later in pairwise(seen))


@contextmanager
def studio_sweep() -> Iterator[Sweep]:
    """Lend ``studio.sweep(…).wait()`` in a home of its own: planned, logged, with files and thumbnails."""
    import studio_kernel as sk

    with tempfile.TemporaryDirectory() as home, sk.open(home, runner="inline") as studio:
        blanks = count()

        def sweep(case: Case, cells: Sequence[Cell]) -> int:
            prompt = PROMPT + " " * next(blanks)  # means the same, and no cell is found done from the time before
            group = sk.cells([{"seed": cell.seed, "guidance_scale": cell.guidance_scale} for cell in cells])
            made = studio.sweep(prompt, model="studio-tiny", axes=group, **case.settings).wait(progress=False)
            return sum(made.frame()["status"] == "succeeded")

        yield sweep


def sweep_of(engine: Any, card: Any, batch_size: int = 0, schedulers: Any = None) -> Sweep:
    """Return a sweep of `card` by `engine`, with passes of `batch_size`; as large as the engine wants them when 0."""
    from studio_kernel.domain.events import Produced
    from studio_kernel.domain.request import GenerationRequest
    from studio_kernel.domain.tasks import Task
    from studio_kernel.engines.base import CancelToken, EngineContext, Member

    def sweep(case: Case, cells: Sequence[Cell]) -> int:
        def request(cell: Cell) -> GenerationRequest:
            given = {"prompt": PROMPT, "seed": cell.seed, "guidance_scale": cell.guidance_scale, **case.settings}
            return GenerationRequest(card.id, Task.TEXT_TO_IMAGE, card.check(Task.TEXT_TO_IMAGE, given))

        members = [Member(request(cell), CancelToken()) for cell in cells]
        context = EngineContext(card, CancelToken(), read_asset=lambda ref: ref, schedulers=schedulers or {})
        size = batch_size or engine.batch_limit(members[0].request)
        return sum(isinstance(event, Produced) for _, event in engine.stream_batch(members, context, size))

    return sweep


def main_large() -> None:
    """Print what is gained with a network of Stable Diffusion 1.5's size and random weights, at 256 x 256."""
    from benchmarks.random_models import build, card_of
    from studio_kernel.engines.diffusers import DiffusersEngine

    pipe = build("sd15", "cpu")
    card = card_of("sd15")
    measure(pipe, sweep_of(DiffusersEngine.from_pipeline(pipe), card), [Case(side=256, least=1.0, steps=2)])


if __name__ == "__main__":
    main()
    if "--large" in sys.argv[1:]:
        main_large()
