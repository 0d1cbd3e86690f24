"""The exercise head: read the labels off the first token."""

from collections.abc import Callable

import numpy as np

from distilnp.model import reference
from distilnp.model.params import Array, Params

from ..exercise import Exercise, mistake
from ..small_model import of_models
from .softmax import softmax


def head(
    x: Array,
    params: Params,
    record: reference.Record,
    *,
    pools: Callable[[Array], Array] = lambda x: x[0],
    activation: Callable[[Array], Array] = reference.relu,
    dense: bool = True,
    ends: Callable[[Array], Array] = lambda x: x,
) -> Array:
    """Compute the head, with switches."""
    pooled = pools(x)
    pooled = reference.linear(pooled, params.pre_classifier) if dense else pooled
    logits = ends(reference.linear(activation(pooled), params.classifier))
    record(pre_classifier=pooled, classifier=logits)
    return logits


MISTAKES = (
    mistake(
        "that reads the last token", "the head reads the first token, [CLS]: x[0]", pools=lambda x: x[-1]
    ),
    mistake(
        "that reads the mean of the tokens",
        "the head reads the first token, [CLS]: x[0]",
        pools=lambda x: x.mean(axis=0),
    ),
    mistake("with tanh", "DistilBERT's head has ReLU; BERT's pooler has tanh", activation=np.tanh),
    mistake("without ReLU", "apply relu between pre_classifier and classifier", activation=lambda x: x),
    mistake("without pre_classifier", "apply params.pre_classifier first", dense=False),
    mistake("after a softmax", "return the logits themselves", ends=softmax),
)
AXES = {"result": ("label",), "pre_classifier": ("dim",), "classifier": ("label",)}

EXERCISE = Exercise(
    name="head",
    part="the forward pass",
    minutes=5,
    summary="read the labels off the first token",
    function="head",
    package="distilnp/model/reference.py",
    solution=reference.head,
    variant=head,
    mistakes=MISTAKES,
    cases=of_models(
        lambda model: (model.trace[f"layer.{model.config.n_layers - 1}.output_layer_norm"], model.params)
    ),
    axes=AXES,
    records="record",
)
