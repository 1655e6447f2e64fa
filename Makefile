# Every target installs what it needs first; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup run stop check test bench bench-feed bench-replay test-compose reference clean

niangjia := .venv/bin/niangjia
python := .venv/bin/python

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

setup: ## install what is missing (virtual environment, RabbitMQ, MongoDB)
	@deploy/bootstrap

run: setup ## start the system, put the sample week through it, show what came out
	@$(niangjia) up
	@$(niangjia) demo

stop: ## stop the system; its data stays
	@if [ -x $(niangjia) ]; then $(niangjia) down; fi

check: ## style, types, walls between the rooms, and generated references
	@deploy/bootstrap dev
	@.venv/bin/ruff check --quiet
	@.venv/bin/ruff format --check --quiet
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo
	@$(python) -m shared.events.generate --check
	@$(python) -m deploy.reference --check

test: ## all tests, with a broker and a database of their own unless AMQP_URI and MONGO_URI are set (ARGS: for pytest)
	@deploy/bootstrap dev
	@deploy/with-engines $(python) -m pytest $(ARGS)

bench: ## cases per second, beside the same flow in plain nameko and in FastStream
	@deploy/bootstrap dev bench
	@deploy/with-engines $(python) -m tests.bench $(ARGS)

bench-feed: ## how long reports take to the agencies' streams, at 200 in a second
	@deploy/bootstrap dev bench
	@deploy/with-engines $(python) -m tests.bench.feed $(ARGS)

bench-replay: ## how fast a year of a city's events goes through the pure core
	@deploy/bootstrap dev bench
	@$(python) -m tests.bench.replay $(ARGS)

test-compose: ## build the containers, bring them up, put the sample week through them
	@AMQP_URI_FILE=- MONGO_URI_FILE=- deploy/bootstrap dev # the containers bring broker and database
	@tests/compose/run $(ARGS)

reference: ## write the generated references anew
	@deploy/bootstrap dev
	@$(python) -m shared.events.generate
	@$(python) -m deploy.reference

clean: ## remove what tests and tools left behind; the system's own data stays
	@if [ -x $(niangjia) ]; then $(niangjia) --home .niangjia-test down 2>/dev/null; fi
	@rm -rf .niangjia-test .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.rejects.ndjson
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
