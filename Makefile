# Each target sets up what it needs in .venv; nothing else on the machine is touched.
PYTHON ?= python3
BIN := .venv/bin

LIBRARIES := distilnp/native/lib/manifest.json

# The tests about text and files take about as long as all others: two jobs of make share the work.
READING := tests/tokenizer tests/checkpoint tests/cli

.PHONY: demo kernels test test-reading test-rest test-numpy test-wheel test-spark test-browser page check check-full test-arm64 bench bench-quick goldens notebooks

demo: .venv/demo  ## classify two texts with the bundled checkpoint
	$(BIN)/distilnp classify "I really liked that movie!" "What a waste of two hours."

kernels: $(LIBRARIES)  ## build the libraries in distilnp/native/lib, if sources are newer

test: test-reading test-rest  ## run the tests; if DISTILNP_DATA is set, also those on research texts

test-reading: .venv/test $(LIBRARIES)
	$(BIN)/python -m pytest -m "not sweep" $(READING)

test-rest: .venv/test $(LIBRARIES) dist/ready
	DISTILNP_DIST=dist $(BIN)/python -m pytest -m "not sweep" --ignore tests/browser $(READING:%=--ignore %)

test-numpy: .venv/test  ## test the public API in the tier without compiled kernels
	DISTILNP_KERNELS=numpy $(BIN)/python -m pytest tests/test_api.py

# `pytest`, not `python -m pytest`, so that the package is imported from the wheel.
test-wheel: .venv-wheel/ready  ## test the engine from a wheel, in an environment without Numba
	.venv-wheel/bin/pytest tests/engine tests/test_api.py tests/test_numpy_tier.py -m "not sweep"

# The environment has the wheel and its extra, as on a machine that runs distilnp on Spark.
test-spark: .venv-spark/ready  ## test the stages on Spark, from a wheel; needs Java
	.venv-spark/bin/pytest tests/spark

test-browser: .venv/browser .venv-browser/ready  ## test the pages in Chromium, and the package under Pyodide; needs Chromium
	$(BIN)/python -m pytest tests/browser

check: .venv/dev test test-numpy test-wheel test-spark test-browser  ## check the tests, the style, the types and the spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell

# Playwright keeps an event loop running, which some other tests cannot have.
check-full: .venv/notebooks test-browser $(LIBRARIES)  ## run all tests, with the exhaustive comparisons: minutes to an hour
	$(BIN)/python -m pytest --ignore tests/browser
	PYTHONPATH=tests $(BIN)/python tests/witness/sweep_tokenizer.py

test-arm64: .venv/test  ## test the kernels for aarch64 in an emulator; needs qemu-user-static and debootstrap
	tests/arm64/run .arm64

page: .venv/demo  ## gather the page that classifies in a browser into build/page
	rm -rf build/page
	$(BIN)/python docs/browser/build.py build/page

bench: .venv/bench  ## compare speed and memory with those of the peers; needs DISTILNP_DATA
	PYTHONPATH=tests $(BIN)/python -m benchmarks.tokenizer
	PYTHONPATH=tests $(BIN)/python -m benchmarks.startup
	PYTHONPATH=tests $(BIN)/python -m benchmarks.memory
	PYTHONPATH=tests $(BIN)/python -m benchmarks.forward.steps
	PYTHONPATH=tests $(BIN)/python -m benchmarks.forward
	PYTHONPATH=tests $(BIN)/python -m benchmarks.forward.int8

bench-quick: .venv/bench  ## compare only the forward pass, in a few minutes
	PYTHONPATH=tests $(BIN)/python -m benchmarks.forward --quick

goldens: .venv/train .venv/test  ## compute the tests' goldens with the witnesses; review the diff
	PYTHONPATH=tests $(BIN)/python tests/witness/tokenizer_goldens.py
	PYTHONPATH=tests $(BIN)/python tests/witness/model_goldens.py

notebooks: .venv/notebooks  ## make the notebooks from the lessons in docs/course
	$(BIN)/python docs/notebooks/make.py

# An extra is installed again when pyproject.toml has changed.
.venv/demo: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

# The first installation has built the kernels. `LIBRARIES` decides when they have to be built again.
.venv/%: pyproject.toml .venv/demo
	DISTILNP_BUILD_TARGETS=none $(BIN)/python -m pip install --quiet --editable ".[$*]"
	touch $@

# One at a time, if make has several jobs: they install into the same .venv.
.venv/browser: .venv/test
.venv/dev .venv/notebooks: .venv/browser

$(LIBRARIES): $(shell find distilnp/kernels distilnp/native -name "*.py") | .venv/test
	$(BIN)/python -m distilnp.native.build

dist/ready: pyproject.toml hatch_build.py $(shell find distilnp weights -type f -not -path "*/__pycache__/*" -not -path "*/lib/*") | .venv/test $(LIBRARIES)
	rm -rf dist
	$(BIN)/python -m hatchling build --directory dist
	touch $@

.venv-wheel/ready: dist/ready
	rm -rf .venv-wheel
	$(PYTHON) -m venv .venv-wheel
	.venv-wheel/bin/python -m pip install --quiet dist/*.whl pytest hypothesis
	touch $@

.venv-spark/ready: dist/ready
	rm -rf .venv-spark
	$(PYTHON) -m venv .venv-spark
	.venv-spark/bin/python -m pip install --quiet "$$(echo dist/*.whl)[spark]" "pyspark[connect]" pytest hypothesis
	touch $@

.venv-browser/ready: tests/browser/package.json tests/browser/package-lock.json tests/browser/fetch_numpy.py | .venv/browser
	rm -rf .venv-browser
	mkdir .venv-browser
	cp tests/browser/package.json tests/browser/package-lock.json .venv-browser
	$(BIN)/npm ci --prefix .venv-browser --silent --no-audit --no-fund
	$(BIN)/python tests/browser/fetch_numpy.py .venv-browser/node_modules/pyodide
	touch $@
