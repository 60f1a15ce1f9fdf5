# `make book` and `make test` are all a newcomer needs; `make help` lists the rest.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
MINUTES ?= 5
CHAPTERS ?= $(wildcard notebooks/[0-9]*.py)

# One thread a process: sums are added up in the same order on every machine, and processes side by
# side do not fight for cores.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 \
	TF_NUM_INTEROP_THREADS=1 LOKY_MAX_CPU_COUNT=1

export TF_CPP_MIN_LOG_LEVEL = 3
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PIP_NO_INPUT = 1
export PYTHONNOUSERSITE = 1

.DEFAULT_GOAL := help
.PHONY: help env book test lab fuzz kills mutation coverage versions pages pdf other-data results playgrounds real encoders bench paper-run lint format sync notebooks lock clean distclean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

book: $(STAMP)  ## make the cohort, execute every chapter, render _build/html/index.html
	@echo "data file: $$($(BIN)/ecglib data)"
	$(BIN)/python tools/build_book.py

# The stored outputs are those of the synthetic cohort, whatever file lies in data/.
test: $(STAMP)  ## run the unit tests, then every notebook against its stored outputs
	$(ONE_THREAD) $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder
	ECGLIB_PROFILE=quick ECGLIB_DREAMER="$$($(BIN)/ecglib data --synthetic)" \
		$(BIN)/python tools/chapters.py
	ECGLIB_PROFILE=quick ECGLIB_DREAMER="$$($(BIN)/ecglib data --synthetic)" $(ONE_THREAD) \
		$(BIN)/python -m pytest -n auto --dist loadfile --nbval --nbval-current-env \
		--nbval-sanitize-with tests/nbval_sanitize.cfg --nbval-cell-timeout 1800 notebooks

fuzz: $(STAMP)  ## damage small files in every way and read them (MINUTES=5)
	$(ONE_THREAD) $(BIN)/python -m tests.fuzz.measure
	$(ONE_THREAD) $(BIN)/python -m tests.fuzz.fuzzing $(MINUTES)

# What these find, and "fuzz", is told by the page "What we tried to break" of the book.
kills: $(STAMP)  ## kill what takes long at drawn points, and compare what it leaves
	$(ONE_THREAD) $(BIN)/python -m tests.breaking.kills

mutation: $(STAMP)  ## change the library in small ways, and see whether its tests notice
	test -d .mutation || $(BIN)/python -m pip install --quiet --target .mutation cosmic-ray==8.7.0
	$(ONE_THREAD) $(BIN)/python -m tests.breaking.mutation --tools .mutation

coverage: $(STAMP)  ## count the lines and branches of the library that no test runs
	rm -rf .coverage && mkdir .coverage
	begin=$$(date +%s); export COVERAGE_FILE=$(CURDIR)/.coverage/data; \
		$(ONE_THREAD) $(BIN)/python -m coverage run -m pytest -n auto --dist loadfile --no-loadscope-reorder && \
		$(BIN)/python -m coverage combine --quiet && \
		$(BIN)/python -m coverage json --quiet -o .coverage/report.json && \
		$(BIN)/python -m tests.breaking.branches .coverage/report.json $$(($$(date +%s) - begin))

versions: $(STAMP)  ## run the tests of five rooms on the lowest and highest versions allowed (needs uv, 6 GB, and Python 3.11 and 3.13)
	$(BIN)/python tools/check_versions.py

env: $(STAMP)  ## create .venv from requirements.lock

# The kernel is that of the environment, whatever kernels the user has installed elsewhere.
lab: $(STAMP)  ## open the chapters in JupyterLab, on the Python of .venv (LAB="--no-browser --port 8890")
	JUPYTER_PREFER_ENV_PATH=1 $(BIN)/python -m jupyterlab --ServerApp.root_dir="$(CURDIR)" \
		--LabApp.default_url=/lab/tree/notebooks/01_data.ipynb $(LAB)

