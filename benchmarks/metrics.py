"""What each metric of pictures takes, at 1 and 4 megapixels; started by itself: ``python -m benchmarks.metrics``.

Seconds of processors, of all threads together, so that a busy machine does not count. Both pictures are arrays already,
and the first call, which loads libraries, is left out.
"""

import time
from collections.abc import Callable

import numpy as np

from benchmarks.report import report
from studio_kernel.metrics.arrays import scaled
from studio_kernel.metrics.heatmaps import SCALES, heat_map
from studio_kernel.metrics.registry import METRICS

SIDES = {1: 1024, 4: 2048}
TIMES = 2


def main() -> None:
    """Print the least of three times of every metric without weights, and of every kind of heat map."""
    rough = np.random.default_rng(1).random((2, 24, 24, 3))
    for megapixels, side in SIDES.items():
        one, other = (scaled(each, side, side) for each in rough)
        for name, metric in METRICS.items():
            if metric.kind == "picture":
                _tell(name, megapixels, lambda function=metric.function, one=one: function(one))
            elif metric.kind == "pair" and metric.needs is None:
                _tell(name, megapixels, lambda function=metric.function, one=one, other=other: function(one, other))
        for kind in SCALES:
            _tell(
                f"heat map {kind}",
                megapixels,
                lambda kind=kind, one=one, other=other: heat_map(one, other, kind).picture(),
            )


def _tell(name: str, megapixels: int, work: Callable[[], object]) -> None:
    work()
    report(f"{name}, {megapixels} MP", min(_time_of(work) for _ in range(TIMES)), 10.0, "s")


def _time_of(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


if __name__ == "__main__":
    main()
