"""Packed weights: they can be unpacked, classifiers share them, and loading takes little more memory."""

import gc
import pickle
import sys
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.children import MEMORY_OF_THIS_PROCESS, environment, run_python
from support.engines import compiled_engine
from support.seeded_models import (
    BASE,
    CONFIGS,
    QUANTIZATION,
    int8_rows,
    packed,
    params_of,
    seeded_tensors,
    write_bfloat16,
    write_checkpoint,
)

import distilnp
from distilnp.checkpoint.tensors import load_params
from distilnp.engine.memory import CACHE_LINE
from distilnp.engine.shared_weights import load_packed
from distilnp.model.config import DistilBertConfig
from distilnp.model.params import Params, shapes

CONFIG = CONFIGS["odd-sizes"]
TENSORS = seeded_tensors(CONFIG)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "checkpoint", CONFIG, TENSORS)


def leaves(tree: object) -> list[object]:
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, tuple) else [tree]


def assert_equal(found: Params, expected: Params) -> None:
    for one, other in zip(leaves(found), leaves(expected), strict=True):
        np.testing.assert_array_equal(one, other)


def quick_tensors(config: DistilBertConfig) -> dict[str, np.ndarray]:
    """Return tensors of random numbers: a seeded model of full size would take seconds to make."""
    random = np.random.default_rng(0)
    return {
        name: random.random(shape, np.float32) - np.float32(0.5) for name, shape in shapes(config).items()
    }


@pytest.mark.parametrize("name", CONFIGS)
def test_unpacking_gives_the_packed_tensors_back(name: str) -> None:
    config = CONFIGS[name]
    tensors = quick_tensors(config)

    assert_equal(packed(tensors, config).unpack(), params_of(tensors, config))


