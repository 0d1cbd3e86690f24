"""DistilBERT's forward pass, to read: NumPy only, one text at a time, one function per idea of the papers.

Sanh et al., "DistilBERT, a distilled version of BERT" (arXiv:1910.01108). The layers are those of Vaswani et
al., "Attention Is All You Need" (arXiv:1706.03762) and Devlin et al., "BERT" (arXiv:1810.04805).

This file is the specification. It makes no effort to be fast, and it has no batch, no padding and no mask. It
runs in the type of the parameters, float32 or float64. `forward` calls everything else, from top to bottom.

Where DistilBERT differs from the textbook:

- LayerNorm comes after the residual sum (post-LN), as in the first Transformer; GPT-2 has it before. Epsilon
  is 1e-12.
- Positions are learned vectors, not sines. There are no token types, which BERT has.
- GELU is the exact one, with erf; many implementations use its tanh approximation.
- The head reads the first token, [CLS], through a dense layer with ReLU; BERT's pooler has tanh.

Shapes are in square brackets. n_seq is the number of tokens of the text; the other names are those of
`config.json`.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from . import int8
from .config import DistilBertConfig
from .erf import erf
from .int8 import Int8Linear
from .params import Array, Embeddings, Layer, LayerNorm, Linear, Params

# Receives intermediates by name: `record(probs=probs)`.
Record = Callable[..., None]

# The value of the original implementation. It is so small that it matters only for a row that is almost
# constant.
LAYER_NORM_EPSILON = 1e-12


def forward(
    ids: Sequence[int], params: Params, config: DistilBertConfig, trace: dict[str, Array] | None = None
) -> Array:
    """Compute the logits of one text: embed its tokens, encode them, and read the labels off the first.

    Parameters
    ----------
    ids : sequence of int, [n_seq]
        Token ids with [CLS] and [SEP], at most `config.max_position_embeddings`.
    params : Params
        float32 or float64.
    config : DistilBertConfig
        From the same checkpoint.
    trace : dict, optional
        Receives the named intermediates, under the glossary's short names, in the order of computation:
        "embeddings.LayerNorm", "layer.0.attention.q_lin", "layer.0.attention.probs", ... "classifier".

    Returns
    -------
    array, [n_labels]
        The logits, in the type of the parameters.
    """

    def record(**intermediates: Array) -> None:
        if trace is not None:
            trace.update(intermediates)

    x = embed(ids, params.embeddings, under("embeddings", record))
    x = encode(x, params.layers, config, record)
    return head(x, params, record)


def embed(ids: Sequence[int], embeddings: Embeddings, record: Record) -> Array:
    """Turn each id into a vector that says which token it is and where it stands.

        x_i = LayerNorm(W[id_i] + P[i])

    Attention treats its inputs as a set, so the order of the words has to be in the vectors.

    ids      [n_seq]
    returns  [n_seq, dim]
    """
    words = embeddings.word_embeddings[np.asarray(ids)]
    positions = embeddings.position_embeddings[: len(ids)]
    x = layer_norm(words + positions, embeddings.LayerNorm)
    record(word_embeddings=words, position_embeddings=positions, LayerNorm=x)
    return x


def encode(x: Array, layers: Sequence[Layer], config: DistilBertConfig, record: Record) -> Array:
    """Pass the vectors through all layers.

    x        [n_seq, dim]
    returns  [n_seq, dim]
    """
    for i, layer in enumerate(layers):
        x = transformer_block(x, layer, config, under(f"layer.{i}", record))
    return x


def transformer_block(x: Array, layer: Layer, config: DistilBertConfig, record: Record) -> Array:
    """Let the tokens exchange information, then process each by itself.

        x = LayerNorm(x + SelfAttention(x))
        x = LayerNorm(x + FeedForward(x))

    Each half adds to its input instead of replacing it, so a layer only has to learn a change. LayerNorm
    keeps the sum from growing from layer to layer.

    x        [n_seq, dim]
    returns  [n_seq, dim]
    """
    attention = self_attention(x, layer, config.n_heads, under("attention", record))
    x = layer_norm(x + attention, layer.sa_layer_norm)
    record(sa_layer_norm=x)
    hidden = feed_forward(x, layer, config, under("ffn", record))
    x = layer_norm(x + hidden, layer.output_layer_norm)
    record(output_layer_norm=x)
    return x


def self_attention(x: Array, layer: Layer, n_heads: int, record: Record) -> Array:
    """Give each token a weighted average of all tokens' values.

        Attention(Q, K, V) = softmax(Q K^T / sqrt(head_dim)) V

    A token's query is compared with every token's key; the better they match, the more of that token's value
    it gets. Each head does this on its own slice of the vectors, so a token can look for several things at
    once. If the entries of q and k are independent with variance 1, then q . k has variance head_dim;
    dividing by sqrt(head_dim) keeps the softmax from saturating, where its gradient almost vanishes.

    x        [n_seq, dim]
    returns  [n_seq, dim]
    """
    n_seq, dim = x.shape
    head_dim = dim // n_heads

    def split_heads(y: Array) -> Array:  # [n_seq, dim] -> [n_heads, n_seq, head_dim]
        return y.reshape(n_seq, n_heads, head_dim).swapaxes(0, 1)

    q = linear(x, layer.q_lin)  # [n_seq, dim]
    k = linear(x, layer.k_lin)  # [n_seq, dim]
    v = linear(x, layer.v_lin)  # [n_seq, dim]
    keys = split_heads(k).swapaxes(-1, -2)  # [n_heads, head_dim, n_seq]
    # math.sqrt, not np.sqrt: NumPy's returns a float64, which would turn a float32 pass into float64.
    scores = split_heads(q) @ keys / math.sqrt(head_dim)  # [n_heads, n_seq, n_seq]
    probs = softmax(scores)
    context = probs @ split_heads(v)  # [n_heads, n_seq, head_dim]
    context = context.swapaxes(0, 1).reshape(n_seq, dim)  # the heads side by side again
    output = linear(context, layer.out_lin)
    record(q_lin=q, k_lin=k, v_lin=v, scores=scores, probs=probs, context=context, out_lin=output)
    return output


def feed_forward(x: Array, layer: Layer, config: DistilBertConfig, record: Record) -> Array:
    """Pass each token by itself through a wider hidden layer.

        FeedForward(x) = W2 GELU(W1 x + b1) + b2

    Attention only averages. This is where a layer computes something new from the average, and where two
    thirds of its parameters are.

    x        [n_seq, dim]
    returns  [n_seq, dim]
    """
    wide = linear(x, layer.lin1)  # [n_seq, hidden_dim]
    hidden = ACTIVATIONS[config.activation](wide)
    output = linear(hidden, layer.lin2)  # [n_seq, dim]
    record(lin1=wide, activation=hidden, lin2=output)
    return output


def head(x: Array, params: Params, record: Record) -> Array:
    """Read the labels off the first token, [CLS], which training taught to gather what the text says.

        logits = W ReLU(Wp x_0 + bp) + b

    x        [n_seq, dim]
    returns  [n_labels]
    """
    pooled = linear(x[0], params.pre_classifier)  # [dim]
    logits = linear(relu(pooled), params.classifier)  # [n_labels]
    record(pre_classifier=pooled, classifier=logits)
    return logits


def linear(x: Array, layer: Linear | Int8Linear) -> Array:
    """Map every row: y = W x + b.

    The weight is stored as [out, in], so rows are multiplied by its transpose. `int8.linear` does the same
    with integers.

    x        [..., in]
    returns  [..., out]
    """
    if isinstance(layer, Int8Linear):
        return int8.linear(x, layer)
    return x @ layer.weight.T + layer.bias


def layer_norm(x: Array, norm: LayerNorm) -> Array:
    """Bring every row to mean 0 and variance 1, then apply the learned scale and shift (arXiv:1607.06450).

        LayerNorm(x) = (x - mean) / sqrt(variance + epsilon) * weight + bias

    Before scale and shift, every vector has the same length, however large the sum was.

    x        [..., dim]
    returns  [..., dim]
    """
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    return centred / np.sqrt(variance + LAYER_NORM_EPSILON) * norm.weight + norm.bias


def softmax(x: Array) -> Array:
    """Turn every row into probabilities: positive numbers that add up to 1, in the same order.

        softmax(x)_i = exp(x_i) / sum_j exp(x_j)

    Subtracting the row's maximum first changes nothing, because it cancels, and keeps exp from overflowing.

    x        [..., n]
    returns  [..., n]
    """
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def gelu(x: Array) -> Array:
    """Multiply x by the probability that a standard normal variable is below x (arXiv:1606.08415).

        GELU(x) = x Phi(x) = x / 2 (1 + erf(x / sqrt(2)))

    It is a smooth ReLU: large positive numbers pass, large negative ones become 0.

    x        [...]
    returns  [...]
    """
    return 0.5 * x * (1.0 + erf(x / math.sqrt(2.0)))


def relu(x: Array) -> Array:
    """Replace negative numbers by 0: ReLU(x) = max(x, 0).

    x        [...]
    returns  [...]
    """
    return np.maximum(x, 0.0)


ACTIVATIONS = {"gelu": gelu, "relu": relu}


def under(part: str, record: Record) -> Record:
    """Return a `record` that puts `part` and a dot in front of every name."""
    return lambda **intermediates: record(**{f"{part}.{name}": x for name, x in intermediates.items()})
