# The words people type. `make` alone explains them. Needs make and Python 3.11 or newer with venv; the rest
# is installed into .venv from the pinned and hashed locks.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PO := $(wildcard sintalk/translations/*/LC_MESSAGES/messages.po)
MO := $(PO:.po=.mo)

# uv installs in seconds; pip, which knows the machine's own settings, is there for where uv cannot reach a registry.
UV := UV_SYSTEM_CERTS=1 UV_NO_PROGRESS=1 UV_LINK_MODE=copy $(BIN)/uv
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
install_lock = $(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r $(1) \
	|| $(BIN)/python -m pip install --quiet --require-hashes -r $(1)

.DEFAULT_GOAL := help
.PHONY: help run install test check check-rbm lint bench chaos lock clean install-dev chromium

help:
	@echo 'make run     install what is missing and start everything, with play money: http://127.0.0.1:8000'
	@echo 'make test    lint, types and all tests, with the real servers and a browser'
	@echo 'make check   the quick part of it, for every save'
	@echo 'make lint    style and types only'
	@echo 'make bench   benchmarks'
	@echo 'make chaos   1,000 deaths, and other faults, while companies send (KILLS, SEED, SECONDS, ROWS, AWAY_S, LAUNCHES, EXAMPLES)'
	@echo 'make check-rbm SCHEMA=path   RCS payloads against Google'"'"'s published types'
	@echo 'make lock    write requirements*.lock, after a change in pyproject.toml'
	@echo 'make clean   remove what was installed and built; the data in var/ stays'

run: install
	@export SINTALK_DEMO=$${SINTALK_DEMO:-1} && exec $(BIN)/python -m sintalk up --with-parent

install: $(VENV)/.installed $(MO)

install-dev: install $(VENV)/.installed-dev

SIDE_BY_SIDE := $(BIN)/python -m pytest -q -n auto --dist loadfile

# What has the machine to itself in production (the whole product, a browser) has it in the tests too.
test: lint chromium
	$(SIDE_BY_SIDE) -m 'not browser and not live and not chaos'
	$(BIN)/python -m pytest -m 'browser or live or chaos'

check: lint
	$(SIDE_BY_SIDE) -m 'not browser and not live and not chaos and not thorough'

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install-dev
	$(BIN)/python -m bench

chaos: install-dev
	$(BIN)/python -m tests.chaos

# make check-rbm SCHEMA=path: RCS payloads against Google's published types.
check-rbm: install-dev
	$(BIN)/python -m bench.rbm $(SCHEMA)

lock: $(VENV)/.made
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) pyproject.toml --group dev -o requirements-dev.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis test-results $(MO)
	find sintalk tests bench migrations -name __pycache__ -type d -prune -exec rm -rf {} +

# Each step leaves a stamp, so that a second run installs nothing.

$(VENV)/.made: requirements-uv.lock
	@$(PYTHON) -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'Python 3.11 or newer with venv is needed (Debian: apt-get install python3-venv);' \
			'name another one with make PYTHON=...' >&2; exit 1; }
	@echo 'Making $(VENV)'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements-uv.lock
	@touch $@

$(VENV)/.installed: requirements.lock $(VENV)/.made
	@echo 'Installing what the product needs (once, from requirements.lock)'
	@$(call install_lock,requirements.lock)
	@# The `sintalk` command, and Python finds the package from every folder.
	@echo '$(CURDIR)' > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/sintalk.pth"
	@printf '#!/bin/sh\nexec "$(CURDIR)/$(BIN)/python" -m sintalk "$$@"\n' > $(BIN)/sintalk
	@chmod +x $(BIN)/sintalk
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo 'Installing what the tests need (once, from requirements-dev.lock)'
	@$(call install_lock,requirements-dev.lock)
	@touch $@

%.mo: %.po | $(VENV)/.installed
	@$(BIN)/pybabel --quiet compile -i $< -o $@

chromium:
	@command -v chromium >/dev/null 2>&1 && exit 0; \
	packages='chromium fonts-liberation'; \
	if ! command -v apt-get >/dev/null 2>&1; then root=none; \
	elif [ "$$(id -u)" = 0 ]; then root=; \
	elif sudo -n true 2>/dev/null; then root='sudo -n'; \
	else root=none; fi; \
	if [ "$$root" = none ]; then \
		echo "The browser tests need Chromium, and this user may not install it." \
			"As root: apt-get update && apt-get install -y --no-install-recommends $$packages" >&2; exit 1; fi; \
	echo "Installing $$packages"; \
	$$root env DEBIAN_FRONTEND=noninteractive apt-get update -qq && \
	$$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$packages
