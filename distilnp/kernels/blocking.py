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
def n_product_jobs(m, n_panels, height):
    """Return how many jobs there are in a product of m rows and n_panels panels of 16 columns."""
    block = row_block(m, height)
    return (m + block - 1) // block * ((n_panels + NC - 1) // NC)


@inlined
def block_at(i, n_job_panels, n_blocks, rows, n_threads):
    """Return the panel and the first k of a job's i-th block of weights.

    Beyond the last block of the job, it is a block of the job that this thread takes next. Threads take jobs
    in turn, so that is probably the n_threads-th job from this one.

    With few rows, a job takes all blocks of a panel, then those of the next. With many, it takes the first
    block of every panel, then the second of every panel, so that those columns of a stay in the second-level
    cache.
    """
    job, i = divmod(i, n_job_panels * n_blocks)
    first = job * n_threads * n_job_panels
    if rows <= FEW_ROWS:
        return first + i // n_blocks, i % n_blocks * KC
    return first + i % n_job_panels, i // n_job_panels * KC
