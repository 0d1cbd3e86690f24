"""The exercise layer_norm_backward: go back through a LayerNorm."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from distilnp.explain import backward
from distilnp.model import reference
from distilnp.model.params import Array, LayerNorm

from ..exercise import Case, Exercise, mistake
from ..small_model import gradient_like, of_models, read_only


def layer_norm_backward(
    dy: Array,
    x: Array,
    norm: LayerNorm,
    *,
    axis: Any = -1,
    epsilon: float = reference.LAYER_NORM_EPSILON,
    weight: str = "first",
    shift: bool = True,
    stretch: str = "normalized",
    sums: bool = False,
    divisor: str = "std",
) -> Array:
    """Go back through a LayerNorm, with switches."""
    centred = x - x.mean(axis=axis, keepdims=True)
    variance = (centred * centred).mean(axis=axis, keepdims=True) + epsilon
    std = np.sqrt(variance)
    n = {"normalized": centred / std, "x": x, "centred": centred, "": np.zeros_like(x)}[stretch]
    dn = dy * norm.weight if weight == "first" else dy
    average = np.sum if sums else np.mean
    dx = dn - n * average(dn * n, axis=axis, keepdims=True)
    if shift:
        dx = dx - average(dn, axis=axis, keepdims=True)
    dx = dx / {"std": std, "variance": variance, "": 1}[divisor]
    return dx * norm.weight if weight == "last" else dx


def cases() -> Iterable[Case]:
    """Return rows of several sizes, and what goes into a LayerNorm of both models."""
    random = np.random.RandomState(6)
    norm = LayerNorm(read_only(1 + 0.3 * random.standard_normal(4)), read_only(random.standard_normal(4)))
    x = read_only(random.standard_normal((3, 4)) * 3 + 1)
    almost_constant = read_only(np.array([[1e-6, -1e-6, 1e-6, -1e-6], [2e-6, 0.0, 0.0, 0.0]]))
    yield Case("random rows [3, 4], float64", (gradient_like(x), x, norm))
    yield Case(
        "rows that are almost constant, float64", (gradient_like(almost_constant), almost_constant, norm)
    )
    yield from of_models(
        lambda model: (
            gradient_like(model.trace["layer.0.ffn.lin2"]),
            model.trace["layer.0.ffn.lin2"],
            model.params.layers[0].output_layer_norm,
        )
    )()


SHIFT = "x_i is also in the mean of its row, so subtract mean(dn)"
STRETCH = "x_i is also in the variance of its row, so subtract n mean(dn n)"
MISTAKES = (
    mistake("without both means", f"{SHIFT}; {STRETCH}", shift=False, stretch=""),
    mistake("without mean(dn)", SHIFT, shift=False),
    mistake("without n mean(dn n)", STRETCH, stretch=""),
    mistake("with x in the place of n", "n is the normalized x: (x - mean) / std", stretch="x"),
    mistake("with x - mean in the place of n", "divide by std: n = (x - mean) / std", stretch="centred"),
    mistake("with sums in the place of the means", "both are means: divide by dim", sums=True),
    mistake("without the weight", "begin with dn = dy * norm.weight", weight=""),
    mistake(
        "with the weight applied at the end",
        "the weight comes last on the way forward, so it comes first on the way back: dn = dy * norm.weight",
        weight="last",
    ),
    mistake("without the division by std", "divide by std at the end", divisor=""),
    mistake("with a division by the variance", "divide by its root, std", divisor="variance"),
    mistake("with means along axis 0", "each row by itself: axis=-1, with keepdims=True", axis=0),
    mistake("with means of the whole array", "each row by itself: axis=-1, with keepdims=True", axis=None),
    mistake(
        "without epsilon",
        "std is sqrt(variance + LAYER_NORM_EPSILON). It shows in rows that are almost constant",
        epsilon=0.0,
    ),
    mistake("with epsilon 1e-5", "DistilBERT has 1e-12; 1e-5 is GPT-2's and torch's default", epsilon=1e-5),
)

EXERCISE = Exercise(
    name="layer_norm_backward",
    part="the backward pass",
    minutes=15,
    summary="go back through a LayerNorm",
    function="layer_norm_backward",
    package="distilnp/explain/backward.py",
    solution=backward.layer_norm,
    variant=layer_norm_backward,
    mistakes=MISTAKES,
    cases=cases,
    axes={"result": ("row", "column")},
)
