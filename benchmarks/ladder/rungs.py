"""The rungs of the matrix product, in the order in which they are climbed."""

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from distilnp.model.int8 import multiply_integers, quantize_matrix, quantize_rows

from .operands import Floats
from .product import (
    cache_blocks,
    int8,
    numpy_blas,
    packed_panels,
    prefetch,
    python_loops,
    scalar,
    shipped,
    shipped_int8,
    six_sums,
    tile,
    two_threads,
    vector,
)

Doubles = NDArray[np.float64]

UNIT_ROUNDOFF = 2.0**-24  # of float32


def float32(a: Floats, weight: Floats) -> tuple[Doubles, Doubles]:
    """Return a @ weight.T in float64, and how far off a product in float32 may be.

    Whatever the order of its k products, each addition rounds by at most a unit of its result, which is at
    most the sum of all absolute values (Higham, "Accuracy and Stability of Numerical Algorithms", 2002,
    section 3.1). One unit more is for rounding a product before it is added.
    """
    x, w = a.astype(np.float64), weight.astype(np.float64).T
    return x @ w, (len(w) + 1) * UNIT_ROUNDOFF * (np.abs(x) @ np.abs(w))


def integers(a: Floats, weight: Floats) -> tuple[Doubles, Doubles]:
    """Return the product of the numbers that the integers stand for, and how far off it may be.

    The sum is exact. It is rounded to float32, multiplied by the product of two scales, which is rounded, and
    that is rounded again: three units, and a part of one for their products.
    """
    rows, matrix = quantize_rows(a), quantize_matrix(weight)
    sums = multiply_integers(rows.integers - rows.zero_point, matrix.integers)
    exact = sums * (rows.scale.astype(np.float64) * matrix.scale)
    return exact, 4 * UNIT_ROUNDOFF * np.abs(exact)


class Rung(NamedTuple):
    """One way to compute a matrix product.

    Attributes
    ----------
    name : str
        Its name in the table, in the picture and on the page.
    module : module
        `prepare(weight)`, done once, as when a model is loaded; and `multiply(a, weight, c)`, which is timed.
    n_threads : int
        The threads that it has.
    rows : int, optional
        The most rows of a that it is timed with, because more would take too long.
    exact : callable, optional
        Returns the product of a and a weight, and how far off the rung's may be.
    """

    name: str
    module: ModuleType
    n_threads: int = 1
    rows: int | None = None
    exact: Callable[[Floats, Floats], tuple[Any, Any]] = float32

    def most(self, rows: int) -> int:
        """Return how many of these rows the rung is timed with."""
        return min(rows, self.rows or rows)


RUNGS = (
    Rung("Python loops", python_loops, rows=1),
    Rung("Numba, scalar", scalar, rows=8),
    Rung("one vector", vector),
    Rung("six sums", six_sums),
    Rung("tile", tile),
    Rung("packed panels", packed_panels),
    Rung("cache blocks", cache_blocks),
    Rung("prefetch", prefetch),
    Rung("two threads", two_threads, 2),
    Rung("int8", int8, 2, exact=integers),
)
BESIDE = (
    Rung("NumPy's BLAS", numpy_blas),
    Rung("shipped", shipped),
    Rung("NumPy's BLAS, two threads", numpy_blas, 2),
    Rung("shipped, two threads", shipped, 2),
    Rung("shipped, int8", shipped_int8, 2, exact=integers),
)
