# Every command of the workbench; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
HOME_DIR ?= data/studio

.DEFAULT_GOAL := help
.PHONY: help setup demo lab dashboards test soak check format bench train-tiny reference clean

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## make .venv with everything, pinned by constraints.txt

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one: make setup PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --progress-bar on --constraint constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --progress-bar on --constraint constraints.txt --editable '.[dev]'
	@touch $(READY)

demo: $(READY)  ## the main job end to end, headless: pictures, a sweep, SQL, a gallery
	$(BIN)/python -m studio_kernel.demo

lab: $(READY)  ## open JupyterLab on the first notebook
	$(BIN)/studio lab notebooks/01_first_image.ipynb

dashboards: $(READY)  ## serve the dashboards with Voila, for people who only look
	$(BIN)/studio dashboards

test: check  ## style, types and every test
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

soak: $(READY)  ## the tests of kills, stops, full disks and versions at full length (half an hour)
	STUDIO_SOAK=1 $(BIN)/python -m pytest -m soak --timeout=3600 -s

check: $(READY)  ## style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(READY)  ## mend the style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(READY)  ## measure what docs/architecture.md promises
	$(BIN)/python -m benchmarks

train-tiny: $(READY)  ## train the model that ships, from nothing (see data/models/training/README.md)
	$(BIN)/python data/models/training/train.py

reference: $(READY)  ## write the generated pages of docs/reference again
	$(BIN)/python -m studio_kernel.catalog
	$(BIN)/python -m studio_kernel.runlog > docs/reference/run-log.md
	$(BIN)/python -m studio_kernel.cli.reference > docs/reference/cli.md

clean:  ## remove the environment, caches and what the demo exported
	rm -rf $(VENV) data/demo .pytest_cache .mypy_cache .ruff_cache
