"""Online softmax: a score is used once and forgotten, and keys are read once for 16 queries.

The largest score so far is subtracted. When a larger one comes, whatever was summed before shrinks (Milakov
and Gimelshein, arXiv:1805.02867). FlashAttention (arXiv:2205.14135) does this block by block.
"""

import numpy as np

from distilnp.kernels.attention import scale_queries
from distilnp.kernels.elementary import exp
from distilnp.kernels.tiles import LANES
from distilnp.kernels.words.lanes_f32 import fma, larger, load, splat, store
from distilnp.kernels.words.memory import advance

from ..operands import Floats, kernel_of_attention, place, reused


@kernel_of_attention
def product(n_seq, n_heads, head_dim, q, k, v, row, c, c_row, scratch):
    """Compute c[n_seq, n_heads * head_dim]; scratch holds 16 queries and their contexts."""
    queries, context, n_groups = scratch, advance(scratch, head_dim * LANES), (n_seq + LANES - 1) // LANES
    for task in range(n_heads * n_groups):
        column, i = task // n_groups * head_dim, task % n_groups * LANES
        n_queries = min(LANES, n_seq - i)
        scale_queries(n_queries, head_dim, head_dim, advance(q, i * row + column), row, queries, LANES)
        for d in range(head_dim):
            store(context, d * LANES, splat(0.0))
        largest, total = splat(-np.inf), splat(0.0)
        for j in range(n_seq):
            key, value = advance(k, j * row + column), advance(v, j * row + column)
            score = splat(0.0)
            for d in range(head_dim):
                score = fma(splat(key[d]), load(queries, d * LANES), score)
            highest = larger(largest, score)
            shrinking, prob = exp(largest - highest), exp(score - highest)
            largest, total = highest, fma(total, shrinking, prob)
            for d in range(head_dim):
                shrunk = load(context, d * LANES) * shrinking
                store(context, d * LANES, fma(splat(value[d]), prob, shrunk))
        for d in range(head_dim):
            store(context, d * LANES, load(context, d * LANES) / total)
            for lane in range(n_queries):
                c[(i + lane) * c_row + column + d] = context[d * LANES + lane]


def attend(q: Floats, k: Floats, v: Floats, n_heads: int, c: Floats) -> None:
    """Compute the attention of every head: c = softmax(q @ k.T / sqrt(head_dim)) @ v."""
    (queries, row), head_dim = place(q), q.shape[1] // n_heads
    scratch = reused(1, 2 * LANES * head_dim).ctypes.data
    sizes = len(q), n_heads, head_dim
    product.call(*sizes, queries, k.ctypes.data, v.ctypes.data, row, *place(c), scratch)
