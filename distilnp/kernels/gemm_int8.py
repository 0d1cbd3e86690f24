"""Int8 products: quantized rows times int8 weights, summed as int32, which rounds nothing.

`model/int8.py` derives the scheme.
"""

from .blocking import n_product_jobs
from .gemm import finished, gemm
from .jit import inlined
from .quantize import n_quads, row_scale, row_zero_point
from .steps import (
    A_ROW,
    B_ROW,
    BIAS,
    C_ROW,
    DIM,
    EPILOGUE,
    FLOAT32,
    N_PANELS,
    ROWS,
    SCALE,
    SUMS,
    WEIGHT,
    A,
    B,
    C,
)
from .words.integers import centred
from .words.lanes_f32 import load, splat, store
from .words.memory import advance, floats_at


@inlined
def n_gemm_int8_jobs(height, step, batch):
    """Return how many jobs a GEMM_INT8 step has, for tiles of this height."""
    return n_product_jobs(batch[step[ROWS]], step[N_PANELS], height)


@inlined
def do_gemm_int8(multiply, width, height, job, step, batch, scratch, n_threads):
    """Do one job of a GEMM_INT8 step; see `gemm` for the first arguments."""
    gemm(
        multiply,
        width,
        height,
        True,
        finish_int8,
        job,
        n_threads,
        batch[step[ROWS]],
        n_quads(step[DIM]),
        step[N_PANELS],
        floats_at(batch[step[A]]),
        step[A_ROW],
        FLOAT32,  # a quad is as wide
        step[WEIGHT],
        floats_at(step[SCALE]),
        floats_at(step[SUMS]),
        floats_at(step[BIAS]),
        floats_at(batch[step[B]]),
        step[B_ROW],
        floats_at(batch[step[C]]),
        step[C_ROW],
        step[EPILOGUE],
        scratch,
    )


@inlined
def finish_int8(
    m, k, a, a_row, total, total_row, scale, sums, bias, residual, residual_row, c, c_row, epilogue
):
    """c[m, 16] = epilogue((total - zero_point * sums) * scale of the row * scale + bias).

    The product and the sum are rounded by themselves, as NumPy does. Oracle: int8.linear.
    """
    b, column_scale = load(bias, 0), load(scale, 0)
    for i in range(m):
        row = advance(a, i * a_row)
        x = centred(advance(total, i * total_row), sums, row_zero_point(row, k))
        x = x * (splat(row_scale(row, k)) * column_scale) + b
        store(c, i * c_row, finished(x, epilogue, residual, i * residual_row))
