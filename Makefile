# The commands of the house. A target with `##` behind it is shown by `make help`.
# Stamps in .venv/stamps remember what was installed or built, so that the second run does only what changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
PIP := $(BIN)/pip --disable-pip-version-check --require-virtualenv

RUST := Cargo.toml Cargo.lock proxy/core/Cargo.toml $(shell find proxy/core/src -name '*.rs')
PACKAGES := articdbm config protocols plugins proxy manager
CODE := $(PACKAGES) $(wildcard tests benchmarks) checks
# One more than there are cores: many tests wait for something.
PYTEST_ARGS ?= -n $(shell expr $$(nproc) + 1) --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help up test test-rust test-python guard soak bench lint format build core-dev lock clean servers force
.DELETE_ON_ERROR:
# One build at a time: cargo uses every core by itself.
.NOTPARALLEL:

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: $(STAMPS)/run $(STAMPS)/core ## everything needed, then a small bank to try things on, in ./data (UP_ARGS="--port-base 7000")
	$(BIN)/articdbm up $(UP_ARGS)

test: servers test-rust test-python guard ## everything needed, the real servers too, then every test

test-rust: $(STAMPS)/check ## the core's own tests (no Python in them)
	cargo test --locked --quiet

test-python: $(STAMPS)/dev $(STAMPS)/core servers ## the Python tests, on real servers (PYTEST_ARGS=… to choose)
	$(BIN)/pytest $(PYTEST_ARGS)

guard: $(STAMPS)/dev $(STAMPS)/core servers ## some seconds of benchmark: fails where a statement is grossly dearer than published
	$(BIN)/python -m benchmarks.guard

soak: $(STAMPS)/dev $(STAMPS)/core servers ## faults, load, random sessions and properties for long (about an hour): no wrong row, nothing left behind
	PROPTEST_CASES=$${PROPTEST_CASES:-50000} STORMS=$${STORMS:-300} cargo test --locked --quiet
	ARTICDBM_SOAK_STATEMENTS=$${ARTICDBM_SOAK_STATEMENTS:-1000000} ARTICDBM_FUZZ=$${ARTICDBM_FUZZ:-5000} \
		$(BIN)/pytest -m soak --timeout 0

bench: $(STAMPS)/dev $(STAMPS)/core servers ## the benchmark against its peers, side by side (BENCH_ARGS=…)
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

lint: $(STAMPS)/dev $(STAMPS)/core ## formatting, lint, types, imports, the core's stub, the documents
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy $(CODE)
	$(BIN)/python -m checks.native
	$(BIN)/python -m checks.dependencies
	$(BIN)/python -m checks.stub
	$(BIN)/python -m checks.support
	$(BIN)/python -m checks.pains
	$(BIN)/python -m checks.addresses
	cargo fmt --all --check
	cargo clippy --locked --quiet --all-targets -- -D warnings
	cargo clippy --locked --quiet --all-targets --features python -- -D warnings

format: $(STAMPS)/dev ## put every file in the house's format, and fix what lint can fix
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)
	cargo fmt --all

build: $(STAMPS)/dev ## the wheel, in dist/
	$(BIN)/maturin build --release --locked --strip --interpreter $(CURDIR)/$(BIN)/python3 --out dist

core-dev: $(STAMPS)/run $(STAMPS)/build ## the core without optimisation, for trying things (the next make builds it properly)
	rm -f $(STAMPS)/core
	$(call install-core,dev)

lock: $(STAMPS)/dev ## write requirements/*.txt anew from pyproject.toml (UPGRADE=1 for newer versions)
	deploy/dev/lock.sh

clean: ## remove what was built or installed here (not ./data)
	rm -rf $(VENV) target dist proxy/_core*.so .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(wildcard $(CODE)) -name __pycache__ -type d -prune -exec rm -rf {} +

servers: $(STAMPS)/check
	@deploy/dev/install.sh

# --- what the above stand on ---

# The check is quick and its answer depends on the machine, so it runs each time; the stamp moves only with the script.
$(STAMPS)/check: force
	@PYTHON=$(PYTHON) deploy/dev/check.sh
	@[ -x $(BIN)/python ] && $(BIN)/python -c '' 2>/dev/null || { rm -rf $(VENV); $(PYTHON) -m venv $(VENV); }
	@mkdir -p $(STAMPS)
	@[ $@ -nt deploy/dev/check.sh ] || touch $@

$(STAMPS)/build: $(STAMPS)/check requirements/build.txt
	@echo "installing what builds the core into $(VENV)"
	@$(PIP) install --quiet --require-hashes --requirement requirements/build.txt
	@touch $@

$(STAMPS)/run: $(STAMPS)/check requirements/run.txt
	@echo "installing what the proxy runs on into $(VENV)"
	@$(PIP) install --quiet --require-hashes --requirement requirements/run.txt
	@touch $@

$(STAMPS)/dev: $(STAMPS)/run requirements/dev.txt
	@deploy/dev/install.sh libldap-dev libsasl2-dev
	@echo "installing what the tests need into $(VENV)"
	@$(PIP) install --quiet --require-hashes --requirement requirements/dev.txt
	@touch $@

# The Python packages are used where they lie (editable); only the core is built. A proxy that runs keeps its own
# copy of the library: the file is replaced, never overwritten in place.
define install-core
	@echo "building the core ($(1)); the first time takes a minute or two"
	@if [ -e proxy/_core.abi3.so ]; then cp proxy/_core.abi3.so proxy/_core.old.so && mv proxy/_core.old.so proxy/_core.abi3.so; fi
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP) install --quiet --no-deps --no-index --no-build-isolation \
		--config-settings=build-args=--profile=$(1) --editable .
endef

$(STAMPS)/core: $(STAMPS)/run $(STAMPS)/build pyproject.toml $(RUST) $(if $(wildcard proxy/_core.abi3.so),,force)
	$(call install-core,release)
	@touch $@
