"""Two threads: each takes the next free job until none is left, then waits for the jobs of the other."""

from functools import cache

import numpy as np

from distilnp.kernels.blocking import n_product_jobs
from distilnp.kernels.jit import EntryPoint, entry_point
from distilnp.kernels.jobs import await_all, take_job
from distilnp.kernels.multiply import multiplier
from distilnp.kernels.steps import BOARD_STEP
from distilnp.kernels.tiles import LANES, MR, Tile
from distilnp.kernels.words.memory import float_pointer, int_pointer

from .. import operands, team
from ..operands import INT, Floats, panels, place
from .prefetch import do_job

prepare = panels


@cache
def kernel(tile: Tile) -> EntryPoint:
    """Return the product in tiles of this form."""
    multiply_tiles, width = multiplier(tile), tile.panels

    @entry_point(INT, int_pointer, INT, INT, INT, float_pointer, INT, float_pointer, INT, float_pointer, INT)
    def product(n_threads, board, m, n, k, a, a_row, b, b_panel, c, c_row):
        """Take part in c[m, n up to 16] = a[m, k] @ b; all threads have the same board of two counters."""
        n_panels = (n + LANES - 1) // LANES
        n_jobs, n_done = n_product_jobs(m, n_panels, MR), 0
        job = take_job(board)
        while job < n_jobs:
            do_job(multiply_tiles, width, job, n_threads, m, n_panels, k, a, a_row, b, b_panel, c, c_row)
            n_done += 1
            job = take_job(board)
        await_all(board, n_jobs, n_done)

    return product


def multiply(a: Floats, weight: Floats, c: Floats) -> None:
    """Compute c[m, n] = a[m, k] @ weight[n, k].T."""
    board = np.zeros(BOARD_STEP, np.int64)
    arguments = *c.shape, a.shape[1], *place(a), *place(weight), *place(c)
    call = kernel(operands.TILES.float32).call
    team.together(call, team.n_threads(), board.ctypes.data, *arguments)
