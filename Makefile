# What there is to do with graphkit; `make help` lists it.
# PYTHON=python3.13 picks the interpreter of a new .venv; by default the first that is 3.11 or later.

PYTHON ?=
BIN := .venv/bin
RUNTIME := .venv/.runtime
DEV := .venv/.dev
PROJECT := pyproject.toml requirements-build.lock

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench lab docs lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name what; do \
		printf '  make %-6s %s\n' "$$name" "$$what"; done

demo: $(RUNTIME)  ## install what the tool needs, then synthetic data, two snapshots, a report
	$(BIN)/graphkit demo

test: $(DEV)  ## install everything, with Chromium and Java if apt-get is there, then run the tests
	@wanted=; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || wanted="chromium"; \
	command -v java >/dev/null || [ -n "$$JAVA_HOME" ] || wanted="$$wanted default-jre-headless"; \
	[ -z "$$wanted" ] || ! command -v apt-get >/dev/null || { \
		apt="$$([ "$$(id -u)" = 0 ] || echo sudo) env DEBIAN_FRONTEND=noninteractive apt-get"; \
		$$apt update -q && $$apt install -qy --no-install-recommends $$wanted; } || \
		echo "$$wanted cannot be installed: the tests that need it are skipped, and fail where CI is set" >&2
	$(BIN)/python -m pytest

lint: $(DEV)  ## style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(DEV)  ## run every benchmark
	@set -e; for benchmark in $(sort $(wildcard benchmarks/*.py)); do \
		echo "$$benchmark"; $(BIN)/python "$$benchmark"; done

lab: $(DEV)  ## open JupyterLab in notebooks/
	$(BIN)/jupyter-lab --notebook-dir=notebooks

docs: $(RUNTIME)  ## write the pages of tables, settings and commands from the code
	$(BIN)/python docs/make.py

lock: .venv/.uv  ## pin the dependencies of pyproject.toml anew, with hashes
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) --group pyproject.toml:build -c requirements-dev.lock -o requirements-build.lock

clean:  ## remove .venv, caches and built files
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header

# Stamps: a target runs again only when its lock or pyproject.toml changes. The environment of the tests holds all
# that the demo needs, so once it is there, the demo uses it.

.venv/.made:
	@set -e; \
	if [ ! -x $(BIN)/python ]; then \
		for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python3.14 python); do \
			if "$$python" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
				"$$python" -m venv .venv; break; \
			fi; \
		done; \
	fi; \
	if [ ! -x $(BIN)/python ]; then \
		echo "graphkit needs Python 3.11 or later with venv (on Debian: apt-get install python3-venv);" \
			"name it with: make PYTHON=..." >&2; exit 1; \
	fi; \
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@touch $@

.venv/.uv: .venv/.made requirements-build.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.lock || \
		echo "uv cannot be had here: pip does its work, more slowly" >&2
	@touch $@

# Install the locked packages of file $(1), and graphkit itself in place.
define install
	@if [ -x $(BIN)/uv ]; then \
		$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements-build.lock $(1) && \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .; \
	else \
		$(BIN)/python -m pip install --quiet --require-hashes -r $(1) && \
		$(BIN)/python -m pip install --quiet --no-deps --editable .; \
	fi
endef

$(RUNTIME): requirements.lock $(PROJECT) | .venv/.uv
	$(call install,$(if $(wildcard $(DEV)),requirements-dev.lock,requirements.lock))
	@touch $@

$(DEV): requirements-dev.lock $(PROJECT) | .venv/.uv
	$(call install,requirements-dev.lock)
	@touch $(RUNTIME) $@
