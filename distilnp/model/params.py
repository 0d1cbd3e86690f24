"""The parameters of the model, and the one table of their names and shapes in a checkpoint.

The names in a file, the names in this package and the shapes meet only in `EMBEDDINGS`, `LAYER` and `HEAD`. A
shape is written in the fields of `DistilBertConfig`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .config import DistilBertConfig
from .int8 import Int8Linear, Int8Matrix

Array = NDArray[np.floating[Any]]
Shape = tuple[int, ...]


class Linear(NamedTuple):
    """A dense layer: `weight` is [out, in], as stored, and `bias` is [out]."""

    weight: Array
    bias: Array


class LayerNorm(NamedTuple):
    """The learnt part of a layer normalization: `weight` scales and `bias` shifts, both [dim]."""

    weight: Array
    bias: Array


class Embeddings(NamedTuple):
    """A vector for every token [vocab_size, dim] and for every position [max_position_embeddings, dim]."""

    word_embeddings: Array
    position_embeddings: Array
    LayerNorm: LayerNorm


class Layer(NamedTuple):
    """One transformer block."""

    q_lin: Linear | Int8Linear
    k_lin: Linear | Int8Linear
    v_lin: Linear | Int8Linear
    out_lin: Linear | Int8Linear
    sa_layer_norm: LayerNorm
    lin1: Linear | Int8Linear
    lin2: Linear | Int8Linear
    output_layer_norm: LayerNorm


class Params(NamedTuple):
    """All parameters of a classifier."""

    embeddings: Embeddings
    layers: tuple[Layer, ...]
    pre_classifier: Linear | Int8Linear
    classifier: Linear


class Module(NamedTuple):
    """A row of the table.

    Attributes
    ----------
    name : str
        The module's name in the file, after the prefix of its part.
    field : str
        Its field in the `NamedTuple` of its part.
    kind : type or None
        The pair of weight and bias; None for a weight alone.
    shape : tuple of str
        The shape of the weight; a bias has the first of its sizes.
    """

    name: str
    field: str
    kind: type[Linear] | type[LayerNorm] | None
    shape: tuple[str, ...]

    def shapes(self, config: DistilBertConfig) -> dict[str, Shape]:
        """Return the shapes of its weight and, if it has one, of its bias."""
        weight = tuple(getattr(config, size) for size in self.shape)
        return {"weight": weight} if self.kind is None else {"weight": weight, "bias": weight[:1]}


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


def shapes(config: DistilBertConfig) -> dict[str, Shape]:
    """Return the shape of every parameter by its name in a checkpoint, in the order of the forward pass."""
    return {
        f"{prefix}{module.name}.{kind}": shape
        for prefix, table in _parts(config)
        for module in table
        for kind, shape in module.shapes(config).items()
    }


def build_params(config: DistilBertConfig, tensors: Mapping[str, Array | Int8Matrix]) -> Params:
    """Build `Params` from the tensors of a checkpoint.

    Parameters
    ----------
    config : DistilBertConfig
    tensors : mapping of str to array or Int8Matrix
        One for each name of `shapes`. With an Int8Matrix, a dense layer multiplies integers.

    Returns
    -------
    Params
    """

    def part(prefix: str, table: tuple[Module, ...]) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for module in table:
            weight: Any = tensors[f"{prefix}{module.name}.weight"]
            if module.kind is None:
                built[module.field] = weight
                continue
            bias: Any = tensors[f"{prefix}{module.name}.bias"]
            if isinstance(weight, Int8Matrix):
                built[module.field] = Int8Linear(weight.integers, weight.scale, bias)
            else:
                built[module.field] = module.kind(weight, bias)
        return built

    embeddings, *layers, head = (part(prefix, table) for prefix, table in _parts(config))
    return Params(
        embeddings=Embeddings(**embeddings), layers=tuple(Layer(**layer) for layer in layers), **head
    )


def _parts(config: DistilBertConfig) -> Iterator[tuple[str, tuple[Module, ...]]]:
    """Yield the prefix and the table of each part: the embeddings, every layer, the head."""
    yield f"{ENCODER_PREFIX}embeddings.", EMBEDDINGS
    for i in range(config.n_layers):
        yield f"{ENCODER_PREFIX}transformer.layer.{i}.", LAYER
    yield "", HEAD
