"""The reference pass, compared with transformers in both precisions, at lengths from 1 to 512."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from support.expected_logits import GOLDENS, float32_tolerance, golden
from support.seeded_models import CONFIGS, params_of, seeded_ids, seeded_tensors, tiny_real_head

from distilnp.checkpoint.config_json import config_from_dict, read_config
from distilnp.checkpoint.registry import find_checkpoint
from distilnp.checkpoint.tensors import load_params
from distilnp.model import reference
from distilnp.model.config import DistilBertConfig
from distilnp.model.params import Params

SMALL = [name for name in CONFIGS if name != "base"]


def assert_equals_transformers(
    name: str, config: DistilBertConfig, params: Params, lengths: set[int] | None = None
) -> None:
    goldens = golden(name)
    largest_logit = max(np.abs(logits).max() for logits in goldens["float64"].values())
    is_float64 = params.classifier.weight.dtype == np.float64

    for n_seq, expected in goldens["float64"].items():
        if lengths and n_seq not in lengths:
            continue
        logits = reference.forward(seeded_ids(config.vocab_size, n_seq, seed=n_seq), params, config)
        tolerance = 1e-10 * largest_logit if is_float64 else float32_tolerance(config, n_seq, largest_logit)
        assert logits.dtype == params.classifier.weight.dtype
        assert np.abs(logits - expected).max() <= tolerance, f"{n_seq} tokens"


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", SMALL)
def test_seeded_models_give_the_logits_of_transformers(name: str, dtype: type) -> None:
    config = CONFIGS[name]

    assert_equals_transformers(name, config, params_of(seeded_tensors(config), config, dtype))


@pytest.fixture(scope="module")
def base_tensors() -> dict[str, np.ndarray]:
    return seeded_tensors(CONFIGS["base"])


# At full size, float64 takes seconds per text. The small models cover every length, so a few are enough here.
@pytest.mark.parametrize(
    ("dtype", "lengths"),
    [(np.float32, None), pytest.param(np.float64, {1, 17, 128, 512}, marks=pytest.mark.sweep)],
)
def test_a_model_of_full_size_gives_the_logits_of_transformers(
    base_tensors: dict[str, np.ndarray], dtype: type, lengths: set[int] | None
) -> None:
    config = CONFIGS["base"]

    assert_equals_transformers("base", config, params_of(base_tensors, config, dtype), lengths)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_tiny_published_encoder_gives_the_logits_of_transformers(data: Path, dtype: type) -> None:
    from safetensors.numpy import load_file

    folder = data / "tiny-random-distilbert"
    values = json.loads((folder / "config.json").read_text())
    config = config_from_dict(values | {"architectures": None})
    encoder = {
        f"distilbert.{name}": tensor for name, tensor in load_file(folder / "model.safetensors").items()
    }

    params = params_of(encoder | tiny_real_head(config.dim), config, dtype)

    assert_equals_transformers("tiny-real", config, params)


@pytest.mark.parametrize("dtype", [pytest.param(np.float64, marks=pytest.mark.sweep), np.float32])
def test_the_bundled_checkpoint_gives_the_logits_of_transformers(dtype: type) -> None:
    folder = find_checkpoint("sst2-mini")
    config = read_config(folder)

    assert_equals_transformers("sst2-mini", config, load_params(folder, config, dtype))


@cache
def traced(dtype: type) -> dict[str, np.ndarray]:
    config = CONFIGS["odd-sizes"]
    trace: dict[str, np.ndarray] = {}
    ids = seeded_ids(config.vocab_size, 6, seed=6)
    reference.forward(ids, params_of(seeded_tensors(config), config, dtype), config, trace)
    return trace


def test_every_intermediate_equals_transformers() -> None:
    expected = np.load(GOLDENS / "trace-odd-sizes.npz")
    trace = traced(np.float64)

    assert set(expected.files) <= set(trace)
    for name in expected.files:
        np.testing.assert_allclose(trace[name], expected[name], rtol=0, atol=1e-12, err_msg=name)


def test_the_trace_has_intermediates_for_which_transformers_has_no_module() -> None:
    names = {name for name in traced(np.float64) if name.startswith("layer.1.attention.")}

    assert names == {
        f"layer.1.attention.{name}"
        for name in ("q_lin", "k_lin", "v_lin", "scores", "probs", "context", "out_lin")
    }


def test_a_float32_pass_stays_in_float32() -> None:
    assert {name: x.dtype.name for name, x in traced(np.float32).items() if x.dtype != np.float32} == {}


def test_the_traced_scores_and_context_follow_from_the_intermediates_that_have_goldens() -> None:
    trace = {name.removeprefix("layer.0.attention."): x for name, x in traced(np.float64).items()}
    q, k, v = (trace[name].reshape(6, 5, 7).swapaxes(0, 1) for name in ("q_lin", "k_lin", "v_lin"))

    np.testing.assert_allclose(trace["scores"], q @ k.swapaxes(1, 2) / np.sqrt(7), rtol=0, atol=1e-12)
    context = (trace["probs"] @ v).swapaxes(0, 1).reshape(6, 35)
    np.testing.assert_allclose(trace["context"], context, rtol=0, atol=1e-12)


def test_softmax_survives_scores_that_overflow() -> None:
    np.testing.assert_array_equal(reference.softmax(np.array([1e4, 0.0, 1e4])), [0.5, 0.0, 0.5])


def test_a_nan_in_the_parameters_reaches_the_logits() -> None:
    config = CONFIGS["one-layer"]
    tensors = seeded_tensors(config)
    tensors["distilbert.transformer.layer.0.ffn.lin1.bias"][3] = np.nan

    logits = reference.forward([1, 2, 3], params_of(tensors, config), config)

    assert np.isnan(logits).all()
