# Two commands matter: `make run` shows the main job, `make test` checks everything. Both set up what they need.
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-print-directory

UV := .tools/bin/uv
PYTHON := .venv/bin/python
SAM := .venv-sam/bin/sam
SET_UP := .venv/in-step
AUDITORS := .venv-audit/in-step
REQUIREMENTS := layers/dependencies/requirements.txt
EXPORT := $(UV) export --quiet --frozen --no-default-groups --no-emit-project
# As many processes as processors, up to four. What takes long comes first, as the folders are called.
AT_ONCE := --numprocesses auto --maxprocesses 4 --no-loadscope-reorder
EVENT ?=
FUNCTION ?=
OPEN ?=
BRIDGE ?=
ROUNDS ?= 9
WAITING ?= 1000000
EVENTS ?= 1000000
FAULTS ?= 0.05
SEED ?= 1
COUNT ?=
ONLY ?=
PROFILE ?=

##@ See it work

.PHONY: run
run: $(SET_UP) ## Build, deploy to a local cloud and show the main job, from event to invitation
	@$(PYTHON) -m local run

.PHONY: up
up: $(SET_UP) ## Start a local cloud that stays, with everything deployed
	@$(PYTHON) -m local up --bridge "$(BRIDGE)"

.PHONY: send
send: $(SET_UP) ## Send one event to it: make send EVENT=events/purchase.json
	@test -n "$(EVENT)" || { echo "Say which event: make send EVENT=events/purchase.json"; exit 1; }
	@$(PYTHON) -m local send "$(EVENT)"

.PHONY: mail
mail: $(SET_UP) ## List the mails that arrived there, or open one: make mail OPEN=3
	@$(PYTHON) -m local mail $(if $(OPEN),--open "$(OPEN)")

.PHONY: invoke
invoke: $(SET_UP) ## Run a function on it: make invoke FUNCTION=translate_events EVENT=events/sqs/raw.json
	@test -n "$(FUNCTION)" -a -n "$(EVENT)" || { echo "Say which function and which event: make invoke FUNCTION=translate_events EVENT=events/sqs/raw.json"; exit 1; }
	@$(PYTHON) -m local invoke "$(FUNCTION)" "$(EVENT)"

.PHONY: down
down: $(SET_UP) ## Stop it
	@$(PYTHON) -m local down

##@ Check it

.PHONY: test
test: $(SET_UP) chromium ## Everything: lock, lint, types, imports, template, schemas, all tests, coverage
	@$(MAKE) --jobs 2 --output-sync=target lint typecheck
	@echo "== tests: unit, integration, conformance, end to end"
	@.venv/bin/pytest $(AT_ONCE) --cov --cov-report=term
	@# The operations of the document share one test's name, of which several processes run the first alone.
	@.venv/bin/pytest --quiet tests/conformance/test_openapi.py

.PHONY: lint
lint: $(SET_UP) ## Lock, style, imports, template, schemas
	@echo "== lock"
	@$(UV) lock --quiet --check || { echo "uv.lock is out of step with pyproject.toml: run 'make lock'."; exit 1; }
	@test "$$($(EXPORT) --no-header)" = "$$(grep -v '^#' $(REQUIREMENTS))" || { echo "$(REQUIREMENTS) is out of step with uv.lock: run 'make lock'."; exit 1; }
	@echo "== style"
	@.venv/bin/ruff check --quiet || { echo "Much of this is mended by 'make format'."; exit 1; }
	@.venv/bin/ruff format --quiet --check || { echo "Run 'make format'."; exit 1; }
	@echo "== imports"
	@.venv/bin/lint-imports
	@echo "== template"
	@.venv/bin/cfn-lint
	@env -i PATH="$$PATH" HOME="$$HOME" SAM_CLI_TELEMETRY=0 $(SAM) validate --lint --region us-east-1
	@echo "== schemas"
	@$(PYTHON) -m local.schemas --check

.PHONY: format
format: $(SET_UP) ## Mend what the linter and the formatter can mend
	@.venv/bin/ruff check --fix --quiet || true
	@.venv/bin/ruff format

