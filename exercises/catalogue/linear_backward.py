"""The exercise linear_backward: go back through a dense layer."""

from collections.abc import Iterable
from typing import Any

from distilnp.explain import backward
from distilnp.model.params import Array

from ..exercise import Case, Exercise, mistake
from ..small_model import gradient_like, models, small_model


def linear_backward(dy: Array, layer: Any, *, transposes: bool = False, biased: float = 0) -> Array:
    """Go back through a dense layer, with switches."""
    # A bias fits only where input and output have the same width.
    return dy @ (layer.weight.T if transposes else layer.weight) + (biased * layer.bias if biased else 0)


def cases() -> Iterable[Case]:
    """Return a square weight, with which a needless transposition shows, and others."""
    model = small_model()
    layer = model.params.layers[0]
    dy = gradient_like(model.trace["layer.0.attention.q_lin"])
    wide = gradient_like(model.trace["layer.0.ffn.lin1"])
    yield Case("a square weight [6, 6], float64", (dy, layer.q_lin), model.tokens)
    yield Case("a weight [8, 6], float64", (wide, layer.lin1), model.tokens)
    yield Case("one vector [8] instead of rows, float64", (wide[0], layer.lin1))
    for one in models()[1:]:
        dy = gradient_like(one.trace["layer.0.ffn.lin1"])
        yield Case(one.name, (dy, one.params.layers[0].lin1), one.tokens)


ORIENTATION = (
    "a weight is [out, in], and the gradient goes from out to in: dy @ weight, with no transposition"
)
MISTAKES = (
    mistake("with dy @ W.T instead of dy @ W", ORIENTATION, transposes=True),
    mistake(
        "with the bias added",
        "the bias moves y by the same numbers whatever x is, so the gradient does not contain it",
        biased=1,
    ),
    mistake(
        "with the bias subtracted",
        "this is not the inverse of the layer. The gradient does not contain the bias",
        biased=-1,
    ),
    mistake(
        "that is the forward layer",
        "multiply by the weight itself, and add no bias: y = W x + b gives dx = W^T dy",
        transposes=True,
        biased=1,
    ),
)

EXERCISE = Exercise(
    name="linear_backward",
    part="the backward pass",
    minutes=5,
    summary="go back through a dense layer",
    function="linear_backward",
    package="distilnp/explain/backward.py",
    solution=backward.linear,
    variant=linear_backward,
    mistakes=MISTAKES,
    cases=cases,
    axes={"result": ("token", "dim")},
)
