"""``python -m benchmarks [NAME …]``: run all measurements, or the named ones.

`benchmarks.million_runs` and `benchmarks.load` take minutes, `benchmarks.gpu_sweep` and `benchmarks.gpu_vram` need a
CUDA device; they are started by themselves.
"""

import importlib
import pkgutil
import sys

import benchmarks
from benchmarks.report import failed

APART = {"__main__", "report", "million_runs", "load", "gpu_sweep", "gpu_vram", "random_models", "random_weights"}

names = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name not in APART]
for name in sys.argv[1:] or names:
    importlib.import_module(f"benchmarks.{name}").main()
sys.exit(1 if failed() else 0)