pages: $(STAMP)  ## look at every page of the built book in headless Chromium, on a desktop and a phone
	$(BIN)/python -m tools.check_pages

pdf: $(STAMP)  ## print the built book into _build/ecg-ssl-book.pdf
	$(BIN)/python -m tools.book_pdf

other-data: $(STAMP)  ## build the book on two other files, and check that what it says is true of them (LONG=--long: chapter 14 too)
	$(BIN)/python tools/check_other_data.py $(LONG)

results: $(STAMP)  ## compute what results/ lacks of the synthetic cohort, and keep it there
	ECGLIB_PROFILE=quick ECGLIB_DREAMER="$$($(BIN)/ecglib data --synthetic)" \
		$(BIN)/ecglib results comparison --ship

playgrounds: $(STAMP)  ## compute the interactive figures anew from the cohort (MITDB=FOLDER: also the one of a real window)
	ECGLIB_PROFILE=quick ECGLIB_DREAMER="$$($(BIN)/ecglib data --synthetic)" \
		$(BIN)/python tools/playgrounds.py $(if $(MITDB),--mitdb $(MITDB))

# With LONG=--long also the longer trainings: hours on a processor, minutes on a card.
real: $(STAMP)  ## compute the study of real hearts into results/ (of "ecglib fetch", or MITDB="FOLDER..." EEGMAT=FOLDER; 2 to 2.5 hours projected on 2 cores)
	$(BIN)/python tools/real_hearts.py $(if $(MITDB),--mitdb $(MITDB)) $(if $(EEGMAT),--eegmat $(EEGMAT)) $(LONG)

encoders: $(STAMP)  ## train the encoders that ship (MITDB="FOLDER..." EEGMAT=FOLDER; 5 minutes on a card, 45 projected on 2 cores)
	$(BIN)/python tools/train_encoders.py --mitbih $(MITDB) --eegmat $(EEGMAT)

bench: $(STAMP)  ## measure speed side by side into benchmarks/results/ (a quiet machine, 80 minutes)
	for script in benchmarks/bench_*.py; do echo "$$script"; $(BIN)/python $$script || exit 1; done

# KERAS_BACKEND=jax takes a graphics card, if JAX sees one. Killed, it goes on where it was.
paper-run: $(STAMP)  ## train and evaluate the published profile from start to end (a card, or days)
	$(BIN)/python benchmarks/bench_paper.py --seconds inf

lint: $(STAMP)  ## check style, format, imports, workflows, English, and that notebooks agree with their scripts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/check_prose.py
	$(BIN)/python tools/check_notebooks.py
	$(BIN)/lint-imports --no-cache
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

format: $(STAMP)  ## format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

sync: $(STAMP)  ## carry edits between the notebooks and their percent scripts
	$(BIN)/jupytext --sync notebooks/*.ipynb

notebooks: $(STAMP)  ## execute the percent scripts into the notebooks (CHAPTERS=notebooks/01_data.py for one)
	ECGLIB_PROFILE=quick ECGLIB_DREAMER="$$($(BIN)/ecglib data --synthetic)" \
		$(BIN)/python tools/chapters.py $(CHAPTERS)

lock:  ## resolve pyproject.toml anew into requirements.lock (needs uv)
	uv pip compile pyproject.toml --universal --fork-strategy fewest --python-version 3.11 \
		--extra tensorflow --extra jax --extra features --extra readers --extra cluster --extra book --extra lab --extra dev --generate-hashes \
		--no-header --no-emit-index-url --no-emit-find-links -o requirements.lock

clean:  ## remove the rendered book and caches
	rm -rf _build .coverage .mutation .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean  ## also remove .venv and every computed artifact
	rm -rf .venv artifacts *.egg-info

# The project itself goes in last: a lock file with hashes cannot name an editable install.
$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || { $(PYTHON) tools/check_python.py && $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python tools/check_python.py
	@echo "Installing the locked packages into $(VENV) (some minutes the first time) ..."
	$(BIN)/python -m pip install -qq --require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@
