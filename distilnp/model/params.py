"""The parameters of the model, and the one table that says where each stands in a checkpoint.

`EMBEDDINGS`, `LAYER` and `HEAD` are the only place where the names in a file, the names here and the shapes
meet. A shape is written in the terms of `config.json`. Reading files is the business of `tensors`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .config import DistilBertConfig

Array = NDArray[np.floating[Any]]


class Linear(NamedTuple):
    """A dense layer; `weight` is kept [out, in] as stored, `bias` is [out]."""

    weight: Array
    bias: Array


class LayerNorm(NamedTuple):
    """What follows a normalization: `weight` scales, `bias` shifts, both [dim]."""

    weight: Array
    bias: Array


class Embeddings(NamedTuple):
    """A vector for every token [vocab_size, dim] and for every position [max_position_embeddings, dim]."""

    word_embeddings: Array
    position_embeddings: Array
    LayerNorm: LayerNorm


class Layer(NamedTuple):
    """One transformer block."""

    q_lin: Linear
    k_lin: Linear
    v_lin: Linear
    out_lin: Linear
    sa_layer_norm: LayerNorm
    lin1: Linear
    lin2: Linear
    output_layer_norm: LayerNorm


class Params(NamedTuple):
    """All parameters of a classifier."""

    embeddings: Embeddings
    layers: tuple[Layer, ...]
    pre_classifier: Linear
    classifier: Linear


class Module(NamedTuple):
    """A row of the table.

    `name` is the module's in the file, behind the prefix of its part; `field` is its place in the part;
    `kind` is None for a bare weight, otherwise a pair of weight and bias; `shape` is the weight's, and its
    first term the bias's.
    """

    name: str
    field: str
    kind: type[Linear] | type[LayerNorm] | None
    shape: tuple[str, ...]


# fmt: off
EMBEDDINGS = (
    Module("word_embeddings",     "word_embeddings",     None,      ("vocab_size", "dim")),
    Module("position_embeddings", "position_embeddings", None,      ("max_position_embeddings", "dim")),
    Module("LayerNorm",           "LayerNorm",           LayerNorm, ("dim",)),
)
LAYER = (
    Module("attention.q_lin",     "q_lin",               Linear,    ("dim", "dim")),
    Module("attention.k_lin",     "k_lin",               Linear,    ("dim", "dim")),
    Module("attention.v_lin",     "v_lin",               Linear,    ("dim", "dim")),
    Module("attention.out_lin",   "out_lin",             Linear,    ("dim", "dim")),
    Module("sa_layer_norm",       "sa_layer_norm",       LayerNorm, ("dim",)),
    Module("ffn.lin1",            "lin1",                Linear,    ("hidden_dim", "dim")),
    Module("ffn.lin2",            "lin2",                Linear,    ("dim", "hidden_dim")),
    Module("output_layer_norm",   "output_layer_norm",   LayerNorm, ("dim",)),
)
HEAD = (
    Module("pre_classifier",      "pre_classifier",      Linear,    ("dim", "dim")),
    Module("classifier",          "classifier",          Linear,    ("n_labels", "dim")),
)
# fmt: on

# A classifier writes its encoder's tensors with this prefix, a bare encoder without it.
ENCODER_PREFIX = "distilbert."


def build_params(config: DistilBertConfig, tensor: Callable[[str, tuple[int, ...]], Array]) -> Params:
    """Build `Params` of what `tensor(name, shape)` returns for every tensor of the table, in its order.

    Whoever calls decides where tensors come from: a file, or a generator of random numbers.
    """

    def part(prefix: str, table: tuple[Module, ...]) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for module in table:
            shape = tuple(getattr(config, term) for term in module.shape)
            weight = tensor(f"{prefix}{module.name}.weight", shape)
            if module.kind is None:
                built[module.field] = weight
            else:
                built[module.field] = module.kind(weight, tensor(f"{prefix}{module.name}.bias", shape[:1]))
        return built

    return Params(
        embeddings=Embeddings(**part(f"{ENCODER_PREFIX}embeddings.", EMBEDDINGS)),
        layers=tuple(
            Layer(**part(f"{ENCODER_PREFIX}transformer.layer.{i}.", LAYER)) for i in range(config.n_layers)
        ),
        **part("", HEAD),
    )
