# make demo: see alga at work.  make test: check everything.  What they need: Python 3.11 or newer, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test rules soak completions bench clean

demo: $(VENV)/.runs
	@BIN=$(BIN) sh tests/demo.sh

test: $(VENV)/.tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n auto --dist worksteal

rules: $(VENV)/.tests
	$(BIN)/python tests/rules.py $(RULES)

soak: $(VENV)/.tests
	$(BIN)/python tests/soak.py $(SOAK)

completions: $(VENV)/.runs
	@for shell in bash zsh fish powershell; do \
		$(BIN)/alga completion show $$shell > completions/alga.$$shell || exit 1; \
	done

bench: $(VENV)/.runs
	$(BIN)/python tests/bench.py $(MEASURED)

clean:
	rm -rf $(VENV) .bench .mypy_cache .ruff_cache .hypothesis

$(VENV)/.runs: pyproject.toml | $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.tests: pyproject.toml $(VENV)/.runs
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "alga needs Python 3.11 or newer. Say which: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python's venv is missing. On Debian and Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@
