"""Float32 products: activations times packed weights, which are float32 or are widened to it."""

from .blocking import n_product_jobs
from .gemm import finished, gemm
from .jit import inlined
from .steps import (
    A_HEAD,
    A_ROW,
    B_ROW,
    BIAS,
    C_HEAD,
    C_ROW,
    DIM,
    EPILOGUE,
    N_HEADS,
    N_PANELS,
    NO_BIAS,
    ROWS,
    SCALE,
    STORAGE,
    WEIGHT,
    A,
    B,
    C,
)
from .tiles import LANES, MR
from .widen import stored_bytes
from .words.lanes_f32 import load, store
from .words.memory import advance, floats_at


@inlined
def n_gemm_jobs(step, batch):
    """Return how many jobs a GEMM step has: those of one product, for each head."""
    return n_product_jobs(batch[step[ROWS]], step[N_PANELS], MR) * step[N_HEADS]


@inlined
def do_gemm(multiply, width, job, step, batch, scratch, n_threads):
    """Do one job of a GEMM step; `multiply` takes `width` panels at a time."""
    m, n_panels, dim = batch[step[ROWS]], step[N_PANELS], step[DIM]
    head, job = divmod(job, n_product_jobs(m, n_panels, MR))
    first_column = head * n_panels * LANES
    gemm(
        multiply,
        width,
        MR,
        False,
        finish,
        job,
        n_threads,
        m,
        dim,
        n_panels,
        advance(floats_at(batch[step[A]]), head * step[A_HEAD]),
        step[A_ROW],
        step[STORAGE],
        step[WEIGHT] + first_column * dim * stored_bytes(step[STORAGE]),
        advance(floats_at(step[SCALE]), first_column),
        floats_at(0),
        advance(floats_at(step[BIAS]), first_column),
        floats_at(batch[step[B]]),
        step[B_ROW],
        advance(floats_at(batch[step[C]]), head * step[C_HEAD]),
        step[C_ROW],
        step[EPILOGUE],
        scratch,
    )


@inlined
def finish(m, k, a, a_row, total, total_row, scale, sums, bias, residual, residual_row, c, c_row, epilogue):
    """c[m, 16] = epilogue(total + bias), where total is c; NO_BIAS leaves it as it is.

    Oracle: numpy's @, reference.gelu and reference.relu.
    """
    b = load(bias, 0)
    for i in range(m if epilogue != NO_BIAS else 0):
        x = load(total, i * total_row) + b
        store(c, i * c_row, finished(x, epilogue, residual, i * residual_row))
