"""The int8 kernels that the package ships: a program that quantizes the rows, then multiplies."""

from distilnp.kernels.quantize import n_quads
from distilnp.kernels.steps import GEMM_INT8, GEMM_SCRATCH, IDENTITY, QUANTIZE, step

from ..operands import Floats, Int8Weight, int8_weight, place, reused
from ..program import run

prepare = int8_weight

# The places of the operands in the table of what changes from batch to batch.
ROWS, A, QUANTIZED, C = range(4)


def multiply(a: Floats, weight: Int8Weight, c: Floats) -> None:
    """Compute c[m, n] = a[m, k] @ weight[n, k].T, as nearly as integers do."""
    (first, a_row), (result, c_row) = place(a), place(c)
    integers, row = place(reused(len(a), n_quads(a.shape[1]) + 2))
    dim = a.shape[1]
    quantize = step(QUANTIZE, rows=ROWS, a=A, quantized=QUANTIZED, a_row=a_row, quantized_row=row, dim=dim)
    product = step(
        GEMM_INT8,
        rows=ROWS,
        a=QUANTIZED,
        c=C,
        a_row=row,
        c_row=c_row,
        dim=dim,
        n_panels=len(weight.quads),
        epilogue=IDENTITY,
        weight=weight.quads.ctypes.data,
        scale=weight.scale.ctypes.data,
        sums=weight.sums.ctypes.data,
        bias=weight.zeros.ctypes.data,
    )
    run([quantize, product], (len(a), first, integers, result), GEMM_SCRATCH)
