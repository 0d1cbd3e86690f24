"""Matrix products: rows of activations times packed weights, with what follows done while the tile is near.

Every element of a product is a sum over k in one fixed order, whatever stands in the rows beside it, however
many rows there are and whichever thread computes it. Names are those of BLIS: Van Zee and van de Geijn,
"BLIS: A Framework for Rapidly Instantiating BLAS Functionality", ACM TOMS 41 (2015).
"""

from .elementary import gelu, relu
from .jit import inlined
from .simd import LANES, advance, load, store, tile_fma, tile_load, tile_store, tile_zeros
from .steps import GELU, RELU, RESIDUAL

# Rows of a tile in registers. On AVX2, 6 x 16 are 12 of the 16 registers, which leaves 2 for b and 1 for a; 8
# sums under way hide the latency of an FMA (4 cycles, 2 a cycle), so 12 do.
MR = 6
# Terms of a sum before it rests in memory. 768 x 16 weights are 48 KB: they come from the second cache as fast
# as they are used, and are short enough to stay there. Part of the numerics: see `multiply`.
KC = 768
# Rows that share one way through the weights: 128 x KC floats are 384 KB, most of a second cache.
MC = 128
# Panels of a job: with 128 rows and k = 768 some 70 us, so that the last job of a step is not long.
JOB_PANELS = 2


def micro_kernel(rows):
    """Return the product of a tile of that many rows.

    c[rows, 16] (+)= a[rows, k] @ b[k, 16], one FMA a term, in the order of k.

    a[i, p] is at a[i * a_row + p * a_k], b[p, j] at b[p * b_row + j], c[i, j] at c[i * c_row + j]. Starts from
    what is in c if `carries_on`, else from 0. Unchecked: k >= 1. Oracle: numpy's @.
    """

    @inlined
    def multiply_tile(k, a, a_row, a_k, b, b_row, c, c_row, carries_on):
        tile = tile_load(rows, c, c_row) if carries_on else tile_zeros(rows)
        for p in range(k):
            tile = tile_fma(tile, advance(a, p * a_k), a_row, load(b, p * b_row))
        tile_store(tile, c, c_row)

    return multiply_tile


multiply_1 = micro_kernel(1)
multiply_2 = micro_kernel(2)
multiply_3 = micro_kernel(3)
multiply_4 = micro_kernel(4)
multiply_5 = micro_kernel(5)
multiply_6 = micro_kernel(6)


@inlined
def multiply(m, k, a, a_row, a_k, b, b_row, c, c_row, carries_on):
    """c[m, 16] (+)= a[m, k] @ b[k, 16]; operands as in `micro_kernel`.

    The last tiles are of even height, because one of 2 rows takes as long as one of 4: 8 rows are 4 + 4.
    """
    i = 0
    while i < m:
        left = m - i
        rows = MR if left >= 2 * MR or left == MR else left if left < MR else (left + 1) // 2
        a_i, c_i = advance(a, i * a_row), advance(c, i * c_row)
        if rows == 6:
            multiply_6(k, a_i, a_row, a_k, b, b_row, c_i, c_row, carries_on)
        elif rows == 5:
            multiply_5(k, a_i, a_row, a_k, b, b_row, c_i, c_row, carries_on)
        elif rows == 4:
            multiply_4(k, a_i, a_row, a_k, b, b_row, c_i, c_row, carries_on)
        elif rows == 3:
            multiply_3(k, a_i, a_row, a_k, b, b_row, c_i, c_row, carries_on)
        elif rows == 2:
            multiply_2(k, a_i, a_row, a_k, b, b_row, c_i, c_row, carries_on)
        else:
            multiply_1(k, a_i, a_row, a_k, b, b_row, c_i, c_row, carries_on)
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
    return (m + block - 1) // block * ((n_panels + JOB_PANELS - 1) // JOB_PANELS)


@inlined
def gemm(job, m, k, n_panels, a, a_row, weight, bias, residual, residual_row, c, c_row, epilogue):
    """c[m, 16 n_panels] = epilogue(a[m, k] @ weight + bias), the part that is `job`'s.

    a         [m, >= k], rows a_row apart
    weight    [n_panels, k, 16]: 16 columns of a weight's transpose side by side, so that they lie as they are read
    bias      [n_panels, 16]
    residual  [m, 16 n_panels], rows residual_row apart; read for RESIDUAL alone; not c
    c         [m, 16 n_panels], rows c_row apart

    The sums of KC terms are carried through c. Oracle: numpy's @, reference.gelu and reference.relu.
    """
    n_groups = (n_panels + JOB_PANELS - 1) // JOB_PANELS
    block = row_block(m)
    first_row = job // n_groups * block
    rows = min(block, m - first_row)
    first = job % n_groups * JOB_PANELS
    last = min(first + JOB_PANELS, n_panels)
    a = advance(a, first_row * a_row)
    c = advance(c, first_row * c_row)
    residual = advance(residual, first_row * residual_row)
    for p in range(0, k, KC):
        for panel in range(first, last):
            b = advance(weight, (panel * k + p) * LANES)
            multiply(
                rows,
                min(KC, k - p),
                advance(a, p),
                a_row,
                1,
                b,
                LANES,
                advance(c, panel * LANES),
                c_row,
                p > 0,
            )
    for panel in range(first, last):
        column = panel * LANES
        finish(
            rows,
            advance(bias, column),
            advance(residual, column),
            residual_row,
            advance(c, column),
            c_row,
            epilogue,
        )
