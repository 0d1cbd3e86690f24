"""The exercise feed_forward: pass each token through a wider hidden layer."""

from collections.abc import Callable

from distilnp.model import reference
from distilnp.model.config import DistilBertConfig
from distilnp.model.params import Array, Layer

from ..exercise import Exercise, mistake
from ..small_model import of_models
from .gelu import gelu
from .linear import linear


def feed_forward(
    x: Array,
    layer: Layer,
    config: DistilBertConfig,
    record: reference.Record,
    *,
    activation: Callable[[Array], Array] | None = None,
    last: bool = False,
    residual: bool = False,
    biased: float = 1,
) -> Array:
    """Compute the feed-forward network, with switches."""
    activate = activation or reference.ACTIVATIONS[config.activation]
    wide = linear(x, layer.lin1, biased=biased)
    hidden = activate(wide)
    output = linear(hidden, layer.lin2, biased=biased)
    output = activate(output) if last else output
    output = output + x if residual else output
    record(lin1=wide, activation=hidden, lin2=output)
    return output


MISTAKES = (
    mistake(
        "with the tanh approximation of GELU",
        "config.activation is the exact one: ACTIVATIONS[config.activation]",
        activation=lambda x: gelu(x, form="tanh"),
    ),
    mistake("with ReLU", "config.activation names the activation", activation=reference.relu),
    mistake(
        "without the activation", "apply ACTIVATIONS[config.activation] after lin1", activation=lambda x: x
    ),
    mistake("with the activation also after lin2", "only lin1 has an activation", last=True),
    mistake(
        "with x added", "the residual belongs to transformer_block, and not to feed_forward", residual=True
    ),
    mistake("without the biases", "linear adds layer.lin1.bias and layer.lin2.bias", biased=0),
)
AXES = {
    "result": ("token", "dim"),
    "lin1": ("token", "hidden_dim"),
    "activation": ("token", "hidden_dim"),
    "lin2": ("token", "dim"),
}

EXERCISE = Exercise(
    name="feed_forward",
    part="the forward pass",
    minutes=5,
    summary="pass each token through a wider hidden layer",
    function="feed_forward",
    package="distilnp/model/reference.py",
    solution=reference.feed_forward,
    variant=feed_forward,
    mistakes=MISTAKES,
    cases=of_models(
        lambda model: (model.trace["layer.0.sa_layer_norm"], model.params.layers[0], model.config)
    ),
    axes=AXES,
    records="record",
)
