"""The exercise gelu_slope: the derivative of GELU."""

import math
from collections.abc import Iterable

import numpy as np

from distilnp.explain import backward
from distilnp.model.erf import erf
from distilnp.model.params import Array

from ..exercise import Case, Exercise, mistake
from ..small_model import of_models, read_only


def gelu_slope(
    x: Array,
    *,
    form: str = "erf",
    left: bool = True,
    right: bool = True,
    factor: bool = True,
    divides: bool = True,
    squares: float = 0.5,
    root: bool = True,
) -> Array:
    """Compute the derivative of GELU, with switches."""
    if form == "relu":
        return (x > 0).astype(x.dtype)
    if form == "gelu":
        return 0.5 * x * (1.0 + erf(x / math.sqrt(2.0)))
    if form == "sigmoid":
        sigmoid = 1 / (1 + np.exp(-1.702 * x))
        return sigmoid + 1.702 * x * sigmoid * (1 - sigmoid)
    distribution = 0.5 * (1.0 + erf(x / math.sqrt(2.0) if divides else x))
    density = np.exp(-squares * x * x) / (math.sqrt(2.0 * math.pi) if root else 1.0)
    return (distribution if left else 0.0) + ((x if factor else 1.0) * density if right else 0.0)


def cases() -> Iterable[Case]:
    """Return numbers around 0, and what the layers of both models give."""
    yield Case("-4 to 4 in steps of 0.5, float64", (read_only(np.arange(-4, 4.5, 0.5)),))
    yield from of_models(lambda model: (model.trace["layer.0.ffn.lin1"],))()


PRODUCT = "x Phi(x) is a product: (x)' Phi(x) + x (Phi(x))', and Phi' is the density phi"
MISTAKES = (
    mistake("without the term x phi(x)", PRODUCT, right=False),
    mistake("without the term Phi(x)", PRODUCT, left=False),
    mistake("with phi(x) instead of x phi(x)", PRODUCT, factor=False),
    mistake("whose density is not divided by sqrt(2 pi)", "phi(x) = exp(-x^2 / 2) / sqrt(2 pi)", root=False),
    mistake("with exp(-x^2) in the density", "phi(x) = exp(-x^2 / 2) / sqrt(2 pi)", squares=1.0),
    mistake("without the division by sqrt(2) in erf", "erf takes x / sqrt(2)", divides=False),
    mistake("replaced by the slope of ReLU", "GELU is smooth, and so is its slope", form="relu"),
    mistake("that is GELU itself", "return its derivative, Phi(x) + x phi(x)", form="gelu"),
    mistake(
        "of the approximation x sigmoid(1.702 x)", "take that of the exact GELU, with erf", form="sigmoid"
    ),
)

EXERCISE = Exercise(
    name="gelu_slope",
    part="the backward pass",
    minutes=5,
    summary="the derivative of GELU",
    function="gelu_slope",
    package="distilnp/explain/backward.py",
    solution=backward.gelu_slope,
    variant=gelu_slope,
    mistakes=MISTAKES,
    cases=cases,
    axes={"result": ("row", "column")},
)
