# `make` alone lists what there is.
# PYTHON=... names the Python to use; else it is python3 if that is in range, else the newest that is found.
PYTHON ?=
RANGE := 3.14|3.13|3.12|3.11
PYTHONS := $(or $(PYTHON),python3 $(addprefix python,$(subst |, ,$(RANGE))))
# Runs the interpreter, because a name on the PATH may be a pyenv shim without a Python.
PRINT_VERSION := -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
# One more than there are cores: the crash, process and browser tests mostly wait.
WORKERS ?= 3
BIN := .venv/bin
UV := uv==0.13.8
BASE := .venv/.base
DEV := .venv/.dev
PEERS := .venv-bench/.installed
PEER_BIN := .venv-bench/bin
DOCS := .venv-docs/.installed
DOCS_BIN := .venv-docs/bin
NODE := node_modules/.installed
CSS := build/static/desk.css
CSS_SOURCES := $(shell find static templates tradedesk/templatetags -type f \( -name '*.css' -o -name '*.js' -o -name '*.html' -o -name '*.py' \))
# Empty: Python keeps what it has compiled, whatever the environment says. Without it each process of the tests and of
# the desk compiles all that it imports, which takes as long again as its start.
export PYTHONDONTWRITEBYTECODE :=
# The settings of production, so that the checks are strict.
STRICT := DJANGO_SETTINGS_MODULE=tradedesk.settings.base DESK_DATA_DIR=build/check DEBUG=0 HTTPS=1 DATABASE_URL= REDIS_URL= \
	SECRET_KEY=only-for-this-check-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ

# Return the memory of large arrays to the system after use. By default glibc keeps it and uses several heaps.
MALLOC_SETTINGS := MALLOC_MMAP_THRESHOLD_=1000000 MALLOC_ARENA_MAX=2

# $(1): the lock to install, and more options.
INSTALL = if [ -x $(BIN)/uv ]; then $(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r $(1); \
	else $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(1); fi
LOCK = UV_CUSTOM_COMPILE_COMMAND='Written by `make lock`; do not edit.' \
	$(BIN)/uv pip compile -q --universal --no-emit-index-url --generate-hashes --python-version 3.11 $(UPGRADE)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help desk start stop status backup test test-fast test-thorough simulate lint types kernels format migrations lock css chromium docs screenshots bench bench-desk bench-live bench-pages bench-sweep clean environment

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

desk: $(BASE) $(CSS) ## run the desk on http://127.0.0.1:8000 (PORT, DESK_DATA_DIR)
	@exec env $(MALLOC_SETTINGS) $(BIN)/python manage.py desk

start: $(BASE) $(CSS) ## run the desk in the background and print how to log in (PORT, DESK_DATA_DIR)
	@env $(MALLOC_SETTINGS) $(BIN)/python manage.py desk --background

stop: $(BASE) ## stop the desk that runs on the data folder
	@$(BIN)/python manage.py desk-stop

status: $(BASE) ## whether a desk runs on the data folder, and how it is
	@$(BIN)/python manage.py desk-status

backup: $(BASE) ## back up the database, the bars, research and plugins, while the desk runs (TO=folder)
	@$(BIN)/python manage.py backup $(if $(TO),--to "$(TO)")

test: lint types kernels chromium ## all checks and all tests; brings its own PostgreSQL, Redis and Chromium
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-fast: lint types kernels ## the same without the browser, crash and process tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not browser and not crash and not processes"

test-thorough: lint types kernels chromium ## the same as `test`, with every combination of the tests' parameters
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --thorough

simulate: $(DEV) ## run the desk in a simulated market with hostile brokers (SEED=n, or SEEDS=n; DAYS=n)
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(DAYS),--days $(DAYS))

lint: $(DEV) $(CSS) ## style, layers, templates, migrations, deployment settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/djlint --check templates
	$(BIN)/djlint --lint templates
	$(STRICT) $(BIN)/python manage.py makemigrations --check --dry-run
	$(STRICT) $(BIN)/python manage.py check --deploy --fail-level WARNING

types: $(DEV) ## mypy --strict
	$(BIN)/mypy

kernels: $(DEV) ## compile the backtest kernels, unless they are on disk
	@$(STRICT) $(BIN)/python manage.py compile_kernels

format: $(DEV) ## format code and templates
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	-$(BIN)/djlint --quiet --reformat templates

migrations: $(DEV) ## write the migrations of changed models and trading rules
	$(STRICT) $(BIN)/python manage.py makemigrations

lock: $(DEV) ## write requirements/*.txt from *.in (UPGRADE=--upgrade for newer versions)
	$(LOCK) requirements/base.in -o requirements/base.txt
	$(LOCK) requirements/dev.in -o requirements/dev.txt
	$(LOCK) requirements/specifications.in --no-deps -o requirements/specifications.txt
	$(LOCK) requirements/bench.in -o requirements/bench.txt
	$(LOCK) requirements/docs.in -o requirements/docs.txt

css: $(CSS) ## build the style sheet and the charts

chromium: $(DEV) ## find a Chromium for the browser tests, or install one
	@$(BIN)/python -m tests.chromium

docs: $(DOCS) ## build the documentation site into build/docs
	@NO_MKDOCS_2_WARNING=1 $(DOCS_BIN)/mkdocs build --quiet --strict
	@echo "Open build/docs/index.html."

