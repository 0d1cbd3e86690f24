"""Packed panels: the weights lie in the order in which the tiles read them, one cache line after another.

The machine code is that of `tile`; only the distances in memory are others.
"""

from distilnp.kernels.tiles import LANES

from .. import operands
from ..operands import Floats, panels, place
from .tile import kernel

prepare = panels


def multiply(a: Floats, weight: Floats, c: Floats) -> None:
    """Compute c[m, n] = a[m, k] @ weight, where the weight is panels [n / 16, k, 16]."""
    first, b_panel = place(weight)
    call = kernel(operands.TILES.float32).call
    call(*c.shape, a.shape[1], *place(a), first, LANES, b_panel, *place(c))
