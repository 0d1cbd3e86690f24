"""One vector: 16 partial sums of an element, side by side in a register, which are added at the end.

The compiler may not do this by itself, because it changes the order of the sum, and so its rounding.
"""

from distilnp.kernels.tiles import LANES
from distilnp.kernels.words.lanes_f32 import fma, load, splat, sum_lanes

from ..operands import Floats, copied, kernel_of_a_product, place

prepare = copied


@kernel_of_a_product
def product(m, n, k, a, a_row, b, b_row, c, c_row):
    """c[m, n] = a[m, k] @ b[n, k].T; both have zeros after the k-th number of a row, up to a whole vector."""
    for j in range(n):
        for i in range(m):
            total = splat(0.0)
            for p in range(0, k, LANES):
                total = fma(load(a, i * a_row + p), load(b, j * b_row + p), total)
            c[i * c_row + j] = sum_lanes(total)


def multiply(a: Floats, weight: Floats, c: Floats) -> None:
    """Compute c[m, n] = a[m, k] @ weight[n, k].T."""
    product.call(*c.shape, a.shape[1], *place(a), *place(weight), *place(c))