.PHONY: typecheck
typecheck: $(SET_UP) ## mypy, strict
	@echo "== types"
	@.venv/bin/mypy

.PHONY: audit
audit: $(SET_UP) $(AUDITORS) ## Known weaknesses of packages (needs the network), and checkov on the template
	@$(PYTHON) -m local.audit

.PHONY: conformance
conformance: $(SET_UP) chromium ## What nobody here wrote agrees: a real browser, axe, other people's clients
	@.venv/bin/pytest tests/conformance

.PHONY: chromium
chromium:
	@sh local/chromium.sh >/dev/null

.PHONY: unit integration e2e
unit integration e2e: $(SET_UP) ## One kind of test alone, without coverage
	@.venv/bin/pytest tests/$@

.PHONY: drill
drill: $(SET_UP) ## Fire drill: let each fault come, see which alarms go off, and that the runbook ends it
	@$(PYTHON) -m local drill

.PHONY: bench
bench: ROUNDS = 15
bench: EVENTS = 2000
bench: $(SET_UP) ## Measure the functions beside the usual pattern, and write it into docs/performance.md
	@$(PYTHON) -m benchmarks.compare --rounds "$(ROUNDS)" --events "$(EVENTS)" --only "$(ONLY)" --profile "$(PROFILE)"

.PHONY: bench-sweep
bench-sweep: ROUNDS = 5
bench-sweep: $(SET_UP) ## Measure sweeps while few wait and while very many do, and write it into docs/performance.md
	@$(PYTHON) -m benchmarks.sweeping --waiting "$(WAITING)" --rounds "$(ROUNDS)"

.PHONY: bench-cold
bench-cold: $(SET_UP) ## Measure cold starts, and write them into docs/cold-start.md
	@$(PYTHON) -m benchmarks.cold_start --rounds "$(ROUNDS)"

.PHONY: cost
cost: $(SET_UP) ## Write docs/cost.md from list prices and counts: make cost COUNT=1 counts anew
	@$(PYTHON) -m benchmarks.cost $(if $(COUNT),--count)

.PHONY: soak
soak: $(SET_UP) ## Send very many events through, with faults, and balance: make soak EVENTS=1000000 FAULTS=0.05 SEED=1
	@$(PYTHON) -m benchmarks.soak --events "$(EVENTS)" --faults "$(FAULTS)" --seed "$(SEED)"

##@ Keep it

.PHONY: lock
# Not after $(SET_UP): that one wants a lock in step.
lock: ## Bring uv.lock and the layer's requirements in step with pyproject.toml
	@test -x $(UV) || sh local/setup.sh
	@$(UV) lock
	@$(EXPORT) -o $(REQUIREMENTS) >/dev/null
	@$(UV) pip compile --quiet --generate-hashes --python-version 3.13 --custom-compile-command "make lock" local/audit.in -o local/audit.txt >/dev/null

.PHONY: schemas
schemas: $(SET_UP) ## Write docs/schemas from the models
	@$(PYTHON) -m local.schemas

.PHONY: licences
licences: $(SET_UP) ## Write docs/licences.md from the layer's requirements
	@$(PYTHON) -m local.licences

.PHONY: hooks
hooks: $(SET_UP) ## Run the quick checks before each commit (pre-commit)
	@.venv/bin/pre-commit install

.PHONY: clean
clean: ## Remove all that make has made, the local cloud included
	@if [ -e .local/cloud.json ]; then $(PYTHON) -m local down; fi
	@rm -rf .aws-sam .local .tools .venv .venv-audit .venv-cloud .venv-lambda .venv-sam .*_cache .hypothesis .coverage* htmlcov

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9 -]+:.*## / {printf "  make %-24s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(SET_UP): uv.lock pyproject.toml local/bootstrap.txt local/setup.sh
	@sh local/setup.sh

# 200 MB that only `make audit` needs.
$(AUDITORS): local/audit.txt $(SET_UP)
	@echo "setup: .venv-audit"
	@$(UV) venv --quiet --clear --python $(PYTHON) .venv-audit
	@$(UV) pip sync --quiet --require-hashes --python .venv-audit/bin/python local/audit.txt
	@touch $@
