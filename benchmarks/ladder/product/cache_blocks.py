"""Cache blocks: 256 terms of two panels stay in the first-level cache while 132 rows go through them."""

from functools import cache

from distilnp.kernels.blocking import row_block
from distilnp.kernels.jit import EntryPoint
from distilnp.kernels.multiply import multiplier
from distilnp.kernels.tiles import KC, LANES, MR, NC, Tile
from distilnp.kernels.words.memory import advance

from .. import operands
from ..operands import Floats, kernel_of_a_product, panels, place

prepare = panels


@cache
def kernel(tile: Tile) -> EntryPoint:
    """Return the product in tiles of this form."""
    multiply_tiles, width = multiplier(tile), tile.panels

    @kernel_of_a_product
    def product(m, n, k, a, a_row, b, b_panel, c, c_row):
        """c[m, n up to 16] = a[m, k] @ b, where b is panels [n / 16, k, 16]; c holds the sums meanwhile."""
        n_panels, rows = (n + LANES - 1) // LANES, row_block(m, MR)
        for i in range(0, m, rows):
            for first in range(0, n_panels, NC):
                end = min(first + NC, n_panels)
                for p in range(0, k, KC):
                    for j in range(first, end, width):
                        multiply_tiles(
                            min(rows, m - i), min(KC, k - p), min(width, end - j),
                            advance(a, i * a_row + p), a_row, 1, advance(b, j * b_panel + p * LANES), LANES,
                            b_panel, b, 0, 0, advance(c, i * c_row + j * LANES), c_row, p > 0,
                        )  # fmt: skip

    return product


def multiply(a: Floats, weight: Floats, c: Floats) -> None:
    """Compute c[m, n] = a[m, k] @ weight[n, k].T."""
    call = kernel(operands.TILES.float32).call
    call(*c.shape, a.shape[1], *place(a), *place(weight), *place(c))
