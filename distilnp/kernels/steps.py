"""Programs: tables of steps, each a row of integers. This is plain Python: writing one needs no compiler.

A step holds what is the same for every batch. Whatever changes from batch to batch, counts and addresses of
buffers, is in the table `batch`, and the step holds its index there. So the steps of a model are written
once. `program` runs them.
"""

import ctypes
from typing import Any

from .tiles import KC, LANES, MC, NC

Step = list[int]

# What the caller of a compiled program has to know: its name in a library, its arguments (those of
# `program.run`), and the version of both.
SYMBOL = "distilnp_run"
ARGUMENTS = (ctypes.c_int64, *4 * (ctypes.c_void_p,), ctypes.c_int64)
ABI = 4

# What a step does: its `kind`.
EMBED, LAYER_NORM, QUANTIZE, GATHER, GEMM, GEMM_INT8, ATTENTION = range(7)

# How the weight of GEMM and EMBED is stored: its `storage`. GEMM computes with float32 in every case.
# INT32 is that of the sums of an INT8 weight.
FLOAT32, FLOAT16, BFLOAT16, INT8, INT32 = range(5)

# What is done to a product before it leaves the cache: the `epilogue` of GEMM and GEMM_INT8.
NO_BIAS, IDENTITY, GELU, RELU, RESIDUAL = range(5)

# fmt: off
OPERANDS = (
    "kind",
    # indices into `batch`
    "rows",          # number of rows of c; for ATTENTION, number of spans
    "a",             # address of float32: the input; ATTENTION, the queries; GEMM_INT8, quantized rows
    "b",             # address of float32: products, residual; ATTENTION, keys, values; EMBED, int64 positions
    "c",             # address of float32: the output
    "index",         # address of int64: for EMBED, token ids; GATHER, rows of a; ATTENTION, spans
    "quantized",     # address of quantized rows: the output of QUANTIZE, a second one of LAYER_NORM
    # numbers
    "a_row",         # floats from one row of a to the next; for EMBED, of its weight
    "b_row",         # the same for b; for EMBED, of its bias
    "c_row",         # the same for c
    "quantized_row", # the same for quantized; 0 if LAYER_NORM has no second output
    "dim",           # columns of a; for ATTENTION, columns of one head
    "n_panels",      # products: columns of c, in panels of 16
    "n_heads",       # ATTENTION; GEMM: how many products, one per head, stand side by side (else 1)
    "head_dim",      # ATTENTION: scores are divided by its square root
    "a_head",        # GEMM: floats from the a of one head to the a of the next
    "c_head",        # GEMM: the same for c
    "key_column",    # ATTENTION: first column of the keys in b
    "value_column",  # ATTENTION: first column of the values in b
    "epilogue",      # products
    "storage",       # GEMM and EMBED: how the weight is stored
    # addresses of parameters, float32 but for the weight
    "weight",        # products: packed panels; LAYER_NORM; EMBED: one row per token
    "scale",         # products, of an INT8 weight: a factor per column of c; EMBED: one per token
    "sums",          # GEMM_INT8, int32: the sum of each column of the weight
    "bias",          # products and LAYER_NORM; EMBED: one row per position
)
# The position of each operand in a step, for the kernels.
(
    KIND,
    ROWS, A, B, C, INDEX, QUANTIZED,
    A_ROW, B_ROW, C_ROW, QUANTIZED_ROW, DIM, N_PANELS, N_HEADS, HEAD_DIM, A_HEAD, C_HEAD, KEY_COLUMN,
    VALUE_COLUMN, EPILOGUE,
    STORAGE, WEIGHT, SCALE, SUMS, BIAS,
) = range(len(OPERANDS))
# fmt: on

# A span is queries that attend together: the row of the first one in a and c, how many there are, the first
# row of their text in b, and the length of the text.
SPAN = 4

# The most queries in a span: one for each lane of two vectors.
SPAN_QUERIES = 2 * LANES

# Each step has two counters on the board that threads share. Each counter has a pair of cache lines to
# itself, because neighbouring lines are fetched together.
TAKEN, DONE, BOARD_STEP = 0, 16, 32


def step(kind: int, **operands: Any) -> Step:
    """Return the row of a step; operands that are not named are 0."""
    row = [0] * len(OPERANDS)
    row[KIND] = kind
    for name, value in operands.items():
        row[OPERANDS.index(name)] = value
    return row


# How many floats a product needs per thread: the sums of an int8 job, or two panels of KC terms, widened.
GEMM_SCRATCH = max(MC * NC, 2 * KC) * LANES


def attention_scratch(dim: int, n_keys: int) -> int:
    """Return how many floats ATTENTION needs per thread: queries, scores, sums and context of a span."""
    context_columns = -(-dim // LANES) * LANES
    return (dim + n_keys + 1 + context_columns) * SPAN_QUERIES
