# Everything runs in this repository's own virtual environment, made on first use.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

OBJ ?= mug
HAND ?=
PRESET ?=
ENGINE ?=
SEED ?=
OUT ?=
SIZE ?=
DEXGRASPNET ?=
FRESH ?=
AGENT ?= random
RUN ?= runs/base/$(OBJ)
K ?=
TEACHER ?= runs/hyper/k4-seed0/stage2
ARGS ?=

# What was asked for on the command line; not the default above.
asked = $(if $(filter file,$(origin $(2))),,$(call flag,$(1),$(2)))
# `--flag value` if the variable is given, nothing otherwise.
flag = $(if $($(2)),$(1) "$($(2))")

.PHONY: help setup train-base hyper distill resdex tables play eval demo test lint format bench readme clean

help:
	@echo "make train-base OBJ=mug [HAND=shadow|allegro|my_hand.yaml] [PRESET=smoke|laptop|gpu|paper] [ENGINE=auto|native|mjx|warp] [SEED=0] [OUT=folder] [SIZE=0.08] [DEXGRASPNET=folder] [FRESH=1]"
	@echo "make hyper [K=4] [PRESET=...] [SEED=0] | distill [TEACHER=runs/hyper/k4-seed0/stage2] | resdex | tables"
	@echo "make play AGENT=random [HAND=...] | eval RUN=runs/base/mug | demo | test | lint | format | bench | readme | clean"

setup: $(READY)

$(READY): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "dexjax needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 ..." >&2; exit 2; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv || { echo "python3 cannot make a virtual environment: install its venv module (Debian, Ubuntu: apt install python3-venv)" >&2; exit 2; }
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

train-base: $(READY)
	@$(BIN)/python experiments/base.py --object "$(OBJ)" $(call flag,--hand,HAND) $(call flag,--preset,PRESET) $(call flag,--engine,ENGINE) $(call flag,--seed,SEED) $(call flag,--out,OUT) $(call flag,--size,SIZE) $(call flag,--dexgraspnet,DEXGRASPNET) $(if $(FRESH),--fresh) $(ARGS)

hyper: $(READY)
	@$(BIN)/python experiments/hyper.py $(call flag,--k,K) $(call flag,--preset,PRESET) $(call flag,--engine,ENGINE) $(call flag,--seed,SEED) $(call flag,--out,OUT) $(if $(FRESH),--fresh) $(ARGS)

distill: $(READY)
	@$(BIN)/python experiments/distill.py --teacher "$(TEACHER)" $(call flag,--preset,PRESET) $(call flag,--engine,ENGINE) $(call flag,--seed,SEED) $(call flag,--out,OUT) $(if $(FRESH),--fresh) $(ARGS)

# Everything, in hours; interrupt it when you like.
resdex: $(READY)
	@$(BIN)/python experiments/resdex.py $(call flag,--preset,PRESET) $(ARGS)
	@$(BIN)/python experiments/tables.py

tables: $(READY)
	@$(BIN)/python experiments/tables.py $(ARGS)

play: $(READY)
	@$(BIN)/python experiments/play.py --agent "$(AGENT)" --object "$(OBJ)" $(call flag,--hand,HAND) $(ARGS)

eval: $(READY)
	@$(BIN)/python experiments/evaluate.py "$(RUN)" $(call flag,--engine,ENGINE) $(call flag,--seed,SEED) $(call flag,--out,OUT) $(call flag,--dexgraspnet,DEXGRASPNET) $(ARGS)

demo: $(READY)
	@$(BIN)/python experiments/demo.py $(call asked,--object,OBJ) $(call flag,--seed,SEED) $(call flag,--out,OUT) $(call flag,--size,SIZE) $(call flag,--dexgraspnet,DEXGRASPNET) $(ARGS)

test: $(READY)
	$(BIN)/pytest -q

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The trainings behind the other tables take hours: benchmarks/baseline.py and others.
bench: $(READY)
	$(BIN)/python benchmarks/throughput.py
	$(BIN)/python benchmarks/iteration.py
	$(BIN)/python benchmarks/ppo.py
	$(BIN)/python benchmarks/peers.py
	$(BIN)/python benchmarks/readme.py

readme: $(READY)
	$(BIN)/python benchmarks/readme.py

clean:
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
