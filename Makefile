# make setup installs; make demo runs; make test checks. The rest is for those who change things.
# A stamp in each installed folder says that it is up to date.

BIN := .venv/bin
PORT ?= 8000
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
UV_COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate
POLICY_TESTS := tests/accounts/test_accounts_policy.py tests/billing/test_billing_policy.py tests/billing/test_notice_policy.py tests/billing/test_tax.py \
	tests/lines/test_lines_policy.py tests/lines/test_caps_policy.py tests/lines/test_bundles_policy.py tests/lines/test_fields_policy.py tests/lines/test_zones_policy.py \
	tests/lines/test_costs_policy.py tests/lines/test_days_policy.py \
	tests/automation/test_rule_policy.py
PACKAGES := accounts billing lines automation subaccounts platform manage.py
PAGES := $(shell find templates platform/console/templatetags static -maxdepth 3 \( -name '*.html' -o -name '*.py' -o -name '*.js' \) -not -path '*/vendor/*')
export PORT
unexport PYTHONDONTWRITEBYTECODE # a hundred processes start here, and would each compile everything anew

.PHONY: setup demo test suite check rules drawings format lock bench fuzz contract hostile audit chaos faults soak move idle planted histories boundary restore-drill \
	upgrade-drill roundtrip screens help
.DEFAULT_GOAL := help

help:
	@echo "make setup | demo [PORT=8000] | test | check | rules | drawings | format | lock | bench | fuzz | contract | hostile | audit | chaos | faults | soak | move |" \
		"idle | planted | histories | boundary | restore-drill | upgrade-drill | roundtrip | screens"

setup: .venv/.installed node_modules/.vendored

demo: setup
	@$(BIN)/python -m embedded.demo

# Side by side: mypy uses one core only.
test: setup
	@$(MAKE) --no-print-directory --jobs 2 check suite

suite: setup
	CHROMIUM="$$(scripts/chromium)" && export CHROMIUM && $(BIN)/python -m pytest -n auto --dist worksteal

# Style, types, which module may import which, and whether migrations leave the version before running.
check: setup rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djangofmt --quiet --check templates
	$(BIN)/djangofmt --quiet check templates
	scripts/biome check
	$(BIN)/mypy $(PACKAGES) tests
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive $(filter-out manage.py,$(PACKAGES))
	DJANGO_SETTINGS_MODULE=config.settings.lint $(BIN)/python manage.py lintmigrations
	scripts/lint-openapi

# The rules are pure, and tables meet each of their branches.
rules: setup
	$(BIN)/coverage run -m pytest -q -n 0 $(POLICY_TESTS)
	$(BIN)/coverage report

# The states, tables and decisions that docs/ shows.
drawings: setup
	$(BIN)/python tests/house/drawings.py

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djangofmt --quiet check --fix templates
	$(BIN)/djangofmt --quiet templates
	scripts/biome check --write

bench: setup
	$(BIN)/python manage.py bench
	$(BIN)/python manage.py bench_rules

# Anything at all sent to every call of the API, and to the readers of files, identifiers, names and texts.
fuzz: setup .venv/.fuzz
	HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest tests/api/test_api_schema.py tests/api/test_api_schemathesis.py tests/inputs --timeout 1800
	@mkdir -p .local/fuzz
	$(BIN)/python -m tests.rigs.fuzz -max_total_time=$(or $(FUZZ_SECONDS),60) -max_len=4096 .local/fuzz tests/inputs/files

# Schemathesis' own run over the whole document, all its phases, behind the web server of production. EXAMPLES=N, SEED=N.
contract: setup
	EXAMPLES=$(or $(EXAMPLES),100) SEED=$(or $(SEED),1) $(BIN)/python -m pytest -q -n 0 -p no:cacheprovider tests/rigs/whole_api.py

# Everything that a stranger, a tenant of another and a thief would try, in full; the suite has a short run of each.
HOSTILE = tests/tenants tests/accounts tests/inputs tests/console/test_markup.py tests/console/test_misread.py \
	tests/api tests/automation/test_webhooks.py tests/lines/test_claims.py tests/lines/test_budget.py \
	tests/lines/test_offers.py tests/billing/test_payments_stripe.py tests/billing/test_payments_refused.py tests/house/test_security_rules.py
hostile: setup
	CHROMIUM="$$(scripts/chromium)" && export CHROMIUM && HOSTILE=1 HYPOTHESIS_PROFILE=long \
		$(BIN)/python -m pytest $(HOSTILE) -n auto --timeout 3600
	$(BIN)/python -m tests.rigs.planted --kind security --jobs $(or $(JOBS),1)

# Known faults of the locked packages. ADVISORIES="FILE ...": what osv.dev exports for PyPI and npm, and no network at
# all; without it the registries' own services are asked (pip install pip-audit first).
audit: setup
ifdef ADVISORIES
	$(BIN)/python -m tests.rigs.audit $(ADVISORIES)
