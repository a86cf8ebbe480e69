"""What importing costs and what it shows."""

import json
import subprocess
import sys

import studio_kernel as sk


def test_the_front_door_is_short_and_known():
    assert sorted(sk.__all__) == [
        "Lora", "Studio", "StudioError", "cells", "latin_hypercube", "linspace", "logspace", "open", "prompt_matrix",
        "random_samples", "span", "zipped",
    ]  # fmt: skip
    assert all(hasattr(sk, name) for name in sk.__all__)


def loaded_by(statement):
    script = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


HEAVY = {
    "torch",
    "diffusers",
    "transformers",
    "duckdb",
    "ipywidgets",
    "pandas",
    "matplotlib",
    "numpy",
    "IPython",
    "voila",
}


def test_importing_the_kernel_loads_nothing_heavy():
    assert not HEAVY & loaded_by("import studio_kernel")


def test_opening_a_studio_loads_no_torch_and_no_widgets(tmp_path):
    loaded = loaded_by(f"import studio_kernel as sk\nsk.open({str(tmp_path)!r}).close()")
    assert not {"torch", "diffusers", "ipywidgets", "matplotlib"} & loaded


def test_importing_the_panels_loads_no_torch_and_no_duckdb():
    assert not {"torch", "diffusers", "duckdb"} & loaded_by("import studio_widgets")
