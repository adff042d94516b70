# Needs Linux (macOS was never tried), make and Python 3.11 or newer; no root. `make` alone lists the targets.
PYTHON ?= python3
# One more than the cores that CI has: tests wait for disks and servers a good part of their time.
WORKERS ?= 3
VENV := .venv
BIN := $(VENV)/bin
# Hashes are checked for every package; the lock files name no registry, so pip's own configuration decides. Python compiles
# what it imports; most of the AWS client never is.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-compile
LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types golden check docs bench soak spark trino packages infra servers screenshots lock clean

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(VENV)/.runtime ## create .venv with locked packages and the trunkline command
	@echo "ready: $(BIN)/trunkline --help"

demo: $(VENV)/.runtime ## simulate a contact centre's day, load it and write its report
	@$(BIN)/trunkline demo

test: $(VENV)/.dev ## run lint, types and all tests; every step runs, and one failure fails
	@$(BIN)/python -m tools.servers --once --seconds 90 & servers=$$!; failed=; \
	for step in lint types; do $(MAKE) --no-print-directory $$step || failed="$$failed $$step"; done; \
	wait $$servers || true; \
	$(BIN)/pytest -n $(WORKERS) --dist worksteal --durations 15 || failed="$$failed pytest"; \
	[ -z "$$failed" ] || { echo "failed:$$failed" >&2; exit 1; }

lint: $(VENV)/.dev ## check style, format and the import contract
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { $(BIN)/ruff format --check .; exit 1; }
	@out=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$out"; exit 1; }

types: $(VENV)/.dev ## check types
	@$(BIN)/mypy --no-error-summary

golden: $(VENV)/.dev ## regenerate sql/, the data dictionary and expected results
	@$(BIN)/python -m tools.generate
	@$(BIN)/pytest -q tests/sql tests/flatten/test_rows.py --update-golden

check: $(VENV)/.runtime ## fail if a generated file is stale
	@$(BIN)/python -m tools.generate --check

docs: $(VENV)/.dev ## run what the documentation tells people to run, the long pages too
	@$(BIN)/pytest -n $(WORKERS) -m 'soak or not soak' tests/docs

bench: $(VENV)/.bench ## measure against other tools on the same data
	@$(BIN)/python bench/run.py

soak: $(VENV)/.dev ## run the long tests: gigabytes, many seeds, more engines
	@$(BIN)/pytest -n $(WORKERS) -m soak --timeout 3600

spark: $(VENV)/.spark ## run the lake's DDL and queries in Apache Spark (needs Java 17 or newer)
	@$(BIN)/pytest -m spark --timeout 600

trino: $(VENV)/.dev ## compare the SQL of Athena with a real Trino's (needs Java 17 and Maven)
	@$(BIN)/pytest -m trino --timeout 1200

packages: $(VENV)/.runtime ## build the zips of the Lambda functions into build/lambda, with OBJECTS=FOLDER of your own objects
	@$(BIN)/python -m tools.packages $(if $(OBJECTS),--objects $(OBJECTS)) $(REQUIREMENTS:%=--requirements %)

infra: $(VENV)/.infra ## synthesise and check infra/, and boot the packages (428 MB to install)
	@$(BIN)/python -m tools.packages --python $$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])') --architecture $$(uname -m | sed s/aarch64/arm64/)
	@$(BIN)/pytest -m infra --timeout 600 tests/infra

servers: $(VENV)/.dev ## fetch the real servers that tests use where they are there (apt and npm; no root)
	@$(BIN)/python -m tools.servers

screenshots: $(VENV)/.dev ## take the documentation's pictures of the wallboard (needs Chromium)
	@$(BIN)/python -m tools.screenshots

lock: ## resolve requirements/ again from pyproject.toml (needs uv)
	$(LOCK) pyproject.toml -o requirements/runtime.txt
	$(LOCK) pyproject.toml --extra serve --extra grafana -c requirements/runtime.txt -o requirements/serve.txt
	$(LOCK) pyproject.toml --group dev -c requirements/serve.txt -o requirements/dev.txt
	$(LOCK) --group build -c requirements/dev.txt -o requirements/build.txt
	$(LOCK) --group bench -c requirements/dev.txt -o requirements/bench.txt
	$(LOCK) --group spark -c requirements/dev.txt -o requirements/spark.txt
	$(LOCK) --group infra -c requirements/dev.txt -o requirements/infra.txt
	$(LOCK) --group lambda-light -c requirements/runtime.txt -o requirements/lambda-light.txt
	$(LOCK) --group lambda-full -c requirements/runtime.txt -o requirements/lambda-full.txt
	$(LOCK) --group lambda-sources -c requirements/dev.txt -o requirements/lambda-sources.txt

clean: ## remove .venv, caches and the demo; your own trunkline-data stays
	rm -rf $(VENV) build dist trunkline-demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: each holds when its lock has been installed, so a second `make` installs nothing.
$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) not found: install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is $$($(PYTHON) --version 2>&1), needed is 3.11 or newer: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make environments: install its venv module (Debian, Ubuntu: python3-venv), or name another: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/serve.txt requirements/build.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing trunkline into $(VENV)"
	@$(INSTALL) -r requirements/serve.txt -r requirements/build.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@echo "installing the tools of development into $(VENV)"
	@$(INSTALL) -r requirements/dev.txt
	@touch $@

$(VENV)/.bench: requirements/bench.txt $(VENV)/.dev
	@echo "installing what the benchmark compares with into $(VENV)"
	@$(INSTALL) -r requirements/bench.txt
	@touch $@

$(VENV)/.spark: requirements/spark.txt $(VENV)/.dev
	@echo "installing Apache Spark into $(VENV)"
	@$(INSTALL) -r requirements/spark.txt
	@touch $@

$(VENV)/.infra: requirements/infra.txt $(VENV)/.dev
	@echo "installing what synthesises and checks infra/ into $(VENV)"
	@$(INSTALL) -r requirements/infra.txt
	@touch $@
