# make run     start the demonstration on http://127.0.0.1:8080
# make install   the command `didier` into ~/.local (PREFIX=/usr/local: for all users); make uninstall removes it
# make test    run all tests (installs what they need when it may)
# make check   formatting, lints, types, import layers, dependencies, generated code
# make fuzz    feed the parsers with made-up inputs for longer (FUZZ=100000: inputs for each)
# make bench   measure, and print the figures beside their references
# make faults  try what Didier has to survive, many times, and print what was lost
# make soak    all kinds of calls for ten minutes: what grows, what fails (SOAK='--minutes 60 --mariadb'),
#              or a million copies and many changes for ten webhooks and an edge: what do they miss (SOAK=changes)
# make backtest   known changes in made-up calls: which are found, and what else (BACKTEST='--numbers 500')
# make screenshots   write the pictures of the admin panel anew
# make client  write the blocking clients anew, from the awaiting ones
# make docs    write the reference of the command line and of events, the states of batches, and who may do what
# make lock    write the requirement files anew

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/run.stamp
DEV_STAMP := $(VENV)/dev.stamp
# pip leaves out of an editable install what it does for others: without it each start compiles all modules.
COMPILE := $(BIN)/python -m compileall -q src
LOCK_FORM := --universal --generate-hashes --no-header --no-emit-index-url --quiet
LOCK := $(BIN)/uv pip compile pyproject.toml --extra server $(LOCK_FORM)

# What needs the extra `server`; all else makes do with what every installation has (docs/decisions/0010).
SERVER := src/didier/((agi|cli/local|runtime|services|storage|vicidial|web)/|(config|logging|domain/(kept_inputs|numbers|plausibility|public_holidays|usage/callers))\.py)

PREFIX ?= $(HOME)/.local

.PHONY: run install uninstall test check fuzz bench faults soak backtest client docs screenshots lock clean

run: $(RUN_STAMP)
	$(BIN)/didier serve --demo

install:
	scripts/install $(PYTHON) "$(PREFIX)"

uninstall:
	rm -rf "$(PREFIX)/lib/didier" "$(PREFIX)/bin/didier"

# Where the environment forbids Python to write what it has compiled, pytest compiles all tests in each process.
test: $(DEV_STAMP)
	scripts/system-packages mariadb-server chromium-headless-shell libatomic1 wrk npm openssl jq php-cli \
		kamailio kamailio-sqlite-modules kamailio-utils-modules sip-tester
	scripts/npm-packages
	scripts/client-generator $(BIN)/python $(VENV)/generators
	$(COMPILE)
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest $(or $(TESTS),--numprocesses auto --maxprocesses 4 --dist worksteal)

check: $(DEV_STAMP)
	$(BIN)/ruff format --check src tests scripts
	$(BIN)/ruff check src tests scripts
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry src
	$(BIN)/deptry src --extend-exclude '$(SERVER)' --optional-dependencies-dev-groups server
	$(BIN)/deptry src tests tests/benchmarks scripts --exclude '.*/node_modules/' --ignore DEP002,DEP004
	$(BIN)/python scripts/blocking_client.py --check

fuzz: $(DEV_STAMP)
	FUZZ_EXAMPLES=$(or $(FUZZ),20000) $(BIN)/pytest tests/fuzz

bench: $(DEV_STAMP)
	scripts/system-packages wrk mariadb-server
	$(COMPILE)
	$(BIN)/python tests/benchmarks/bench.py $(BENCH)

faults: $(DEV_STAMP)
	scripts/system-packages mariadb-server e2fsprogs kamailio kamailio-sqlite-modules kamailio-utils-modules
	$(BIN)/python tests/benchmarks/faults.py

soak: $(DEV_STAMP)
	scripts/system-packages mariadb-server wrk kamailio kamailio-sqlite-modules kamailio-utils-modules
	$(BIN)/python tests/benchmarks/soak.py $(SOAK)

backtest: $(DEV_STAMP)
	$(BIN)/python tests/benchmarks/findings.py $(BACKTEST)

screenshots: $(DEV_STAMP)
	scripts/system-packages chromium-headless-shell libatomic1
	$(BIN)/python tests/browser/screenshots.py $(SHOTS)

client: $(DEV_STAMP)
	$(BIN)/python scripts/blocking_client.py

docs: $(DEV_STAMP)
	$(BIN)/python -m didier.cli.reference docs/reference/cli.md
	$(BIN)/python scripts/batch_states.py docs/reference/batch-states.md
	$(BIN)/python scripts/events.py docs/reference/events.md
	$(BIN)/python scripts/rooms.py docs/architecture.md
	PYTHONPATH=tests $(BIN)/python -m security.page docs/security/authorization.md

lock: $(DEV_STAMP)
	$(LOCK) --group build --output-file requirements/run.txt
	$(LOCK) --group dev --output-file requirements/dev.txt
	$(BIN)/uv pip compile --group generators $(LOCK_FORM) --output-file requirements/generators.txt

clean:
	rm -rf $(VENV) tests/browser/node_modules

$(VENV)/bin/python:
	scripts/make-venv $(PYTHON) $(VENV)

$(RUN_STAMP): $(VENV)/bin/python requirements/run.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/run.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(COMPILE)
	touch $@

$(DEV_STAMP): $(VENV)/bin/python requirements/dev.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(COMPILE)
	touch $@ $(RUN_STAMP)
