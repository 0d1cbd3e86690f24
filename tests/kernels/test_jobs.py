"""Threads share the jobs of a step: each job is done once, and all are done before a thread goes on."""

import threading
import time

import numpy as np
import pytest
from numba import types
from support.kernel_programs import on_threads

from distilnp.kernels.jit import entry_point
from distilnp.kernels.jobs import await_all, take_job
from distilnp.kernels.steps import BOARD_STEP, DONE, TAKEN
from distilnp.kernels.words.atomics import fetch_add
from distilnp.kernels.words.memory import int_pointer


@entry_point(types.int64, int_pointer, int_pointer, int_pointer)
def count_jobs(n_jobs, board, times_done, seen):
    """Do each job by counting it; then write, in this thread's own element, how many jobs it sees done."""
    n_done = 0
    job = take_job(board)
    while job < n_jobs:
        times_done[job] += 1
        n_done += 1
        job = take_job(board)
    await_all(board, n_jobs, n_done)
    total = 0
    for job in range(n_jobs):
        total += times_done[job]
    seen[1 + fetch_add(seen, 1)] = total


class Step:
    """A step whose jobs are counted, and the counts that its threads have seen."""

    def __init__(self, n_jobs: int) -> None:
        self.n_jobs = n_jobs
        self.board = np.zeros(BOARD_STEP, np.int64)
        self.times_done = np.zeros(n_jobs, np.int64)
        self._seen = np.zeros(100, np.int64)
        arrays = self.board, self.times_done, self._seen
        self.args = n_jobs, *(array.ctypes.data for array in arrays)

    @property
    def seen(self) -> list[int]:
        """How many jobs each thread saw done when it went on."""
        return self._seen[1 : 1 + self._seen[0]].tolist()


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
@pytest.mark.parametrize("n_jobs", [0, 1, 2, 7, 1000, 300_000])
def test_each_job_is_done_once_and_every_thread_sees_all_of_them_done(n_jobs: int, threads: int) -> None:
    step = Step(n_jobs)

    on_threads(threads, count_jobs.call, *step.args)

    np.testing.assert_array_equal(step.times_done, np.ones(n_jobs))
    assert step.seen == [n_jobs] * threads


def test_a_thread_that_comes_after_the_end_does_no_job() -> None:
    step = Step(5)
    count_jobs.call(*step.args)

    count_jobs.call(*step.args)

    np.testing.assert_array_equal(step.times_done, np.ones(5))
    assert step.seen == [5, 5]


def test_a_thread_waits_for_jobs_that_others_have_taken_and_not_for_others() -> None:
    step = Step(5)
    step.board[TAKEN] = 1  # by a slow thread
    thread = threading.Thread(target=count_jobs.call, args=step.args)

    thread.start()
    while step.board[DONE] < 4:
        time.sleep(0.001)
    thread.join(0.05)
    assert thread.is_alive()
    assert step.seen == []

    step.times_done[0] += 1
    step.board[DONE] += 1  # no other thread writes there any more
    thread.join()
    assert step.seen == [5]
