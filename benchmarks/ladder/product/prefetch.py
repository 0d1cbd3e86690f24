"""Prefetching: while a block of weights is multiplied, each tile asks for its share of the next block."""

from functools import cache

from distilnp.kernels.blocking import block_at, n_row_blocks, part_of_job, row_block
from distilnp.kernels.jit import EntryPoint, inlined
from distilnp.kernels.multiply import multiplier
from distilnp.kernels.tiles import KC, LANES, MR, NC, Tile
from distilnp.kernels.words.memory import advance

from .. import operands
from ..operands import Floats, kernel_of_a_product, panels, place

prepare = panels


@inlined
def do_job(multiply_tiles, width, job, n_threads, m, n_panels, k, a, a_row, b, b_panel, c, c_row):
    """Multiply one block of rows by NC panels, block after block of weights, as `kernels.gemm` does."""
    block, first = part_of_job(job, m, n_panels, MR, False)
    _, next_first = part_of_job(job + n_threads, m, n_panels, MR, False)
    i = block * row_block(m, MR)
    rows, job_panels = min(row_block(m, MR), m - i), min(NC, n_panels - first)
    n_pieces, n_blocks = (job_panels + width - 1) // width, (k + KC - 1) // KC
    for turn in range(n_pieces * n_blocks):
        piece, p = block_at(turn, n_pieces, n_blocks, rows)
        is_last, following = divmod(turn + 1, n_pieces * n_blocks)
        next_piece, next_p = block_at(following, n_pieces, n_blocks, rows)
        j, next_j = first + piece * width, (next_first if is_last else first) + next_piece * width
        multiply_tiles(
            rows, min(KC, k - p), min(width, first + job_panels - j), advance(a, i * a_row + p), a_row, 1,
            advance(b, j * b_panel + p * LANES), LANES, b_panel,
            advance(b, next_j * b_panel + next_p * LANES), b_panel, 4,
            advance(c, i * c_row + j * LANES), c_row, p > 0,
        )  # fmt: skip


@cache
def kernel(tile: Tile) -> EntryPoint:
    """Return the product in tiles of this form."""
    multiply_tiles, width = multiplier(tile), tile.panels

    @kernel_of_a_product
    def product(m, n, k, a, a_row, b, b_panel, c, c_row):
        """c[m, n up to 16] = a[m, k] @ b, where b is panels [n / 16, k, 16]; c holds the sums meanwhile."""
        n_panels = (n + LANES - 1) // LANES
        for job in range(n_row_blocks(m, MR) * ((n_panels + NC - 1) // NC)):
            do_job(multiply_tiles, width, job, 1, m, n_panels, k, a, a_row, b, b_panel, c, c_row)

    return product


def multiply(a: Floats, weight: Floats, c: Floats) -> None:
    """Compute c[m, n] = a[m, k] @ weight[n, k].T."""
    call = kernel(operands.TILES.float32).call
    call(*c.shape, a.shape[1], *place(a), *place(weight), *place(c))
