"""The tier without compiled kernels: requested, or the only one left without libraries and Numba."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.children import WITHOUT_THREADS, environment, run_python
from support.copied_package import copy_package

from distilnp.checkpoint.registry import find_checkpoint
from distilnp.native.loader import no_library, no_numba

TEXTS = ["What a joy.", "", "Dull, and far too long.", "What a joy. " * 40]

SCRIPT = """
import json, sys
import distilnp

model, texts = sys.argv[1], json.loads(sys.argv[2])
for _ in range(2):  # the tier is announced once
    classifier = distilnp.load(model)
classifier.warmup()
together = [prediction.logits.tolist() for prediction in classifier(texts)]
alone = [classifier(text).logits.tolist() for text in texts]
print(json.dumps([type(classifier.engine).__name__, together, alone]))
"""


@pytest.fixture
def bare(tmp_path: Path) -> str:
    """Return the folder of a package that has no libraries. Numba cannot be imported beside it."""
    return str(copy_package(tmp_path, without=("lib",), numba=False))


def answers(
    kernels: str | None = None, **variables: str
) -> tuple[str, list[list[float]], list[list[float]], str]:
    """Return the name of the engine, the logits of all texts at once and one by one, and standard error."""
    run = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT, find_checkpoint("sst2-mini"), json.dumps(TEXTS)],
        env=environment(OPENBLAS_NUM_THREADS="1", DISTILNP_KERNELS=kernels, **variables),
        capture_output=True,
        text=True,
        check=True,
    )
    return (*json.loads(run.stdout), run.stderr)


def test_numpy_is_used_silently_when_it_is_asked_for() -> None:
    engine, _, _, errors = answers("numpy")

    assert (engine, errors) == ("ReferenceEngine", "")


def test_logits_do_not_depend_on_the_batch() -> None:
    _, together, alone, _ = answers("numpy")

    assert together == alone


def test_numpy_computes_without_libraries_and_numba_and_reports_it_once(bare: str) -> None:
    engine, together, alone, errors = answers(PYTHONPATH=bare)

    assert (engine, together) == ("ReferenceEngine", alone)
    assert errors.count("computing with NumPy instead") == errors.count("\n") == 1
    assert "no kernels built ahead of time can run (none are built), and numba cannot be imported" in errors


BARE_SCRIPT = f"""{WITHOUT_THREADS}
import sys
for name in ("safetensors", "huggingface_hub", "tqdm", "fcntl", "resource", "ssl", "lzma", "sqlite3"):
    sys.modules[name] = None  # an import of it raises ImportError

import distilnp

classifier = distilnp.load(sys.argv[1], threads=4)
texts = ["What a joy.", "What a bore."] * 20
answers = zip(texts, classifier.stream(texts), strict=True)
print(dict((text, prediction.label) for text, prediction in answers))
"""


@pytest.mark.parametrize("kernels", [None, "numpy"])
def test_a_checkpoint_is_loaded_and_computed_without_threads_and_with_numpy_alone(
    kernels: str | None,
) -> None:
    done = run_python(BARE_SCRIPT, find_checkpoint("sst2-mini"), env=environment(DISTILNP_KERNELS=kernels))

    assert done.stderr == ""
    assert done.stdout == "{'What a joy.': 'POSITIVE', 'What a bore.': 'NEGATIVE'}\n"


def test_a_request_for_compiled_kernels_fails_with_the_reason_if_none_can_run(bare: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        answers("jit", PYTHONPATH=bare)

    assert "ArgumentError: DISTILNP_KERNELS is 'jit', but numba cannot be imported" in failure.value.stderr


@pytest.mark.skipif(bool(no_library() and no_numba()), reason="no compiled kernels can run here")
def test_both_tiers_agree() -> None:
    engine, compiled, _, _ = answers()
    _, by_numpy, _, _ = answers("numpy")

    assert engine == "CompiledEngine"
    for one, other in zip(compiled, by_numpy, strict=True):
        # 64 units of rounding of the largest logit. The tiers were measured to differ by 5 units at most;
        # `float32_tolerance` would allow about 300 to each.
        assert one == pytest.approx(other, rel=0, abs=64 * 2**-24 * max(map(abs, other)))
