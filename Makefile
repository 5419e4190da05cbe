# Everything a person does with the project, by name. `make` alone lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
UV_VERSION := 0.13.9
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
PYTHON := $(shell python3.13 --version >/dev/null 2>&1 && echo python3.13 || echo python3)
RUN := $(UV) run --frozen --no-python-downloads --python $(PYTHON)

.PHONY: help sync up demo server test check bench forms

help: ## list what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

.uv/bin/uv:
	python3 -m venv .uv && .uv/bin/pip install --quiet uv==$(UV_VERSION)

# Compiled ahead, so that every command starts twice as fast where Python may not keep what it compiles.
sync: $(filter .uv/bin/uv,$(UV)) ## install what the lock file names
	@$(UV) sync --quiet --frozen --no-python-downloads --compile-bytecode --python $(PYTHON)
	@.venv/bin/python -m compileall -q -x '/[.]' .

up: sync ## run the whole stack in the foreground
	@$(RUN) starter.py up

demo: sync ## play an onboarding from application to working key
	@$(RUN) starter.py demo

check: sync ## lint, types, architecture
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy .
	@$(RUN) pytest -q tests/test_architecture.py

server: sync ## make sure that there is a Temporal server (built once, five to ten minutes)
	@$(RUN) python -m runtime.temporal_source

test: check server ## check, then every test, two files at a time
	@$(RUN) pytest -n 2 --dist loadfile --no-loadscope-reorder

bench: sync ## print the figures
	@$(RUN) python -m benchmarks

forms: sync ## make the agreement forms again from their sources
	@$(UV) run --frozen --no-python-downloads --python $(PYTHON) --group forms python forms/make.py
