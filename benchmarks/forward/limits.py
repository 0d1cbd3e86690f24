"""The limits of the machine, measured beside the engines: multiply-adds and bytes read per second.

These kernels use the package's own vector operations, because Numba's vectorizer does not reach the first
limit without them. They use nothing else of its kernels, so a change of those cannot move the limits.
"""

# Intrinsics are not called with their Python signatures, and Numba infers the types.
# mypy: disable-error-code="call-arg, var-annotated"

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from numba import types

from distilnp.engine.memory import aligned_floats
from distilnp.kernels.jit import entry_point, inlined
from distilnp.kernels.tiles import LANES
from distilnp.kernels.words.lanes_f32 import fma, load, store
from distilnp.kernels.words.memory import float_pointer

# The number of multiply-adds of vectors. They take about 10 ms, long compared with the start of a thread.
FMA_COUNT = 30_000_000
# The number of bytes to read. It is many times the size of any third-level cache, so that almost nothing in
# the cache is left from the previous repetition.
READ_BYTES = 2**28

# A turn reports the best of this many repetitions, because threads that have just been woken may share a core
# for a while.
REPEATS = 4


@inlined
def six(floats: Any, first: int) -> Any:
    """Return six vectors. They come from different addresses, so that no compiler can take them for one."""
    return (
        load(floats, first),
        load(floats, first + LANES),
        load(floats, first + 2 * LANES),
        load(floats, first + 3 * LANES),
        load(floats, first + 4 * LANES),
        load(floats, first + 5 * LANES),
    )


@inlined
def six_fma(x: Any, sums: Any) -> Any:
    """Return six sums, each with x * x added."""
    a, b, c, d, e, f = sums
    return fma(x, x, a), fma(x, x, b), fma(x, x, c), fma(x, x, d), fma(x, x, e), fma(x, x, f)


@inlined
def six_sum(sums: Any) -> Any:
    """Return the sum of six vectors."""
    a, b, c, d, e, f = sums
    return a + b + c + d + e + f


@entry_point(types.int64, float_pointer)
def multiply_add_6(n: int, floats: Any) -> None:
    """Multiply and add in registers, n times for each of 6 sums."""
    x, sums = load(floats, 0), six(floats, 0)
    for _ in range(n):
        sums = six_fma(x, sums)
    store(floats, 0, six_sum(sums))


@entry_point(types.int64, float_pointer)
def multiply_add_12(n: int, floats: Any) -> None:
    """Do the same for 12 sums."""
    x, sums, more = load(floats, 0), six(floats, 0), six(floats, 6 * LANES)
    for _ in range(n):
        sums, more = six_fma(x, sums), six_fma(x, more)
    store(floats, 0, six_sum(sums) + six_sum(more))


# By the number of sums in progress at once, in vectors of 16 floats. An FMA takes 4 cycles and two start in
# each cycle, so at least 8 registers must be in use. 6 vectors use 12 of AVX2's 16 registers, but only 6
# registers of AVX-512. The faster kernel is used.
KERNELS = {6: multiply_add_6, 12: multiply_add_12}


@entry_point(types.int64, float_pointer, float_pointer)
def read(n: int, floats: Any, total: Any) -> None:
    """Read n floats, a multiple of 64, and add them up, so that no compiler can remove the reads.

    Four sums are enough, because memory is far slower than an addition.
    """
    a = b = c = d = load(total, 0)
    for i in range(0, n, 4 * LANES):
        a = a + load(floats, i)
        b = b + load(floats, i + LANES)
        c = c + load(floats, i + 2 * LANES)
        d = d + load(floats, i + 3 * LANES)
    store(total, 0, a + b + c + d)


class Limits:
    """Measures the limits on `n_threads` threads at once."""

    def __init__(self, n_threads: int) -> None:
        self.n_threads = n_threads
        self.pool = ThreadPoolExecutor(n_threads)
        self.memory = aligned_floats(READ_BYTES // 4)
        self.memory[:] = 1  # untouched memory would all be one page of zeros
        self.n_sums = max(KERNELS, key=self._best_fma_rate)
        self.read_bandwidth()  # compiles the kernel

    def limits(self) -> dict[str, float]:
        """Measure both limits."""
        return {"flops": self.fma_peak(), "bytes": self.read_bandwidth()}

    def fma_peak(self) -> float:
        """Return the operations per second of all threads together, two for each multiply-add."""
        return self._best_fma_rate(self.n_sums)

    def _best_fma_rate(self, n_sums: int) -> float:
        return max(self._fma_rate(n_sums) for _ in range(REPEATS))

    def _fma_rate(self, n_sums: int) -> float:
        n = FMA_COUNT // n_sums
        kernel = KERNELS[n_sums].call
        floats = [aligned_floats(n_sums * LANES) for _ in range(self.n_threads)]
        seconds = self._together(lambda i: kernel(n, floats[i].ctypes.data))
        return self.n_threads * n * n_sums * LANES * 2 / seconds

    def read_bandwidth(self) -> float:
        """Return the bytes per second of all threads together, each reading its own block."""
        n = len(self.memory) // self.n_threads // (4 * LANES) * (4 * LANES)
        totals = [aligned_floats(LANES) for _ in range(self.n_threads)]
        first = self.memory.ctypes.data

        def work(i: int) -> None:
            read.call(n, first + i * n * 4, totals[i].ctypes.data)

        return self.n_threads * n * 4 / min(self._together(work) for _ in range(REPEATS))

    def _together(self, work: Callable[[int], None]) -> float:
        """Return the seconds from the start of the first thread to the end of the last one."""
        ready = threading.Barrier(self.n_threads)

        def one(i: int) -> tuple[int, int]:
            ready.wait()
            started = time.perf_counter_ns()
            work(i)
            return started, time.perf_counter_ns()

        started, ended = zip(*self.pool.map(one, range(self.n_threads)), strict=True)
        return (max(ended) - min(started)) / 1e9
