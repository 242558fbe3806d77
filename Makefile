# The README's two commands. `make setup` is the part they share; a second call does no work twice.
#   TORCH_BACKEND=cpu make demo    takes the small CPU build of torch

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TORCH_BACKEND ?=
DEMO_FLAGS ?=

# Modules are compiled once, whatever the environment says: else each process that tests start would do it anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup demo test test-slow test-gpu lint clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) not found; install Python 3.11 or say make PYTHON=/path/to/python3.11" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==0.13.8"
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/uv pip install --quiet $(if $(TORCH_BACKEND),--torch-backend $(TORCH_BACKEND)) -c constraints.txt -e ".[blender,dev]"
	@touch $@

demo: setup
	$(BIN)/bokehbench demo $(DEMO_FLAGS)

test: setup lint
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

test-slow: setup
	$(BIN)/python -m pytest -m slow

test-gpu: setup
	$(BIN)/python -m pytest -m gpu

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) demo-out
