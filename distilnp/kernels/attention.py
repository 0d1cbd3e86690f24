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
from .tiles import KC


@inlined
def attend(n_queries, n_keys, dim, head_dim, q, q_row, k, v, kv_row, scratch, c, c_row):
    """c[n_queries, dim] = softmax(q @ k.T / sqrt(head_dim)) @ v.

    q     [n_queries, dim], rows q_row apart, at most 16
    k, v  [n_keys, dim], rows kv_row apart; 15 floats beyond dim are read, and not used
    c     [n_queries, dim], rows c_row apart; nothing beyond dim is written

    Oracle: reference.softmax and numpy's @.
    """
    queries = scratch  # [dim, 16]
    probs = advance(queries, dim * LANES)  # [n_keys, 16]
    sums = advance(probs, n_keys * LANES)  # [16]
    context = advance(sums, LANES)  # [16, dim up to 16]
    context_row = (dim + LANES - 1) // LANES * LANES

    scale = np.float32(1.0) / np.float32(math.sqrt(np.float32(head_dim)))
    for d in range(dim):
        store(queries, d * LANES, splat(0.0))
        for i in range(n_queries):
            queries[d * LANES + i] = q[i * q_row + d] * scale

    for d in range(0, dim, KC):
        terms, part = min(KC, dim - d), advance(queries, d * LANES)
        multiply(n_keys, terms, advance(k, d), kv_row, 1, part, LANES, part, probs, LANES, d > 0)

    largest = load(probs, 0)
    for j in range(1, n_keys):
        largest = larger(largest, load(probs, j * LANES))
    total = splat(0.0)
    for j in range(n_keys):
        x = exp(load(probs, j * LANES) - largest)
        total = total + x
        store(probs, j * LANES, x)
    store(sums, 0, splat(1.0) / total)

    for d in range(0, dim, LANES):
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
        for d in range(dim):
            c[i * c_row + d] = context[i * context_row + d] * sums[i]
