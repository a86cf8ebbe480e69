"""``python -m benchmarks [NAME …]``: run all measurements, or the named ones.

`benchmarks.million_runs`, `benchmarks.load`, `benchmarks.gallery`, `benchmarks.compare` and `benchmarks.dashboards`
take minutes, `benchmarks.gpu_sweep` and `benchmarks.gpu_vram` need a CUDA device; they are started by themselves.
"""

import importlib
import pkgutil
import sys

import benchmarks
from benchmarks.report import failed

APART = {
    "__main__", "report", "million_runs", "load", "gallery", "compare", "dashboards", "gpu_sweep", "gpu_vram",
    "random_models", "random_weights",
}  # fmt: skip

names = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name not in APART]
chosen, sys.argv[1:] = sys.argv[1:] or names, []  # what is measured reads options of its own
for name in chosen:
    importlib.import_module(f"benchmarks.{name}").main()
sys.exit(1 if failed() else 0)
