"""Attention of up to 32 queries of one head to all keys of their text.

The queries stand in the lanes of one or two vectors. Scores, their maximum and their sum go down the keys one
after another, in the order of the text, and no lane ever needs another. 32 columns of scores for 512 keys
take 64 KB, so everything stays in the second-level cache.
"""

import math

import numpy as np

from .elementary import exp
from .jit import inlined
from .steps import (
    A_ROW,
    B_ROW,
    C_ROW,
    DIM,
    HEAD_DIM,
    INDEX,
    KEY_COLUMN,
    N_HEADS,
    ROWS,
    SPAN,
    VALUE_COLUMN,
    A,
    B,
    C,
)
from .tiles import KC, LANES
from .words.lanes_f32 import larger, load, splat, store
from .words.memory import advance, floats_at, ints_at


@inlined
def n_attention_jobs(step, batch):
    """Return how many jobs an ATTENTION step has: one for each span and head."""
    return batch[step[ROWS]] * step[N_HEADS]


@inlined
def do_attention(multiply, job, step, batch, scratch):
    """Do one job of an ATTENTION step: all spans of a head, then the next head, so its keys stay near."""
    n_spans, dim = batch[step[ROWS]], step[DIM]
    head, i = divmod(job, n_spans)
    column = head * dim
    span = advance(ints_at(batch[step[INDEX]]), i * SPAN)
    first_query, n_queries, first_key, n_keys = span[0], span[1], span[2], span[3]
    text = advance(floats_at(batch[step[B]]), first_key * step[B_ROW] + column)
    attend(
        multiply,
        n_queries,
        n_keys,
        dim,
        step[HEAD_DIM],
        advance(floats_at(batch[step[A]]), first_query * step[A_ROW] + column),
        step[A_ROW],
        advance(text, step[KEY_COLUMN]),
        advance(text, step[VALUE_COLUMN]),
        step[B_ROW],
        scratch,
        advance(floats_at(batch[step[C]]), first_query * step[C_ROW] + column),
        step[C_ROW],
    )


@inlined
def attend(multiply, n_queries, n_keys, dim, head_dim, q, q_row, k, v, kv_row, scratch, c, c_row):
    """c[n_queries, dim] = softmax(q @ k.T / sqrt(head_dim)) @ v.

    multiply  see `multiplier`
    q         [n_queries, dim], rows q_row apart; at most 32 queries
    k, v      [n_keys, dim], rows kv_row apart; up to 15 floats beyond dim are read and not used
    c         [n_queries, dim], rows c_row apart; nothing beyond dim is written

    Oracle: reference.softmax and numpy's @.
    """
    n_vectors = (n_queries + LANES - 1) // LANES
    row = n_vectors * LANES
    queries = scratch  # [dim, row]
    probs = advance(queries, dim * row)  # [n_keys, row]
    scales = advance(probs, n_keys * row)  # [row]
    context = advance(scales, row)  # [n_queries, dim up to 16]
    n_panels = (dim + LANES - 1) // LANES
    context_row = n_panels * LANES

    scale_queries(n_queries, dim, head_dim, q, q_row, queries, row)
    for d in range(0, dim, KC):
        terms, part = min(KC, dim - d), advance(queries, d * row)
        multiply(
            n_keys,
            terms,
            n_vectors,
            advance(k, d),
            kv_row,
            1,
            part,
            row,
            LANES,
            part,
            0,
            0,
            probs,
            row,
            d > 0,
        )
    for i in range(0, row, LANES):
        exponentiate(n_keys, advance(probs, i), row, advance(scales, i))
    multiply(
        n_queries,
        n_keys,
        n_panels,
        probs,
        1,
        row,
        v,
        kv_row,
        LANES,
        v,
        0,
        0,
        context,
        context_row,
        False,
    )
    for i in range(n_queries):
        for d in range(dim):
            c[i * c_row + d] = context[i * context_row + d] * scales[i]


@inlined
def scale_queries(n_queries, dim, head_dim, q, q_row, queries, row):
    """queries[dim, row] = q.T / sqrt(head_dim), with 0 in the lanes that have no query."""
    scale = np.float32(1.0) / np.float32(math.sqrt(np.float32(head_dim)))
    for d in range(dim):
        store(queries, d * row + row - LANES, splat(0.0))
        for i in range(n_queries):
            queries[d * row + i] = q[i * q_row + d] * scale


@inlined
def exponentiate(n_keys, scores, row, scales):
    """scores[n_keys, 16] = exp(scores - maximum), and scales[16] = 1 / sum: a softmax that is not yet scaled.

    Rows of scores are `row` apart. Scaling the context, dim numbers a query, is less work than scaling n_keys
    probabilities.
    """
    largest = load(scores, 0)
    for j in range(1, n_keys):
        largest = larger(largest, load(scores, j * row))
    total = splat(0.0)
    for j in range(n_keys):
        x = exp(load(scores, j * row) - largest)
        total = total + x
        store(scores, j * row, x)
    store(scales, 0, splat(1.0) / total)
