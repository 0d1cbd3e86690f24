"""Float32 products: activations times packed weights, then an epilogue while the tile is still in the cache.

Every element of a product is a sum over k in one fixed order. It does not depend on the other rows, on their
number, or on the thread that computes it. `blocking` says how a product is cut; `tiles` names the sizes.
"""

from .blocking import block_at, n_product_jobs, row_block
from .elementary import gelu, relu
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
    FLOAT32,
    GELU,
    N_HEADS,
    N_PANELS,
    NO_BIAS,
    RELU,
    RESIDUAL,
    ROWS,
    SCALE,
    STORAGE,
    WEIGHT,
    A,
    B,
    C,
)
from .tiles import KC, LANES, NC
from .widen import stored_bytes, widen_panels
from .words.lanes_f32 import load, store
from .words.memory import advance, floats_at


@inlined
def n_gemm_jobs(step, batch):
    """Return how many jobs a GEMM step has: those of one product, for each head."""
    return n_product_jobs(batch[step[ROWS]], step[N_PANELS]) * step[N_HEADS]


@inlined
def do_gemm(multiply, width, job, step, batch, scratch, n_threads):
    """Do one job of a GEMM step; `multiply` takes `width` panels at a time."""
    m, n_panels, dim = batch[step[ROWS]], step[N_PANELS], step[DIM]
    head, job = divmod(job, n_product_jobs(m, n_panels))
    first_column = head * n_panels * LANES
    gemm(
        multiply,
        width,
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
        advance(floats_at(step[BIAS]), first_column),
        floats_at(batch[step[B]]),
        step[B_ROW],
        advance(floats_at(batch[step[C]]), head * step[C_HEAD]),
        step[C_ROW],
        step[EPILOGUE],
        scratch,
    )


@inlined
def gemm(
    multiply,
    width,
    job,
    n_threads,
    m,
    k,
    n_panels,
    a,
    a_row,
    storage,
    weight,
    scale,
    bias,
    residual,
    residual_row,
    c,
    c_row,
    epilogue,
    scratch,
):
    """Compute one job's part of c[m, 16 n_panels] = epilogue(a[m, k] @ weight + bias).

    multiply   `multiply` for tiles of `width` panels
    n_threads  approximate number of threads; affects only prefetching
    a          [m, >= k], rows a_row apart
    weight     address of [n_panels, k, 16]: 16 columns side by side, in the order in which they are read
    scale      [n_panels, 16], factors of an int8 weight
    bias       [n_panels, 16]
    residual   [m, 16 n_panels], rows residual_row apart; read only for RESIDUAL; must not be c
    c          [m, 16 n_panels], rows c_row apart
    scratch    [GEMM_SCRATCH], where a block of the weight is widened unless it is float32

    An element is the sum of its terms in the order of k, KC at a time. Then come the bias and the epilogue;
    for NO_BIAS, nothing follows. Oracle: numpy's @, reference.gelu and reference.relu.
    """
    n_groups = (n_panels + NC - 1) // NC
    height = row_block(m)
    first_row = job // n_groups * height
    rows = min(height, m - first_row)
    first_panel = job % n_groups * NC
    n_job_panels = min(NC, n_panels - first_panel)
    n_blocks = (k + KC - 1) // KC
    a = advance(a, first_row * a_row)
    c = advance(c, first_row * c_row)
    residual = advance(residual, first_row * residual_row)
    size = stored_bytes(storage)
    n_pieces = (n_job_panels + width - 1) // width
    for i in range(n_pieces * n_blocks):
        piece, p = block_at(i, n_pieces, n_blocks, rows, n_threads)
        next_piece, next_p = block_at(i + 1, n_pieces, n_blocks, rows, n_threads)
        panel, next_panel = first_panel + piece * width, first_panel + next_piece * width
        n_piece_panels = min(width, n_job_panels - piece * width)
        kc = min(KC, k - p)
        block, next_block = (panel * k + p) * LANES, (next_panel * k + next_p) * LANES
        b, b_panel = floats_at(weight + block * size), k * LANES
        if storage != FLOAT32:
            scales = advance(scale, panel * LANES)
            widen_panels(n_piece_panels, kc, weight + block * size, k * LANES, storage, scales, scratch)
            b, b_panel = scratch, kc * LANES
        multiply(
            rows,
            kc,
            n_piece_panels,
            advance(a, p),
            a_row,
            1,
            b,
            LANES,
            b_panel,
            floats_at(weight + next_block * size),
            k * LANES * size // 4,
            size,
            advance(c, panel * LANES),
            c_row,
            p > 0,
        )
        if p + kc == k and epilogue != NO_BIAS:
            for j in range(panel * LANES, (panel + n_piece_panels) * LANES, LANES):
                c_j, residual_j = advance(c, j), advance(residual, j)
                finish(rows, advance(bias, j), residual_j, residual_row, c_j, c_row, epilogue)


@inlined
def finish(m, bias, residual, residual_row, c, c_row, epilogue):
    """Compute c[m, 16] = epilogue(c + bias), while c is still in the first-level cache."""
    b = load(bias, 0)
    for i in range(m):
        x = load(c, i * c_row) + b
        if epilogue == GELU:
            x = gelu(x)
        elif epilogue == RELU:
            x = relu(x)
        elif epilogue == RESIDUAL:
            x = x + load(residual, i * residual_row)
        store(c, i * c_row, x)
