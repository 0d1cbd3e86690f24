"""The tier without compiled kernels: chosen, or all there is where Numba cannot be imported."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

HAS_NUMBA = find_spec("numba") is not None

TEXTS = ["What a joy.", "", "Dull, and far too long.", "What a joy. " * 40]

SCRIPT = """
import json, sys
import distilnp

texts = json.loads(sys.argv[1])
for _ in range(2):  # the tier is announced once
    classifier = distilnp.load("sst2-mini")
classifier.warmup()
together = [prediction.logits.tolist() for prediction in classifier(texts)]
alone = [classifier(text).logits.tolist() for text in texts]
print(json.dumps([type(classifier.engine).__name__, together, alone]))
"""


def answers(**variables: str) -> tuple[str, list[list[float]], list[list[float]], str]:
    """Return the name of the engine, logits of all texts at once and one by one, and standard error."""
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(TEXTS)],
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"} | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return (*json.loads(run.stdout), run.stderr)


def test_who_asks_for_numpy_gets_it_in_silence() -> None:
    engine, _, _, said = answers(DISTILNP_KERNELS="numpy")

    assert (engine, said) == ("ReferenceEngine", "")


def test_scores_do_not_depend_on_the_batch() -> None:
    _, together, alone, _ = answers(DISTILNP_KERNELS="numpy")

    assert together == alone


@pytest.mark.skipif(HAS_NUMBA, reason="Numba is installed")
def test_without_numba_numpy_computes_and_says_so_once() -> None:
    engine, together, alone, said = answers()

    assert (engine, together) == ("ReferenceEngine", alone)
    assert said.count("computing with NumPy instead") == said.count("\n") == 1
    assert "numba cannot be imported" in said


@pytest.mark.skipif(HAS_NUMBA, reason="Numba is installed")
def test_who_asks_for_compiled_kernels_is_told_why_there_are_none() -> None:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        answers(DISTILNP_KERNELS="jit")

    assert "ArgumentError: DISTILNP_KERNELS is 'jit', but numba cannot be imported" in failure.value.stderr


@pytest.mark.skipif(not HAS_NUMBA, reason="Numba is not installed")
def test_both_tiers_agree() -> None:
    engine, compiled, _, _ = answers()
    _, by_numpy, _, _ = answers(DISTILNP_KERNELS="numpy")

    assert engine == "Engine"
    for one, other in zip(compiled, by_numpy, strict=True):
        # 64 units of the largest logit: test_reference.py derives that rounding stays below that.
        assert one == pytest.approx(other, rel=0, abs=64 * 2**-24 * max(map(abs, other)))
