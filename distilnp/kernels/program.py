"""A program of kernels, compiled: all threads run the same steps together (SPMD).

`steps` says what a step is. Only `engine/layers` knows which steps a model takes. A new kind of step needs
two to four lines here, and a kernel that counts its jobs and does one.
"""

from functools import cache

from numba import types

from .attention import do_attention, n_attention_jobs
from .gemm_f32 import do_gemm, n_gemm_jobs
from .gemm_int8 import do_gemm_int8, n_gemm_int8_jobs
from .jit import EntryPoint, entry_point
from .jobs import await_all, take_job
from .multiply import multiplier
from .quantize import do_quantize
from .row_wise import do_embed, do_gather, do_layer_norm, n_row_jobs
from .steps import ATTENTION, BOARD_STEP, EMBED, GEMM, GEMM_INT8, KIND, LAYER_NORM, OPERANDS, QUANTIZE
from .tiles import MR, Tiles
from .words.atomics import fetch_add, load_acquire
from .words.memory import advance, float_pointer, int_pointer

STEP = len(OPERANDS)


@cache
def program(tiles: Tiles) -> EntryPoint:
    """Return the program whose products use tiles of these forms."""
    multiply, width = multiplier(tiles.float32), tiles.float32.panels
    multiply_int8, width_int8 = multiplier(tiles.int8), tiles.int8.panels
    height_int8 = max(tiles.int8.rows, MR)

    @entry_point(types.int64, int_pointer, int_pointer, int_pointer, float_pointer, types.int64)
    def run(n_steps, steps, batch, board, scratch, scratch_size):
        """Run the steps, together with every other thread that is given the same board.

        steps    int64 [n_steps, STEP]
        batch    int64 [..]
        board    int64 [n_steps + 1, BOARD_STEP], zero at first; for one run
        scratch  float32 [threads, scratch_size]

        Returns when the last step is done, including the parts that other threads do. Nothing is checked.
        """
        n_entered = board
        scratch = advance(scratch, fetch_add(n_entered, 1) * scratch_size)
        for i in range(n_steps):
            step = advance(steps, i * STEP)
            board = advance(board, BOARD_STEP)
            kind = step[KIND]
            if kind == GEMM:
                n_jobs = n_gemm_jobs(step, batch)
            elif kind == GEMM_INT8:
                n_jobs = n_gemm_int8_jobs(height_int8, step, batch)
            elif kind == ATTENTION:
                n_jobs = n_attention_jobs(step, batch)
            else:
                n_jobs = n_row_jobs(step, batch)
            n_done = 0
            job = take_job(board)
            while job < n_jobs:
                if kind == GEMM:
                    do_gemm(multiply, width, job, step, batch, scratch, load_acquire(n_entered))
                elif kind == GEMM_INT8:
                    n_threads = load_acquire(n_entered)
                    do_gemm_int8(multiply_int8, width_int8, height_int8, job, step, batch, scratch, n_threads)
                elif kind == ATTENTION:
                    do_attention(multiply, job, step, batch, scratch)
                elif kind == LAYER_NORM:
                    do_layer_norm(job, step, batch)
                elif kind == QUANTIZE:
                    do_quantize(job, step, batch)
                elif kind == EMBED:
                    do_embed(job, step, batch)
                else:
                    do_gather(job, step, batch)
                n_done += 1
                job = take_job(board)
            await_all(board, n_jobs, n_done)

    return run
