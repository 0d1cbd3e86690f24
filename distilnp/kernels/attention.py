"""Attention of up to 16 queries of one head to all keys of their text.

The queries stand in the lanes: scores, their maximum and their sum go down the keys, one after the other in
the order of the text, and no lane ever needs another. 16 columns of scores for 512 keys are 32 KB, so all of
it stays in the caches.
"""

import math

import numpy as np

from .elementary import exp
from .gemm import multiply
from .jit import inlined
from .simd import LANES, advance, larger, load, splat, store


@inlined
def attend(n_queries, n_keys, head_dim, q, q_row, k, v, kv_row, scratch, c, c_row):
    """c[n_queries, head_dim] = softmax(q @ k.T / sqrt(head_dim)) @ v.

    q     [n_queries, head_dim], rows q_row apart, at most 16
    k, v  [n_keys, head_dim], rows kv_row apart; 15 floats beyond head_dim are read, and not used
    c     [n_queries, head_dim], rows c_row apart; nothing beyond head_dim is written

    Oracle: reference.softmax and numpy's @.
    """
    queries = scratch  # [head_dim, 16]
    probs = advance(queries, head_dim * LANES)  # [n_keys, 16]
    sums = advance(probs, n_keys * LANES)  # [16]
    context = advance(sums, LANES)  # [16, head_dim up to 16]
    context_row = (head_dim + LANES - 1) // LANES * LANES

    scale = np.float32(1.0) / np.float32(math.sqrt(np.float32(head_dim)))
    for d in range(head_dim):
        store(queries, d * LANES, splat(0.0))
        for i in range(n_queries):
            queries[d * LANES + i] = q[i * q_row + d] * scale

    multiply(n_keys, head_dim, k, kv_row, 1, queries, LANES, queries, probs, LANES, False)

    largest = load(probs, 0)
    for j in range(1, n_keys):
        largest = larger(largest, load(probs, j * LANES))
    total = splat(0.0)
    for j in range(n_keys):
        x = exp(load(probs, j * LANES) - largest)
        total = total + x
        store(probs, j * LANES, x)
    store(sums, 0, splat(1.0) / total)

    for d in range(0, head_dim, LANES):
        multiply(
            n_queries,
            n_keys,
            probs,
            1,
            LANES,
            advance(v, d),
            kv_row,
            probs,
            advance(context, d),
            context_row,
            False,
        )
    for i in range(n_queries):
        for d in range(head_dim):
            c[i * c_row + d] = context[i * context_row + d] * sums[i]
