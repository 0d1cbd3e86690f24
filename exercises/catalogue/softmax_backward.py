"""The exercise softmax_backward: go back through a softmax."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from distilnp.explain import backward
from distilnp.model import reference
from distilnp.model.params import Array

from ..exercise import Case, Exercise, mistake
from ..small_model import gradient_like, of_models, read_only


def softmax_backward(
    dprobs: Array,
    probs: Array,
    *,
    average: str = "weighted",
    axis: Any = -1,
    multiplies: bool = True,
    derivative: str = "softmax",
) -> Array:
    """Go back through a softmax, with switches."""
    if derivative == "sigmoid":
        return probs * (1 - probs) * dprobs
    if derivative == "scores":
        probs = reference.softmax(probs)
    weighted = {"weighted": probs * dprobs, "plain": dprobs / dprobs.shape[-1], "sum": dprobs}
    subtracted = weighted[average].sum(axis=axis, keepdims=True) if average in weighted else 0.0
    return (probs if multiplies else 1.0) * (dprobs - subtracted)


def cases() -> Iterable[Case]:
    """Return random probabilities, whose axes all have other lengths, and those of both models."""
    probs = reference.softmax(np.random.RandomState(5).standard_normal((2, 3, 4)) * 2)
    yield Case("random probabilities [2, 3, 4], float64", (gradient_like(probs), read_only(probs)))
    yield from of_models(
        lambda model: (
            gradient_like(model.trace["layer.0.attention.probs"]),
            model.trace["layer.0.attention.probs"],
        )
    )()


AVERAGE = "subtract the average of the row of dprobs, weighted with the probabilities: sum(probs * dprobs)"
EACH_ROW = "each row has its own average: axis=-1, with keepdims=True"
MISTAKES = (
    mistake(
        "without the average subtracted", f"{AVERAGE}. A probability grows at the cost of others", average=""
    ),
    mistake("with the plain mean subtracted", AVERAGE, average="plain"),
    mistake("with the sum of dprobs subtracted", AVERAGE, average="sum"),
    mistake("with averages along axis 0", EACH_ROW, axis=0),
    mistake("with averages along axis -2", EACH_ROW, axis=-2),
    mistake("with one average for the whole array", EACH_ROW, axis=None),
    mistake("without the factor probs", "multiply the difference by probs", multiplies=False),
    mistake(
        "with the derivative of a sigmoid, p (1 - p)",
        "that is how a probability depends on its own score. It also depends on the other scores of its row",
        derivative="sigmoid",
    ),
    mistake(
        "that takes the softmax once more",
        "probs are probabilities already, and not scores",
        derivative="scores",
    ),
)

EXERCISE = Exercise(
    name="softmax_backward",
    part="the backward pass",
    minutes=10,
    summary="go back through a softmax",
    function="softmax_backward",
    package="distilnp/explain/backward.py",
    solution=backward.softmax,
    variant=softmax_backward,
    mistakes=MISTAKES,
    cases=cases,
    axes={"result": ("row", "column")},
)
