"""How threads share a step: a board of counters instead of a plan.

A step is cut into jobs. A thread takes the next job that nobody has, until none is left; then it waits for the
jobs that others took. So the end of a step is a barrier, but one that waits for work, never for a thread: one
that comes late finds jobs taken, one that never comes takes none. That is why threads need not all be there,
why a slow core gets fewer jobs, and why a fork, an interrupt or a thread that cannot start leaves nobody
waiting.
"""

from numba import types

from .jit import inlined
from .simd import advance, fetch_add, load_acquire
from .steps import DONE, TAKEN

NONE = -1

# Looks at the board before the core is offered to others: about as long as waking up takes.
PATIENCE = 1000

sched_yield = types.ExternalFunction("sched_yield", types.int32())


@inlined
def next_job(board, n_jobs, previous):
    """Report `previous` (or NONE) as done, then return a job, or NONE when all of the step are done.

    board    int64 [BOARD_STEP], zero at first, shared by all threads
    """
    if previous != NONE:
        fetch_add(advance(board, DONE), 1)
    job = fetch_add(advance(board, TAKEN), 1)
    if job < n_jobs:
        return job
    looks = 0
    while load_acquire(advance(board, DONE)) < n_jobs:
        looks += 1
        if looks > PATIENCE:
            sched_yield()
    return NONE
