"""The exercise layer_norm: bring every row to mean 0 and variance 1."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from distilnp.model import reference
from distilnp.model.params import Array, LayerNorm

from ..exercise import Case, Exercise, mistake
from ..small_model import of_models, read_only


def layer_norm(
    x: Array,
    norm: LayerNorm,
    *,
    axis: Any = -1,
    epsilon: float = reference.LAYER_NORM_EPSILON,
    ddof: int = 0,
    centres: bool = True,
    roots: bool = True,
    scales: bool = True,
    shifts: bool = True,
    swaps: bool = False,
) -> Array:
    """Compute a LayerNorm, with switches."""
    centred = x - x.mean(axis=axis, keepdims=True)
    variance = np.var(x, axis=axis, keepdims=True, ddof=ddof) + epsilon
    normalized = (centred if centres else x) / (np.sqrt(variance) if roots else variance)
    weight, bias = (norm.bias, norm.weight) if swaps else norm
    return normalized * (weight if scales else 1) + (bias if shifts else 0)


def cases() -> Iterable[Case]:
    """Return rows of several sizes; an almost constant one shows epsilon."""
    random = np.random.RandomState(2)
    norm = LayerNorm(read_only(1 + 0.3 * random.standard_normal(4)), read_only(random.standard_normal(4)))
    x = random.standard_normal((3, 4)) * 3 + 1
    almost_constant = np.array([[1e-6, -1e-6, 1e-6, -1e-6], [0.0, 0.0, 0.0, 0.0]])
    yield Case("random rows [3, 4], float64", (read_only(x), norm))
    yield Case("a row that is almost constant, and one that is, float64", (read_only(almost_constant), norm))
    yield from of_models(
        lambda model: (model.trace["layer.0.attention.out_lin"], model.params.layers[0].sa_layer_norm)
    )()


MISTAKES = (
    mistake(
        "without epsilon",
        "add LAYER_NORM_EPSILON to the variance, under the root. It shows in rows that are almost constant",
        epsilon=0.0,
    ),
    mistake("with epsilon 1e-5", "DistilBERT has 1e-12; 1e-5 is GPT-2's and torch's default", epsilon=1e-5),
    mistake(
        "with mean and variance along axis 0",
        "each token is normalized by itself: axis=-1, with keepdims=True",
        axis=0,
    ),
    mistake(
        "with one mean for the whole array", "each row has its own mean: axis=-1, keepdims=True", axis=None
    ),
    mistake("with n - 1 in the variance", "divide by n: ddof=0, which is np.var's default", ddof=1),
    mistake("without subtracting the mean", "subtract the mean of each row before you divide", centres=False),
    mistake(
        "with a division by the variance",
        "divide by the standard deviation, the root of the variance",
        roots=False,
    ),
    mistake("without the weight", "multiply by norm.weight", scales=False),
    mistake("without the bias", "add norm.bias", shifts=False),
    mistake("with weight and bias exchanged", "multiply by norm.weight, add norm.bias", swaps=True),
)

EXERCISE = Exercise(
    name="layer_norm",
    part="the forward pass",
    minutes=8,
    summary="bring every row to mean 0 and variance 1",
    function="layer_norm",
    package="distilnp/model/reference.py",
    solution=reference.layer_norm,
    variant=layer_norm,
    mistakes=MISTAKES,
    cases=cases,
    axes={"result": ("row", "column")},
)
