# Everything runs from .venv, which is made when it is missing or out of date.
# Python 3.11 gets the exact versions of requirements.txt; a newer one gets the newest
# versions that pyproject.toml allows. Choose with: make book PYTHON=python3.12

PYTHON ?= $(shell for python in python3.11 python3; do \
	$$python -c 0 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
PAGE := _build/html/index.html
# Simulators outside Nengo, by the files that pin their environments.
PEERS := brian2 nest simulators

# Notebooks run in notebooks/, where a relative folder would mean another one.
ifneq ($(SNNLIB_DATA_DIR),)
ifeq ($(filter /%,$(SNNLIB_DATA_DIR)),)
override SNNLIB_DATA_DIR := $(CURDIR)/$(SNNLIB_DATA_DIR)
endif
export SNNLIB_DATA_DIR
endif

# Where it is set, each of hundreds of short processes compiles the package again.
unexport PYTHONDONTWRITEBYTECODE

# NengoDL's sdist asks for a setuptools that does not run on Python 3.12, so it is
# built with one that runs everywhere.
INSTALL = -m pip install --disable-pip-version-check --quiet --no-compile
define install
$(1) $(INSTALL) "setuptools>=77,<81" wheel
$(1) $(INSTALL) --no-build-isolation $(2)
endef

# The book is what these files, the data folder and the environment make of it. Its
# name changes with their contents, so an edit, a new file or a lost one all count.
BOOK_SOURCES := Makefile _config.yml _toc.yml benchmarks book notebooks pyproject.toml \
	results snnlib sweeps
BUILT := _build/built-$(shell (echo "$(SNNLIB_DATA_DIR) $(SNNLIB_REPOSITORY)"; find $(BOOK_SOURCES) -type f \
	! -path "*/__pycache__/*" ! -path "*/.ipynb_checkpoints/*" \
	-exec cksum {} + | LC_ALL=C sort -k 3) | cksum | cut -d " " -f 1)

.PHONY: help book lite built lab test test-slow lint format
.PHONY: weights few-steps bench bench-quick times sweeps sweeps-quick peers race nir
.PHONY: versions links address requirements clean

help: ## List the targets
	@awk -F ":.*## " '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' Makefile

book: $(BUILT) ## Run every lesson and build the book
	@echo "The book is at file://$(CURDIR)/$(PAGE)"

$(BUILT): .venv/installed
	rm -rf _build
	$(BIN)/jupyter-book build . -W -n --keep-going
	@touch $@

# SNNLIB_PYODIDE names a folder with all of Pyodide; without, readers load it from its CDN.
lite: $(BUILT) ## Add the site in which lessons run in the reader's browser
	$(BIN)/python book/_ext/lite.py
	@echo "See it with: $(BIN)/python -m http.server --directory _build/html"

built: ## Fail unless the book is built from what is here now
	@test -e $(BUILT)

lab: .venv/installed ## Open the lessons in JupyterLab
	$(BIN)/jupyter-lab --notebook-dir=notebooks

# Tests run side by side, those of a file together, for they share what is slow to make.
# What measures time runs after them, with nothing beside it; ending with 5, it found
# nothing to measure. Memory sets the limit of four: a worker that has seen TensorFlow
# holds a gigabyte. Branches too are counted by: make test TEST_OPTIONS=--cov
define run_tests
	@$(BIN)/pytest -n logical --maxprocesses 4 --dist loadfile \
		--no-loadscope-reorder $(TEST_OPTIONS) \
		-m "not timing and $(1)"; tests=$$?; \
	$(BIN)/pytest -m "timing and $(1)" $$(grep -l mark.timing tests/*.py); times=$$?; \
	[ $$tests = 0 ] && { [ $$times = 0 ] || [ $$times = 5 ]; }
endef

test: .venv/installed ## Run the tests that need neither a network nor much time
	$(call run_tests,not slow and not network)

test-slow: .venv/installed ## Run the slow tests too
	$(call run_tests,not network)

lint: .venv/installed ## Check style, types, workflows; notebooks carry no outputs
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/zizmor --quiet --offline --persona pedantic .github
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows \
		.github/workflows/*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/pytest -q tests/test_house.py -k notebook

format: .venv/installed ## Put code and notebooks into shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

weights: .venv/installed ## Train and measure the networks of lesson 06 where missing
	$(BIN)/python scripts/train_mnist.py

# oneDNN makes training faster where TensorFlow does not switch it on by itself.
few-steps: .venv/installed ## Train and measure the networks of lesson 11 where missing
	for script in train_few_steps measure_few_steps train_settings; do \
		TF_ENABLE_ONEDNN_OPTS=1 $(BIN)/python scripts/$$script.py || exit 1; done

bench: .venv/installed ## Measure speed beside Nengo, NengoDL, Keras and papermill
	$(BIN)/python -m benchmarks $(BENCH)

bench-quick: .venv/installed ## The same at small sizes, which changes no result
	$(BIN)/python -m benchmarks --quick $(BENCH)

times: .venv/installed ## Time the network of lesson 10, with nothing beside it
	$(BIN)/python -m scripts.measure_times

sweeps: .venv/installed ## Do the runs of sweeps/ and renew their tables; takes hours
	for definition in sweeps/*.yaml; do \
		name=$$(basename $$definition .yaml); \
		$(BIN)/snnlib sweep $$definition --out runs/$$name && \
		$(BIN)/snnlib collect runs/$$name -o results/$$name.csv || exit 1; done

sweeps-quick: .venv/installed ## Repeat ten rows of experiments 1 and 2, drawn at random
	$(BIN)/python scripts/repeat_rows.py --sample 10

# PyTorch needs up to 6 GB, so these environments are made only when asked for.
build/%/done: environments/%.txt
	$(PYTHON) -m venv --clear build/$*
	build/$*/bin/python $(INSTALL) -r $<
	@touch $@

peers: $(PEERS:%=build/%/done) ## Make an environment for each other simulator of the race

race: .venv/installed peers ## Race other simulators: single neurons, and the network
	$(BIN)/python -m benchmarks --row race $(BENCH)

nir: .venv/installed build/simulators/done ## Run the exported network in two other simulators
	$(BIN)/python scripts/compare_nir.py --python build/simulators/bin/python

versions: .venv/installed ## Try every TensorFlow the project supports
	$(BIN)/python tests/versions.py

links: .venv/installed ## Check the addresses in the book (needs a network)
	$(BIN)/jupyter-book build . --builder linkcheck

address: .venv/installed ## Name another repository everywhere: REPOSITORY=https://...
	@test "$(REPOSITORY)" || { echo "Name it: make address" \
		"REPOSITORY=https://github.com/you/yours"; exit 1; } >&2
	@$(BIN)/python book/_ext/addresses.py $(REPOSITORY)

requirements: ## Pin the newest versions that pyproject.toml allows
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info[:2] != (3, 11))" || \
		{ echo "The pins are for Python 3.11: make requirements PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv --clear build/pins
	$(call install,build/pins/bin/python,-e ".[all]")
	(echo "# Exact versions for Python 3.11. Written by: make requirements"; \
		build/pins/bin/pip freeze --exclude-editable; echo "-e .") > build/pins.txt
	mv build/pins.txt requirements.txt
	build/pins/bin/python scripts/pin_binder.py
	rm -rf build/pins

clean: ## Remove what was built, but keep .venv
	rm -rf _build build .pytest_cache .ruff_cache .coverage

.venv/installed: $(BIN)/python pyproject.toml requirements.txt
	@echo "Installing into .venv; this takes some minutes."
	$(call install,$(BIN)/python,$$($(BIN)/python -c "import sys; print( \
		'-r requirements.txt' if sys.version_info[:2] == (3, 11) else '-e .[all]')"))
	# pip would compile with one processor. Nothing imports what cannot be compiled.
	@$(BIN)/python -m compileall -qq -j 0 .venv/lib || true
	@touch $@

$(BIN)/python:
	@$(or $(PYTHON),false) -c "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))" \
		2>/dev/null || { echo "This needs Python 3.11 or newer with venv, which" \
		"$(or $(PYTHON),python3) is not: name one, as in make PYTHON=python3.12."; exit 1; } >&2
	@$(PYTHON) -m venv .venv