screenshots: chromium kernels $(CSS) ## start a desk, let it trade, and take the pictures in docs/images (TO=folder: of every page)
	@$(BIN)/python -m tests.flows.screenshots $(TO)

bench: $(PEERS) $(CSS) ## measure speed and memory, and compare the engine with others (about 17 minutes)
	@OMP_NUM_THREADS=1 $(PEER_BIN)/python -m bench.ratios
	@$(PEER_BIN)/python -m bench.backtest
	@$(PEER_BIN)/python -m bench.fresh
	@$(PEER_BIN)/python -m bench.evidence
	@$(BIN)/python -m bench.optimizer
	@$(BIN)/python -m bench.bars
	@$(BIN)/python -m bench.ticks
	@$(BIN)/python -m bench.pages
	@$(MALLOC_SETTINGS) $(BIN)/python -m bench.desk_memory
	@$(MALLOC_SETTINGS) $(BIN)/python -m bench.search_memory

bench-desk: $(DEV) $(CSS) kernels ## what the embedded desk costs in CPU and memory (about 3 minutes)
	@$(MALLOC_SETTINGS) $(BIN)/python -m bench.embedded

bench-live: $(DEV) kernels ## measure the live checks of 10,000 strategies with two workers (STRATEGIES, USERS)
	@$(BIN)/python -m bench.live $(or $(STRATEGIES),10000) $(USERS)

bench-sweep: $(DEV) kernels ## ten million combinations through Celery and two workers (about 15 minutes; RUNS)
	@$(BIN)/python -m bench.sweep $(RUNS)

bench-pages: $(DEV) $(CSS) ## measure the pages of a large desk on PostgreSQL and SQLite (about 20 minutes; PAGES_DIVISOR)
	@$(BIN)/python -m bench.pages_at_size $(PAGES_DIVISOR)

clean: ## delete what make builds and installs; the data folder stays
	rm -rf .venv .venv-bench .venv-docs node_modules build staticfiles .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- Prerequisites of the targets: each is built once, and again when the file it is made from changes ---

environment:
	@if [ -e .venv ] || [ -L .venv ]; then \
		have=$$($(BIN)/python $(PRINT_VERSION)); \
		case $$have in $(RANGE)) ;; *) \
			echo "The Python in .venv does not run or is not 3.11 to 3.14: run \`make clean\`, then run this command again."; exit 1;; \
		esac; \
		[ -z "$(PYTHON)" ] || [ "$$($(PYTHON) $(PRINT_VERSION))" = "$$have" ] || { \
			echo ".venv has Python $$have and $(PYTHON) is another: run \`make clean\`, then run this command again."; exit 1; }; \
	else \
		for python in $(PYTHONS); do \
			version=$$($$python $(PRINT_VERSION)); \
			case $$version in $(RANGE)) break;; *) version=;; esac; \
		done; \
		[ -n "$$version" ] || { \
			echo "No Python from 3.11 to 3.14 was found$(if $(PYTHON), as $(PYTHON)): install one (Debian 12, Ubuntu 24.04 or newer: apt-get install python3 python3-venv)."; exit 1; }; \
		$$python -c 'import ensurepip, venv' 2>/dev/null && $$python -m venv .venv || { rm -rf .venv; \
			echo "$$python cannot make an environment: install its venv module (Debian, Ubuntu: apt-get install python$$version-venv)."; exit 1; }; \
		$(BIN)/python -m pip install -q --disable-pip-version-check $(UV) || echo "uv could not be installed; using pip, which is slower."; \
	fi

$(BASE): requirements/base.txt | environment
	@echo "Installing what the desk needs ..."
	@$(call INSTALL,$<)
	@touch $@

$(DEV): requirements/dev.txt requirements/specifications.txt | environment
	@echo "Installing what the desk and its tests need ..."
	@$(call INSTALL,$<)
	@$(call INSTALL,requirements/specifications.txt --no-deps)
	@touch $@

# vectorbt is for the comparison alone; what is locked keeps its version.
$(PEERS): requirements/bench.txt | $(DEV)
	@echo "Installing what the benchmark compares with ..."
	@$(BIN)/python -m venv --clear .venv-bench
	@$(BIN)/uv pip install -q --python $(PEER_BIN)/python --require-hashes -r $<
	@touch $@

# mkdocs is for the site alone; no test and no desk needs it.
$(DOCS): requirements/docs.txt | environment
	@echo "Installing what the documentation is built with ..."
	@$(BIN)/python -m venv --clear .venv-docs
	@$(DOCS_BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(NODE): package-lock.json
	@command -v npm >/dev/null || { \
		echo "npm is missing: install it with Node.js 20 or newer (Debian 13, Ubuntu 25.04 or newer: apt-get install nodejs npm; else https://nodejs.org)."; exit 1; }
	@node -e 'process.exit(Number(parseInt(process.versions.node) < 20))' 2>/dev/null || { \
		echo "Node.js $$(node --version 2>/dev/null) is older than 20: install a newer one (Debian 13, Ubuntu 25.04 or newer: apt-get install nodejs npm; else https://nodejs.org)."; exit 1; }
	@echo "Installing what the style sheet is built with ..."
	@npm ci --silent
	@touch $@

$(CSS): $(NODE) package.json $(CSS_SOURCES)
	@echo "Building the style sheet and the charts ..."
	@npm run --silent build
	@touch $@
