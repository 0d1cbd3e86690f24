"""The loop over the blocks of a product's weight, and what follows a sum: the same for all products.

`multiply` sums a block of terms, and `finish` makes the result of the sums. `gemm_f32` and `gemm_int8` bring
both. Every element of a product is a sum over k in one fixed order. It does not depend on the other rows, on
their number, or on the thread that computes it. `blocking` says how a product is cut; `tiles` names the
sizes.
"""

from .blocking import block_at, part_of_job, row_block
from .elementary import gelu, relu
from .jit import inlined
from .steps import FLOAT32, GELU, RELU, RESIDUAL
from .tiles import KC, LANES, NC
from .widen import stored_bytes, widen_panels
from .words.lanes_f32 import load
from .words.memory import advance, floats_at


@inlined
def gemm(
    multiply,
    width,
    height,
    is_int8,
    finish,
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
    sums,
    bias,
    residual,
    residual_row,
    c,
    c_row,
    epilogue,
    scratch,
):
    """Compute one job's part of c[m, 16 n_panels] = epilogue(a[m, k] @ weight + bias).

    multiply   see `multiplier`, for tiles of `width` panels
    height     of a tile, or a multiple of it
    is_int8    whether to multiply quads
    finish     makes 16 columns of c of their sums, which stay in a cache until then
    n_threads  approximate number of threads; affects only prefetching
    a          [m, >= k], rows a_row apart
    weight     address of [n_panels, k, 16]: 16 columns side by side, in the order in which they are read
    scale      [n_panels, 16], factors of an int8 weight
    sums       [n_panels, 16], sums of the columns of an int8 weight
    bias       [n_panels, 16]
    residual   [m, 16 n_panels], rows residual_row apart; read only for RESIDUAL; must not be c
    c          [m, 16 n_panels], rows c_row apart
    scratch    [GEMM_SCRATCH], for the sums of an int8 job, or a block of a weight that has to be widened

    In an int8 product, a number of a and of the weight is a quad, and sums are int32. An element is the sum
    of its terms in the order of k, KC at a time. Then `finish` follows.

    Sums of float32 are kept in c, whose lines come from other caches in the meantime. An int8 product is so
    short that reading a sum back would wait for them, so its sums are kept in scratch. Its jobs with the same
    weights follow each other, because all rows of a stay in the second-level cache.
    """
    block_rows = row_block(m, height)
    block, first_panel = part_of_job(job, m, n_panels, height, is_int8)
    # Threads take jobs in turn, so this thread probably takes the n_threads-th job from this one.
    _, next_first_panel = part_of_job(job + n_threads, m, n_panels, height, is_int8)
    first_row = block * block_rows
    rows = min(block_rows, m - first_row)
    n_job_panels = min(NC, n_panels - first_panel)
    n_blocks = (k + KC - 1) // KC
    a = advance(a, first_row * a_row)
    c = advance(c, first_row * c_row)
    residual = advance(residual, first_row * residual_row)
    size = stored_bytes(storage)
    total, total_row = advance(c, first_panel * LANES), c_row
    if is_int8:
        total, total_row = scratch, NC * LANES
    n_pieces = (n_job_panels + width - 1) // width
    for i in range(n_pieces * n_blocks):
        piece, p = block_at(i, n_pieces, n_blocks, rows)
        is_last, following = divmod(i + 1, n_pieces * n_blocks)
        next_piece, next_p = block_at(following, n_pieces, n_blocks, rows)
        panel = first_panel + piece * width
        next_panel = (next_first_panel if is_last else first_panel) + next_piece * width
        n_piece_panels = min(width, n_job_panels - piece * width)
        kc = min(KC, k - p)
        first, next_first = (panel * k + p) * LANES, (next_panel * k + next_p) * LANES
        b, b_panel = floats_at(weight + first * size), k * LANES
        if storage != FLOAT32:
            scales = advance(scale, panel * LANES)
            widen_panels(n_piece_panels, kc, weight + first * size, k * LANES, storage, scales, scratch)
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
            floats_at(weight + next_first * size),
            k * LANES * size // 4,
            size,
            advance(total, piece * width * LANES),
            total_row,
            p > 0,
        )
        if p + kc == k:
            for j in range(piece * width * LANES, (piece * width + n_piece_panels) * LANES, LANES):
                column = first_panel * LANES + j
                finish(
                    rows,
                    k,
                    a,
                    a_row,
                    advance(total, j),
                    total_row,
                    advance(scale, column),
                    advance(sums, column),
                    advance(bias, column),
                    advance(residual, column),
                    residual_row,
                    advance(c, column),
                    c_row,
                    epilogue,
                )


@inlined
def finished(x, epilogue, residual, i):
    """Return what the epilogue makes of sums with their bias; the residual is residual[i : i + 16]."""
    if epilogue == GELU:
        return gelu(x)
    if epilogue == RELU:
        return relu(x)
    if epilogue == RESIDUAL:
        return x + load(residual, i)
    return x
