# Each target sets up what it needs in .venv; nothing else on the machine is touched.
PYTHON ?= python3
BIN := .venv/bin

LIBRARIES := distilnp/native/lib/manifest.json

.PHONY: demo kernels test test-numpy test-wheel check check-full test-arm64 bench bench-quick goldens

demo: .venv/demo  ## answer from the bundled checkpoint
	$(BIN)/distilnp classify "I really liked that movie!" "What a waste of two hours."

kernels: $(LIBRARIES)  ## the libraries in distilnp/native/lib, if sources are newer

test: .venv/test $(LIBRARIES)  ## the tests; with DISTILNP_DATA set, also those over research texts
	$(BIN)/python -m pytest -m "not sweep"

test-numpy: .venv/test  ## what everyone calls, in the tier without compiled kernels
	DISTILNP_KERNELS=numpy $(BIN)/python -m pytest tests/test_api.py

# `pytest`, not `python -m pytest`: the package that is imported is to be the wheel's.
test-wheel: .venv-wheel/ready  ## the engine from a wheel, in an environment without Numba
	.venv-wheel/bin/pytest tests/engine tests/test_api.py tests/test_numpy_tier.py -m "not sweep"

check: .venv/dev test test-numpy test-wheel  ## the tests, the style, the types and the spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell

check-full: .venv/test $(LIBRARIES)  ## everything, with the exhaustive comparisons: minutes to an hour
	$(BIN)/python -m pytest
	PYTHONPATH=tests $(BIN)/python tests/witness/sweep_tokenizer.py

test-arm64: .venv/test  ## the kernels of aarch64, under an emulator; needs qemu-user-static and debootstrap
	tests/arm64/run .arm64

bench: .venv/bench  ## speed beside the peers; needs DISTILNP_DATA
	PYTHONPATH=tests $(BIN)/python -m benchmarks.tokenizer
	PYTHONPATH=tests $(BIN)/python -m benchmarks.startup
	PYTHONPATH=tests $(BIN)/python -m benchmarks.forward

bench-quick: .venv/bench  ## a look at the forward pass, in a few minutes
	PYTHONPATH=tests $(BIN)/python -m benchmarks.forward --quick

goldens: .venv/train .venv/test  ## what the witnesses compute, for the tests; review the diff
	PYTHONPATH=tests $(BIN)/python tests/witness/tokenizer_goldens.py
	PYTHONPATH=tests $(BIN)/python tests/witness/model_goldens.py

# An extra is installed when pyproject.toml has changed since.
.venv/demo: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

# The first install has built the kernels, and `LIBRARIES` says when they have to be built again.
.venv/%: pyproject.toml .venv/demo
	DISTILNP_BUILD_TARGETS=none $(BIN)/python -m pip install --quiet --editable ".[$*]"
	touch $@

$(LIBRARIES): $(shell find distilnp/kernels distilnp/native -name "*.py") | .venv/test
	$(BIN)/python -m distilnp.native.build

.venv-wheel/ready: pyproject.toml hatch_build.py $(shell find distilnp weights -type f -not -path "*/__pycache__/*" -not -path "*/lib/*") | .venv/test
	rm -rf .venv-wheel
	$(PYTHON) -m venv .venv-wheel
	$(BIN)/python -m hatchling build --target wheel --directory .venv-wheel/dist
	.venv-wheel/bin/python -m pip install --quiet .venv-wheel/dist/*.whl pytest hypothesis
	touch $@
