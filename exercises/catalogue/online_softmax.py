"""The exercise online_softmax: average values with the softmax of scores, in one pass over both.

It is a loop over numbers, as `distilnp.kernels` writes them, for Numba or plain Python.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from distilnp.model import reference
from distilnp.model.params import Array

from ..exercise import Case, Exercise, mistake
from ..small_model import read_only, small_model


def solved_online_softmax(scores: Array, values: Array) -> Array:
    """Compute what the kernel computes, in two passes: the reference's softmax, and a product."""
    return reference.softmax(scores) @ values


def online_softmax(
    scores: Array,
    values: Array,
    *,
    shifts: bool = True,
    rescales_sum: bool = True,
    rescales_average: bool = True,
    divides: bool = True,
) -> Array:
    """Average values with the softmax of scores in one pass, with switches."""
    largest, total = -math.inf, 0.0
    average: Any = np.zeros(values.shape[1], np.float64)
    for score, value in zip(scores, values, strict=True):
        new = max(largest, float(score)) if shifts else 0.0
        factor = np.exp(largest - new) if shifts else 1.0
        weight = np.exp(float(score) - new)
        total = total * (factor if rescales_sum else 1.0) + weight
        average = average * (factor if rescales_average else 1.0) + weight * value
        largest = new
    return (average / total if divides else average).astype(scores.dtype)


MISTAKES = (
    mistake(
        "without the maximum",
        "exp overflows for large scores, and is 0 for very negative ones: keep the largest score so far, "
        "beginning at minus infinity, and subtract it",
        shifts=False,
    ),
    mistake(
        "whose sum is not scaled down when a larger score comes",
        "a new maximum changes all earlier terms: multiply the sum by exp(old - new)",
        rescales_sum=False,
    ),
    mistake(
        "whose average is not scaled down when a larger score comes",
        "a new maximum changes all earlier terms: multiply the weighted values by exp(old - new)",
        rescales_average=False,
    ),
    mistake(
        "that is never scaled down",
        "a new maximum changes all earlier terms: multiply the sum and the weighted values by exp(old - new)",
        rescales_sum=False,
        rescales_average=False,
    ),
    mistake("that is not divided by the sum", "divide by the sum at the end", divides=False),
)


def cases() -> Iterable[Case]:
    """Return scores in rising order, of which every one is a new maximum, then others."""
    values = read_only(np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]))
    yield Case("the scores 0, 1, 2, float64", (read_only(np.array([0.0, 1.0, 2.0])), values))
    yield Case("the scores 5, 1, 3, float64", (read_only(np.array([5.0, 1.0, 3.0])), values))
    yield Case("the scores 1000, 1001, 999", (read_only(np.array([1000.0, 1001.0, 999.0])), values))
    yield Case("the scores -1000, -999, -1001", (read_only(np.array([-1000.0, -999.0, -1001.0])), values))
    trace = small_model(np.float32).trace
    scores, v = trace["layer.0.attention.scores"], trace["layer.0.attention.v_lin"]
    yield Case(
        "query 0 of head 0 of a small model, float32",
        (read_only(scores[0, 0].copy()), read_only(v[:, :3].copy())),
    )


EXERCISE = Exercise(
    name="online_softmax",
    part="a kernel",
    minutes=20,
    summary="average values with the softmax of scores, in one pass over both",
    function="online_softmax",
    package="distilnp/kernels/attention.py",
    solution=solved_online_softmax,
    variant=online_softmax,
    mistakes=MISTAKES,
    cases=cases,
    axes={"result": ("column",)},
)
