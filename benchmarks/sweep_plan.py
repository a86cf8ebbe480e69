"""The plan of a sweep of 10,000 cells, against an empty home."""

import tempfile
import time

from benchmarks.report import report


def main() -> None:
    """Print the time from the call to the plan."""
    import studio_kernel as sk

    with tempfile.TemporaryDirectory() as home, sk.open(home) as studio:
        studio.models  # noqa: B018 - loading the catalog is not planning
        axes = {"guidance_scale": sk.linspace(1, 10, 100), "seed": range(100)}
        begun = time.perf_counter()
        size = studio.sweep("a red boat", model="studio-tiny", axes=axes, start=False).plan().size
        report(f"plan of a sweep of {size:,} cells", time.perf_counter() - begun, 1.0, "s")


if __name__ == "__main__":
    main()
