"""Every notebook is clean and runs from top to bottom."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import studio_kernel as sk
from fal_jobs import fal_cards
from servers.connections import KEYS
from servers.fal import Fal
from servers.replicate import Replicate

pytestmark = pytest.mark.flaky(reruns=1)  # told as RERUN: docs/decisions/0013
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
TOUR = sorted(NOTEBOOKS.glob("*.ipynb"))
DASHBOARDS = sorted((NOTEBOOKS / "dashboards").glob("*.ipynb"))


@pytest.mark.parametrize("path", [*TOUR, *DASHBOARDS], ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        assert not cell.get("outputs"), cell.source
        assert cell.get("execution_count") is None, cell.source


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboards_hold_hardly_any_code(path):
    lines = [line for cell in nbformat.read(path, as_version=4).cells for line in cell.source.splitlines() if line]
    assert len(lines) <= 10


@pytest.fixture
def run(home, monkeypatch):
    """run(path, *more cells): execute a notebook in a home of its own; returns its cells."""
    monkeypatch.setenv("STUDIO_HOME", str(home))

    def execute(path, *more):
        notebook = nbformat.read(path, as_version=4)
        notebook.cells += [nbformat.v4.new_code_cell(cell) for cell in more]
        client = NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(path.parent)}})
        return client.execute().cells

    return execute


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboards_run_without_loading_torch(run, home, path):
    with sk.open(home) as studio:
        studio.generate("a red boat", model="procedural")
    cells = run(path, "import sys; print('torch' in sys.modules)")
    assert cells[-1].outputs[0].text.strip() == "False"


@pytest.mark.slow
@pytest.mark.parametrize("path", TOUR, ids=lambda path: path.stem)
def test_the_tour_runs(run, path):
    for cell in run(path):
        assert not [output for output in cell.get("outputs", []) if output.output_type == "error"]


@pytest.mark.slow
def test_the_cloud_models_of_the_tour_run_with_keys(run, internet, monkeypatch):
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    internet(Fal(fal_cards().values()), Replicate())

    cells = run(NOTEBOOKS / "05_cloud_models.ipynb", "sweep.frame().status.value_counts().to_dict()")

    assert cells[-1].outputs[0].data["text/plain"] == "{'succeeded': 8}"
    assert not any(key in str(cells) for key in KEYS.values())
