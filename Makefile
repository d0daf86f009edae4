# The Python that .venv is made with: make test PYTHON=python3.12
PYTHON ?= python3
PIP_OPTIONS ?=

BIN := .venv/bin
INSTALLED := .venv/installed
# Real light curves for make benchmark, in a Parquet file.
DATA ?=
BENCHMARKS := conversion.py "transform.py --onnx --memory $(if $(DATA),--data $(DATA))" \
  fit.py heads.py periods.py streaming.py dask_workers.py
DOCS_INSTALLED := .venv/installed-docs
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: help demo test test-oldest coverage docs format benchmark clean

help:
	@echo "make demo       classify simulated variable stars with the weights that ship; two pictures"
	@echo "make test       formatting, lint, types and all tests"
	@echo "make coverage   all tests, and the lines of the package that none of them runs"
	@echo "make test-oldest  all tests with the oldest versions that pyproject.toml allows"
	@echo "make docs       guide, examples and reference as HTML: docs/_build/html/index.html"
	@echo "make format     format the code, and repair what lint can repair"
	@echo "make benchmark  how fast all is on this machine: tables, and rows in benchmarks.jsonl"
	@echo "                DATA=stars.parquet embeds real light curves too"
	@echo "make clean      remove .venv, caches and the demo's pictures"
	@echo
	@echo "The first of them makes .venv and installs everything into it: some minutes, once."
	@echo "PYTHON=python3.12 chooses another Python, PIP_OPTIONS='...' is handed on to pip install."

demo: $(INSTALLED)
	$(BIN)/python examples/demo.py --output demo_output

test: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest --durations=10

# Lines that only other processes run, which tests start, count too.
coverage: $(INSTALLED)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# What old releases of other packages warn of is not ours to repair.
test-oldest:
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --progress-bar on $(PIP_OPTIONS) -r constraints-oldest.txt
	.venv-oldest/bin/python -m pip install --no-deps nested-pandas==0.6.0 -e .
	.venv-oldest/bin/python -m pytest -W default

# Pages of names that are gone would stay in the reference. The gallery is kept: examples that did
# not change are not run again.
docs: $(DOCS_INSTALLED)
	rm -rf docs/generated
	$(BIN)/python -m sphinx -b html -W --keep-going docs docs/_build/html
	@echo "The documentation is in docs/_build/html/index.html"

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# BENCHMARK_OPTIONS='--repeats 3' is handed on to all of them.
benchmark: $(INSTALLED)
	$(BIN)/python -m pip install --quiet $(PIP_OPTIONS) -c constraints.txt -e ".[benchmark]"
	for benchmark in $(BENCHMARKS); do \
	  $(BIN)/python examples/benchmarks/$$benchmark --json benchmarks.jsonl $(BENCHMARK_OPTIONS) || exit 1; \
	done

clean:
	rm -rf .venv .venv-oldest demo_output fuzz_output benchmarks.jsonl mutants .coverage* docs/_build docs/auto_examples docs/generated build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "sklearn_astromer needs Python 3.11 or newer, and PYTHON=$(PYTHON) is not ($$($(PYTHON) --version 2>&1))."; \
	  echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "== Making .venv with $$($(PYTHON) --version) =="
	$(PYTHON) -m venv .venv
	@echo "== Installing torch, which is large (without a GPU, a smaller build will do: see README.md) =="
	$(BIN)/python -m pip install --progress-bar on $(PIP_OPTIONS) -c constraints.txt torch
	@echo "== Installing the package and its tools =="
	$(BIN)/python -m pip install --progress-bar on $(PIP_OPTIONS) -c constraints.txt -e ".[test]"
	@touch $@

$(DOCS_INSTALLED): $(INSTALLED)
	@echo "== Installing what the documentation is built with =="
	$(BIN)/python -m pip install --progress-bar on $(PIP_OPTIONS) -c constraints.txt -e ".[docs]"
	@touch $@
