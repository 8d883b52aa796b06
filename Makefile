# Two commands: `make run` (set everything up, then the quickstart search) and `make test`.
# Everything else is a part of these two. Nothing is installed outside .venv and the workspace.

SHELL    := /bin/bash
VENV     := .venv
BIN      := $(VENV)/bin
TREX     := $(BIN)/trex
PYTHON   ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
              $$p -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] < (3,14))' 2>/dev/null && echo $$p && break; done)
# With a working NVIDIA driver: the CUDA build of torch. Without: the CPU build, which is a tenth of the size.
GPU      := $(shell nvidia-smi -L >/dev/null 2>&1 && echo yes)
TORCH    := $(shell sed -n 's/^torch==//p' constraints.txt)

.PHONY: run test test-all check setup models clean picture bench fuzz chaos
.DELETE_ON_ERROR:

run: $(VENV)/run.stamp
	@$(TREX) quickstart $(if $(NEW),--new)

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n $(or $(WORKERS),3) --dist loadfile -m "not slow and not models"

test-all: $(VENV)/dev.stamp models
	$(BIN)/python -m pytest --timeout 1800

check: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory test

setup: $(VENV)/run.stamp

$(VENV)/torch.stamp: constraints.txt
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] < (3,14))' 2>/dev/null || \
	  { echo "TREX needs Python 3.11, 3.12 or 3.13; install one, or run: make PYTHON=/path/to/python"; exit 2; }
	@$(BIN)/python -c 'import llama_cpp' 2>/dev/null || { command -v "$${CC:-cc}" && command -v "$${CXX:-c++}"; } >/dev/null || \
	  { echo "llama.cpp is built from source and needs a C and a C++ compiler: install them (Debian: apt install build-essential), then run make again"; exit 2; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { echo "cannot make $(VENV): is the venv module installed (Debian: python3-venv), and is this folder writable?"; exit 2; }
	@echo "installing torch $(TORCH) ($(if $(GPU),CUDA,CPU)) into $(VENV)"
	@if [ -n "$(GPU)" ]; then $(BIN)/pip install -q --disable-pip-version-check -c constraints.txt torch; else \
	  $(BIN)/pip install -q --disable-pip-version-check --no-index --no-deps "torch==$(TORCH)" 2>/dev/null || \
	  $(BIN)/pip install -q --disable-pip-version-check --retries 1 --timeout 10 --no-deps --index-url https://download.pytorch.org/whl/cpu "torch==$(TORCH)" 2>/dev/null || \
	  { echo "no CPU build of torch in reach: taking the large one from the package index"; \
	    $(BIN)/pip install -q --disable-pip-version-check -c constraints.txt torch; }; fi
	@touch $@

$(VENV)/run.stamp: $(VENV)/torch.stamp pyproject.toml constraints.txt
	@echo "installing TREX and what it needs into $(VENV); llama.cpp is compiled once, which takes some minutes"
	@CMAKE_ARGS="-DLLAVA_BUILD=OFF $$CMAKE_ARGS" $(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e . & \
	  job=$$!; trap 'kill $$job' INT TERM; \
	  while kill -0 $$job 2>/dev/null; do sleep 1; (( SECONDS % 30 )) || echo "  still at it: $$SECONDS s"; done; wait $$job
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

models: $(VENV)/run.stamp
	@$(TREX) quickstart --prepare

# The pictures of README and docs, from the recording that is shipped (docs/recordings.md)
picture: $(VENV)/dev.stamp
	TZ=UTC $(BIN)/python -m trex_tui.picture --all docs/pictures

# One search under 200 deaths, compared with itself undisturbed; writes docs/benchmarks/chaos.md: make chaos KILLS=50
chaos: $(VENV)/dev.stamp
	$(BIN)/python -m tests.chaos.run --kills $(or $(KILLS),200) --seed $(or $(SEED),0)

bench: $(VENV)/dev.stamp models
	$(BIN)/python -m tests.bench.gpu
	$(BIN)/python -m tests.bench.steering --model quickstart
	$(BIN)/python -m tests.bench.tui --out docs/benchmarks/tui.md

# 100,000 bad inputs for everything that reads from outside; a short form is part of `make test`.
fuzz: $(VENV)/dev.stamp
	$(BIN)/python -m tests.fuzz --inputs $(or $(INPUTS),100000) --seed $(or $(SEED),0)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
