"""The backward pass, compared with PyTorch's autograd, and function by function with finite differences."""

import inspect
from collections.abc import Callable

import numpy as np
import pytest
from support.comparisons import UNIT_ROUNDOFF
from support.expected_logits import GOLDENS
from support.seeded_models import CONFIGS, params_of, seeded_ids, seeded_tensors

from distilnp.explain import backward
from distilnp.model import reference
from distilnp.model.config import DistilBertConfig
from distilnp.model.params import Array, LayerNorm, Linear, Params

WITH_GOLDENS = ("odd-sizes", "one-label-relu")
CONFIG = CONFIGS["odd-sizes"]
PARAMS = params_of(seeded_tensors(CONFIG), CONFIG, np.float64)

# With h = 1e-5 and results of about 1, a central difference loses eps / h = 2e-11 to cancellation, and h^2 =
# 1e-10 times the third derivative. This leaves room for third derivatives of some thousands.
STEP = 1e-5
TOLERANCE = 1e-6


def gradients(ids: list[int], params: Params, config: DistilBertConfig) -> Array:
    """Return the gradient of every logit: [n_labels, n_seq, dim]."""
    trace: dict[str, Array] = {}
    reference.forward(ids, params, config, trace)
    labels = np.eye(config.n_labels, dtype=params.classifier.weight.dtype)
    return np.stack([backward.backward(label, trace, params, config) for label in labels])


@pytest.mark.parametrize("name", WITH_GOLDENS)
def test_gradients_are_those_of_pytorch_in_float64(name: str) -> None:
    config = CONFIGS[name]
    params = params_of(seeded_tensors(config), config, np.float64)

    for n_seq, expected in np.load(GOLDENS / f"gradients-{name}.npz").items():
        actual = gradients(seeded_ids(config.vocab_size, int(n_seq), seed=int(n_seq)), params, config)

        assert np.abs(actual - expected).max() <= 1e-11 * np.abs(expected).max(), f"{n_seq} tokens"


@pytest.mark.parametrize("name", WITH_GOLDENS)
def test_gradients_in_float32_are_those_of_pytorch_to_a_millionth_of_their_size(name: str) -> None:
    config = CONFIGS[name]
    params = params_of(seeded_tensors(config), config, np.float32)

    for n_seq, expected in np.load(GOLDENS / f"gradients-{name}.npz").items():
        actual = gradients(seeded_ids(config.vocab_size, int(n_seq), seed=int(n_seq)), params, config)

        assert actual.dtype == np.float32
        error = np.linalg.norm(actual - expected) / np.linalg.norm(expected)
        # Forward and backward, each layer is some ten sums in a row, whose errors add up under the root.
        assert error <= 4 * UNIT_ROUNDOFF * np.sqrt(2 * config.n_layers * 10), f"{n_seq} tokens"


def test_every_step_of_the_forward_pass_has_its_way_back() -> None:
    def functions(module: object) -> set[str]:
        found = inspect.getmembers(module, inspect.isfunction)
        return {name for name, function in found if function.__module__ == module.__name__}

    forward, back = functions(reference), functions(backward)

    assert forward - back == {"forward", "embed", "gelu", "relu"}
    assert back - forward == {"backward", "gelu_slope", "relu_slope"}


def assert_goes_back(f: Callable[[Array], Array], x: Array, dx: Callable[[Array], Array]) -> None:
    """Assert that `dx(dy)` is the gradient of `sum(dy f(x))`, in random directions."""
    random = np.random.RandomState(7)
    dy = random.standard_normal(f(x).shape)
    gradient = dx(dy)
    assert gradient.shape == x.shape
    for _ in range(5):
        direction = random.standard_normal(x.shape)
        difference = ((f(x + STEP * direction) - f(x - STEP * direction)) * dy).sum() / (2 * STEP)
        assert abs((gradient * direction).sum() - difference) <= TOLERANCE * max(1, abs(difference))


def random(*shape: int) -> Array:
    return np.random.RandomState(sum(shape)).standard_normal(shape)


def nothing(**_: Array) -> None: ...


def recorded(run: Callable[[reference.Record], object]) -> dict[str, Array]:
    trace: dict[str, Array] = {}

    def record(**intermediates: Array) -> None:
        trace.update(intermediates)

    run(record)
    return trace


def test_linear_goes_back() -> None:
    layer = Linear(random(7, 5), random(7))

    assert_goes_back(
        lambda x: reference.linear(x, layer), random(3, 5), lambda dy: backward.linear(dy, layer)
    )


def test_layer_norm_goes_back() -> None:
    norm, x = LayerNorm(random(9), random(9)), random(4, 9)

    assert_goes_back(lambda x: reference.layer_norm(x, norm), x, lambda dy: backward.layer_norm(dy, x, norm))


def test_layer_norm_passes_nothing_on_that_moves_or_stretches_a_row() -> None:
    norm, x = LayerNorm(random(9), random(9)), random(4, 9)

    dx = backward.layer_norm(random(4, 9), x, norm)

    centred = x - x.mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(dx.sum(axis=-1), 0, atol=1e-12)
    np.testing.assert_allclose((dx * centred).sum(axis=-1), 0, atol=1e-9)  # but for epsilon


def test_softmax_goes_back() -> None:
    scores = 3 * random(4, 6)
    probs = reference.softmax(scores)

    assert_goes_back(reference.softmax, scores, lambda dy: backward.softmax(dy, probs))


@pytest.mark.parametrize("name", ["gelu", "relu"])
def test_an_activation_has_its_slope(name: str) -> None:
    x = np.concatenate([np.linspace(-8, -1e-3, 60), np.linspace(1e-3, 8, 60)])  # ReLU has no slope at 0

    assert_goes_back(reference.ACTIVATIONS[name], x, lambda dy: dy * backward.SLOPES[name](x))


def test_self_attention_goes_back() -> None:
    layer, x = PARAMS.layers[0], random(6, CONFIG.dim)
    trace = recorded(lambda record: reference.self_attention(x, layer, CONFIG.n_heads, record))

    assert_goes_back(
        lambda x: reference.self_attention(x, layer, CONFIG.n_heads, nothing),
        x,
        lambda dy: backward.self_attention(dy, trace, layer, CONFIG.n_heads),
    )


def test_feed_forward_goes_back() -> None:
    layer, x = PARAMS.layers[0], random(6, CONFIG.dim)
    trace = recorded(lambda record: reference.feed_forward(x, layer, CONFIG, record))

    assert_goes_back(
        lambda x: reference.feed_forward(x, layer, CONFIG, nothing),
        x,
        lambda dy: backward.feed_forward(dy, trace, layer, CONFIG),
    )


def test_a_layer_goes_back() -> None:
    layer, x = PARAMS.layers[0], random(6, CONFIG.dim)
    trace = recorded(lambda record: reference.transformer_block(x, layer, CONFIG, record))

    assert_goes_back(
        lambda x: reference.transformer_block(x, layer, CONFIG, nothing),
        x,
        lambda dy: backward.transformer_block(dy, x, trace, layer, CONFIG),
    )


def test_the_head_goes_back_to_the_first_token_alone() -> None:
    x = random(6, CONFIG.dim)
    trace = {"embeddings.LayerNorm": x} | recorded(lambda record: reference.head(x, PARAMS, record))

    assert_goes_back(
        lambda x: reference.head(x, PARAMS, nothing), x, lambda dy: backward.head(dy, trace, PARAMS)
    )
    assert not backward.head(random(CONFIG.n_labels), trace, PARAMS)[1:].any()
