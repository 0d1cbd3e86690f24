"""One query at a time: its scores, n_seq numbers, never leave the first-level cache."""

import numpy as np

from distilnp.kernels.elementary import exp
from distilnp.kernels.tiles import LANES
from distilnp.kernels.words.lanes_f32 import (
    first_lanes,
    fma,
    larger,
    largest_lane,
    load,
    splat,
    store,
    sum_lanes,
)
from distilnp.kernels.words.memory import advance

from ..operands import Floats, kernel_of_attention, place, reused


@kernel_of_attention
def product(n_seq, n_heads, head_dim, q, k, v, row, c, c_row, scores):
    """Compute c[n_seq, n_heads * head_dim]; scores[n_seq up to 16, and 16 more] are free to use."""
    scale, end = np.float32(1.0 / np.sqrt(head_dim)), (n_seq + LANES - 1) // LANES * LANES
    context = advance(scores, end)
    for task in range(n_heads * n_seq):
        column, i = task // n_seq * head_dim, task % n_seq
        query, keys, values = advance(q, i * row + column), advance(k, column), advance(v, column)
        for j in range(end):
            scores[j] = -np.float32(np.inf)
        for j in range(n_seq):
            total = splat(0.0)
            for d in range(0, head_dim, LANES):
                total = fma(first_lanes(load(query, d), head_dim - d), load(keys, j * row + d), total)
            scores[j] = sum_lanes(total) * scale
        largest, total = load(scores, 0), splat(0.0)
        for j in range(0, end, LANES):
            largest = larger(largest, load(scores, j))
        largest = splat(largest_lane(largest))
        for j in range(0, end, LANES):
            prob = exp(load(scores, j) - largest)
            total = total + first_lanes(prob, n_seq - j)
            store(scores, j, prob)
        for d in range(0, head_dim, LANES):
            sums = splat(0.0)
            for j in range(n_seq):
                sums = fma(splat(scores[j]), load(values, j * row + d), sums)
            store(context, 0, sums * splat(np.float32(1.0) / sum_lanes(total)))
            for lane in range(min(LANES, head_dim - d)):
                c[i * c_row + column + d + lane] = context[lane]


def attend(q: Floats, k: Floats, v: Floats, n_heads: int, c: Floats) -> None:
    """Compute the attention of every head: c = softmax(q @ k.T / sqrt(head_dim)) @ v."""
    (queries, row), scores = place(q), reused(1, len(q) + 2 * LANES).ctypes.data
    sizes = len(q), n_heads, q.shape[1] // n_heads
    product.call(*sizes, queries, k.ctypes.data, v.ctypes.data, row, *place(c), scores)
