"""The tile for the registers of this CPU, as large as they allow, written in LLVM's own instructions.

`kernels/tiles.py` counts the registers, `kernels/words/tiles.py` writes the loop over the terms, and
`kernels/multiply.py` goes from tile to tile.
"""

from functools import cache

from distilnp.kernels.jit import EntryPoint, entry_point
from distilnp.kernels.multiply import multiplier
from distilnp.kernels.tiles import LANES, Tile
from distilnp.kernels.words.memory import float_pointer

from .. import operands
from ..operands import INT, Floats, place, transposed

prepare = transposed


@cache
def kernel(tile: Tile) -> EntryPoint:
    """Return the product in tiles of this form."""
    multiply_tiles = multiplier(tile)

    @entry_point(INT, INT, INT, float_pointer, INT, float_pointer, INT, INT, float_pointer, INT)
    def product(m, n, k, a, a_row, b, b_row, b_panel, c, c_row):
        """c[m, n up to 16] = a[m, k] @ b[k, n up to 16].

        From a term of b to the next are b_row floats, and from 16 columns to the next 16 are b_panel.
        """
        n_panels = (n + LANES - 1) // LANES
        # 0 bytes of each number are prefetched.
        multiply_tiles(m, k, n_panels, a, a_row, 1, b, b_row, b_panel, b, 0, 0, c, c_row, False)

    return product


def multiply(a: Floats, weight: Floats, c: Floats) -> None:
    """Compute c[m, n] = a[m, k] @ weight[k, n]."""
    call = kernel(operands.TILES.float32).call
    call(*c.shape, a.shape[1], *place(a), *place(weight), LANES, *place(c))
