# make app        install what is missing and serve the app
# make test       style, types, and all tests, those in a real browser included
# make format     bring the code into shape
# make benchmark  print every table of benchmarks/
#
# make app PORT=8600                  on another port
# make app FER_DATA=/folder/of/sets   the Data page may read the datasets in this folder
# make app ADDRESS=0.0.0.0            for other machines as well (they need HTTPS: docs/hosting.md)
# make app PYTHON=/path/to/python3    with another Python for .venv

PYTHON ?= $(shell command -v python3.11 || command -v python3)
ADDRESS ?= 127.0.0.1
PORT ?= 8501
BIN := .venv/bin

.PHONY: app test format benchmark browser

app: .venv/app.stamp
	$(BIN)/streamlit run streamlit_app.py --server.address $(ADDRESS) --server.port $(PORT)

test: .venv/dev.stamp browser
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/pytest

format: .venv/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

benchmark: .venv/app.stamp
	@for name in $(basename $(notdir $(sort $(wildcard benchmarks/*.py)))); do \
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
