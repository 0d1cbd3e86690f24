"""The exercise gelu: multiply x by the probability that a normal variable is below it."""

import math
from collections.abc import Iterable

import numpy as np

from distilnp.model import reference
from distilnp.model.erf import erf
from distilnp.model.params import Array

from ..exercise import Case, Exercise, mistake
from ..small_model import of_models, read_only


def gelu(
    x: Array, *, form: str = "erf", divides: bool = True, one: bool = True, halves: bool = True
) -> Array:
    """Compute a GELU, with switches."""
    if form == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    if form == "sigmoid":
        return x / (1 + np.exp(-1.702 * x))
    if form == "relu":
        return np.maximum(x, 0)
    phi = (1.0 if one else 0.0) + erf(x / math.sqrt(2.0) if divides else x)
    return (0.5 if halves else 1.0) * x * phi


def cases() -> Iterable[Case]:
    """Return numbers around 0, and what the layers of both models give."""
    yield Case("-4 to 4 in steps of 0.5, float64", (read_only(np.arange(-4, 4.5, 0.5)),))
    yield from of_models(lambda model: (model.trace["layer.0.ffn.lin1"],))()


MISTAKES = (
    mistake(
        "with the tanh approximation",
        "DistilBERT has the exact GELU, with erf: from distilnp.model.erf import erf",
        form="tanh",
    ),
    mistake("with the approximation x sigmoid(1.702 x)", "take the exact one, with erf", form="sigmoid"),
    mistake("replaced by ReLU", "GELU is smooth: x / 2 (1 + erf(x / sqrt(2)))", form="relu"),
    mistake("without the division by sqrt(2)", "erf takes x / sqrt(2)", divides=False),
    mistake("without the 1 before erf", "it is 1 + erf(...)", one=False),
    mistake("without the factor 1/2", "multiply by 0.5", halves=False),
)

EXERCISE = Exercise(
    name="gelu",
    part="the forward pass",
    minutes=5,
    summary="multiply x by the probability that a normal variable is below it",
    function="gelu",
    package="distilnp/model/reference.py",
    solution=reference.gelu,
    variant=gelu,
    mistakes=MISTAKES,
    cases=cases,
    axes={"result": ("row", "column")},
)
