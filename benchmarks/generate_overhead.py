"""``generate()`` against the bare diffusers call with the same settings, in one process, in turn; median of the pairs.

The bare call makes the picture and encodes it as PNG, since a picture that is thrown away is no use to anyone. Both
compute with the number of threads that the engine takes (see `engines.diffusers.devices.thread_count`; a run's
provenance says it), so that what is compared is the studio's own work. The bare call with torch's own number of
threads, made before there are other threads, is printed too and not held to a bound: on two processors it uses both,
`generate()` one.
"""

import io
import tempfile
import time
from statistics import median

from benchmarks.report import report

ROUNDS = 25
SETTINGS = {"num_inference_steps": 25, "guidance_scale": 5.0, "width": 128, "height": 128}
PROMPT = "a red house in a meadow"


def main() -> None:
    """Print the time `generate` adds, beyond 3 % of the bare call."""
    import torch
    from diffusers import AutoPipelineForText2Image, DDIMScheduler

    import studio_kernel as sk
    from studio_kernel.run import Run
    from studio_kernel.settings import data_dir

    pipe = AutoPipelineForText2Image.from_pretrained(data_dir() / "models" / "studio-tiny", use_safetensors=True)
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
    pipe.set_progress_bar_config(disable=True)

    def bare(seed: int) -> float:
        begun = time.perf_counter()
        picture = pipe(PROMPT, generator=torch.Generator("cpu").manual_seed(seed), **SETTINGS).images[0]
        picture.save(io.BytesIO(), "PNG")
        return time.perf_counter() - begun

    bare(0)
    usual, threads = median(bare(seed) for seed in range(1, 9)), torch.get_num_threads()
    print(f"  the bare call alone, with torch's own {threads} threads, takes {usual * 1000:.0f} ms")
    with tempfile.TemporaryDirectory() as home, sk.open(home, runner="inline") as studio:

        def generated(seed: int) -> Run:
            run = studio.generate(PROMPT, model="studio-tiny", scheduler="ddim", seed=seed, **SETTINGS)
            assert run.status == "succeeded", run.error
            return run

        def ours(seed: int) -> float:
            begun = time.perf_counter()
            generated(seed)
            return time.perf_counter() - begun

        torch.set_num_threads(generated(0).record.provenance["threads"])
        bare(0)
        pairs = [(bare(seed), ours(seed)) for seed in range(1, ROUNDS)]
    without, added = median(b for b, _ in pairs), median(o - b for b, o in pairs)
    print(f"  the bare call takes {without * 1000:.0f} ms, generate() adds {added * 1000:.1f} ms")
    report("generate() over the bare call, beyond 3 % of it", (added - 0.03 * without) * 1000, 15, "ms")


if __name__ == "__main__":
    main()