@pytest.mark.parametrize("chunk_bytes", [1, 4 * 35 * 48, 1 << 30])
def test_packing_does_not_depend_on_how_much_is_read_at_a_time(
    folder: Path, chunk_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distilnp.checkpoint.tensors.CHUNK_BYTES", chunk_bytes)

    assert_equal(load_packed(folder, CONFIG).unpack(), load_params(folder, CONFIG))


def test_every_block_starts_on_a_cache_line() -> None:
    weights = packed(TENSORS, CONFIG)
    addresses = [weights.address(name) for name in TENSORS]

    assert {address % CACHE_LINE for address in addresses} == {0}
    assert len(set(addresses)) == len(addresses)


def test_the_parameters_of_a_classifier_are_those_of_the_file(folder: Path) -> None:
    assert_equal(distilnp.load(folder).params, load_params(folder, CONFIG))


def test_classifiers_of_one_checkpoint_share_its_weights(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    classifiers = [distilnp.load(path, max_length=n) for path in (folder, tmp_path / "link") for n in (8, 9)]

    assert len({id(classifier.engine.weights) for classifier in classifiers}) == 1


def test_a_changed_file_is_read_again(folder: Path) -> None:
    before = distilnp.load(folder)
    old_logits = before("w1 w2").logits

    write_checkpoint(folder, CONFIG, TENSORS | {"classifier.bias": TENSORS["classifier.bias"] + 1})
    after = distilnp.load(folder)

    np.testing.assert_allclose(after("w1 w2").logits, old_logits + 1, rtol=1e-5)
    np.testing.assert_array_equal(before("w1 w2").logits, old_logits)


def test_a_changed_config_shares_no_weights(folder: Path) -> None:
    before = distilnp.load(folder)

    write_checkpoint(folder, CONFIG, TENSORS, activation="relu")

    assert not np.array_equal(distilnp.load(folder)("w1 w2").logits, before("w1 w2").logits)


def test_weights_are_freed_with_their_last_classifier(folder: Path) -> None:
    first, second = distilnp.load(folder), distilnp.load(folder)
    first("w1")
    arena = weakref.ref(first.engine.weights.arena)

    del first
    gc.collect()
    assert arena() is not None
    del second
    gc.collect()
    assert arena() is None


def test_a_copy_has_weights_of_its_own(folder: Path) -> None:
    original = distilnp.load(folder)
    expected = original("w1 w2").logits.tobytes()

    copy = pickle.loads(pickle.dumps(replace(original, embed=True)))
    original.engine.weights.arena[:] = 255  # every number is now NaN

    assert copy("w1 w2").logits.tobytes() == expected
    assert copy.engine.weights.arena.ctypes.data % CACHE_LINE == 0


@pytest.mark.parametrize("name", ["odd-sizes", "one-layer", "one-label-relu"])
@pytest.mark.parametrize("stored", ["float16", "bfloat16", "int8", "mixed"])
def test_the_form_in_the_checkpoint_changes_no_bit(name: str, stored: str, tmp_path: Path) -> None:
    """A checkpoint in a narrow form, and one in float32 with the same numbers."""
    config, tensors = CONFIGS[name], seeded_tensors(CONFIGS[name])
    inputs = [[2, 5, 7, 9, 3], [2, 3], list(range(2, 90))]
    narrow, wide = tmp_path / "narrow", tmp_path / "wide"
    if stored == "bfloat16":
        write_checkpoint(narrow, config, {})
        write_bfloat16(narrow / "model.safetensors", tensors)
    elif stored == "int8":
        write_checkpoint(narrow, config, int8_rows(tensors), quantization_config=QUANTIZATION)
    else:
        halves = {n: x.astype(np.float16) for n, x in tensors.items() if stored == "float16" or "lin1" in n}
        write_checkpoint(narrow, config, tensors | halves)
    write_checkpoint(
        wide, config, dict(zip(shapes(config), leaves(load_params(narrow, config)), strict=True))
    )

    one, other = (compiled_engine(load_packed(folder, config), 2) for folder in (narrow, wide))

    assert one.forward(inputs).tobytes() == other.forward(inputs).tobytes()
    assert one.weights_sha256 == other.weights_sha256
    assert one.weights.size < other.weights.size


# The kernels are loaded before the measurement, as they are in a process that loads a second model.
MEASURE_LOADING = (
    MEMORY_OF_THIS_PROCESS
    + """
import sys
import distilnp.api
from distilnp.native.loader import choose

choose()
before = memory("VmRSS")
classifier = distilnp.load(sys.argv[1])
print(memory("VmHWM") - before, classifier.engine.weights.arena.nbytes)
"""
)


@pytest.fixture(scope="module")
def base_tensors() -> dict[str, np.ndarray]:
    return quick_tensors(BASE)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the largest resident size")
@pytest.mark.parametrize(
    ("stored", "n_bytes"), [("float32", 4), ("float16", 2), ("bfloat16", 2), ("int8", 1)]
)
def test_loading_takes_little_more_memory_than_the_weights(
    base_tensors: dict[str, np.ndarray], stored: str, n_bytes: int, tmp_path: Path
) -> None:
    tensors, changes = base_tensors, {}
    if stored == "float16":
        tensors = {name: tensor.astype(np.float16) for name, tensor in base_tensors.items()}
    elif stored == "int8":
        tensors, changes = int8_rows(base_tensors), {"quantization_config": QUANTIZATION}
    write_checkpoint(tmp_path, BASE, tensors if stored != "bfloat16" else {}, **changes)
    if stored == "bfloat16":
        write_bfloat16(tmp_path / "model.safetensors", tensors)

    run = run_python(MEASURE_LOADING, tmp_path, env=environment())

    assert run.stderr == ""
    peak, size = map(int, run.stdout.split())
    (tmp_path / "model.safetensors").unlink()  # pytest keeps the folders of three runs
    n_parameters = sum(tensor.size for tensor in base_tensors.values())
    # In int8, scales and vectors are float32, as are the positions and the keys of the last layer.
    assert n_bytes * n_parameters <= size < 1.06 * n_bytes * n_parameters
    assert size < peak < 1.3 * size + 60e6
