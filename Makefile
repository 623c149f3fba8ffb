# `make run` and `make test` need Python 3.11 or later and make, nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UNIT := $(BIN)/pytest -m "not server" -n 2 --dist worksteal -p no:benchmark -p no:anyio
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: run test unit zones lint audit reliability bench bench-peers lock clean

run: $(VENV)/.installed
	@$(BIN)/tailguard quickstart

# A vulnerability becomes known without a change of the code: here it is said, and `make audit` fails.
test: lint zones
	-@$(BIN)/python .ci/audit
	$(BIN)/pytest -m server -n 2 --dist loadfile --no-loadscope-reorder

unit: $(VENV)/.installed
	$(UNIT)

# The unit tests east and west of New York, a day ahead of it and three hours behind. CI's own clock is UTC.
zones: $(VENV)/.installed
	TZ=Asia/Tokyo $(UNIT)
	TZ=America/Los_Angeles $(UNIT)

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Whether a pinned dependency has a known vulnerability; skipped, and said so, where OSV does not answer.
audit: $(VENV)/.installed
	@$(BIN)/python .ci/audit

# What docs/reliability.md tells of, in its long form, and the page with it.
reliability: $(VENV)/.installed
	TAILGUARD_TEST_WRITE_DOCS=1 $(BIN)/pytest -n 2 --dist loadfile \
		tests/flows/test_long_run.py tests/flows/test_crashes.py tests/flows/test_reliability.py

bench: $(VENV)/.installed
	$(BIN)/pytest benchmarks --benchmark-columns=min,median,iqr,rounds

# VEQTOR in other engines beside ours, and their section of docs/benchmarks.md. They have an environment of their own.
bench-peers: $(VENV)/.installed $(VENV)/peers/.installed
	$(BIN)/python -m benchmarks.peers

lock: $(VENV)/.installed
	$(PIP) uv
	$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-header \
		--extra postgresql --extra parquet --extra dask --group dev --python-version 3.11 --upgrade \
		--output-file requirements.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(None if sys.version_info >= (3, 11) else 'tailguard needs Python 3.11 or later')"
	@echo "Installing into $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes --no-deps -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/peers/.installed: benchmarks/peers/requirements.txt
	@echo "Installing other engines into $(VENV)/peers ..."
	@$(PYTHON) -m venv $(VENV)/peers
	@$(VENV)/peers/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@
