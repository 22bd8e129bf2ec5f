# make demo    from a fresh clone: the environment, the package, and the main job
# make test    the tests of every change; make test-all also the slow ones
# make check   style and types; make bench the speed table; make clean removes what was built here
PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
BIN := $(VENV)/bin
READY := $(VENV)/.caviar-ready
RUN_READY := $(VENV)/.caviar-run-ready

.PHONY: demo test test-all check bench clean setup

demo: $(RUN_READY)
	$(BIN)/caviar demo

setup: $(READY)

test: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow" --doctest-modules src/caviar tests
	$(MAKE) --no-print-directory check

test-all: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) --doctest-modules src/caviar tests
	$(MAKE) --no-print-directory check

check: $(READY)
	$(BIN)/ruff check src tests examples
	$(BIN)/ruff format --check src tests examples
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[bench]"
	$(BIN)/python -m benchmarks.harness

# Two stamps, so that set-up happens once, again only where what is asked for changed, and a demo waits for less.
$(READY): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Setting up $(VENV) for development (once, a minute or two) ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@ $(RUN_READY)

$(RUN_READY): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Setting up $(VENV) (once, about a minute) ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "Caviar needs Python 3.11 or newer, and '$(PYTHON)' was not found. Name yours: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Caviar needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Name a newer one: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "'$(PYTHON)' cannot make environments: install its venv module (Debian and Ubuntu: apt install python3-venv)." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
