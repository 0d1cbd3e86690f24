"""A program of kernels, compiled: all threads run the same steps together (SPMD).

`steps.py` has the form of a step. What a model is, only `engine/layers.py` knows.
"""

from numba import types

from .attention import attend
from .gemm import gemm, n_gemm_jobs
from .jit import entry_point
from .jobs import await_all, take_job
from .row_wise import embed, gather, layer_norm, n_row_jobs
from .simd import LANES, advance, fetch_add, float_pointer, floats_at, int_pointer, ints_at, load_acquire
from .steps import ATTENTION, BOARD_STEP, EMBED, GEMM, LAYER_NORM, OPERANDS, SPAN

STEP = len(OPERANDS)
# fmt: off
(
    KIND, ROWS, A, B, C, INDEX, A_ROW, B_ROW, C_ROW, DIM, N_PANELS, N_HEADS, HEAD_DIM, A_HEAD, C_HEAD, COLUMN,
    VALUE_COLUMN, EPILOGUE, WEIGHT, BIAS
) = range(STEP)
# fmt: on


@entry_point(types.int64, int_pointer, int_pointer, int_pointer, float_pointer, types.int64)
def run(n_steps, steps, batch, board, scratch, scratch_size):
    """Run the steps, together with whoever else was given the same board.

    steps    int64 [n_steps, STEP]
    batch    int64 [..]
    board    int64 [n_steps + 1, BOARD_STEP], zero at first; for one run
    scratch  float32 [threads, scratch_size]

    Returns when the last step is done, also what others do of it. Nothing is checked.
    """
    n_entered = board
    scratch = advance(scratch, fetch_add(n_entered, 1) * scratch_size)
    for i in range(n_steps):
        s = advance(steps, i * STEP)
        board = advance(board, BOARD_STEP)
        kind, m, dim = s[KIND], batch[s[ROWS]], s[DIM]
        a, b, c = floats_at(batch[s[A]]), floats_at(batch[s[B]]), floats_at(batch[s[C]])
        index = ints_at(batch[s[INDEX]])
        weight, bias = floats_at(s[WEIGHT]), floats_at(s[BIAS])
        jobs_of_head = n_gemm_jobs(m, s[N_PANELS])
        if kind == GEMM:
            n_jobs = jobs_of_head * s[N_HEADS]
        elif kind == ATTENTION:
            n_jobs = m * s[N_HEADS]
        else:
            n_jobs = n_row_jobs(m)
        n_done = 0
        job = take_job(board)
        while job < n_jobs:
            if kind == GEMM:
                head = job // jobs_of_head
                columns = head * s[N_PANELS] * LANES
                gemm(job % jobs_of_head, load_acquire(n_entered), m, dim, s[N_PANELS],
                     advance(a, head * s[A_HEAD]), s[A_ROW], advance(weight, columns * dim),
                     advance(bias, columns), b, s[B_ROW],
                     advance(c, head * s[C_HEAD]), s[C_ROW], s[EPILOGUE])  # fmt: skip
            elif kind == ATTENTION:
                # All spans of a head, then the next head: its keys and values stay near.
                head = job // m * dim
                span = advance(index, job % m * SPAN)
                row, n_queries, text, n_keys = span[0], span[1], span[2], span[3]
                b_text = advance(b, text * s[B_ROW] + head)
                attend(n_queries, n_keys, dim, s[HEAD_DIM], advance(a, row * s[A_ROW] + head), s[A_ROW],
                       advance(b_text, s[COLUMN]), advance(b_text, s[VALUE_COLUMN]), s[B_ROW],
                       scratch, advance(c, row * s[C_ROW] + head), s[C_ROW])  # fmt: skip
            elif kind == LAYER_NORM:
                layer_norm(job, m, dim, a, s[A_ROW], weight, bias, c, s[C_ROW])
            elif kind == EMBED:
                embed(job, m, dim, index, ints_at(batch[s[B]]), weight, s[A_ROW], bias, s[B_ROW], c, s[C_ROW])
            else:
                gather(job, m, dim, a, s[A_ROW], index, c, s[C_ROW])
            n_done += 1
            job = take_job(board)
        await_all(board, n_jobs, n_done)
