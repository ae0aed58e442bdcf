# What a developer types. Everything sets itself up: a fresh checkout needs Python 3.11, git and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
EXTRAS := dkl,gui,drivers,campaign,bluesky,strategies,lessons,docs,dev
# arguments of `make bench`, such as BENCH="--quality --discovery --data BEPS_PTO_50x50.h5 --seeds 5"
BENCH ?=

# on two cores one thread for each process is faster than two that wait for each other
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export QT_QPA_PLATFORM ?= offscreen

.PHONY: help setup demo test torture interop clients faults chaos screen campaign lessons validate docs check bench
.DEFAULT_GOAL := help

help:
	@echo 'make setup   install everything into $(VENV) (the others do it by themselves)'
	@echo 'make demo    an autonomous run on the simulator, from recipe to report'
	@echo 'make test    all tests'
	@echo 'make torture  runs killed at any moment, full disks, flipped bits: what is lost is counted'
	@echo 'make interop  other programs open what a run leaves, in an environment of their own'
	@echo 'make clients  other programs drive our emulators, in environments of their own'
	@echo 'make faults   everything that can go wrong on the wires of all drivers'
	@echo 'make chaos    thirty ways in which a laboratory goes wrong, as a table of what was survived'
	@echo 'make campaign   the same campaign on a pool, on Dask, and with workers killed'
	@echo 'make screen   the whole window on a virtual screen, driven by mouse and keyboard'
	@echo 'make lessons  all notebooks executed, and what they hand in graded; the truth looked for'
	@echo 'make validate   the physics of the simulator against references, as a table'
	@echo 'make docs     the site, built into site/, and every code block of every page (NOTEBOOKS=1: with the'
	@echo '              pictures of the lessons, which are carried out first)'
	@echo 'make check   style, types, and a wheel that is installed and started elsewhere'
	@echo 'make bench   agents compared on a known truth (BENCH="--task ... --seeds ...")'

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt .ci/system-libraries
	@.ci/system-libraries $(PYTHON)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@touch $@

demo: $(INSTALLED)
	$(BIN)/spm-auto run examples/ferroelectric.toml --lab examples/lab_simulator.toml --seed 1 \
	  --out "runs/demo-$$(date +%Y-%m-%dT%H%M%S)"

test: $(INSTALLED)
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

torture: $(INSTALLED)
	$(BIN)/python -m pytest -q -m torture tests/torture

interop: $(INSTALLED)
	.ci/interop $(BIN)/python

clients: $(INSTALLED)
	.ci/clients $(BIN)/python

faults: $(INSTALLED)
	$(BIN)/python -m pytest -q -m faults tests/drivers

chaos: $(INSTALLED)
	$(BIN)/python -m pytest -q -m chaos tests/chaos tests/server tests/benchmarks

screen: $(INSTALLED)
	.ci/screen-programs
	$(BIN)/python -m pytest -q -m screen tests/screen

campaign: $(INSTALLED)
	$(BIN)/python -m pytest -q -m campaign tests/campaign tests/tasks

lessons: $(INSTALLED)
	$(BIN)/python -m pytest -q -rP -m lessons tests/lessons

validate: $(INSTALLED)
	$(BIN)/python -m pytest -q -m physics tests/physics

docs: $(INSTALLED)
	$(if $(NOTEBOOKS),$(BIN)/python docs/_site/notebooks.py)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	$(BIN)/python -m pytest -q -m docs tests/docs tests/test_readme.py

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	.ci/check-wheel $(BIN)/python

bench: $(INSTALLED)
	$(BIN)/python benchmarks/agents.py $(BENCH)
