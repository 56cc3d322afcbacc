# Runxia (润下). Two commands are enough: `make run` and `make test`. A machine needs Python ≥ 3.10 and make; the rest is
# installed here, into .uv, .venv, bot/.venv and node_modules.

SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= python3
UV_VERSION := 0.13.8
UV := .uv/bin/uv
APP := .venv/bin/python
BOT := bot/.venv/bin/python

# uv does not see a pyenv Python that is not on PATH, and a pyenv shim on PATH may not work: take the first that runs, else let
# uv fetch that version.
find_python = $(or $(shell for candidate in "$$(command -v python$(1))" $$(ls -r $$HOME/.pyenv/versions/$(1).*/bin/python$(1) 2>/dev/null); do \
	if [ -x "$$candidate" ] && "$$candidate" -c "import ssl, sqlite3" 2>/dev/null; then echo "$$candidate"; break; fi; done),$(1))

.PHONY: help setup assets train run start chat replay test lint types validate format bench tune evaluate nlu-report transcripts menu prod-check rotate-keys clean

help: ## what can be done here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- set-up: each step leaves a stamp and is repeated only when its lock file changed

setup: .venv/.synced bot/.venv/.synced assets ## install both environments and the page assets

$(UV):
	@echo "安装 uv ……"
	@$(PYTHON) -m venv .uv
	@.uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.synced: $(UV) pyproject.toml uv.lock
	@echo "安装应用环境（Python 3.12）……"
	@$(UV) sync --frozen --quiet --compile-bytecode --python "$(call find_python,3.12)"
	@printf '#!/bin/sh\nPYTHONPATH="$(CURDIR)" exec "$(CURDIR)/.venv/bin/python" -m runxia "$$@"\n' > .venv/bin/runxia && chmod +x .venv/bin/runxia
	@touch $@

bot/.venv/.synced: $(UV) bot/pyproject.toml bot/uv.lock
	@echo "安装对话引擎环境（Python 3.10，约 2 GB）……"
	@cd bot && ../$(UV) sync --frozen --quiet --compile-bytecode --python "$(call find_python,3.10)"
	@touch $@

assets: node_modules/.copied

node_modules/.copied: package-lock.json console/icons.txt .venv/.synced
	@echo "安装网页样式……"
	@PATH="$(CURDIR)/.venv/bin:$$PATH" npm ci --ignore-scripts --no-audit --no-fund --silent
	@mkdir -p pages/static/vendor sandbox/static/vendor console/static/vendor/icons
	@cp node_modules/weui/dist/style/weui.min.css pages/static/vendor/
	@cp node_modules/weui/dist/style/weui.min.css sandbox/static/vendor/
	@cp node_modules/@tabler/core/dist/css/tabler.min.css node_modules/@tabler/core/dist/js/tabler.min.js \
		node_modules/htmx.org/dist/htmx.min.js console/static/vendor/
	@while read -r icon; do cp "node_modules/@tabler/icons/icons/outline/$$icon.svg" console/static/vendor/icons/ || exit 1; done < console/icons.txt
	@touch $@

train: setup ## train the model if data or configuration changed
	@$(BOT) -m bot.train

# --- running

run: train ## set up, train, and start everything with the sandbox; prints the page to open
	@$(APP) -m runxia.run

start: train ## production: the same without the sandbox, settings from the environment and .env
	@$(APP) -m runxia.prodcheck
	@$(APP) -m runxia.run --no-sandbox

chat: setup ## talk to the bot of `make run` in the terminal
	@$(APP) -m runxia chat

replay: setup ## say a transcript again: make replay FILE=docs/transcripts.md
	@$(APP) -m runxia replay "$(FILE)"

menu: setup ## publish the menu to WeChat (to the sandbox, unless .env says otherwise)
	@$(APP) -m runxia.devenv $(APP) -m gateway.publish_menu

prod-check: setup ## say what the environment and .env lack for production
	@$(APP) -m runxia.prodcheck

rotate-keys: setup ## re-encrypt personal data with the first key of FIELD_KEY
	@$(APP) -m runxia.devenv $(APP) -m store.rotate

# --- checking

test: train ## every test
	@$(BOT) -m pytest -q -c bot/pyproject.toml tests/bot
	@$(APP) -m pytest -q tests

lint: setup ## style, types, lock files
	@$(APP) -m ruff check .
	@$(APP) -m mypy
	@$(APP) -m mypy --config-file bot/mypy.ini
	@$(UV) lock --check --quiet --python "$(call find_python,3.12)"
	@cd bot && ../$(UV) lock --check --quiet --python "$(call find_python,3.10)"
	@$(APP) -m runxia.utility

validate: setup ## the language data: rasa data validate, and checks of our own
	@$(BOT) -W ignore -m rasa data validate --fail-on-warnings --domain domain.yml --data data --config config.yml
	@$(BOT) -m bot.validate

format: setup ## put imports in order and fix what can be fixed
	@$(APP) -m ruff check --fix .

tune: setup ## tune the slow sentence encoder on the language data: half an hour
	@$(BOT) -m bot.tune

evaluate: setup ## cross-validate the language model, quickly
	@$(BOT) -m bot.evaluate

nlu-report: train ## all about how well messages are understood: results/nlu-report.md (an hour; STOCK_EPOCHS=20 shortens it)
	@$(BOT) -m bot.evaluate --full

transcripts: train ## hold the conversations of docs/transcripts.yml and write docs/transcripts.md
	@$(APP) -m tests.transcripts

bench: train ## time of a message, messages per second, beside stock Rasa
	@$(APP) -m bench

clean: ## remove what was installed, trained or written by runs
	rm -rf .uv .venv bot/.venv node_modules models var pages/static/vendor sandbox/static/vendor console/static/vendor .mypy_cache .ruff_cache .pytest_cache
