"""What a memory estimate costs: a trace in a warm process, and all of it in a fresh one.

``python -m benchmarks.vram_estimate``. A trace is bound to two seconds for models of images; videos and the fresh
process, whose time is that of importing the libraries, are printed for information.
"""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks.report import report

ROUNDS = 3
WARM_BOUND_S = 2.0
COLD_BOUND_S = 30.0
VIDEO_BOUND_S = 10.0
MEMORY_BOUND_MB = 1500.0
"""A pipeline's own tensors are real, and those of a clip are large."""

_CHILD = """
import json, sys, time
begun = time.perf_counter()
from studio_kernel.estimates.vram.architectures import architecture
from studio_kernel.estimates.vram.dry_run import trace
from studio_kernel.estimates.vram.subject import Subject
from studio_kernel.estimates.vram.trace import Trace
import resource
name, rounds = sys.argv[1], int(sys.argv[2])
subject = Subject(architecture=name, dtype=architecture(name).dtype)
found = trace(subject)
assert isinstance(found, Trace), found
cold = time.perf_counter() - begun
warm = []
for _ in range(rounds):
    begun = time.process_time()
    trace(subject)
    warm.append(time.process_time() - begun)
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
video = "num_frames" in architecture(name).call
print(json.dumps({"cold": cold, "warm": min(warm), "memory": memory / 1024, "video": video}))
"""


def main() -> None:
    """Print the figures of every architecture that ships."""
    from studio_kernel.estimates.vram.architectures import architectures

    for name in architectures():
        figures = measured(name)
        bound = VIDEO_BOUND_S if figures["video"] else WARM_BOUND_S
        report(f"estimate of {name}, warm, processor time", figures["warm"], bound, "s")
        report(f"estimate of {name}, fresh process with its imports", figures["cold"], COLD_BOUND_S, "s")
        report(f"estimate of {name}, memory of that process", figures["memory"], MEMORY_BOUND_MB, "MB")


def measured(name: str, rounds: int = ROUNDS) -> dict[str, float]:
    """Return what tracing one architecture takes in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, name, str(rounds)], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
