# make run     serve a sample shop on SQLite, in ./myshop (LOCALE=zh-CN: in Chinese)
# make test    every test, on real servers from packages
# make check   style, types, and who may import whom
# make bench   intake, journeys and draining, measured against a bare server and others (BENCH="--only ours")
# make fuzz    what strangers and sellers write, guided by the branches it takes (SECONDS=30 for each target)
# make faults  programs, databases, receivers and clocks broken on purpose (FAULTS="--runs 20 --only killed")
# make outside what buyers hear of random shops, judged without knowing the code (RUNS=300 SEED=0)
# make growth  what it costs on small and on large databases (GROWTH="--most 10000000")
# make lock    write the lock files anew from pyproject.toml

PYTHON ?= python3
VENV ?= .venv
SHOP ?= myshop
LOCALE ?=
WORKERS ?= 2
SECONDS ?= 30
RUNS ?= 300
SEED ?= 0
BENCH ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check
APART := $(VENV)-bench
PIP_APART := $(APART)/bin/python -m pip install -q --disable-pip-version-check
UV_LOCK := $(BIN)/uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header

.PHONY: run test check bench fuzz faults outside growth lock schema clean
.DELETE_ON_ERROR:

run: $(VENV)/.installed
	@test -e $(SHOP)/config.yaml || $(BIN)/xiaoer init $(SHOP) $(if $(LOCALE),--locale $(LOCALE))
	@cd $(SHOP) && exec $(abspath $(BIN))/xiaoer serve

test: $(VENV)/.developed
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup $(TESTS)

check: $(VENV)/.developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(APART)/.installed
	$(APART)/bin/python -m bench $(BENCH)

fuzz: $(VENV)/.developed
	$(BIN)/python -m tests.fuzz --runs 100000000 --seconds $(SECONDS)

faults: $(VENV)/.developed
	$(BIN)/python -m bench.faults $(FAULTS)

outside: $(VENV)/.developed
	$(BIN)/python -m tests.outside --runs $(RUNS) --seed $(SEED) $(OUTSIDE)

growth: $(VENV)/.developed
	$(BIN)/python -m bench.growth $(GROWTH)

lock: $(VENV)/.developed
	$(PIP) uv
	$(UV_LOCK) -o requirements.lock
	$(UV_LOCK) --group dev -o requirements-dev.lock
	cp requirements.lock requirements-bench.lock  # of both what we ship, wherever the others allow it
	$(UV_LOCK) --group bench -o requirements-bench.lock

schema: $(VENV)/.installed
	$(BIN)/xiaoer schema > docs/config.schema.json

clean:
	rm -rf $(VENV) $(APART) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Xiaoer needs Python 3.11 or newer; name it: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "$(PYTHON) makes no environments here; on Debian and Ubuntu: apt install python3-venv"; exit 1; }

$(VENV)/.installed: $(BIN)/python requirements.lock pyproject.toml
	@echo "Installing what Xiaoer stands on ..."
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps -e .
	@touch $@

$(VENV)/.developed: $(VENV)/.installed requirements-dev.lock
	@echo "Installing what its tests need ..."
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

# Where one of the others cannot be installed, Xiaoer is measured all the same.
$(APART)/.installed: requirements-bench.lock requirements-dev.lock pyproject.toml
	@$(MAKE) --no-print-directory VENV=$(APART) $(APART)/bin/python
	@echo "Installing what Xiaoer is measured against ..."
	@$(PIP_APART) --require-hashes -r requirements-bench.lock || { \
		echo "NOT ALL OTHERS CAN BE INSTALLED HERE: measuring Xiaoer alone"; \
		$(PIP_APART) --require-hashes -r requirements-dev.lock; }
	@$(PIP_APART) --no-deps -e .
	@touch $@
