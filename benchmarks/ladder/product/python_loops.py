"""The definition of a matrix product, in Python: an element of c is a sum of k products.

The numbers are in lists. NumPy would make an object of every number that is read from an array.
"""

from ..operands import Floats

Lists = list[list[float]]


def prepare(weight: Floats) -> Lists:
    """Return the weight [n, k] as lists."""
    return weight.tolist()


def multiply(a: Floats, weight: Lists, c: Floats) -> None:
    """Compute c[m, n] = a[m, k] @ weight[n, k].T."""
    for i, row in enumerate(a.tolist()):
        for j, column in enumerate(weight):
            total = 0.0
            for p in range(len(row)):
                total += row[p] * column[p]
            c[i, j] = total
