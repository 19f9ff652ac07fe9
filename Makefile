# make course   set everything up and run the course without a browser; ends with the loss at each stage
# make lab      open the course in JupyterLab, in a working copy of your own
# make test     set everything up and run every test; make test-long runs the slow ones
# make down     remove what was made in Docker; make clean removes .venv and the clone's own caches

PYTHON ?= python3
BIN := .venv/bin
PIP = $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check --no-compile --log work/logs/pip.log \
  $$([ -t 1 ] || echo --progress-bar=off)

# compiled modules are kept at their first import: quicker than compiling all of them while installing
unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONPATH
unexport PYTHONHOME
unexport VIRTUAL_ENV

.PHONY: course test test-long lab up down clean lint notebooks venv venv-test
.NOTPARALLEL:

course: venv
	@$(BIN)/python -m aicontainer run

test: venv-test
	@$(BIN)/python tools/test.py

test-long: venv-test
	@$(BIN)/python tools/test.py --long

lab: venv
	@$(BIN)/python -m aicontainer lab

up: venv
	@$(BIN)/python -m aicontainer up

down: venv
	@$(BIN)/python -m aicontainer down

lint: venv-test
	$(BIN)/ruff check aicontainer tests tools benchmarks
	$(BIN)/ruff format --check aicontainer tests tools benchmarks
	$(BIN)/mypy
	$(BIN)/mypy --strict tools/notebooks.py tools/test.py
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/notebooks.py check

notebooks: venv-test
	$(BIN)/python tools/notebooks.py generate
	$(BIN)/python tools/notebooks.py execute
	$(BIN)/python tools/notebooks.py check

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find aicontainer tests tools notebooks -name __pycache__ -prune -exec rm -rf {} +

# A stamp is made only when everything is installed, and made anew when the list of dependencies changes. It holds the
# clone's place: the programs in .venv name it, so that in a clone that was moved the environment is made anew.
STAMP := $(shell cat .venv/.course 2>/dev/null)
ifneq ($(STAMP),)
ifneq ($(STAMP),$(CURDIR))
$(shell rm -rf .venv)
endif
endif

venv: .venv/.course
venv-test: .venv/.test

.venv/.course: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "the course needs Python 3.11 or newer; seen: $$($(PYTHON) --version 2>&1)"; \
	  echo "next: install a newer one, then for instance: make course PYTHON=python3.13"; exit 3; } >&2
	@echo "making the Python environment in .venv: about a minute, 500 MB"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv || { \
	  echo "next: install Python's venv (Debian, Ubuntu: apt-get install python3-venv)"; exit 3; } >&2
	@mkdir -p work/logs
	@$(PIP) --editable . || { echo "next: read work/logs/pip.log, then run the same command again" >&2; exit 3; }
	@printf %s '$(CURDIR)' > $@

.venv/.test: .venv/.course
	@echo "adding the tools for tests to .venv"
	@$(PIP) --editable '.[test]' || { echo "next: read work/logs/pip.log, then run the same command again" >&2; exit 3; }
	@touch $@
