"""The formula as it stands: all scores of all heads in memory, [n_heads, n_seq, n_seq]."""

import math

from distilnp.model.reference import softmax

from ..operands import Floats


def attend(q: Floats, k: Floats, v: Floats, n_heads: int, c: Floats) -> None:
    """Compute the attention of every head: c = softmax(q @ k.T / sqrt(head_dim)) @ v."""

    def split_heads(x: Floats) -> Floats:  # [n_seq, dim] -> [n_heads, n_seq, head_dim]
        return x.reshape(len(x), n_heads, -1).swapaxes(0, 1)

    head_dim = q.shape[1] // n_heads
    probs = softmax(split_heads(q) @ split_heads(k).swapaxes(1, 2) / math.sqrt(head_dim))
    c[:] = (probs @ split_heads(v)).swapaxes(0, 1).reshape(c.shape)
