PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help train test test-fast install lint format bench docs results clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1	\2/' | expand -t 18

# Compiled on all cores, where pip takes one; packages hold some files that no Python of today compiles.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "kmidi_lab needs Python 3.11 or later: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.[dev]'
	$(BIN)/python -m compileall -qq -j 0 -x '/tests?/' $(VENV)/lib || true
	touch $(STAMP)

install: $(STAMP)  ## make .venv with everything in it

train: $(STAMP)  ## train, prove and export HarmonyPredictor on embedded data
	$(BIN)/python -m kmidi_lab model=harmony hardware=auto

# Tests wait for processes that they start or stop, so two cores have work for three. Files in their order: by their number
# of tests, those with one long test would come last and leave a core idle. Each start of Python would compile all of the
# lab and of the tests where nothing compiled may be kept.
TESTS := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

test: $(STAMP)  ## every test
	$(TESTS)

test-fast: $(STAMP)  ## the tests that are not marked slow
	$(TESTS) -m 'not slow'

lint: $(STAMP)  ## ruff, mypy, codespell
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell

format: $(STAMP)  ## let ruff tidy the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)  ## start-up, training step, latency, MIDI and audio beside peers; with DATA_ROOT what is heard, too
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/train_step.py
	$(BIN)/python benchmarks/latency.py
	$(BIN)/python benchmarks/midi.py
	$(BIN)/python benchmarks/audio.py
	test -z "$$DATA_ROOT" || $(BIN)/python benchmarks/audio_groove.py
	test -z "$$DATA_ROOT" || $(BIN)/python benchmarks/melody_extraction.py

docs: $(STAMP)  ## generate docs/CONTRACTS.md from the contracts
	$(BIN)/python -m kmidi_lab.report.contracts_doc

results: $(STAMP)  ## generate docs/RESULTS.md and the README's table from docs/results/*.json
	$(BIN)/python -m kmidi_lab.report.results docs/results/*.json

clean:  ## remove caches and build products; keeps outputs/ and .venv
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
