# make app        install what is missing and serve the app
# make test       style, types, and all tests, those in a real browser included
# make fuzz       the long runs of tests/fuzz: thousands of damaged pictures, clips, models and datasets
# make format     bring the code into shape
# make docs       build the documentation site into site/
# make static     write the live page that needs no server into site-device/ (docs/device.md)
# make lock       upgrade the locked versions in requirements.txt and requirements-dev.txt
# make benchmark  print the tables of speed and memory; those of accuracy name the data that they need:
#                 python -m benchmarks.NAME --help
#
# make app PORT=8600                  on another port
# make app FER_DATA=/folder/of/sets   the Data page may read the datasets in this folder
# make app ADDRESS=0.0.0.0            for other machines as well (they need HTTPS: docs/hosting.md)
# make static STATIC=/folder/of/web   into another folder; other files in it stay
# make app PYTHON=/path/to/python3    with another Python for .venv

PYTHON ?= $(shell command -v python3.11 || command -v python3)
ADDRESS ?= 127.0.0.1
PORT ?= 8501
STATIC ?= site-device
BIN := .venv/bin

LOCK := $(BIN)/uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
    --generate-hashes --custom-compile-command 'make lock' pyproject.toml --extra app --extra train --extra export \
    --extra host
DEV_LOCK := $(LOCK) --extra dev --constraint requirements.txt
LOCKS := requirements.txt requirements-dev.txt

.PHONY: app test fuzz format docs static lock check-lock benchmark browser

app: .venv/app.stamp
	$(BIN)/streamlit run streamlit_app.py --server.address $(ADDRESS) --server.port $(PORT)

test: .venv/dev.stamp browser check-lock
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 2 --dist loadfile --cov --cov-report=term:skip-covered

fuzz: .venv/dev.stamp
	FER_FUZZ=1 OMP_NUM_THREADS=1 $(BIN)/pytest tests/fuzz --capture=tee-sys -o faulthandler_timeout=0

format: .venv/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/dev.stamp
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

static: .venv/app.stamp
	$(BIN)/python -m app.device.bundle "$(STATIC)"

lock: .venv/dev.stamp
	$(LOCK) --upgrade --output-file requirements.txt
	$(DEV_LOCK) --upgrade --output-file requirements-dev.txt

# Compiles copies of the locks, without upgrading: they change only if pyproject.toml asks for something else.
check-lock: .venv/dev.stamp
	@copies=$$(mktemp -d) && trap 'rm -r "$$copies"' EXIT && cp $(LOCKS) "$$copies" \
	    && $(LOCK) --output-file "$$copies/requirements.txt" \
	    && $(DEV_LOCK) --output-file "$$copies/requirements-dev.txt" \
	    && for lock in $(LOCKS); do diff "$$lock" "$$copies/$$lock" > /dev/null \
	        || { echo "$$lock does not hold what pyproject.toml asks for; run: make lock"; exit 1; }; done

benchmark: .venv/app.stamp
	@for name in live video explain browser device; do \
	    echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; \
	done

# A stamp says that .venv holds what the file beside it asks for, so a second run starts at once.
.venv/app.stamp: requirements.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo 'Python 3.11 or newer is needed. Name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11'; \
	    exit 1; }
	"$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install -r requirements.txt
	@touch $@

.venv/dev.stamp: requirements-dev.txt .venv/app.stamp
	$(BIN)/python -m pip install -r requirements-dev.txt
	@touch $@

# The browser tests need Chromium. Root on a Debian system (a container, say) gets it here; elsewhere
# those tests skip and say why.
browser:
	@if ! command -v chromium >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    export DEBIAN_FRONTEND=noninteractive; \
	    apt-get update && apt-get install -y --no-install-recommends chromium \
	        || echo 'Chromium could not be installed; the browser tests will skip.'; \
	fi
