"""How threads share a step: a board of counters instead of a plan.

A step is cut into jobs. A thread takes the next free job until none is left, then waits for the jobs that
other threads have taken. So the end of a step is a barrier, but one that waits for work and never for a
thread: a late thread finds all jobs taken, and a missing thread takes none. That is why not every thread has
to be there, why a slow core does fewer jobs, and why a fork, an interrupt or a thread that cannot start
leaves nobody waiting.
"""

from numba import types

from .jit import inlined
from .steps import DONE, TAKEN
from .words.atomics import fetch_add, load_acquire
from .words.memory import advance

# How often a thread looks at the board before it offers its core to others: for some microseconds, the time
# that a job takes.
PATIENCE = 1000

sched_yield = types.ExternalFunction("sched_yield", types.int32())


@inlined
def take_job(board):
    """Return the number of a job that no other thread has. It may be beyond the last job.

    board  int64 [BOARD_STEP], zero at first, shared by all threads
    """
    return fetch_add(advance(board, TAKEN), 1)


@inlined
def await_all(board, n_jobs, n_done):
    """Report how many jobs this thread has done, and return when all jobs of the step are done."""
    fetch_add(advance(board, DONE), n_done)
    looks = 0
    while load_acquire(advance(board, DONE)) < n_jobs:
        looks += 1
        if looks > PATIENCE:
            sched_yield()
