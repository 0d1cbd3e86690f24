"""How a product is cut: into jobs for threads, and a job into blocks of weights that stay in a cache."""

from .jit import inlined
from .tiles import FEW_ROWS, KC, MC, NC


@inlined
def row_block(m, height):
    """Return how many of m rows go through the weights together: equal blocks of whole tiles, at most MC.

    height  of a tile, or a multiple of it
    """
    highest = MC // height * height
    n_blocks = (m + highest - 1) // highest
    return (m + n_blocks * height - 1) // (n_blocks * height) * height


@inlined
def n_row_blocks(m, height):
    """Return how many blocks of rows there are."""
    block = row_block(m, height)
    return (m + block - 1) // block


@inlined
def n_product_jobs(m, n_panels, height):
    """Return how many jobs there are in a product of m rows and n_panels panels of 16 columns."""
    return n_row_blocks(m, height) * ((n_panels + NC - 1) // NC)


@inlined
def part_of_job(job, m, n_panels, height, by_columns):
    """Return the number of a job's block of rows, and its first panel.

    by_columns  whether jobs with the same weights follow each other, or jobs with the same rows
    """
    if by_columns:
        group, block = divmod(job, n_row_blocks(m, height))
    else:
        block, group = divmod(job, (n_panels + NC - 1) // NC)
    return block, group * NC


@inlined
def block_at(i, n_pieces, n_blocks, rows):
    """Return the piece of panels and the first k of a job's i-th block of weights.

    With few rows, a job takes all blocks of a piece, then those of the next. With many, it takes the first
    block of every piece, then the second of every piece, so that those columns of a stay in the second-level
    cache.
    """
    if rows <= FEW_ROWS:
        return i // n_blocks, i % n_blocks * KC
    return i % n_pieces, i // n_pieces * KC
