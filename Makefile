# The commands of development. `make` alone lists them.

# Variables meant for another Python would affect every Python here.
unexport PYTHONHOME PYTHONPATH PYTHONSAFEPATH PIP_USER PIP_TARGET PIP_PREFIX
# Without it, each test process and each process that a test starts would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE
# File names, input and output are UTF-8, independent of the locale.
export PYTHONUTF8 := 1
# The first Python that runs; bootstrap.py then searches for one that is new enough.
ANY_PYTHON := $(shell unset PYTHONHOME PYTHONPATH; for python in python3.13 python3 python /usr/bin/python3; do \
	"$$python" -c "" 2>/dev/null && echo "$$python" && break; done)
BIN := .venv/bin
PORT ?= 8000
RESET ?=
UPGRADE ?=
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.13 \
	--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) pyproject.toml
.DEFAULT_GOAL := help
.PHONY: help setup packages demo test thorough quick check fix lock words screenshots bench books coverage

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|'

setup: ## create .venv and install all dependencies (the other commands do it too)
	@test -n "$(ANY_PYTHON)" || { sed -n '/^NO_PYTHON/,/"""$$/s/^NO_PYTHON = "*\|"*$$//gp' scripts/bootstrap.py; exit 1; }
	@$(ANY_PYTHON) scripts/bootstrap.py

packages: ## install Chromium, databases and mail servers with apt if they are missing
	@$(ANY_PYTHON) scripts/system_packages.py

demo: setup ## run the whole product with sample data (PORT=8000, RESET=1 starts over)
	@$(BIN)/portico demo --port $(PORT) $(if $(RESET),--reset)

test: setup packages ## run all tests, on SQLite and PostgreSQL and in Chromium
	@$(BIN)/pytest --database=both

thorough: setup packages ## run every test on both databases (before a release)
	@$(BIN)/pytest --database=both --whole

quick: setup ## run the tests that take under two minutes: SQLite, no browser
	@$(BIN)/pytest --database=sqlite -n 2 -m "not browser and not slow and not real_processes"

books: setup ## compare the ledger with the sandbox Stripe in 200 random simulations (about five minutes)
	@$(BIN)/pytest --database=sqlite -n auto --runs=200 tests/domain/billing/ledger/test_random_ledger.py \
		tests/domain/billing/card_payments/test_random_card_payments.py

coverage: setup ## run the quick tests and list lines and branches that are not covered
	@$(BIN)/pytest --database=sqlite -n 2 -m "not browser and not real_processes" --cov

check: setup ## check format, lint, types, templates, import contracts, migrations, translations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m scripts.templates
	$(BIN)/python -m scripts.deployment_checks
	$(BIN)/python -m scripts.words check

fix: setup ## fix formatting and what the linter can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: setup ## lock dependency versions from pyproject.toml (UPGRADE=1: the newest)
	$(LOCK) --output-file requirements/base.txt
	$(LOCK) --extra dev --constraint requirements/base.txt --output-file requirements/dev.txt

words: setup ## update the Spanish catalog from the code
	$(BIN)/python -m scripts.words update

screenshots: setup packages ## take a screenshot of every page
	$(BIN)/python -m scripts.screenshots

bench: setup ## measure performance and write docs/performance.md (about 35 minutes)
	$(BIN)/python -m benchmarks --write docs/performance.md
