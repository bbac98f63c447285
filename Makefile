# One target per verb. `make demo` and `make test` need nothing but Python 3.13 and this file.
PYTHON ?= python3.13
VENV := .venv
BIN := $(VENV)/bin
# What the package is made of. Folders as well: a file that is gone has changed its folder.
SHIPPED := host.json function_app.py policy.yaml requirements.txt constraints.txt requirements.lock \
  $(wildcard deploy/*.py deploy/*.txt) $(shell find functions shared -not -name '*.pyc' -not -name __pycache__)

.PHONY: help setup demo test simulate mutants check docs package azd-package lock sbom preflight scan screenshots bench describe fuzz clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.ready ## the virtual environment with everything pinned

$(VENV)/.ready: requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null || { \
	  echo "This project needs Python 3.13 and found none as '$(PYTHON)'."; \
	  echo "Install it (https://www.python.org/downloads, 'uv python install 3.13', 'pyenv install 3.13'),"; \
	  echo "then run: make $(MAKECMDGOALS) PYTHON=/path/to/python3.13"; exit 1; }
	@echo "Installing into $(VENV), once; this takes about a minute ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m deploy.install requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## a finance department's story on the embedded sandbox [KEEP=1: and one that stays, with two weeks behind it]
	$(BIN)/python -m sandbox demo
ifdef KEEP
	test -d var/demo || $(BIN)/python -m tests.simulation.two_weeks var/demo
	$(BIN)/python -m sandbox up --state var/demo --page
endif

test: setup ## every test, on all CPUs [ONLY=files]
	$(BIN)/python -m pytest -n auto --dist worksteal $(ONLY)

simulate: setup ## SEEDS=N seeds of the simulation [FIRST_SEED=s]; SEED=n replays one with its trace
	$(BIN)/python -m tests.simulation.engine $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),200) --first-seed $(or $(FIRST_SEED),1))

mutants: setup ## proves that the simulation notices mistakes [ONLY=name]
	$(BIN)/python -m tests.simulation.mutants $(if $(ONLY),--only $(ONLY)) $(if $(SEEDS),--seeds $(SEEDS))

check: setup ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: setup ## the documentation as a site, in build/site; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

package: setup ## build/invoice-access.zip, what is deployed, the demo on it, and build/app, which azd takes
	$(BIN)/python -m deploy.package
	rm -rf build/unpacked && $(BIN)/python -m zipfile -e build/invoice-access.zip build/unpacked
	$(BIN)/python -m sandbox demo --app build/unpacked
	rm -rf build/app && $(BIN)/python -m zipfile -e build/invoice-access.zip build/app
	@echo "# azd leaves bytecode out of a folder that has no such file; everything here ships" > build/app/.funcignore

azd-package: build/app/.funcignore ## build/app, made anew where anything that ships has changed (azd's hook)

build/app/.funcignore: $(SHIPPED)
	$(MAKE) package

preflight: setup ## what is wrong with azd's environment and the policy, before anything is made (azd's hook)
	$(BIN)/python -m deploy.preflight

scan: setup build/checkov/.ready ## checkov on infra/, with a reason for each complaint that stays
	$(BIN)/python -m deploy.scan_infra build/checkov

build/checkov/.ready: requirements-checkov.lock
	@echo "Installing checkov into build/checkov, once ..."
	@rm -rf build/checkov && $(BIN)/python -m venv build/checkov
	@build/checkov/bin/python -m deploy.install requirements-checkov.lock
	@touch $@

lock: setup ## requirements.lock and requirements-dev.lock anew, after a pin was changed
	$(BIN)/python -m deploy.lock

sbom: setup ## build/invoice-access.cdx.json, what is deployed as CycloneDX has it, and its licences
	$(BIN)/python -m deploy.licences
	$(BIN)/python -m deploy.sbom

screenshots: setup ## docs/pictures: the page in Chromium, which has to be installed
	$(BIN)/python -m tests.app.e2e.page.screenshots docs/pictures

bench: setup ## counts, CPU seconds, ratios and memory [BEFORE=commit]
	$(BIN)/python -m benchmarks $(if $(BEFORE),--before $(BEFORE))

describe: setup ## writes what is made of docs/reference/ anew, and brings new messages of the page into its catalogues
	$(BIN)/python -m cli.describe

fuzz: setup ## 100,000 mutated requests through the HTTP part
	$(BIN)/python -m benchmarks.fuzz

clean: ## removes what was made
	rm -rf $(VENV) var build
