"""The kernel that the package ships: 32 queries at a time, with tiles; their scores stay in a scratch."""

import numpy as np

from distilnp.kernels.steps import ATTENTION, SPAN_QUERIES, attention_scratch, step

from ..operands import Floats, place
from ..program import run

# The places of the operands in the table of what changes from batch to batch.
ROWS, A, B, C, INDEX = range(5)


def attend(q: Floats, k: Floats, v: Floats, n_heads: int, c: Floats) -> None:
    """Compute the attention of every head: c = softmax(q @ k.T / sqrt(head_dim)) @ v."""
    n_seq, (queries, a_row), (keys, b_row), (result, c_row) = len(q), place(q), place(k), place(c)
    head_dim = q.shape[1] // n_heads
    firsts = range(0, n_seq, SPAN_QUERIES)
    spans = np.array([(i, min(SPAN_QUERIES, n_seq - i), 0, n_seq) for i in firsts], np.int64)
    attention = step(
        ATTENTION,
        rows=ROWS,
        a=A,
        b=B,
        c=C,
        index=INDEX,
        a_row=a_row,
        b_row=b_row,
        c_row=c_row,
        dim=head_dim,
        n_heads=n_heads,
        head_dim=head_dim,
        value_column=(v.ctypes.data - keys) // v.itemsize,
    )
    batch = len(spans), queries, keys, result, spans.ctypes.data
    run([attention], batch, attention_scratch(head_dim, n_seq))
