"""Kernels that work on each row by itself: look-up of embeddings, layer normalization, copying."""

import math

import numpy as np

from .jit import inlined
from .quantize import quantize_row
from .steps import (
    A_ROW,
    B_ROW,
    BIAS,
    C_ROW,
    DIM,
    INDEX,
    INT8,
    QUANTIZED,
    QUANTIZED_ROW,
    ROWS,
    SCALE,
    STORAGE,
    WEIGHT,
    A,
    B,
    C,
)
from .tiles import JOB_ROWS, LANES
from .widen import load_stored
from .words.lanes_f32 import first_lanes, fma, load, splat, store, sum_lanes
from .words.memory import advance, floats_at, ints_at

EPSILON = np.float32(1e-12)  # the original's, as in model/reference.py


@inlined
def n_row_jobs(step, batch):
    """Return how many jobs an EMBED, LAYER_NORM, QUANTIZE or GATHER step has."""
    return (batch[step[ROWS]] + JOB_ROWS - 1) // JOB_ROWS


@inlined
def do_embed(job, step, batch):
    """Do one job of an EMBED step."""
    embed(
        job,
        batch[step[ROWS]],
        step[DIM],
        ints_at(batch[step[INDEX]]),
        ints_at(batch[step[B]]),
        step[STORAGE],
        step[WEIGHT],
        floats_at(step[SCALE]),
        step[A_ROW],
        floats_at(step[BIAS]),
        step[B_ROW],
        floats_at(batch[step[C]]),
        step[C_ROW],
    )


@inlined
def embed(job, m, dim, ids, positions, storage, words, scale, word_row, places, place_row, c, c_row):
    """c[i] = words[ids[i]] + places[positions[i]] for the rows of one job.

    ids, positions  int64 [m]
    words           address of [.., dim up to 16], rows word_row apart
    scale           [..], factors of the rows if they are int8
    places          [.., dim up to 16], rows place_row apart
    c               [m, dim up to 16], rows c_row apart
    """
    first = job * JOB_ROWS
    for i in range(first, min(first + JOB_ROWS, m)):
        word = ids[i] * word_row
        factor = splat(scale[ids[i]] if storage == INT8 else np.float32(1.0))
        place = advance(places, positions[i] * place_row)
        row = advance(c, i * c_row)
        for j in range(0, dim, LANES):
            store(row, j, load_stored(words, word + j, storage, factor) + load(place, j))


@inlined
def do_layer_norm(job, step, batch):
    """Do one job of a LAYER_NORM step."""
    a, c = floats_at(batch[step[A]]), floats_at(batch[step[C]])
    weight, bias = floats_at(step[WEIGHT]), floats_at(step[BIAS])
    quantized = floats_at(batch[step[QUANTIZED]])
    layer_norm(
        job,
        batch[step[ROWS]],
        step[DIM],
        a,
        step[A_ROW],
        weight,
        bias,
        c,
        step[C_ROW],
        quantized,
        step[QUANTIZED_ROW],
    )


@inlined
def layer_norm(job, m, dim, a, a_row, weight, bias, c, c_row, quantized, quantized_row):
    """c[i] = (a[i] - mean) / sqrt(variance + epsilon) * weight + bias for the rows of one job.

    a, c          [m, dim up to 16], rows a_row and c_row apart; c may be a
    weight, bias  [dim up to 16]; 0 beyond dim, like a, which makes c 0 there too
    quantized     rows of c, quantized while they are in the first-level cache; quantized_row 0 leaves it out

    Mean and variance are summed in 16 lanes, each over every 16th element, and the lanes by the tree of
    `sum_lanes`. Oracle: reference.layer_norm.
    """
    n = np.float32(dim)
    first = job * JOB_ROWS
    for i in range(first, min(first + JOB_ROWS, m)):
        x = advance(a, i * a_row)
        total = splat(0.0)
        for j in range(0, dim, LANES):
            total = total + load(x, j)
        mean = splat(sum_lanes(total) / n)
        squares = splat(0.0)
        for j in range(0, dim, LANES):
            centred = first_lanes(load(x, j) - mean, dim - j)
            squares = fma(centred, centred, squares)
        variance = sum_lanes(squares) / n
        scale = splat(np.float32(1.0) / np.float32(math.sqrt(variance + EPSILON)))
        row = advance(c, i * c_row)
        for j in range(0, dim, LANES):
            store(row, j, fma((load(x, j) - mean) * scale, load(weight, j), load(bias, j)))
        if quantized_row:
            quantize_row(dim, row, advance(quantized, i * quantized_row))


@inlined
def do_gather(job, step, batch):
    """Do one job of a GATHER step."""
    a, c = floats_at(batch[step[A]]), floats_at(batch[step[C]])
    rows = ints_at(batch[step[INDEX]])
    gather(job, batch[step[ROWS]], step[DIM], a, step[A_ROW], rows, c, step[C_ROW])


@inlined
def gather(job, m, dim, a, a_row, rows, c, c_row):
    """c[i] = a[rows[i]] for the rows of one job.

    rows  int64 [m]
    a, c  [.., dim up to 16], rows a_row and c_row apart
    """
    first = job * JOB_ROWS
    for i in range(first, min(first + JOB_ROWS, m)):
        source = advance(a, rows[i] * a_row)
        row = advance(c, i * c_row)
        for j in range(0, dim, LANES):
            store(row, j, load(source, j))
