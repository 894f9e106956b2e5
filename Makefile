# The two commands of the README are `make run` and `make test`. On Windows see docs/install.md.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=

# Bytecode is kept even where the environment says otherwise (container images often do): without it each of
# the hundreds of processes that the tests start would compile all that it imports, for seconds.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test check lint types bench soak lock clean

run: $(VENV)/.installed
	$(BIN)/python app.py $(ARGS)

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: lint types test

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks $(ARGS)

# A server under load for four minutes; a short form of it is among the tests.
soak: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks soak $(ARGS)

# Remakes the complete pins from requirements*.in, for every system at once; needs `pip install uv`.
lock:
	uv pip compile --universal --python-version 3.10 --no-header --annotation-style line requirements.in -o requirements.txt
	uv pip compile --universal --python-version 3.10 --no-header --annotation-style line requirements-dev.in -o requirements-dev.txt

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The stamps are written last, so that a broken installation is tried again. What is imported is compiled
# then; compiling every file of every package would take as long as installing them.
INSTALL = { test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); } && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

$(VENV)/.installed: requirements.txt
	@echo "Installing Timbre's packages into $(VENV); a few minutes the first time."
	@$(INSTALL) -r requirements.txt
	@touch $@

# Both at once: pip would look through all of the first ones again.
$(VENV)/.installed-dev: requirements.txt requirements-dev.txt
	@echo "Installing Timbre's packages and those of its tests into $(VENV); a few minutes the first time."
	@$(INSTALL) -r requirements.txt -r requirements-dev.txt
	@touch $(VENV)/.installed $@
