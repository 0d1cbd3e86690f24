"""The same three loops, compiled by Numba: no object, no look-up, one number at a time."""

import numpy as np

from ..operands import Floats, copied, kernel_of_a_product, place

prepare = copied


@kernel_of_a_product
def product(m, n, k, a, a_row, b, b_row, c, c_row):
    """c[m, n] = a[m, k] @ b[n, k].T."""
    for i in range(m):
        for j in range(n):
            total = np.float32(0.0)
            for p in range(k):
                total += a[i * a_row + p] * b[j * b_row + p]
            c[i * c_row + j] = total


def multiply(a: Floats, weight: Floats, c: Floats) -> None:
    """Compute c[m, n] = a[m, k] @ weight[n, k].T."""
    product.call(*c.shape, a.shape[1], *place(a), *place(weight), *place(c))
