# make            set up .venv and run the default study; the report is named at the end
# make test       set up .venv, check and run every test
# make study STUDY=params/mnist.yaml    run another study
# make review     as a reviewer: pull what was computed, verify it, run nothing
PYTHON ?= python3.11
BIN := .venv/bin
STUDY ?= params.yaml
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: run study test lint review clean-venv
run: study

study: .venv/ready
	snakemake --cores all --config study=$(STUDY)

test: lint
	pytest

lint: .venv/ready
	ruff check . && ruff format --check .
	mypy
	snakefmt --check --compact-diff Snakefile workflow
	snakemake --lint --quiet all

review: .venv/ready
	python -m minarch.flow.review

.venv/ready: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv || python3 -m venv .venv
	$(BIN)/python -c 'import sys; assert sys.version_info[:2] == (3, 11), "minarch needs Python 3.11: make PYTHON=/path/to/python3.11"'
	$(BIN)/pip install --quiet --requirement requirements.txt
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@
