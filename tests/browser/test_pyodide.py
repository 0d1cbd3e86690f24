"""The package under Pyodide, the Python of browsers, run by Node: without threads, in 32 bits.

The interpreters are those of npm. The older one has a NumPy, and runs everything; the current one runs all
that needs no NumPy. One process of each tries everything, because starting one takes seconds.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.browser import NODE_MODULES
from support.expected_logits import float32_tolerance, golden
from support.seeded_models import seeded_ids
from support.tokenizer_witness import BUNDLED, edge_cases, witness

import distilnp

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]

# What pip installs beside NumPy, and what extras add. A browser has none of it.
NOT_NEEDED = ["safetensors", "huggingface_hub", "tqdm", "numba", "fsspec"]
SENTENCE = "I really liked that movie!"
LABELLED = {"What a joy.": "POSITIVE", "What a bore.": "NEGATIVE"}
LONG = "What a joy. " * 20
LENGTHS = (1, 2, 7, 33, 64)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel without compiled kernels, which installs anywhere."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=REPOSITORY,
        env=os.environ | {"DISTILNP_BUILD_TARGETS": "none"},
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*-py3-none-any.whl")
    return wheel


def run(pyodide: str, wheel: Path, needs_numpy: bool) -> dict[str, Any]:
    """Run `in_pyodide.py` under one of npm's packages, and return what it saw."""
    folder = NODE_MODULES / pyodide
    node = shutil.which("node", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if node is None:
        pytest.skip("Node is not installed; `make test-browser` installs it")
    if not folder.exists():
        pytest.skip(f"{folder} is missing; `make test-browser` installs it")
    if needs_numpy and not any(folder.glob("numpy-*.whl")):
        pytest.skip(f"{folder} has no NumPy: `make test-browser` could not fetch it")
    config = distilnp.load("sst2-mini").config
    question = wheel.parent / "question.json"
    question.write_text(
        json.dumps(
            {
                "needs_numpy": needs_numpy,
                "not_needed": NOT_NEEDED,
                "texts": [*edge_cases()],
                "ids": [seeded_ids(config.vocab_size, n, seed=n) for n in LENGTHS],
                "sentence": SENTENCE,
                "labelled": [*LABELLED],
                "long": LONG,
            }
        )
    )
    command = [node, HERE / "run.mjs", folder, wheel, HERE / "in_pyodide.py", question]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def complete(wheel: Path) -> dict[str, Any]:
    """Return what was seen under the Pyodide that has a NumPy."""
    return run("pyodide", wheel, needs_numpy=True)


@pytest.fixture(scope="module", params=["pyodide", "pyodide-current"])
def seen(request: pytest.FixtureRequest, wheel: Path) -> dict[str, Any]:
    """Return what was seen under each Pyodide."""
    if request.param == "pyodide":
        return request.getfixturevalue("complete")
    return run(request.param, wheel, needs_numpy=False)


# ------------------------------------------------------------------------------------ what needs no NumPy


def test_this_is_a_browsers_python(seen: dict[str, Any]) -> None:
    assert (seen["platform"], seen["pointer"]) == ("emscripten", 4)
    assert seen["thread"] == ["RuntimeError", "can't start new thread"]
    assert seen["missing"] == NOT_NEEDED


def test_the_tokens_are_those_of_the_witness(seen: dict[str, Any]) -> None:
    rust = witness(BUNDLED, lowercase=True)

    assert [ids for ids, *_ in seen["encodings"]] == [rust.encode(text).ids for text in edge_cases()]


def test_tokens_offsets_and_words_are_those_of_any_python(seen: dict[str, Any]) -> None:
    tokenizer = distilnp.load("sst2-mini").tokenizer
    encodings = map(tokenizer.encode, edge_cases())
    expected = [[e.ids, e.tokens, e.offsets, e.word_ids] for e in encodings]

    assert seen["encodings"] == json.loads(json.dumps(expected))


def test_the_header_of_the_weights_is_read_without_a_library(seen: dict[str, Any]) -> None:
    ends = [end for *_, end in seen["header"].values()]

    assert len(ends) == 144
    assert max(ends) == (REPOSITORY / "weights/sst2-mini/model.safetensors").stat().st_size


def test_the_command_starts(seen: dict[str, Any]) -> None:
    assert seen["--version"] == [0, f"distilnp {distilnp.__version__}\n", ""]
    code, output, errors = seen["classify --help"]
    assert (code, errors) == (0, "")
    assert output.startswith("usage: distilnp classify")


# ---------------------------------------------------------------------------------------------- the model


def test_the_parameters_are_the_same_to_the_last_bit(complete: dict[str, Any]) -> None:
    assert (complete["engine"], complete["intp"]) == ("ReferenceEngine", 4)
    assert complete["fingerprint"] == distilnp.load("sst2-mini").fingerprint


def test_the_logits_are_those_of_transformers(complete: dict[str, Any]) -> None:
    expected = golden("sst2-mini")["float64"]
    config = distilnp.load("sst2-mini").config
    largest_logit = max(np.abs(logits).max() for logits in expected.values())

    for n, logits in zip(LENGTHS, complete["logits"], strict=True):
        # NumPy has no BLAS there, and adds up one product after another.
        tolerance = float32_tolerance(config, n, largest_logit, in_a_row=float)
        assert np.abs(np.array(logits) - expected[n]).max() <= tolerance, f"{n} tokens"


def test_texts_are_classified_in_every_way(complete: dict[str, Any]) -> None:
    expected = distilnp.classify(SENTENCE)

    assert complete["prediction"]["label"] == expected.label
    assert complete["prediction"]["score"] == pytest.approx(expected.score, abs=1e-5)
    assert complete["streamed"] == complete["int8"] == [*LABELLED.values()]
    assert complete["windows"] == len(
        distilnp.load("sst2-mini", long_text="windows", max_length=32, stride=8)(LONG).windows
    )


def test_the_command_classifies_a_file(complete: dict[str, Any]) -> None:
    code, output, errors = complete["classify --file"]
    assert (code, errors) == (0, "")
    assert [json.loads(line)["label"] for line in output.splitlines()] == [*LABELLED.values()]
    assert "kernels           NumPy, because DISTILNP_KERNELS is 'numpy'" in complete["info"][1]


def test_nothing_but_numpy_is_imported(complete: dict[str, Any]) -> None:
    assert complete["imported"] == complete["imported at the end"] == []


def test_what_does_not_work_there_is_an_error_of_the_package(complete: dict[str, Any]) -> None:
    kind, message = complete["from the hub"]
    assert kind == "DownloadError"
    assert "the hub's client cannot be imported" in message
    kind, message = complete["damaged"]
    assert kind == "CheckpointError"
    assert re.search("is not a whole safetensors file .*fetch it again", message)
