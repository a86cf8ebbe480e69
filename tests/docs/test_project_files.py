"""The files around the code say what is so."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from fal_jobs import fal_cards
from servers.connections import KEYS
from servers.fal import Fal
from servers.openai import OpenAI
from servers.replicate import Replicate

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def name_of(requirement):
    return re.match(r"[\w.-]+", requirement).group().lower().replace("_", "-")


def constraints():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return {name_of(line): line.split("==")[1] for line in lines if "==" in line}


def test_every_dependency_is_pinned_within_its_range():
    from packaging.requirements import Requirement

    pins = constraints()
    wanted = [*PROJECT["dependencies"], *(r for extra in PROJECT["optional-dependencies"].values() for r in extra)]
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(pins[name_of(requirement.name)]), requirement


def test_the_conda_environment_installs_the_project_and_its_pins():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, packages = environment["dependencies"]
    assert python.startswith(f"python{PROJECT['requires-python']}")
    assert pip == "pip"
    assert packages["pip"] == ["--constraint constraints.txt", "--editable .[dev]"]
    assert environment["name"] == PROJECT["name"]


def test_make_help_lists_every_target():
    text = (ROOT / "Makefile").read_text()
    targets = re.search(r"\.PHONY: (.*)", text).group(1).split()
    shown = subprocess.run(["make", "-C", ROOT, "help"], capture_output=True, text=True, check=True).stdout
    assert all(f"make {target} " in shown for target in targets)


def blocks(path):
    return re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL)


@pytest.fixture
def services(internet, monkeypatch):
    """The services that documents speak of, on the loopback, with keys that they know."""
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    internet(Fal(fal_cards().values()), Replicate(), OpenAI())


@pytest.mark.usefixtures("services")
@pytest.mark.parametrize("path", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda p: p.name)
def test_every_python_block_of_the_documents_runs(path, tmp_path):
    for block in blocks(path):
        done = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{block}\n{done.stderr}"


def test_the_readme_shows_six_lines_and_a_picture():
    text = (ROOT / "README.md").read_text()
    assert len(list(filter(None, blocks(ROOT / "README.md")[0].splitlines()))) == 6
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", text):
        assert (ROOT / picture).is_file(), picture


def test_links_between_documents_lead_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "data").rglob("README.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page}: {target}"
