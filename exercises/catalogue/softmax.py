"""The exercise softmax: turn every row into probabilities."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from distilnp.model import reference
from distilnp.model.params import Array

from ..exercise import Case, Exercise, mistake
from ..small_model import of_models, read_only


def softmax(
    x: Array,
    *,
    axis: Any = -1,
    sums: Any = "axis",
    shifts: bool = True,
    divides: bool = True,
    base: float = math.e,
) -> Array:
    """Compute a softmax, with switches; `sums` is the axis of the sums, if it is another one."""
    if shifts:
        x = x - x.max(axis=axis, keepdims=True)
    powers = base**x
    return powers / powers.sum(axis=axis if sums == "axis" else sums, keepdims=True) if divides else powers


def cases() -> Iterable[Case]:
    """Return scores as attention has them, scores that overflow, and those of both models."""
    scores = np.random.RandomState(1).standard_normal((2, 3, 4)) * 2
    large = np.array([[1000.0, 999.0, 0.0], [-1000.0, -1001.0, -1002.0]])
    yield Case("random scores [2, 3, 4], float64", (read_only(scores),))
    yield Case("scores up to 1000, float64", (read_only(large),))
    yield from of_models(lambda model: (model.trace["layer.0.attention.scores"],))()


EACH_ROW = "each row shall add up to 1: axis=-1, with keepdims=True"
MISTAKES = (
    mistake("along axis 0", EACH_ROW, axis=0),
    mistake("along axis -2", EACH_ROW, axis=-2),
    mistake("of the whole array", EACH_ROW, axis=None),
    mistake("with sums along axis 0", EACH_ROW, sums=0),
    mistake("with sums along axis -2", EACH_ROW, sums=-2),
    mistake("with one sum for the whole array", EACH_ROW, sums=None),
    mistake(
        "without subtracting the row's maximum",
        "exp(1000) is infinite: subtract the maximum of each row first, which cancels",
        shifts=False,
    ),
    mistake("that is not divided by its sum", "divide by the sum of each row", divides=False),
    mistake("with powers of 2 instead of e", "take np.exp", base=2.0),
)

EXERCISE = Exercise(
    name="softmax",
    part="the forward pass",
    minutes=5,
    summary="turn every row into probabilities",
    function="softmax",
    package="distilnp/model/reference.py",
    solution=reference.softmax,
    variant=softmax,
    mistakes=MISTAKES,
    cases=cases,
    axes={"result": ("row", "column")},
)
