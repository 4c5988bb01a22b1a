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
RUN ?=
K ?=
TEACHER ?=
ARGS ?=

# A variable's text as it was typed, quoted for the shell: names may hold quotes and $.
quoted = '$(subst ','\'',$(value $(1)))'
# `--flag value` if the variable is given, nothing otherwise.
flag = $(if $(value $(2)),$(1) $(call quoted,$(2)))
# The same, but only if it was asked for on the command line: not for a default above.
asked = $(if $(filter file,$(origin $(2))),,$(call flag,$(1),$(2)))

.PHONY: help setup train-base hyper distill resdex dexgen tables play view eval demo wheel test lint format bench readme clean

help:
	@echo "make train-base OBJ=mug [HAND=shadow|allegro|my_hand.yaml] [PRESET=smoke|laptop|gpu|paper] [ENGINE=auto|native|mjx|warp] [SEED=0] [OUT=folder] [SIZE=0.08] [DEXGRASPNET=folder] [FRESH=1]"
	@echo "make hyper [K=4] [PRESET=...] [SEED=0] | distill [TEACHER=resdex/hyper] | resdex | dexgen | tables"
	@echo "make view [RUN=folder] [OBJ=...] or HAND=... | play AGENT=random [HAND=...] | eval OBJ=mug or RUN=folder | demo | wheel"
	@echo "make test | lint | format | bench | readme | clean"

setup: $(READY)

$(READY): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "dexjax needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 ..." >&2; exit 2; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv || { echo "python3 cannot make a virtual environment: install its venv module (Debian, Ubuntu: apt install python3-venv)" >&2; exit 2; }
	@echo "installing into .venv: a few minutes, once" >&2
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

train-base: $(READY)
	@$(BIN)/dexjax train base --object $(call quoted,OBJ) $(call flag,--preset,PRESET) $(call flag,--hand,HAND) $(call flag,--engine,ENGINE) $(call flag,--seed,SEED) $(call flag,--out,OUT) $(call flag,--size,SIZE) $(call flag,--dexgraspnet,DEXGRASPNET) $(if $(FRESH),--fresh) $(ARGS)

hyper: $(READY)
	@$(BIN)/dexjax train hyper $(call flag,--k,K) $(call flag,--preset,PRESET) $(call flag,--hand,HAND) $(call flag,--engine,ENGINE) $(call flag,--seed,SEED) $(call flag,--out,OUT) $(if $(FRESH),--fresh) $(ARGS)

distill: $(READY)
	@$(BIN)/dexjax train student $(call flag,--teacher,TEACHER) $(call flag,--preset,PRESET) $(call flag,--engine,ENGINE) $(call flag,--seed,SEED) $(call flag,--out,OUT) $(if $(FRESH),--fresh) $(ARGS)

# Everything, in hours; interrupt it when you like.
resdex: $(READY)
	@$(BIN)/dexjax resdex $(call flag,--preset,PRESET) $(call flag,--engine,ENGINE) $(ARGS)
	@$(BIN)/dexjax tables

# Everything of DexterityGen, in hours; interrupt it when you like.
dexgen: $(READY)
	@$(BIN)/dexjax dexgen $(call flag,--preset,PRESET) $(call flag,--hand,HAND) $(call flag,--engine,ENGINE) $(ARGS)

tables: $(READY)
	@$(BIN)/dexjax tables $(ARGS)

play: $(READY)
	@$(BIN)/dexjax play $(call flag,--agent,AGENT) --object $(call quoted,OBJ) $(call flag,--hand,HAND) $(call flag,--engine,ENGINE) $(ARGS)

# Of the run in RUN, of what comes with dexjax, or of a hand alone.
view: $(READY)
	@$(BIN)/dexjax view $(if $(RUN),$(call quoted,RUN)) $(call asked,--object,OBJ) $(call flag,--hand,HAND) $(call flag,--seed,SEED) $(call flag,--size,SIZE) $(call flag,--dexgraspnet,DEXGRASPNET) $(ARGS)

# Of the run in RUN, or of what `make train-base` with the same OBJ and HAND has left.
eval: $(READY)
	@$(BIN)/dexjax evaluate $(if $(RUN),$(call quoted,RUN),--base $(call quoted,OBJ) $(call flag,--hand,HAND)) $(call flag,--engine,ENGINE) $(call flag,--seed,SEED) $(call flag,--out,OUT) $(call flag,--dexgraspnet,DEXGRASPNET) $(ARGS)

demo: $(READY)
	@$(BIN)/dexjax demo $(call asked,--object,OBJ) $(call flag,--seed,SEED) $(call flag,--out,OUT) $(call flag,--size,SIZE) $(call flag,--dexgraspnet,DEXGRASPNET) $(ARGS)

wheel: $(READY)
	$(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

test: $(READY)
	$(BIN)/pytest -q --numprocesses auto --maxprocesses 4 --dist loadfile

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The other tables take hours: benchmarks/base_policies.py and others.
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
