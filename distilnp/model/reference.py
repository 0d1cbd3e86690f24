"""DistilBERT's forward pass, to read: NumPy only, one text at a time, one function per idea of the paper.

Sanh et al., "DistilBERT, a distilled version of BERT" (arXiv:1910.01108); the layers are those of "Attention
Is All You Need" (arXiv:1706.03762) and BERT (arXiv:1810.04805). This file is the specification: it makes no
effort to be fast, there is no batch, no padding and no mask. Everything runs in the type of the parameters,
float32 or float64.

A shape is in square brackets: n_seq is the number of tokens of the text, the other names are those of
`config.json`. `record` sees every intermediate under the name of its tensors in the checkpoint, and hands it
back.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from .config import DistilBertConfig
from .erf import erf
from .params import Array, Embeddings, Layer, LayerNorm, Linear, Params

Record = Callable[[str, Array], Array]

# The original's; small enough to matter only for a row that is almost constant.
LAYER_NORM_EPSILON = 1e-12


def forward(
    ids: Sequence[int], params: Params, config: DistilBertConfig, trace: dict[str, Array] | None = None
) -> Array:
    """Compute the logits of one text.

    Parameters
    ----------
    ids : sequence of int, [n_seq]
        Token ids with [CLS] and [SEP], at most `config.max_position_embeddings`.
    params : Params
        float32 or float64.
    config : DistilBertConfig
        Of the same checkpoint.
    trace : dict, optional
        Receives every intermediate by name, in the order of computation: "embeddings.LayerNorm",
        "layer.0.attention.q_lin", "layer.0.attention.probs", ... "classifier".

    Returns
    -------
    array, [n_labels]
        The logits, in the type of the parameters.
    """

    def record(name: str, x: Array) -> Array:
        if trace is not None:
            trace[name] = x
        return x

    x = embed(ids, params.embeddings, under(record, "embeddings"))
    for i, layer in enumerate(params.layers):
        x = transformer_block(x, layer, config, under(record, f"layer.{i}"))
    return classify(x, params, record)


def embed(ids: Sequence[int], embeddings: Embeddings, record: Record) -> Array:
    """Turn ids into vectors: what the token is, plus where it stands.

    ids      [n_seq]
    returns  [n_seq, dim]
    """
    words = record("word_embeddings", embeddings.word_embeddings[np.asarray(ids)])
    positions = record("position_embeddings", embeddings.position_embeddings[: len(ids)])
    return record("LayerNorm", layer_norm(words + positions, embeddings.LayerNorm))


def transformer_block(x: Array, layer: Layer, config: DistilBertConfig, record: Record) -> Array:
    """Let the tokens look at each other, then let each think for itself; both only add to what is there.

    x        [n_seq, dim]
    returns  [n_seq, dim]
    """
    attention = self_attention(x, layer, config.n_heads, under(record, "attention"))
    x = record("sa_layer_norm", layer_norm(x + attention, layer.sa_layer_norm))
    ffn = feed_forward(x, layer, config, under(record, "ffn"))
    return record("output_layer_norm", layer_norm(x + ffn, layer.output_layer_norm))


def self_attention(x: Array, layer: Layer, n_heads: int, record: Record) -> Array:
    """Let every token gather from all tokens, from each as much as its query fits their key.

    x        [n_seq, dim]
    returns  [n_seq, dim]
    """
    n_seq, dim = x.shape
    head_dim = dim // n_heads

    def split_heads(y: Array) -> Array:  # [n_seq, dim] -> [n_heads, n_seq, head_dim]
        return y.reshape(n_seq, n_heads, head_dim).swapaxes(0, 1)

    q = split_heads(record("q_lin", linear(x, layer.q_lin)))
    k = split_heads(record("k_lin", linear(x, layer.k_lin)))
    v = split_heads(record("v_lin", linear(x, layer.v_lin)))

    # math.sqrt, not np.sqrt: its float64 would pull a float32 pass up to float64.
    scores = record("scores", q @ k.swapaxes(-1, -2) / math.sqrt(head_dim))  # [n_heads, n_seq, n_seq]
    probs = record("probs", softmax(scores))
    context = record("context", (probs @ v).swapaxes(0, 1).reshape(n_seq, dim))
    return record("out_lin", linear(context, layer.out_lin))


def feed_forward(x: Array, layer: Layer, config: DistilBertConfig, record: Record) -> Array:
    """Take each token by itself through a wider hidden layer.

    x        [n_seq, dim]
    returns  [n_seq, dim]
    """
    hidden = record("lin1", linear(x, layer.lin1))  # [n_seq, hidden_dim]
    hidden = record("activation", ACTIVATIONS[config.activation](hidden))
    return record("lin2", linear(hidden, layer.lin2))


def classify(x: Array, params: Params, record: Record) -> Array:
    """Read the labels off the first token, [CLS], which has gathered what the text says.

    x        [n_seq, dim]
    returns  [n_labels]
    """
    pooled = relu(record("pre_classifier", linear(x[0], params.pre_classifier)))
    return record("classifier", linear(pooled, params.classifier))


def linear(x: Array, layer: Linear) -> Array:
    """Map every row; the weight is stored as [out, in].

    x        [..., in]
    returns  [..., out]
    """
    return x @ layer.weight.T + layer.bias


def layer_norm(x: Array, norm: LayerNorm) -> Array:
    """Bring every row to mean 0 and variance 1, then scale and shift it as learnt (arXiv:1607.06450)."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    return centred / np.sqrt(variance + LAYER_NORM_EPSILON) * norm.weight + norm.bias


def softmax(x: Array) -> Array:
    """Turn every row into shares of 1. Less its maximum, no row overflows, and the shares are the same."""
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def gelu(x: Array) -> Array:
    """Weigh x by how often a normal variable lies below it (arXiv:1606.08415): the exact form, by erf."""
    return 0.5 * x * (1.0 + erf(x / math.sqrt(2.0)))


def relu(x: Array) -> Array:
    """Cut off everything below 0."""
    return np.maximum(x, 0.0)


ACTIVATIONS = {"gelu": gelu, "relu": relu}


def under(record: Record, part: str) -> Record:
    """Return a `record` whose names stand under those of `part`."""
    return lambda name, x: record(f"{part}.{name}", x)
