"""Packed panels: the weights lie in the order in which the tiles read them, one cache line after another."""

from functools import cache

from distilnp.kernels.jit import EntryPoint
from distilnp.kernels.multiply import multiplier
from distilnp.kernels.tiles import LANES, Tile

from .. import operands
from ..operands import Floats, kernel_of_a_product, panels, place

prepare = panels


@cache
def kernel(tile: Tile) -> EntryPoint:
    """Return the product in tiles of this form."""
    multiply_tiles = multiplier(tile)

    @kernel_of_a_product
    def product(m, n, k, a, a_row, b, b_panel, c, c_row):
        """c[m, n up to 16] = a[m, k] @ b, where b is panels [n / 16, k, 16]."""
        n_panels = (n + LANES - 1) // LANES
        # The next term of a panel follows at once; the next panel is k terms on.
        multiply_tiles(m, k, n_panels, a, a_row, 1, b, LANES, b_panel, b, 0, 0, c, c_row, False)

    return product


def multiply(a: Floats, weight: Floats, c: Floats) -> None:
    """Compute c[m, n] = a[m, k] @ weight[n, k].T."""
    call = kernel(operands.TILES.float32).call
    call(*c.shape, a.shape[1], *place(a), *place(weight), *place(c))
