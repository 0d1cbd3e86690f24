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
    GELU,
    N_HEADS,
    N_PANELS,
    NO_BIAS,
    RELU,
    RESIDUAL,
    ROWS,
    WEIGHT,
    A,
    B,
    C,
)
from .tiles import KC, LANES, MR, NC
from .words.lanes_f32 import load, store
from .words.memory import advance, floats_at, prefetch
from .words.tiles import tile_add, tile_fma, tile_store, tile_zeros


@inlined
def n_gemm_jobs(step, batch):
    """Return how many jobs a GEMM step has: those of one product, for each head."""
    return n_product_jobs(batch[step[ROWS]], step[N_PANELS]) * step[N_HEADS]


@inlined
def do_gemm(job, step, batch, n_threads):
    """Do one job of a GEMM step."""
    m, n_panels, dim = batch[step[ROWS]], step[N_PANELS], step[DIM]
    head, job = divmod(job, n_product_jobs(m, n_panels))
    first_column = head * n_panels * LANES
    gemm(
        job,
        n_threads,
        m,
        dim,
        n_panels,
        advance(floats_at(batch[step[A]]), head * step[A_HEAD]),
        step[A_ROW],
        advance(floats_at(step[WEIGHT]), first_column * dim),
        advance(floats_at(step[BIAS]), first_column),
        floats_at(batch[step[B]]),
        step[B_ROW],
        advance(floats_at(batch[step[C]]), head * step[C_HEAD]),
        step[C_ROW],
        step[EPILOGUE],
    )


@inlined
def gemm(job, n_threads, m, k, n_panels, a, a_row, weight, bias, residual, residual_row, c, c_row, epilogue):
    """Compute one job's part of c[m, 16 n_panels] = epilogue(a[m, k] @ weight + bias).

    n_threads  approximate number of threads; affects only prefetching
    a          [m, >= k], rows a_row apart
    weight     [n_panels, k, 16]: 16 columns side by side, in the order in which they are read
    bias       [n_panels, 16]
    residual   [m, 16 n_panels], rows residual_row apart; read only for RESIDUAL; must not be c
    c          [m, 16 n_panels], rows c_row apart

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
    for i in range(n_job_panels * n_blocks):
        panel, p = block_at(i, n_job_panels, n_blocks, rows, n_threads)
        next_panel, next_p = block_at(i + 1, n_job_panels, n_blocks, rows, n_threads)
        j = (first_panel + panel) * LANES
        b = advance(weight, j * k + p * LANES)
        prefetched = advance(weight, (first_panel + next_panel) * LANES * k + next_p * LANES)
        c_panel = advance(c, j)
        kc = min(KC, k - p)
        multiply(rows, kc, advance(a, p), a_row, 1, b, LANES, prefetched, c_panel, c_row, p > 0)
        if p + kc == k and epilogue != NO_BIAS:
            finish(rows, advance(bias, j), advance(residual, j), residual_row, c_panel, c_row, epilogue)


@inlined
def multiply(m, k, a, a_row, a_k, b, b_row, prefetched, c, c_row, adds):
    """Compute c[m, 16] (+)= a[m, k] @ b[k, 16], tile by tile; for the operands see `micro_kernel`.

    The heights of the last two tiles are as equal as possible, because a tile of 2 rows takes as long as one
    of 4: 8 rows are 4 + 4. Each tile prefetches its share of the 16 k floats at `prefetched`. A single row is
    limited by memory bandwidth, and prefetching made it slower.
    """
    n_tiles = (m + MR - 1) // MR
    stride = (LANES + n_tiles - 1) // n_tiles if m > 1 else 0
    i = 0
    while i < m:
        left = m - i
        rows = MR if left >= 2 * MR or left == MR else left if left < MR else (left + 1) // 2
        a_i, c_i = advance(a, i * a_row), advance(c, i * c_row)
        if rows == 6:
            multiply_6(k, a_i, a_row, a_k, b, b_row, prefetched, stride, c_i, c_row, adds)
        elif rows == 5:
            multiply_5(k, a_i, a_row, a_k, b, b_row, prefetched, stride, c_i, c_row, adds)
        elif rows == 4:
            multiply_4(k, a_i, a_row, a_k, b, b_row, prefetched, stride, c_i, c_row, adds)
        elif rows == 3:
            multiply_3(k, a_i, a_row, a_k, b, b_row, prefetched, stride, c_i, c_row, adds)
        elif rows == 2:
            multiply_2(k, a_i, a_row, a_k, b, b_row, prefetched, stride, c_i, c_row, adds)
        else:
            multiply_1(k, a_i, a_row, a_k, b, b_row, prefetched, stride, c_i, c_row, adds)
        prefetched = advance(prefetched, k * stride)
        i += rows


def micro_kernel(rows):
    """Return the kernel that multiplies one tile of that many rows.

    It computes c[rows, 16] (+)= a[rows, k] @ b[k, 16]. Each sum starts at 0 and takes one FMA per term, in
    the order of k. If `adds`, it is added to c; otherwise it replaces c.

    a[i, p] is at a[i * a_row + p * a_k], b[p, j] at b[p * b_row + j], c[i, j] at c[i * c_row + j]. On the
    way, `prefetched[p * stride]` is prefetched: the weights that come after b. Oracle: numpy's @.
    """

    @inlined
    def multiply_tile(k, a, a_row, a_k, b, b_row, prefetched, stride, c, c_row, adds):
        tile = tile_zeros(rows)
        for p in range(k):
            prefetch(prefetched, p * stride)
            tile = tile_fma(tile, advance(a, p * a_k), a_row, load(b, p * b_row))
        if adds:
            tile_add(tile, c, c_row)
        else:
            tile_store(tile, c, c_row)

    return multiply_tile


multiply_1 = micro_kernel(1)
multiply_2 = micro_kernel(2)
multiply_3 = micro_kernel(3)
multiply_4 = micro_kernel(4)
multiply_5 = micro_kernel(5)
multiply_6 = micro_kernel(6)


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
