# Two commands do everything on a fresh machine: `make train` and `make test`.
# They make the virtual environment .venv themselves.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help train test check format benchmarks records ablations pictures evidence figures screenshots ranks root-on-linux cluster fuzz docs docs-check clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Ardoise needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

# A stamp is written last, so that an interrupted installation is done again.
$(VENV)/.installed-all: $(BIN)/python pyproject.toml
	$(PIP) --editable '.[all]'
	@touch $@

$(VENV)/.installed-test: $(BIN)/python pyproject.toml
	$(PIP) --editable '.[test]'
	@touch $@ $(VENV)/.installed-all

$(VENV)/.installed-benchmarks: $(VENV)/.installed-all
	$(PIP) --editable '.[all,benchmarks]'
	@touch $@

train: $(VENV)/.installed-all ## train on handwritten digits; ARGS="--recipe notebook --lang fr" changes how
	$(BIN)/ardoise train $(ARGS)

test: $(VENV)/.installed-test ## run every test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --cov=src/ardoise/engine --cov-branch --cov-fail-under=100 \
	  --cov-report=term-missing:skip-covered $(ARGS)

check: test ## the same as make test

format: $(VENV)/.installed-test ## put the code into its standard form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmarks: $(VENV)/.installed-benchmarks ## measure the tables of the README (idle machine, about 25 minutes)
	$(BIN)/python -m benchmarks $(ARGS)

records: $(VENV)/.installed-benchmarks ## train every recipe with many seeds, write RESULTS.md (hours; goes on where it was stopped)
	$(BIN)/python -m benchmarks.records $(ARGS)

ablations: $(VENV)/.installed-all ## measure which tools of training pay, on validation images (hours; goes on where it was stopped)
	$(BIN)/python -m benchmarks.ablations $(ARGS)

pictures: $(VENV)/.installed-test ## how cnn reads pictures that are not MNIST's, into RESULTS.md (about 30 minutes)
	$(BIN)/python -m benchmarks.pictures --final $(ARGS)

$(VENV)/.installed-fuzz: $(VENV)/.installed-test
	$(PIP) --editable '.[fuzz]'
	@touch $@

fuzz: $(VENV)/.installed-fuzz ## a million inputs that atheris makes for each reader of files (about 45 minutes)
	@for reader in idx model checkpoint onnx picture; do \
	  $(BIN)/python -m tests.fuzz $$reader $(ARGS) || exit 1; done

evidence: $(VENV)/.installed-test ## slow proofs: 500 killed processes, failing disks (about 3 minutes)
	$(BIN)/python -m tests.evidence.failures
	$(BIN)/python -m tests.evidence.kills $(ARGS)

figures: $(VENV)/.installed-test ## how quick the slate is, the table of docs/en/guides/slate.md (idle machine, needs Chromium, about 5 minutes)
	$(BIN)/python -m tests.evidence.slate $(ARGS)

$(VENV)/.installed-cluster: $(VENV)/.installed-all
	$(PIP) --editable '.[all,mpi]' mpich
	@touch $@

root-on-linux:
	@[ "$$(uname)" = Linux ] && [ "$$(id -u)" = 0 ] || \
	  { echo "make cluster needs root on Linux: it makes network namespaces"; exit 1; }

ranks: $(VENV)/.installed-test ## several ranks: twice as fast? 8 GB in 1 GB? 50 kills (idle machine, about 50 minutes)
	$(BIN)/python -m tests.evidence.speedup
	$(BIN)/python -m tests.evidence.large
	$(BIN)/python -m tests.evidence.ranks

cluster: root-on-linux $(VENV)/.installed-cluster ## what ranks and hosts gain, against what ardoise plan predicts (idle machine, root on Linux, about 5 minutes)
	@{ command -v ip && command -v tc; } >/dev/null || apt-get install --quiet --yes iproute2
	$(BIN)/python -m tests.evidence.cluster $(ARGS)

screenshots: $(VENV)/.installed-test ## take the pictures of the slate for the docs anew (needs Chromium, about 4 minutes)
	$(BIN)/python -m tests.evidence.screenshots $(ARGS)

docs: $(VENV)/.installed-test ## build the documentation into site/, warnings are errors, and check its links (about 3 minutes)
	rm -rf site
	for lang in en fr; do \
	  $(BIN)/python -m sphinx -W --keep-going -q -c docs -D language=$$lang $(ARGS) docs/$$lang site/$$lang || exit 1; done
	rm -rf site/.jupyter_cache
	cp docs/index.html docs/choose.js site
	$(BIN)/python -m tests.docs.site site --links

docs-check: docs ## open every page of it in Chromium: nothing from outside, no finding of axe, no scrolling to the side
	$(BIN)/python -m tests.docs.site site

clean: ## remove the virtual environment, the site and the caches
	rm -rf $(VENV) site .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
