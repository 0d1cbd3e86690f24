"""int8: a word of 32 bits holds four numbers, and an instruction adds four products (`model/int8.py`)."""

from functools import cache

import numpy as np

from distilnp.kernels.blocking import n_product_jobs
from distilnp.kernels.gemm import gemm
from distilnp.kernels.gemm_int8 import finish_int8
from distilnp.kernels.jit import EntryPoint, entry_point
from distilnp.kernels.jobs import await_all, take_job
from distilnp.kernels.multiply import multiplier
from distilnp.kernels.quantize import n_quads, quantize_row
from distilnp.kernels.steps import BOARD_STEP, FLOAT32, GEMM_SCRATCH, IDENTITY
from distilnp.kernels.tiles import JOB_ROWS, LANES, MR, Tile
from distilnp.kernels.words.memory import advance, float_pointer, int_pointer

from .. import operands, team
from ..operands import INT, Floats, Int8Weight, int8_weight, place, reused

prepare = int8_weight


@cache
def kernel(tile: Tile) -> EntryPoint:
    """Return the product in tiles of this form."""
    multiply_tiles, width, height = multiplier(tile), tile.panels, max(tile.rows, MR)

    @entry_point(*5 * (INT,), int_pointer, *3 * (float_pointer, INT), *4 * (float_pointer,))
    def product(threads, m, n, k, quads, boards, a, a_row, rows, row, c, c_row, scale, sums, zeros, scratch):
        """Take part in c[m, n up to 16] = a[m, k] @ weight: quantize the rows of a, then multiply."""
        n_panels = (n + LANES - 1) // LANES
        scratch = advance(scratch, take_job(advance(boards, 2 * BOARD_STEP)) * GEMM_SCRATCH)
        n_jobs, job, n_done = (m + JOB_ROWS - 1) // JOB_ROWS, take_job(boards), 0
        while job < n_jobs:
            for i in range(job * JOB_ROWS, min((job + 1) * JOB_ROWS, m)):
                quantize_row(k, advance(a, i * a_row), advance(rows, i * row))
            job, n_done = take_job(boards), n_done + 1
        await_all(boards, n_jobs, n_done)
        board = advance(boards, BOARD_STEP)
        n_jobs, job, n_done = n_product_jobs(m, n_panels, height), take_job(board), 0
        while job < n_jobs:
            gemm(
                multiply_tiles, width, height, True, finish_int8, job, threads, m, n_quads(k), n_panels, rows,
                row, FLOAT32, quads, scale, sums, zeros, zeros, 0, c, c_row, IDENTITY, scratch,
            )  # fmt: skip
            job, n_done = take_job(board), n_done + 1
        await_all(board, n_jobs, n_done)

    return product


def multiply(a: Floats, weight: Int8Weight, c: Floats) -> None:
    """Compute c[m, n] = a[m, k] @ weight[n, k].T, as nearly as integers do."""
    boards, threads = np.zeros((3, BOARD_STEP), np.int64), team.n_threads()
    rows, scratch = reused(len(a), n_quads(a.shape[1]) + 2), reused(1, threads * GEMM_SCRATCH)
    sizes = threads, *c.shape, a.shape[1], weight.quads.ctypes.data, boards.ctypes.data
    others = (x.ctypes.data for x in (weight.scale, weight.sums, weight.zeros, scratch))
    team.together(kernel(operands.TILES.int8).call, *sizes, *place(a), *place(rows), *place(c), *others)
