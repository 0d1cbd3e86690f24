"""A tile by hand: six rows of a times 16 columns, so that six sums are under way at once.

The lanes are columns now, and no two of them have to be added. That takes 16 weights side by side which
belong to 16 columns, so the weight is transposed.
"""

from distilnp.kernels.tiles import LANES
from distilnp.kernels.words.lanes_f32 import fma, load, splat, store

from ..operands import Floats, kernel_of_a_product, place, transposed

prepare = transposed

ROWS = 6


@kernel_of_a_product
def product(m, n, k, a, a_row, b, b_row, c, c_row):
    """c[m, n up to 16] = a[m, k] @ b[k, n up to 16]. The last tile repeats the last row until it has six."""
    last = m - 1
    for j in range(0, n, LANES):
        for i in range(0, m, ROWS):
            i1, i2, i3 = min(i + 1, last), min(i + 2, last), min(i + 3, last)
            i4, i5 = min(i + 4, last), min(i + 5, last)
            c0 = c1 = c2 = c3 = c4 = c5 = splat(0.0)
            for p in range(k):
                x = load(b, p * b_row + j)
                c0 = fma(splat(a[i * a_row + p]), x, c0)
                c1 = fma(splat(a[i1 * a_row + p]), x, c1)
                c2 = fma(splat(a[i2 * a_row + p]), x, c2)
                c3 = fma(splat(a[i3 * a_row + p]), x, c3)
                c4 = fma(splat(a[i4 * a_row + p]), x, c4)
                c5 = fma(splat(a[i5 * a_row + p]), x, c5)
            store(c, i * c_row + j, c0)
            store(c, i1 * c_row + j, c1)
            store(c, i2 * c_row + j, c2)
            store(c, i3 * c_row + j, c3)
            store(c, i4 * c_row + j, c4)
            store(c, i5 * c_row + j, c5)


def multiply(a: Floats, weight: Floats, c: Floats) -> None:
    """Compute c[m, n] = a[m, k] @ weight[k, n]."""
    product.call(*c.shape, a.shape[1], *place(a), *place(weight), *place(c))
