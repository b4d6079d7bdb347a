# What one does with Patchbay. `make` alone prints this list.
# Needs GNU make and Python 3.11 or newer; everything else is installed into .venv.

PORT ?= 8000
export PORT

# The first of these that is Python 3.11 or newer and can make a virtual environment.
PYTHONS := python3.13 python3.12 python3.11 python3
# What the tests run on: an embedded PostgreSQL, unless TEST_DATABASE_URL names a server.
PYTEST ?= python -m pytest
# In several processes, each with a database of its own: see tests/scheduling.py.
AT_ONCE ?= --numprocesses auto --maxprocesses 6 --dist loadscope --no-loadscope-reorder
# The second, short pass: the engine on SQLite, which `make run` uses, also with real processes.
PYTEST_SQLITE ?= python -m pytest tests/engine tests/e2e/test_worker.py tests/e2e/test_worker_loss.py \
	tests/e2e/test_live.py tests/e2e/test_schedules_e2e.py

# Django's plugin for mypy loads the settings, which want keys. These open nothing.
NO_SECRETS := PATCHBAY_SECRET_KEY=only-to-load-the-settings-only-to-load-the-settings \
	PATCHBAY_FIELD_ENCRYPTION_KEYS=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

.DEFAULT_GOAL := help
.PHONY: help run test lint types bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## start all of Patchbay on http://127.0.0.1:8000 (PORT=8123 moves it; Ctrl-C ends it)
	@$(call install,requirements-local.txt); exec .venv/bin/python -m patchbay.local

test: ## run the tests, on PostgreSQL and then those of the engine on SQLite
	@$(call install,requirements-dev.txt)
	.venv/bin/$(PYTEST) $(AT_ONCE)
	TEST_DATABASE_URL=sqlite .venv/bin/$(PYTEST_SQLITE) $(AT_ONCE)

lint: ## check the style with ruff
	@$(call install,requirements-dev.txt)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: ## check the types with mypy, strictly
	@$(call install,requirements-dev.txt)
	$(NO_SECRETS) .venv/bin/mypy .

bench: ## measure what runs and tasks cost besides the cloud's own work, and the list of connections
	@$(call install,requirements-dev.txt)
	.venv/bin/python bench/run_overhead.py
	.venv/bin/python bench/engine.py
	.venv/bin/python bench/connection_list.py

clean: ## remove caches (var/, with keys and data, and .venv stay)
	rm -rf .mypy_cache .ruff_cache .pytest_cache staticfiles
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

# $(call install,FILE): bring .venv up to what FILE names; ends the recipe with one line where it
# can't. A .venv that exists is asked first, so that no other Python is needed then.
define install
set -e; for python in .venv/bin/python $(PYTHONS); do \
	if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		found="$$python"; \
		if "$$python" -c 'import ensurepip' 2>/dev/null; then break; fi; \
	fi; \
done; \
if [ -z "$${found:-}" ]; then \
	echo 'Patchbay needs Python 3.11 or newer, and finds none: install it (Debian, Ubuntu: apt install python3 python3-venv).' >&2; \
	exit 1; \
fi; \
"$$found" patchbay/local/bootstrap.py $(1)
endef
