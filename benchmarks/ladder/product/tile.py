"""The tile for the registers of this CPU, as large as they allow, written in LLVM's own instructions.

`kernels/tiles.py` counts the registers, `kernels/words/tiles.py` writes the loop over the terms, and
`kernels/multiply.py` goes from tile to tile.
"""

from functools import cache

from distilnp.kernels.jit import EntryPoint
from distilnp.kernels.multiply import multiplier
from distilnp.kernels.tiles import LANES, Tile

from .. import operands
from ..operands import Floats, kernel_of_a_product, place, transposed

prepare = transposed


@cache
def kernel(tile: Tile) -> EntryPoint:
    """Return the product in tiles of this form."""
    multiply_tiles = multiplier(tile)

    @kernel_of_a_product
    def product(m, n, k, a, a_row, b, b_row, c, c_row):
        """c[m, n up to 16] = a[m, k] @ b[k, n up to 16]."""
        n_panels = (n + LANES - 1) // LANES
        # Row p of b is at p * b_row, and its next 16 columns are 16 floats on. Nothing is prefetched.
        multiply_tiles(m, k, n_panels, a, a_row, 1, b, b_row, LANES, b, 0, 0, c, c_row, False)

    return product


def multiply(a: Floats, weight: Floats, c: Floats) -> None:
    """Compute c[m, n] = a[m, k] @ weight[k, n]."""
    call = kernel(operands.TILES.float32).call
    call(*c.shape, a.shape[1], *place(a), *place(weight), *place(c))
