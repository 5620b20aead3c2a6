# Everything a person or a machine runs. `make run` and `make test` set up what is missing first.

PYTHON ?= python3
BIN := .venv/bin
ENGINE_JOBS ?= 4
BROWSER_JOBS ?= 2

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: setup setup-tests run test test-fast test-engine test-browser conformance before after lint audit wheel screenshots bench clean help

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## bring everything the lab needs into place (idempotent)
	@$(PYTHON) -m lab.setup

setup-tests:  ## the same, and what the test suites need
	@$(PYTHON) -m lab.setup --for-tests

run: setup  ## serve the lab
	@exec $(BIN)/lab serve

# tests.leftovers knows by it what they have started
test-fast test-engine test-browser: export POD_HOOK_LAB_SUITES = 1

test: setup-tests before lint wheel test-fast test-engine test-browser after  ## every check and suite; nothing is skipped

before:
	@$(BIN)/python -m tests.leftovers --remember

after:  # a container, network or process of ours that was not there before fails the run
	@$(BIN)/python -m tests.leftovers --compare

lint:  ## ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

test-fast:  ## the suite without Docker
	$(BIN)/python -m pytest -q -n auto -m "not engine and not browser"

test-engine:  ## the suite on the real Docker Engine
	$(BIN)/python -m pytest -q -n $(ENGINE_JOBS) --dist loadfile -m "engine and not browser"

test-browser:  ## the suite in Chromium
	$(BIN)/python -m pytest -q -n $(BROWSER_JOBS) -m browser

conformance: setup before  ## compare every recorded scenario with the real node, and check the course (up to 20 minutes)
	$(BIN)/lab conformance
	$(BIN)/lab content check
	@$(BIN)/python -m tests.leftovers --compare

audit: setup  ## ask for known vulnerabilities in what the lab is made of (online; not part of `make test`)
	@$(PYTHON) -m venv build/audit
	@build/audit/bin/pip install --quiet "pip-audit>=2.7"
	@$(BIN)/pip freeze --exclude-editable > build/audit/installed.txt
	build/audit/bin/pip-audit --strict --requirement build/audit/installed.txt --no-deps --disable-pip --progress-spinner off
	cd static && npm audit

wheel:  ## build the wheel into dist/ and check that it carries templates, lessons and front end
	@$(BIN)/python -m lab.setup.wheel

screenshots: setup-tests  ## take the README's pictures
	$(BIN)/python -m tests.browser.screenshots

bench: setup  ## time the lab beside the bare Docker API
	$(BIN)/python -m benchmarks

clean:  ## remove what set-up and tests made here (not the engine, not its images)
	rm -rf .venv build dist static/dist static/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
