"""What importing costs a fresh process, over the bare interpreter: medians of nine."""

import subprocess
import sys
import time
from statistics import median

from benchmarks.report import report

ROUNDS = 9


def seconds(statement: str) -> float:
    """Return how long a fresh interpreter takes to run `statement` and end."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - begun


def main() -> None:
    """Print the time that each import adds."""
    bare = median(seconds("pass") for _ in range(ROUNDS))
    panels = "from studio_widgets import GalleryPanel, GenerationPanel"
    for statement, bound in (("import studio_kernel", 0.3), (panels, 1.0)):
        took = median(seconds(statement) for _ in range(ROUNDS))
        report(f"{statement}, over the bare interpreter", took - bare, bound, "s")


if __name__ == "__main__":
    main()
