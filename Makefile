# make            set up .venv and run the default study; the report is named at the end
# make check      set up .venv, check, run the quick tests, and name the committed reports that are not of today's code
# make test       the same and every other test but the longest
# make test-long  the longest tests; before a release, so it fails where such a report is left
# make study STUDY=mnist    run another study: its name, or its params file
# make study STUDY=mnist PROFILE=profiles/slurm    on a cluster
# make image      a container image of the environment: IMAGE=NAME, IMAGE_OPTIONS=what the builder is told besides
# make generate   write dvc.yaml and the params files' schema anew, after a change of the stages
# make claims     judge the papers' claims by the reports of reports/studies: reports/claims.html, and the README's table
# make review     as a reviewer: fetch what was computed, verify it, run nothing
# make publish    bring a finished, committed default study to where reviewers fetch it (DVC's default remote)
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STUDY ?= params.yaml
PROFILE ?= profiles/default
IMAGE ?= minarch
export PATH := $(CURDIR)/$(BIN):$(PATH)

# With -o .venv/ready nothing is installed, and the environment may be another's: the code is this checkout's.
study check test-long claims review publish: export PYTHONPATH := $(CURDIR)/src$(addprefix :,$(PYTHONPATH))

.PHONY: run study check test test-long lint image generate claims review announce publish
run: study

study: .venv/ready
	snakemake --workflow-profile $(PROFILE) --config study=$(STUDY)
	@python -m minarch status --study $(STUDY)

# Again as on a processor without VNNI, which multiplies INT8 otherwise: what runs INT8 files here and judges what they
# compute. The other files compare predictions of one processor with each other, or run no INT8 in this process.
WITHOUT_VNNI := ONEDNN_MAX_CPU_ISA=AVX512_CORE

WORKFLOW := pytest --numprocesses auto --dist worksteal tests/workflow
UNIT := OMP_NUM_THREADS=1 pytest --numprocesses auto --dist loadfile

# Without what NNCF does: it prunes and quantizes in processes of their own.
PRUNING := tests/unit/pruning tests/unit/complexity
MOST := tests/unit $(addprefix --ignore ,$(PRUNING) tests/unit/quantization)

check: lint
	$(UNIT) $(MOST) -m "not slow"
	$(UNIT) $(PRUNING)
	@python -m minarch.commands.reports

test: lint
	$(UNIT) $(MOST)
	$(UNIT) $(PRUNING)
	$(UNIT) tests/unit/quantization
	$(UNIT) tests/conformance
	$(WITHOUT_VNNI) $(UNIT) $(addprefix tests/unit/quantization/test_,methods.py onnx.py parity.py quantize_stage.py)
	$(WORKFLOW) -m "not long"

test-long: lint
	$(WORKFLOW) -m long
	@python -m minarch.commands.reports --strict

lint: .venv/ready
	ruff check . && ruff format --check .
	mypy
	snakefmt --check --compact-diff Snakefile workflow

# docker is often there without the daemon that it works by: `info` tells.
image:
	@for builder in docker podman buildah; do \
		if $$builder info > /dev/null 2>&1; then exec $$builder build --tag $(IMAGE) $(IMAGE_OPTIONS) .; fi; \
	done; echo "no image is built: it takes docker, podman or buildah, and none works here" >&2; exit 1

generate: .venv/ready
	python -m minarch.flow.dvcfile
	python -m minarch.flow.schema

claims: .venv/ready
	python -m minarch.claims

review: announce .venv/ready
	python -m minarch.commands.review

# What a review will fetch is said before anything is installed, so by Python alone.
announce:
	@$(CHECK_PYTHON)
	@PYTHONPATH=src $(PYTHON) -m minarch.commands.announce $(STUDY)

ifneq ($(filter review,$(MAKECMDGOALS)),)
.venv/ready: | announce
endif

publish: .venv/ready
	python -m minarch.commands.publish

CHECK_PYTHON := $(PYTHON) -c 'import sys; sys.exit(None if sys.version_info[:2] == (3, 11) else "minarch needs Python 3.11: make PYTHON=/path/to/python3.11")'
# uv, where it is there, installs in a fraction of pip's time. PyPI's torch for Linux brings 3.4 GB of CUDA: without an
# NVIDIA driver torch's own index has a build for the processor alone; where that cannot be reached PyPI's is taken.
UV := $(shell command -v uv)
INSTALL := $(if $(UV),UV_HTTP_TIMEOUT=60 uv pip install --quiet --python .venv,$(BIN)/pip install --quiet)
CPU ?= $(if $(filter Linux,$(shell uname -s)),$(if $(shell command -v nvidia-smi),,https://download.pytorch.org/whl/cpu))
PACKAGES := the packages of requirements.txt: $(if $(CPU),2.3 GB (5.8 GB where torch for the processor alone is not to be had),5.8 GB) in .venv, by $(if $(UV),uv,pip)

.venv/ready: requirements.txt pyproject.toml
	@$(CHECK_PYTHON)
	@echo "installing $(PACKAGES)"
	$(if $(UV),uv venv --quiet --allow-existing --python $(PYTHON) .venv,$(PYTHON) -m venv .venv)
	@$(if $(CPU),$(INSTALL) --no-deps --index-url $(CPU) $$(grep -E '^torch(vision)?==' requirements.txt) || echo "$(CPU) cannot be reached: torch comes with CUDA")
	@$(INSTALL) --requirement requirements.txt && $(INSTALL) --no-deps --editable . \
		|| { echo "not installed; what minarch needs: $(PACKAGES); in an environment that has them: make -o .venv/ready $(MAKECMDGOALS)" >&2; exit 1; }
	touch $@
