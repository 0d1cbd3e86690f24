"""Matrix products: rows of activations times packed weights, with what follows done while the tile is near.

Every element of a product is a sum over k in one fixed order, whatever stands in the rows beside it, however
many rows there are and whichever thread computes it. `tiles.py` says how a product is cut, and names it.
"""

from .elementary import gelu, relu
from .jit import inlined
from .simd import LANES, advance, load, prefetch, store, tile_add, tile_fma, tile_store, tile_zeros
from .steps import GELU, NO_BIAS, RELU, RESIDUAL
from .tiles import FEW_ROWS, KC, MC, MR, NC


def micro_kernel(rows):
    """Return the product of a tile of that many rows.

    c[rows, 16] (+)= a[rows, k] @ b[k, 16]: from 0, one FMA a term, in the order of k; added to c if `adds`.

    a[i, p] is at a[i * a_row + p * a_k], b[p, j] at b[p * b_row + j], c[i, j] at c[i * c_row + j].
    `later[p * stride]` is asked for on the way: what comes after b. Oracle: numpy's @.
    """

    @inlined
    def multiply_tile(k, a, a_row, a_k, b, b_row, later, stride, c, c_row, adds):
        tile = tile_zeros(rows)
        for p in range(k):
            prefetch(later, p * stride)
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
def multiply(m, k, a, a_row, a_k, b, b_row, later, c, c_row, adds):
    """c[m, 16] (+)= a[m, k] @ b[k, 16]; operands as in `micro_kernel`.

    The last tiles are of even height, because one of 2 rows takes as long as one of 4: 8 rows are 4 + 4. Each
    tile asks for its share of the 16 k floats at `later`; a single row, as fast as memory, was slower for it.
    """
    n_tiles = (m + MR - 1) // MR
    stride = (LANES + n_tiles - 1) // n_tiles if m > 1 else 0
    i = 0
    while i < m:
        left = m - i
        rows = MR if left >= 2 * MR or left == MR else left if left < MR else (left + 1) // 2
        a_i, c_i = advance(a, i * a_row), advance(c, i * c_row)
        if rows == 6:
            multiply_6(k, a_i, a_row, a_k, b, b_row, later, stride, c_i, c_row, adds)
        elif rows == 5:
            multiply_5(k, a_i, a_row, a_k, b, b_row, later, stride, c_i, c_row, adds)
        elif rows == 4:
            multiply_4(k, a_i, a_row, a_k, b, b_row, later, stride, c_i, c_row, adds)
        elif rows == 3:
            multiply_3(k, a_i, a_row, a_k, b, b_row, later, stride, c_i, c_row, adds)
        elif rows == 2:
            multiply_2(k, a_i, a_row, a_k, b, b_row, later, stride, c_i, c_row, adds)
        else:
            multiply_1(k, a_i, a_row, a_k, b, b_row, later, stride, c_i, c_row, adds)
        later = advance(later, k * stride)
        i += rows


@inlined
def finish(m, bias, residual, residual_row, c, c_row, epilogue):
    """c[m, 16] = epilogue(c + bias), while c is still in the first cache."""
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


@inlined
def row_block(m):
    """Return how many of m rows go through the weights together: even parts of at most MC, in tiles."""
    n_blocks = (m + MC - 1) // MC
    return (m + n_blocks * MR - 1) // (n_blocks * MR) * MR


@inlined
def n_gemm_jobs(m, n_panels):
    """Return into how many jobs a product of m rows and that many panels of 16 columns is cut."""
    block = row_block(m)
    return (m + block - 1) // block * ((n_panels + NC - 1) // NC)


@inlined
def block_at(i, width, n_blocks, rows, n_present):
    """Return panel and first k of a job's i-th block of weights; beyond its end, of its thread's next job.

    Threads take jobs in turn, so that is probably the n_present-th from this one. Few rows take panel after
    panel. Many rows take the first block of every panel, then the second of every panel: that many columns of
    a stay in the second cache meanwhile.
    """
    job, i = divmod(i, width * n_blocks)
    first = job * n_present * width
    if rows <= FEW_ROWS:
        return first + i // n_blocks, i % n_blocks * KC
    return first + i % width, i // width * KC


@inlined
def gemm(job, n_present, m, k, n_panels, a, a_row, weight, bias, residual, residual_row, c, c_row, epilogue):
    """c[m, 16 n_panels] = epilogue(a[m, k] @ weight + bias), the part that is `job`'s.

    n_present threads take jobs, more or less
    a         [m, >= k], rows a_row apart
    weight    [n_panels, k, 16]: 16 columns side by side, as they are read
    bias      [n_panels, 16]
    residual  [m, 16 n_panels], rows residual_row apart; read for RESIDUAL alone; not c
    c         [m, 16 n_panels], rows c_row apart

    An element is the sum of its products in the order of k, KC at a time; then come bias and epilogue, or
    nothing for NO_BIAS.
    Oracle: numpy's @, reference.gelu and reference.relu.
    """
    n_groups = (n_panels + NC - 1) // NC
    height = row_block(m)
    first_row = job // n_groups * height
    rows = min(height, m - first_row)
    first = job % n_groups * NC
    last = min(first + NC, n_panels)
    a = advance(a, first_row * a_row)
    c = advance(c, first_row * c_row)
    residual = advance(residual, first_row * residual_row)
    width = last - first
    n_blocks = (k + KC - 1) // KC
    for i in range(width * n_blocks):
        panel, p = block_at(i, width, n_blocks, rows, n_present)
        next_panel, next_p = block_at(i + 1, width, n_blocks, rows, n_present)
        j = (first + panel) * LANES
        b = advance(weight, j * k + p * LANES)
        later = advance(weight, (first + next_panel) * LANES * k + next_p * LANES)
        column = advance(c, j)
        kc = min(KC, k - p)
        multiply(rows, kc, advance(a, p), a_row, 1, b, LANES, later, column, c_row, p > 0)
        if p + kc == k and epilogue != NO_BIAS:
            finish(rows, advance(bias, j), advance(residual, j), residual_row, column, c_row, epilogue)
