# make run     serve a sample shop on SQLite, in ./myshop (another one, in Chinese: SHOP=myshop-zh-CN LOCALE=zh-CN)
# make test    every test, on real servers from packages
# make check   style, types, and who may import whom
# make bench   what a message costs, against a bare server and others (a quarter of an hour: BENCH="--quick")
# make bench-understanding how well and how fast messages are understood (DATA=folder of public intent data)
# make learned learn the starter sentences anew, after one of them has changed
# make fuzz    what strangers and sellers write, guided by the branches it takes (SECONDS=30 for each target)
# make faults  programs, databases, receivers and clocks broken on purpose (FAULTS="--runs 20 --only killed")
# make mutants which broken lines the fast tests of a place let pass (PLACE=bot/domain/arbiter.py)
# make outside what buyers hear of random shops, judged without knowing the code (RUNS=300 SEED=0)
# make defects defects that once were, put back one by one: in how many runs does make outside name each
# make growth  what it costs on small and on large databases (GROWTH="--most 10000000")
# make bench-buyers segments and nightly tiers of a million buyers (BUYERS="--buyers 100000 --on sqlite")
# make haggles a million random haggles: the floor is kept, nothing rises and falls, each ends (SEED=0)
# make lock    write the lock files anew from pyproject.toml

PYTHON ?= python3
VENV ?= .venv
SHOP ?= myshop
LOCALE ?=
WORKERS ?= 3
SECONDS ?= 30
PLACE ?= bot/domain/arbiter.py
RUNS ?= 300
SEED ?= 0
BENCH ?=
DATA ?= intents

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check
APART := $(VENV)-bench
PIP_APART := $(APART)/bin/python -m pip install -q --disable-pip-version-check
UV_LOCK_ALONE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header
UV_LOCK := $(UV_LOCK_ALONE) pyproject.toml

# LOCALE only counts for a shop that is made; one that is there keeps its own language.
OTHER_SHOP := make run SHOP=$(SHOP)-$(LOCALE) LOCALE=$(LOCALE)
define SAY_IF_OTHER_LANGUAGE
locale=$$(sed -n 's/^ *locale: *\([A-Za-z-]*\).*/\1/p' $(SHOP)/config.yaml | head -n 1); \
case "$$locale" in $(LOCALE)*) ;; *) \
	case "$(LOCALE)" in \
		zh-TW*) echo "$(SHOP) 已經存在，語言是 $$locale，照原樣執行。要另開一家 $(LOCALE) 的店：$(OTHER_SHOP)" ;; \
		zh*) echo "$(SHOP) 已经存在，语言是 $$locale，照原样运行。要另开一家 $(LOCALE) 的店：$(OTHER_SHOP)" ;; \
	esac; \
	echo "$(SHOP) exists already, in $$locale, and is served as it is. For a shop in $(LOCALE): $(OTHER_SHOP)" ;; \
esac
endef

.PHONY: run test check bench bench-understanding bench-buyers learned fuzz faults mutants outside defects growth haggles lock schema clean
.DELETE_ON_ERROR:

# The last line of init says to serve, which is what follows.
run: $(VENV)/.installed
	@if test ! -e $(SHOP)/config.yaml; then $(BIN)/xiaoer init $(SHOP) $(if $(LOCALE),--locale $(LOCALE)) | sed '$$d'; \
		$(if $(LOCALE),else $(SAY_IF_OTHER_LANGUAGE);) fi
	@cd $(SHOP) && exec $(abspath $(BIN))/xiaoer serve

# pytest rewrites what it imports; where that is not kept, each worker does it anew at each start.
test: $(VENV)/.developed
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n $(WORKERS) $(TESTS)

check: $(VENV)/.developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(APART)/.installed
	$(APART)/bin/python -m bench $(BENCH)

bench-understanding: $(VENV)/.developed
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.understanding $(DATA)

bench-buyers: $(VENV)/.developed
	$(BIN)/python -m bench.buyers $(BUYERS)

learned: $(VENV)/.developed
	rm -rf bot/understanding/learned
	$(BIN)/python -c "from bot.understanding import learning as l; l.learn(l.SHIPPED, with_vectors=False)"

fuzz: $(VENV)/.developed
	$(BIN)/python -m tests.fuzz --runs 100000000 --seconds $(SECONDS)

faults: $(VENV)/.developed
	$(BIN)/python -m bench.faults $(FAULTS)

mutants: $(VENV)/.developed
	$(BIN)/python -P tests/mutants.py $(PLACE)

outside: $(VENV)/.developed
	$(BIN)/python -m tests.outside --runs $(RUNS) --seed $(SEED) $(OUTSIDE)

defects: $(VENV)/.developed
	$(BIN)/python -m tests.outside.defects --seed $(SEED)

growth: $(VENV)/.developed
	$(BIN)/python -m bench.growth $(GROWTH)

haggles: $(VENV)/.developed
	HAGGLES=1000000 HAGGLES_SEED=$(SEED) $(BIN)/pytest -n 0 -q tests/domain/test_bargain.py

lock: $(VENV)/.developed
	$(PIP) uv
	$(UV_LOCK) -o requirements.lock
	$(UV_LOCK) --group dev --extra understanding -o requirements-dev.lock  # what a shop may add is tried, too
	$(UV_LOCK_ALONE) --group build -c requirements-dev.lock -o requirements-build.lock
	cp requirements.lock requirements-bench.lock  # of both what we ship, wherever the others allow it
	$(UV_LOCK) --group bench -o requirements-bench.lock

schema: $(VENV)/.installed
	$(BIN)/xiaoer schema > docs/config.schema.json

clean:
	rm -rf $(VENV) $(APART) build dist mutants .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Xiaoer needs Python 3.11 or newer; name it: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "$(PYTHON) makes no environments here; on Debian and Ubuntu: apt install python3-venv"; exit 1; }

$(VENV)/.installed: $(BIN)/python requirements.lock requirements-build.lock pyproject.toml
	@echo "Installing what Xiaoer stands on ..."
	@$(PIP) --require-hashes -r requirements-build.lock
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.developed: $(VENV)/.installed requirements-dev.lock
	@echo "Installing what its tests need ..."
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

# Where one of the others cannot be installed, Xiaoer is measured all the same.
$(APART)/.installed: requirements-bench.lock requirements-dev.lock pyproject.toml
	@$(MAKE) --no-print-directory VENV=$(APART) $(APART)/bin/python
	@echo "Installing what Xiaoer is measured against ..."
	@$(PIP_APART) --require-hashes -r requirements-build.lock
	@$(PIP_APART) --require-hashes -r requirements-bench.lock || { \
		echo "NOT ALL OTHERS CAN BE INSTALLED HERE: measuring Xiaoer alone"; \
		$(PIP_APART) --require-hashes -r requirements-dev.lock; }
	@$(PIP_APART) --no-deps --no-build-isolation -e .
	@touch $@
