# Each target sets up what it needs in .venv; nothing else on the machine is touched.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-numpy check check-full bench bench-quick goldens

demo: .venv/demo  ## answer from the bundled checkpoint
	$(BIN)/distilnp classify "I really liked that movie!" "What a waste of two hours."

test: .venv/test  ## the tests; with DISTILNP_DATA set, also those over research texts
	$(BIN)/python -m pytest -m "not sweep"

test-numpy: .venv-numpy/ready  ## the tier without compiled kernels, in an environment without Numba
	.venv-numpy/bin/python -m pytest tests/test_numpy_tier.py tests/test_api.py tests/test_reference.py

check: .venv/dev test test-numpy  ## the tests, the style and the types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check-full: .venv/test  ## everything, with the exhaustive comparisons: minutes to an hour
	$(BIN)/python -m pytest
	PYTHONPATH=tests $(BIN)/python tests/witness/sweep_tokenizer.py

bench: .venv/bench  ## speed beside the peers; needs DISTILNP_DATA
	$(BIN)/python benchmarks/tokenizer.py
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

.venv-numpy/ready: pyproject.toml
	test -x .venv-numpy/bin/python || $(PYTHON) -m venv .venv-numpy
	.venv-numpy/bin/python -m pip install --quiet numpy safetensors tqdm pytest hypothesis hatchling
	.venv-numpy/bin/python -m pip install --quiet --no-deps --editable .
	touch $@

.venv/%: pyproject.toml .venv/demo
	$(BIN)/python -m pip install --quiet --editable ".[$*]"
	touch $@
