"""Activations as integers from 0 to 127: each row by itself, with a scale and a zero point of its own.

A quantized row is the integers, four to a word, then the scale as float32 and the zero point as int32.
`model/int8.py` derives the scheme.
"""

import numpy as np

from .jit import inlined
from .steps import A_ROW, DIM, QUANTIZED, QUANTIZED_ROW, ROWS, A
from .tiles import JOB_ROWS, LANES, QUAD
from .words.integers import int_at, round_to_int, store_bytes, store_int
from .words.lanes_f32 import (
    first_lanes,
    fma,
    larger,
    largest_lane,
    load,
    smaller,
    smallest_lane,
    splat,
    sum_lanes,
)
from .words.memory import advance, floats_at

# Both as in model/int8.py, which says why.
LEVELS = 127
SMALLEST_SCALE = np.float32(2.0**-100)


@inlined
def n_quads(dim):
    """Return how many quads there are in a row of dim numbers: whole vectors of quads."""
    return (dim + LANES * QUAD - 1) // (LANES * QUAD) * LANES


@inlined
def row_scale(row, k):
    """Return the scale of a quantized row of k quads."""
    return row[k]


@inlined
def row_zero_point(row, k):
    """Return the zero point of a quantized row of k quads."""
    return int_at(row, k + 1)


@inlined
def do_quantize(job, step, batch):
    """Do one job of a QUANTIZE step."""
    a, quantized = floats_at(batch[step[A]]), floats_at(batch[step[QUANTIZED]])
    first = job * JOB_ROWS
    for i in range(first, min(first + JOB_ROWS, batch[step[ROWS]])):
        quantize_row(step[DIM], advance(a, i * step[A_ROW]), advance(quantized, i * step[QUANTIZED_ROW]))


@inlined
def quantize_row(dim, x, row):
    """Quantize x[dim] to `row`, [n_quads(dim) + 2]. Oracle: int8.quantize_rows.

    What comes after dim numbers is not set: it meets weights that are 0.
    """
    lowest, highest, zero = splat(0.0), splat(0.0), splat(0.0)
    for j in range(0, dim, LANES):
        x_j = first_lanes(load(x, j), dim - j)
        lowest, highest = smaller(x_j, lowest), larger(x_j, highest)
        zero = fma(x_j, splat(0.0), zero)  # NaN if any number is infinite or NaN
    low, high = smallest_lane(lowest), largest_lane(highest)
    scale = max((high - low) / np.float32(LEVELS), SMALLEST_SCALE)
    inverse = np.float32(1.0) / scale
    zero_point = round_to_int(-low * inverse)
    factor = splat(inverse)
    for j in range(0, dim, LANES):
        store_bytes(row, j, first_lanes(load(x, j), dim - j) * factor, zero_point, LEVELS)
    k = n_quads(dim)
    row[k] = scale + sum_lanes(zero)
    store_int(row, k + 1, zero_point)
