"""The exercise forward: all of it, from ids to logits."""

from collections.abc import Callable
from typing import Any

from distilnp.model import reference
from distilnp.model.config import DistilBertConfig
from distilnp.model.params import Array, Layer, Params

from ..exercise import Exercise, mistake
from ..small_model import of_models
from . import embed, head, transformer_block
from .softmax import softmax


def forward(
    ids: Any,
    params: Params,
    config: DistilBertConfig,
    trace: dict[str, Array] | None = None,
    *,
    layers: Callable[[tuple[Layer, ...]], tuple[Layer, ...]] = lambda layers: layers,
    ends: Callable[[Array], Array] = lambda x: x,
) -> Array:
    """Compute the logits, with switches."""
    changed = params._replace(layers=layers(params.layers))
    logits = ends(reference.forward(ids, changed, config, trace))
    if trace is not None:
        trace["classifier"] = logits
    return logits


MISTAKES = (
    mistake(
        "with the first layer again and again",
        "layer i has its own weights: params.layers[i]",
        layers=lambda x: x[:1] * len(x),
    ),
    mistake("without the last layer", "go through all of params.layers", layers=lambda x: x[:-1]),
    mistake("without the first layer", "go through all of params.layers", layers=lambda x: x[1:]),
    mistake("with the layers backwards", "params.layers[0] comes first", layers=lambda x: x[::-1]),
    mistake(
        "without any layer", "pass the vectors through params.layers before the head", layers=lambda x: ()
    ),
    mistake("with only the first layer", "go through all of params.layers", layers=lambda x: x[:1]),
    mistake("after a softmax", "return the logits themselves", ends=softmax),
)


def forward_axes() -> dict[str, tuple[str, ...]]:
    """Return the axes of all intermediates, in the order of computation."""
    embeddings = {f"embeddings.{name}": axes for name, axes in embed.AXES.items() if name != "result"}
    layers = {
        f"layer.{i}.{name}": axes
        for i in range(6)  # as many as sst2-mini has; the small model has fewer
        for name, axes in transformer_block.AXES.items()
        if name != "result"
    }
    return {**embeddings, **layers, **head.AXES}


EXERCISE = Exercise(
    name="forward",
    part="the forward pass",
    minutes=8,
    summary="all of it, from ids to logits",
    function="forward",
    package="distilnp/model/reference.py",
    solution=reference.forward,
    variant=forward,
    mistakes=MISTAKES,
    cases=of_models(lambda model: (model.ids, model.params, model.config)),
    axes=forward_axes(),
    records="trace",
)
