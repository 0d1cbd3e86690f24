"""How threads share a step: a board of counters instead of a plan.

A step is cut into jobs. A thread takes the next job that nobody has, until none is left; then it waits for
the jobs that others took. So the end of a step is a barrier, but one that waits for work, never for a thread:
one that comes late finds jobs taken, one that never comes takes none. That is why threads need not all be
there, why a slow core gets fewer jobs, and why a fork, an interrupt or a thread that cannot start leaves
nobody waiting.
"""

from numba import types

from .jit import inlined
from .simd import advance, fetch_add, load_acquire
from .steps import DONE, TAKEN

# Looks at the board before the core is offered to others: some microseconds, the time that jobs take.
PATIENCE = 1000

sched_yield = types.ExternalFunction("sched_yield", types.int32())


@inlined
def take_job(board):
    """Return the number of a job that nobody else has; there may be none of that number.

    board  int64 [BOARD_STEP], zero at first, shared by all threads
    """
    return fetch_add(advance(board, TAKEN), 1)


@inlined
def await_all(board, n_jobs, n_done):
    """Report how many jobs this thread has done, and return when all of the step are."""
    fetch_add(advance(board, DONE), n_done)
    looks = 0
    while load_acquire(advance(board, DONE)) < n_jobs:
        looks += 1
        if looks > PATIENCE:
            sched_yield()
