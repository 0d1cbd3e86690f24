"""The kernel that the package ships: a program of one step, a product without its bias."""

from distilnp.kernels.steps import GEMM, GEMM_SCRATCH, NO_BIAS, step

from ..operands import Floats, panels, place
from ..program import run

prepare = panels

# The places of the operands in the table of what changes from batch to batch.
ROWS, A, C = range(3)


def multiply(a: Floats, weight: Floats, c: Floats) -> None:
    """Compute c[m, n] = a[m, k] @ weight[n, k].T."""
    (first, a_row), (result, c_row) = place(a), place(c)
    product = step(
        GEMM,
        rows=ROWS,
        a=A,
        c=C,
        a_row=a_row,
        c_row=c_row,
        dim=a.shape[1],
        n_panels=len(weight),
        n_heads=1,
        epilogue=NO_BIAS,
        weight=weight.ctypes.data,
    )
    run([product], (len(a), first, result), GEMM_SCRATCH)
