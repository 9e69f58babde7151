# Every command here works on a machine with nothing but Python 3.11+, git and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Two at a time, a file's tests one after the other: most of what they do is wait.
PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup demo examples test test-fast lint format pins clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 22

setup: $(VENV)/.ready  ## make .venv with the CLI in it (.venv/bin/mldeploy)

# uv comes from the package index as a wheel, into the environment itself: no download script.
$(VENV)/.ready: pyproject.toml requirements/dev.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes --no-deps -r requirements/uv.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## new project, training, a running service and one real prediction, in demo/
	$(BIN)/python scripts/demo.py

examples: setup  ## bring the examples' files up to date with the template (trains nothing)
	$(BIN)/python examples/make.py commits --files-only
	$(BIN)/python examples/make.py csv --files-only

test-fast: setup  ## the tests that need no environment of their own (under a minute)
	$(PYTEST) -q -m "not slow"

test: setup  ## everything this machine can run; what is skipped says why
	$(PYTEST)

lint: setup  ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: setup  ## let ruff mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

pins: setup  ## look up newer versions and write requirements/*.txt again
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate --upgrade \
		--group dev --output-file requirements/dev.txt pyproject.toml requirements/build.in
	grep -A 99 '^uv==' requirements/dev.txt | awk 'NR==1 || /^ /{print; next} {exit}' > requirements/uv.txt
	cp requirements/uv.txt src/mldeploy/images/uv.txt

clean:  ## remove what make made
	rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache
