"""The exercise linear: map every row by a weight that is stored as [out, in]."""

from collections.abc import Iterable
from typing import Any

from distilnp.model import reference
from distilnp.model.params import Array

from ..exercise import Case, Exercise, mistake
from ..small_model import models, small_model


def linear(x: Array, layer: Any, *, transposes: bool = True, biased: float = 1) -> Array:
    """Compute a dense layer, with switches."""
    return x @ (layer.weight.T if transposes else layer.weight) + biased * layer.bias


def cases() -> Iterable[Case]:
    """Return a square weight, with which a missing transposition shows, and others."""
    model = small_model()
    x = model.trace["embeddings.LayerNorm"]
    yield Case("a square weight [6, 6], float64", (x, model.params.layers[0].q_lin), model.tokens)
    yield Case("a weight [8, 6], float64", (x, model.params.layers[0].lin1), model.tokens)
    yield Case("one vector [6] instead of rows, float64", (x[0], model.params.layers[0].lin1))
    for one in models()[1:]:
        yield Case(one.name, (one.trace["embeddings.LayerNorm"], one.params.layers[0].lin1), one.tokens)


ORIENTATION = "a weight is stored as [out, in], so rows are multiplied by its transpose: x @ weight.T"
MISTAKES = (
    mistake("with x @ W instead of x @ W.T", ORIENTATION, transposes=False),
    mistake("without the bias", "add layer.bias", biased=0),
    mistake("with the bias subtracted", "add layer.bias", biased=-1),
)

EXERCISE = Exercise(
    name="linear",
    part="the forward pass",
    minutes=3,
    summary="map every row by a weight that is stored as [out, in]",
    function="linear",
    package="distilnp/model/reference.py",
    solution=reference.linear,
    variant=linear,
    mistakes=MISTAKES,
    cases=cases,
    axes={"result": ("token", "dim")},
)
