"""The engine compared with transformers in float64: it is no further off than PyTorch's own float32."""

import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from support.engines import compiled_engine
from support.expected_logits import GOLDENS, float32_tolerance, golden
from support.seeded_models import CONFIGS, packed, params_of, seeded_ids, seeded_tensors

import distilnp
from distilnp.checkpoint.config_json import read_config
from distilnp.checkpoint.registry import find_checkpoint
from distilnp.engine.shared_weights import load_packed
from distilnp.engine.weights import PackedWeights
from distilnp.kernels.tiles import KC
from distilnp.model import reference
from distilnp.model.config import DistilBertConfig

THREADS = 2

# The largest ratio allowed between the errors of the engine and of PyTorch. Each adds in an order of its own,
# so neither is nearer on every text; a fifth allows for that.
MAX_ERROR_RATIO = 1.2


def weights_of(name: str) -> PackedWeights:
    if name in CONFIGS:
        return packed(seeded_tensors(CONFIGS[name]), CONFIGS[name])
    folder = find_checkpoint(name)
    return load_packed(folder, read_config(folder))


class Compared(NamedTuple):
    """The logits of inputs of random ids, one input of each length, by the program that computed them."""

    config: DistilBertConfig
    lengths: list[int]
    logits: dict[str, np.ndarray]

    def error(self, name: str) -> np.ndarray:
        return self.logits[name] - self.logits["float64"]


@pytest.fixture(scope="module", params=["base", "sst2-mini"])
def compared(request: pytest.FixtureRequest) -> Compared:
    stored = golden(f"{request.param}-many")
    engine = compiled_engine(weights_of(request.param), THREADS)
    config = engine.weights.config
    lengths = list(stored["float64"])
    logits = {precision: np.stack(list(by_length.values())) for precision, by_length in stored.items()}
    logits["engine"] = engine.forward([seeded_ids(config.vocab_size, n, seed=n) for n in lengths])
    return Compared(config, lengths, logits)


def test_the_engine_rounds_no_more_than_pytorch(compared: Compared) -> None:
    def rms_error(name: str) -> float:
        return float(np.sqrt(np.mean(compared.error(name) ** 2)))

    assert len(compared.lengths) >= 100
    assert {1, 512} <= set(compared.lengths)
    assert 0 < rms_error("engine") <= MAX_ERROR_RATIO * rms_error("float32")


def in_a_row(k: int) -> float:
    """Return how many additions of a sum follow each other: KC products, then the sums of KC products."""
    return min(k, KC) + k / KC


def test_no_logit_is_further_off_than_rounding_explains(compared: Compared) -> None:
    largest_logit = np.abs(compared.logits["float64"]).max()
    tolerance = [float32_tolerance(compared.config, n, largest_logit, in_a_row) for n in compared.lengths]

    worst = np.abs(compared.error("engine")).max(axis=1)

    assert (worst <= tolerance).all(), dict(zip(compared.lengths, worst / tolerance, strict=True))


@pytest.mark.parametrize("name", [name for name in CONFIGS if name != "base"])
def test_models_of_odd_sizes_have_the_logits_of_transformers(name: str) -> None:
    config, expected = CONFIGS[name], golden(name)["float64"]
    engine = compiled_engine(packed(seeded_tensors(config), config), THREADS)
    largest_logit = max(np.abs(logits).max() for logits in expected.values())

    logits = engine.forward([seeded_ids(config.vocab_size, n, seed=n) for n in expected])

    assert logits.dtype == np.float32
    for found, (n, wanted) in zip(logits, expected.items(), strict=True):
        tolerance = float32_tolerance(config, n, largest_logit, in_a_row)
        assert np.abs(found - wanted).max() <= tolerance, f"{n} tokens"


def test_a_model_with_more_heads_than_a_vector_has_lanes_equals_the_reference() -> None:
    config = replace(CONFIGS["odd-sizes"], n_heads=19, dim=57)
    tensors = seeded_tensors(config)
    params = params_of({name: tensor.astype(np.float64) for name, tensor in tensors.items()}, config)
    inputs = [seeded_ids(config.vocab_size, n, seed=n) for n in (1, 2, 16, 17, 40, 300)]
    expected = [reference.forward(ids, params, config) for ids in inputs]

    logits = compiled_engine(packed(tensors, config), THREADS).forward(inputs)

    largest_logit = np.abs(expected).max()
    for ids, found, wanted in zip(inputs, logits, expected, strict=True):
        assert np.abs(found - wanted).max() <= float32_tolerance(config, len(ids), largest_logit, in_a_row)


def test_every_sentence_of_sst2_dev_has_the_same_label_as_in_float64(data: Path) -> None:
    rows = (data / "sst2/dev.tsv").read_text().splitlines()[1:]

    predictions = distilnp.load("sst2-mini").classify(row.rsplit("\t", 1)[0] for row in rows)

    labels = "".join(str(np.argmax(prediction.logits)) for prediction in predictions)
    assert labels == json.loads((GOLDENS / "sst2-dev.json").read_text())
