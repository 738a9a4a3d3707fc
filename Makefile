# What can be done here. Two commands set everything up on a machine that has only Python 3.11+, make and git.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Processes that test side by side, each with services of its own: most tests wait, for takeovers and restarts, and compute little.
TESTERS ?= 4

.DEFAULT_GOAL := help
.PHONY: help setup demo test bench check lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.ready: deploy/lock/development.txt pyproject.toml
	@echo "making the virtual environment $(VENV) (once, about a minute)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Muara needs Python 3.11 or later: make PYTHON=/path/to/python3.11 ..."; exit 2; }
	@rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r deploy/lock/development.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(VENV)/.ready ## only the virtual environment with the command muara, as an adapter's machine needs it

demo: $(VENV)/.ready ## the whole platform on this machine: make demo ARGS="--once --chaos --workers 2"
	@$(BIN)/muara demo $(ARGS)

test: $(VENV)/.ready ## lint, types, borders and every test: make test ARGS="-k law"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest -n $(TESTERS) $(ARGS)

check: $(VENV)/.ready ## lint, types and borders only
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: $(VENV)/.ready ## measure: prints a table, writes .muara/bench.json
	@$(BIN)/python -m tests.bench $(ARGS)

lock: ## pin the dependencies anew, by name, version and hash (needs uv)
	@uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links -q -o deploy/lock/runtime.txt
	@uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links -q -o deploy/lock/development.txt

clean: ## remove the virtual environment and all local data
	@rm -rf $(VENV) .muara .mypy_cache .ruff_cache .pytest_cache
