"""A padded batch: every text gets the length of the longest one, and a mask hides what was added."""

import math
from collections.abc import Sequence

import numpy as np

from distilnp.model.config import DistilBertConfig
from distilnp.model.params import Array, Layer, Params
from distilnp.model.reference import feed_forward, layer_norm, linear, relu, softmax

# Texts in a batch.
TEXTS = 32


def forward(inputs: Sequence[Sequence[int]], params: Params, config: DistilBertConfig) -> Array:
    """Compute the logits [n_texts, n_labels], 32 texts at a time."""
    firsts = range(0, len(inputs), TEXTS)
    return np.concatenate([forward_batch(inputs[i : i + TEXTS], params, config) for i in firsts])


def forward_batch(inputs: Sequence[Sequence[int]], params: Params, config: DistilBertConfig) -> Array:
    """Compute the logits of one batch."""
    n_seq = max(map(len, inputs))
    ids = np.zeros((len(inputs), n_seq), np.int64)
    hidden = np.ones((len(inputs), 1, 1, n_seq), bool)  # for all heads and all queries of a text
    for i, text in enumerate(inputs):
        ids[i, : len(text)] = text
        hidden[i, ..., : len(text)] = False
    table = params.embeddings
    x = layer_norm(table.word_embeddings[ids] + table.position_embeddings[:n_seq], table.LayerNorm)
    for layer in params.layers:
        x = layer_norm(x + self_attention(x, layer, config.n_heads, hidden), layer.sa_layer_norm)
        wide = feed_forward(x, layer, config, lambda **_: None)
        x = layer_norm(x + wide, layer.output_layer_norm)
    return linear(relu(linear(x[:, 0], params.pre_classifier)), params.classifier)


def self_attention(x: Array, layer: Layer, n_heads: int, hidden: Array) -> Array:
    """Let every token gather information from the tokens of its text that are not hidden."""
    n_texts, n_seq, dim = x.shape

    def split_heads(y: Array) -> Array:  # [n_texts, n_seq, dim] -> [n_texts, n_heads, n_seq, head_dim]
        return y.reshape(n_texts, n_seq, n_heads, -1).swapaxes(1, 2)

    q, k, v = (split_heads(linear(x, projection)) for projection in (layer.q_lin, layer.k_lin, layer.v_lin))
    scores = q @ k.swapaxes(2, 3) / math.sqrt(dim // n_heads)
    scores[np.broadcast_to(hidden, scores.shape)] = -np.inf
    context = (softmax(scores) @ v).swapaxes(1, 2).reshape(x.shape)
    return linear(context, layer.out_lin)


def n_rows(lengths: Sequence[int]) -> int:
    """Return how many rows the products have for texts of these lengths."""
    batches = (lengths[i : i + TEXTS] for i in range(0, len(lengths), TEXTS))
    return sum(len(batch) * max(batch) for batch in batches)
