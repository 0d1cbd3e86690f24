"""A ragged batch: texts lie end to end, and only attention has to know where one ends."""

import math
from collections.abc import Sequence
from itertools import chain, pairwise

import numpy as np

from distilnp.model.config import DistilBertConfig
from distilnp.model.params import Array, Layer, Params
from distilnp.model.reference import feed_forward, layer_norm, linear, relu, softmax

from .padded import TEXTS


def forward(inputs: Sequence[Sequence[int]], params: Params, config: DistilBertConfig) -> Array:
    """Compute the logits [n_texts, n_labels], 32 texts at a time."""
    firsts = range(0, len(inputs), TEXTS)
    return np.concatenate([forward_batch(inputs[i : i + TEXTS], params, config) for i in firsts])


def forward_batch(inputs: Sequence[Sequence[int]], params: Params, config: DistilBertConfig) -> Array:
    """Compute the logits of one batch."""
    starts = np.cumsum([0, *map(len, inputs)])
    positions = np.concatenate([np.arange(len(text)) for text in inputs])
    table = params.embeddings
    words = table.word_embeddings[list(chain.from_iterable(inputs))]
    x = layer_norm(words + table.position_embeddings[positions], table.LayerNorm)  # [n_tokens, dim]
    for layer in params.layers:
        x = layer_norm(x + self_attention(x, layer, config.n_heads, starts), layer.sa_layer_norm)
        wide = feed_forward(x, layer, config, lambda **_: None)
        x = layer_norm(x + wide, layer.output_layer_norm)
    return linear(relu(linear(x[starts[:-1]], params.pre_classifier)), params.classifier)


def self_attention(x: Array, layer: Layer, n_heads: int, starts: Array) -> Array:
    """Let every token gather information from the tokens of its text: one small product for each text."""
    n_tokens, dim = x.shape

    def split_heads(y: Array) -> Array:  # [n_tokens, dim] -> [n_heads, n_tokens, head_dim]
        return y.reshape(n_tokens, n_heads, -1).swapaxes(0, 1)

    q, k, v = (split_heads(linear(x, projection)) for projection in (layer.q_lin, layer.k_lin, layer.v_lin))
    context = np.empty_like(q)
    for start, end in pairwise(starts):
        text = slice(start, end)
        scores = q[:, text] @ k[:, text].swapaxes(1, 2) / math.sqrt(dim // n_heads)
        context[:, text] = softmax(scores) @ v[:, text]
    return linear(context.swapaxes(0, 1).reshape(x.shape), layer.out_lin)


def n_rows(lengths: Sequence[int]) -> int:
    """Return how many rows the products have for texts of these lengths."""
    return sum(lengths)
