# Everything a newcomer or CI needs; `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CODE := cli services migrations tests bench tools

# Compiled modules and rewritten tests are kept, whatever the shell says: else each process makes them anew.
export PYTHONDONTWRITEBYTECODE :=
# Tests wait more than they compute, so more run at once than there are cores. A group shares what it starts.
TEST_PROCESSES ?= $(shell echo $$(( $$(nproc) * 2 )))
PARALLEL = -n $(TEST_PROCESSES) --dist loadgroup --no-loadscope-reorder
# How many times as many examples `make soak` looks at as `make test`.
SOAK ?= 20

.PHONY: help up test test-unit test-system soak coverage check generate lint format typecheck bench lock clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(VENV)/.run ## Start everything, print where it listens and what to try; Ctrl-C stops it
	@exec $(BIN)/python -m cli up --stop-with-parent

test: $(VENV)/.dev ## Run every test: unit, integration (real PostgreSQL), end to end (real Envoy)
	@$(BIN)/python -m pytest -q $(PARALLEL)

test-unit: $(VENV)/.dev ## Run the unit tests only
	@$(BIN)/python -m pytest -q -n $(shell nproc) --dist loadgroup tests/unit

test-system: $(VENV)/.dev ## Try Debian 12 and 13, each Python, external servers; needs root. ARGS="--help" tells more
	@$(BIN)/python -m tools.system $(ARGS)

soak: $(VENV)/.dev ## Search long: SOAK times as many examples (20), the long forms of slow tests; minutes to hours
	@SENTINEL_TEST_EXAMPLES_FACTOR=$(SOAK) $(BIN)/python -m pytest -q -n $(shell nproc) --dist loadgroup --timeout 0 -m "hypothesis or soak"

coverage: $(VENV)/.dev ## Run every test and print line and branch coverage, files below 90 % last
	@$(BIN)/python -m tools.coverage $(PARALLEL)

check: $(VENV)/.dev lint typecheck ## What CI runs: lint, types, generated code, contract, then the tests
	@$(BIN)/python -m tools.generate --check
	@$(MAKE) --no-print-directory test

generate: $(VENV)/.dev ## Regenerate gen/ from proto/ (offline)
	@$(BIN)/python -m tools.generate

lint: $(VENV)/.dev ## Check format, lint and import rules of the Python code
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/lint-imports --no-logo > $(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }

format: $(VENV)/.dev ## Format Python and proto files
	@$(BIN)/ruff format $(CODE)
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/buf format -w proto

typecheck: $(VENV)/.dev ## Strict type check
	@$(BIN)/mypy

bench: $(VENV)/.dev ## Measure speed and size beside their targets; writes bench/out/latest.json
	@$(BIN)/python -m bench

lock: $(VENV)/.dev ## Recompile the pinned requirements from pyproject.toml
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --group fast-tls -c requirements.txt -o requirements-fast-tls.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

clean: ## Remove the virtual environment and caches (the data folder stays)
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis bench/out
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The two import roots, `.` and `gen`, are put on the path by one .pth file, so that any
# `.venv/bin/python -m …` works without environment variables. `.venv/bin/sentinel` is `python -m cli`.
$(VENV)/.made: tools/bootstrap.py
	@$(PYTHON) tools/bootstrap.py $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.made requirements.txt requirements-fast-tls.txt
	@echo "installing dependencies (once)…"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-fast-tls.txt > $(VENV)/fast-tls.log 2>&1 \
		|| echo "rtls cannot be installed here: OpenSSL alone probes TLS targets ($(VENV)/fast-tls.log)"
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt
	@echo "installing development dependencies (once)…"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
