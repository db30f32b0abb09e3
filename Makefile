# Needs Python 3.11, make and a package index; everything else is installed into .venv.
#
#   make demo        install, run the quickstart experiment, and write its report
#   make test        all that a change must pass: lint, wheels, quickstart, tests with coverage
#   make test-slow   the tests that take minutes
#   make lint | wheels | quickstart | unit    the parts of `make test`
#   make bench       the benchmarks
#   make constraints write constraints.txt again from what is installed
#   make clean       remove .venv, caches and outputs

PYTHON ?= $(or $(shell command -v python3.11),$(shell command -v python3),python)
DEMO ?= run examples/quickstart/sandbox.yaml
SAMPLES ?= 300
# Two trainings of 50 steps instead of 400: the quickstart of `make test` shows that it runs.
SHORT ?= --set execution_job_configs.2.extra_configs.max_tokens=51200 \
         --set execution_job_configs.3.extra_configs.max_tokens=51200

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install -c constraints.txt
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))
PROJECTS := djsb_core $(PLUGINS)
PACKAGES := djsb djsb_core/djsb_core $(foreach plugin,$(PLUGINS),$(plugin)/$(notdir $(plugin)))
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile

.PHONY: demo test test-slow lint wheels quickstart unit bench constraints clean
.NOTPARALLEL:

demo: $(VENV)/run.stamp
	$(BIN)/djsb $(DEMO)
	$(BIN)/djsb report last examples/quickstart/sandbox.yaml --with-inputs

# The tests come last, so that their closing line does.
test: lint wheels quickstart unit

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict $(PACKAGES) tools
	$(BIN)/mypy --strict --python-version 3.10 djsb_core/djsb_core
	$(BIN)/lint-imports
	$(BIN)/python tools/write_constraints.py --check

wheels: $(VENV)/dev.stamp
	$(BIN)/python tools/check_wheels.py . $(PROJECTS)

quickstart: $(VENV)/run.stamp
	$(BIN)/python tools/run_quickstart.py --samples $(SAMPLES) $(SHORT)

unit: $(VENV)/dev.stamp
	$(PYTEST) -m "not slow" --cov=djsb --cov=djsb_core --cov-fail-under=90

test-slow: $(VENV)/dev.stamp
	$(PYTEST) -m slow

bench: $(VENV)/dev.stamp
	set -e; for script in benchmarks/*.py; do $(BIN)/python $$script; done

constraints: $(VENV)/dev.stamp
	$(BIN)/python tools/write_constraints.py

clean:
	rm -rf $(VENV) dist build outputs .coverage .coverage.* .mypy_cache .pytest_cache \
	  .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A change of the pins starts over; a change of a pyproject.toml only installs again.
$(VENV)/base.stamp: constraints.txt
	rm -rf $(VENV)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "djsb needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch hatchling editables
	touch $@

# torch came first: a CPU build that is at hand is kept, where a later install could replace it.
$(VENV)/run.stamp: $(VENV)/base.stamp pyproject.toml $(PROJECTS:%=%/pyproject.toml)
	$(PIP) --no-build-isolation -e . $(foreach project,$(PROJECTS),-e $(project))
	touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp
	$(PIP) --no-build-isolation -e '.[dev]' -e djsb_core $(foreach plugin,$(PLUGINS),-e '$(plugin)[test]')
	touch $@
