"""The form of a program: what a step is, in integers. Plain Python, so that who writes one needs no compiler.

What is the same for every batch stands in the step itself; what is not, counts and addresses of buffers,
stands in the table `batch`, and the step has its index there. So a model's steps are written once.
`program.py` runs them.
"""

import ctypes
from typing import Any

# What the caller of a compiled program has to know: its name in a library, its arguments, which are those of
# `program.run`, and the version of both.
ABI = 2
SYMBOL = "distilnp_run"
ARGUMENTS = (ctypes.c_int64, *4 * (ctypes.c_void_p,), ctypes.c_int64)

# What a step does: `kind`.
EMBED, LAYER_NORM, GATHER, GEMM, ATTENTION = range(5)

# What is done to a product before it leaves the cache: `epilogue` of GEMM.
NO_BIAS, IDENTITY, GELU, RELU, RESIDUAL = range(5)

# fmt: off
OPERANDS = (
    "kind",
    # indices into batch
    "rows",          # number of rows of c; for ATTENTION number of spans
    "a",             # address of float32: what goes in; for ATTENTION queries
    "b",             # address of float32: GEMM, residual; ATTENTION, keys and values; EMBED, int64 positions
    "c",             # address of float32: what comes out
    "index",         # address of int64: EMBED, token ids; GATHER, rows of a; ATTENTION, spans
    # numbers
    "a_row",         # floats from one row of a to the next; of EMBED's weight
    "b_row",         # the same of b; of EMBED's bias
    "c_row",         # the same of c
    "dim",           # columns of a; for ATTENTION of a head's part of it
    "n_panels",      # GEMM: columns of c, in panels of 16
    "n_heads",       # ATTENTION; GEMM, where every head has a product of its own, else 1
    "head_dim",      # ATTENTION: a score is divided by its root
    "a_head",        # GEMM: floats from the a of one head to that of the next
    "c_head",        # GEMM: the same of c
    "column",        # ATTENTION: first column of the keys in b
    "value_column",  # ATTENTION: of the values
    "epilogue",      # GEMM
    # addresses of float32 parameters
    "weight",        # of GEMM, packed; of LAYER_NORM; EMBED: one row a token
    "bias",          # of GEMM and LAYER_NORM; EMBED: one row a position
)
# fmt: on

# A span of queries: the row of the first in a and c, how many, the row of their text in b, the text's length.
SPAN = 4

# Queries of a span at most: one a lane.
SPAN_QUERIES = 16

# Counters of a step on the board that threads share: two, each on a pair of cache lines of its own, because
# neighbouring lines are fetched together.
TAKEN, DONE, BOARD_STEP = 0, 16, 32


def step(kind: int, **operands: Any) -> list[int]:
    """Return the row of a step; an operand that is not named is 0."""
    row = [0] * len(OPERANDS)
    row[OPERANDS.index("kind")] = kind
    for name, value in operands.items():
        row[OPERANDS.index(name)] = value
    return row


def attention_scratch(dim: int, n_keys: int) -> int:
    """Return how many floats a thread needs for ATTENTION: queries, scores, sums and context of a span."""
    return (dim + n_keys + 1 + -(-dim // 16) * 16) * SPAN_QUERIES
