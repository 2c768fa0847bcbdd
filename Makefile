# What there is to type. `make` alone lists it. Needs Python 3.11 or later, and nothing else.
# Every path is relative, so a folder with spaces in its name works; arguments travel in the environment, never as shell text.

ifeq ($(origin FILE),command line)
override FILE := $(value FILE)
export SMALT_DEMO_FILE := $(FILE)
endif
ifeq ($(origin QUESTION),command line)
override QUESTION := $(value QUESTION)
export SMALT_DEMO_QUESTION := $(QUESTION)
endif
export PYTHON
unexport PYTHONPATH PYTHONHOME

install = @sh tools/python.sh tools/install.py
run = @.venv/bin/python -m
peers = @sh tools/python.sh tools/install.py peers || \
	echo '*** The independent verifiers could not be installed: THEIR TESTS WILL BE SKIPPED. ***' >&2

.PHONY: help demo serve test check format bench soak sabotage clean

help:
	@echo 'make demo     set up, start Smalt, ask a sample annual report and workbook, show what was stored, stop'
	@echo '              with your own document: make demo FILE=path/to/10-K.pdf QUESTION="What was revenue in 2024?"'
	@echo 'make serve    start Smalt at https://localhost:8443 and print a sign-in link'
	@echo 'make test     run all the tests'
	@echo 'make check    format, lint, types, import contracts, then all the tests'
	@echo 'make format   rewrite the sources in the project style'
	@echo 'make bench    measure, and print the results with the machine'
	@echo 'make soak     ask questions for a long time, and watch memory and failures'
	@echo 'make sabotage  break every control in throw-away installations; every check must turn red'
	@echo 'make clean    remove what the commands above built; your data in .smalt stays'

demo:
	$(install) run
	$(run) smalt demo

serve:
	$(install) run
	$(run) smalt serve

test:
	$(install) dev
	$(peers)
	$(run) pytest -n 2 --dist loadfile

check:
	$(install) dev
	$(peers)
	$(run) ruff format --check .
	$(run) ruff check .
	$(run) mypy
	@.venv/bin/python tools/contracts.py
	$(run) pytest -n 2 --dist loadfile

format:
	$(install) dev
	$(run) ruff format .
	$(run) ruff check --fix .

bench:
	$(install) dev
	@.venv/bin/python bench/run.py

soak:
	$(install) dev
	@.venv/bin/python bench/soak.py

sabotage:
	$(install) dev
	$(run) smalt trust sabotage

clean:
	@sh tools/python.sh tools/clean.py
	rm -rf .venv .venv-peers build dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
	find smalt tests bench tools -name __pycache__ -type d -prune -exec rm -rf {} +