else
	$(BIN)/python -m pip_audit --requirement requirements-dev.lock --require-hashes --disable-pip
	scripts/npm audit
endif

# Kills everything again and again while customers go on; an auditor from outside compares. KILLS=N, SEED=N.
chaos: setup
	$(BIN)/python -m tests.rigs.chaos --report --kills $(or $(KILLS),1000) $(if $(SEED),--seed $(SEED))

# Takes away everything that a running installation leans on, one at a time, and says how soon it is well again.
faults: setup
	$(BIN)/python -m tests.rigs.fault_rig --report

# Half an hour of work: memory, connections and tables must stay flat. MINUTES=N.
soak: setup
	$(BIN)/python -m tests.rigs.soak --report --minutes $(or $(MINUTES),30)

# An account moves from a second Linekeeper that runs as Keepgo; both must charge the same. LINES=N DAYS=N.
move: setup
	$(BIN)/python -m tests.rigs.move_rig --report --lines $(or $(LINES),2000) --days $(or $(DAYS),3)

# What a demo that nobody looks at costs: processor and memory of all its processes.
idle: setup
	$(BIN)/python -m tests.rigs.idle --report

# Faults of money code, one after another in a copy of the tree: the tests must catch each. ONLY=NAME, JOBS=N.
planted: setup
	$(BIN)/python -m tests.rigs.planted $(if $(ONLY),--only $(ONLY)) --jobs $(or $(JOBS),1) $(if $(RESULTS),--results $(RESULTS))

# Loses the database whole and brings it back to a moment; writes its section of docs/reliability.md.
restore-drill: setup
	$(BIN)/python -m tests.rigs.restore_drill --report
	$(BIN)/python -m tests.rigs.restore_drill --report --given

# Upgrades a running installation under load, from the version SINCE; writes its section of docs/reliability.md.
upgrade-drill: setup
	$(BIN)/python -m tests.rigs.upgrade_drill --report $(if $(SINCE),--since $(SINCE))

# Generated histories against their model: N=20000 SEED=1; with ONLY=NUMBER one of them, as a failure names it. JOBS=N.
histories: setup
	HISTORIES=$(or $(N),20000) HISTORIES_SEED=$(or $(SEED),1) $(if $(ONLY),HISTORIES_ONLY=$(ONLY)) \
		$(BIN)/python -m pytest tests/lines/test_histories.py -k every_history -n $(or $(JOBS),0) -q

# A fleet read at 50 calls a second over its carrier's boundary: N=100000 lines.
boundary: setup
	BOUNDARY_LINES=$(or $(N),100000) $(BIN)/python -m pytest tests/lines/test_over_a_boundary.py -n 0 -q --durations 1

# Every file that people can download, opened and saved by LibreOffice (Debian: libreoffice-calc), and read again.
roundtrip: setup
	$(BIN)/python -m tests.rigs.roundtrip
	$(BIN)/python -m pytest -q -n 0 tests/rigs/exports_through_office.py

# Screenshots of every page for docs/screens/, from a demo of its own.
screens: setup
	CHROMIUM="$$(scripts/chromium)" && export CHROMIUM && $(BIN)/python -m tests.rigs.screens

# New versions: needs uv and npm. The results name no registry.
lock:
	$(UV_COMPILE) --quiet --upgrade pyproject.toml --extra dev --output-file requirements-dev.lock
	$(UV_COMPILE) --quiet --constraints requirements-dev.lock pyproject.toml --extra traces --output-file requirements.lock
	echo uv | $(UV_COMPILE) --quiet --upgrade - --output-file requirements-uv.lock
	echo 'atheris<3.1' | $(UV_COMPILE) --quiet --upgrade - --output-file requirements-fuzz.lock # the last that is built for Python 3.11
	scripts/npm update --package-lock-only

.venv/bin/python:
	python="$$(scripts/python)" && "$$python" -m venv .venv

# uv takes a tenth of pip's time; where it cannot reach the packages, as behind an index that only pip is told of, pip does it.
.venv/.installed: requirements-dev.lock pyproject.toml requirements-uv.lock scripts/redis | .venv/bin/python
	$(PIP) --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip install --quiet --compile-bytecode --python .venv --no-deps --require-hashes -r requirements-dev.lock || \
		$(PIP) --require-hashes -r requirements-dev.lock
	$(PIP) --no-build-isolation -e .
	scripts/redis
	@touch $@

# The fuzzer that follows coverage: for make fuzz alone, as it has no build for every machine.
.venv/.fuzz: requirements-fuzz.lock | .venv/.installed
	$(PIP) --require-hashes -r $<
	@touch $@

node_modules/.installed: package.json package-lock.json .npmrc | .venv/.installed
	scripts/npm ci --loglevel=error
	@touch $@

node_modules/.vendored: node_modules/.installed static/vendor.txt scripts/vendor $(PAGES)
	scripts/vendor
	@touch $@
