# Everything starts here: `make help` lists what there is. The first use of any of them on a new machine
# makes .venv from the pinned requirements and installs the few programs that are missing.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo run pictures test mutants faults simulate soak coverage check format bench fuzz pins clean ready-to-run ready-to-develop
export PYTHON

PY := .venv/bin/python
PYTHON_FILES := gateway tests tools samples bench fuzz
WORKERS ?= logical
# One part of the tests: make test TESTS=tests/agreement COVERAGE=
TESTS ?= tests
COVERAGE ?=
# Programs beside the package whose types are checked as strictly.
STRICT_TOO := tools/demo.py tools/sample_history.py tools/audit_pins.py tools/mutants.py samples/make_samples.py \
  bench/run.py bench/ledger.py bench/pages.py bench/upload.py bench/recovery.py tools/soak.py tools/simulate.py \
  tools/pictures.py tools/smallpng.py

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /\1|/' | while IFS='|' read -r name words; do \
	  printf '  make %-8s %s\n' "$$name" "$$words"; done

demo: ready-to-run ## one whole exchange on made-up extracts, stage by stage
	@$(PY) tools/demo.py

run: ready-to-run ## the service, on a rehearsal home made here at the first start
	@[ -e var/gateway.db ] || { $(PY) -m gateway init --rehearsal && $(PY) tools/sample_history.py; }
	@echo "To try it, in another terminal: cp samples/notifications-2025-03-13.csv inbox/ofsted/notifications/"
	@echo "The report appears in outbox/ofsted/reports/. Stop with Ctrl-C."
	@echo "The HTTP API answers on http://127.0.0.1:8480/api/v1 (docs/api.md); make a token with: $(PY) -m gateway token make --help"
	@echo "The web site is on http://localhost:8481 (docs/web.md)."
	@exec $(PY) -m gateway run --api 127.0.0.1:8480 --web 127.0.0.1:8481

coverage: COVERAGE = --cov --cov-branch --cov-report=term:skip-covered --cov-fail-under=90
coverage: test ## all tests, with branch coverage (at least 90 %): nearly half as long again

test: ready-to-develop ## all tests
	@rm -f .coverage .coverage.*
	@$(PY) -m compileall -q gateway # once, and not at each start of a program
	@$(PY) -m pytest -q -n $(WORKERS) --dist worksteal --durations=10 $(COVERAGE) $(TESTS)

check: ready-to-develop ## format, lint, types, layers and known holes
	@$(PY) -m ruff format --check --quiet . || { echo "Not formatted: run make format."; exit 1; }
	@$(PY) -m ruff check --quiet .
	@out=$$($(PY) -m bandit -q -c pyproject.toml --severity-level medium -r gateway tools 2>&1) || { echo "$$out"; exit 1; }
	@$(PY) -m mypy --no-error-summary
	@MYPYPATH=bench:samples:tools $(PY) -m mypy --strict --no-error-summary $(STRICT_TOO)
	@MYPYPATH=tools/faults $(PY) -m mypy --strict --no-error-summary tools/faults/*.py
	@out=$$(.venv/bin/lint-imports --no-logo 2>&1) || { echo "$$out"; exit 1; }
	@echo "Format, lint, types and layers are clean."
	@$(PY) tools/audit_pins.py

format: ready-to-develop ## format the code and mend what lint can mend
	@$(PY) -m ruff check --quiet --fix . || true
	@$(PY) -m ruff format .

bench: ready-to-develop ## measure against the shell pipeline; writes docs/benchmarks.md
	@$(PY) bench/run.py --write
	@PYTHONPATH=. $(PY) bench/ledger.py --write
	@PYTHONPATH=. $(PY) bench/pages.py --write
	@PYTHONPATH=. $(PY) bench/upload.py --write
	@$(PY) bench/recovery.py --write

simulate: ready-to-develop ## 10,000 seeded histories in which much goes wrong (SEED=: that one; RUNS= SECONDS= FIRST= JOBS=)
	@$(PY) tools/simulate.py $(if $(SEED),--seed $(SEED)) $(if $(FIRST),--first $(FIRST)) $(if $(RUNS),--runs $(RUNS)) \
	  $(if $(SECONDS),--seconds $(SECONDS)) $(if $(JOBS),--jobs $(JOBS))

mutants: ready-to-develop ## try each deliberate bug of tests/mutants: the tests must catch it
	@$(PY) tools/mutants.py

faults: ready-to-develop ## the crash matrix: 180 cells, by strace; writes docs/reliability.md
	@$(PY) -m compileall -q gateway
	@$(PY) tools/faults --write

soak: ready-to-develop ## the service under steady work and faults (SOAK_SECONDS=600): nothing may grow
	@$(PY) tools/soak.py

pictures: ready-to-develop ## the pictures of ten pages in docs/images/, made anew
	@$(PY) tools/pictures.py

fuzz: ready-to-develop ## fuzz the reader and the parsers, FUZZ_SECONDS (60) each; fuzz/corpus grows
	@PYTHONPATH=. $(PY) fuzz/fuzz_all.py

pins: ready-to-develop ## compile requirements*.in, with hashes, after a change (UPGRADE=--upgrade: newest of all)
	@$(PY) -m pip --disable-pip-version-check install --quiet uv
	@for file in requirements requirements-dev bench/requirements fuzz/requirements; do \
	  $(PY) -m uv pip compile --quiet $(UPGRADE) --generate-hashes --no-emit-index-url --no-header \
	    --python-version 3.11 $$file.in -o $$file.txt; done
	@git diff --stat -- 'requirements*.txt' bench/requirements.txt fuzz/requirements.txt

clean: ## remove what builds and tests left; a home's data and .venv stay
	@rm -rf .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache var/demo var/bench var/fuzz
	@find $(PYTHON_FILES) -name __pycache__ -type d -prune -exec rm -rf {} +

ready-to-run:
	@tools/prepare.sh run

ready-to-develop:
	@tools/prepare.sh dev
