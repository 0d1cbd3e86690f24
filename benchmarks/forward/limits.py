"""The limits of the machine, measured beside the engines: multiply-adds and bytes read per second.

These kernels use the package's own vector operations, because Numba's vectorizer does not reach the first
limit without them.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from numba import types

from distilnp.engine.memory import aligned_floats
from distilnp.engine.packing import LANES
from distilnp.kernels.jit import EntryPoint, entry_point
from distilnp.kernels.words.lanes_f32 import load, store
from distilnp.kernels.words.memory import float_pointer
from distilnp.kernels.words.tiles import tile_fma, tile_store, tile_zeros

# The number of sums in progress at once, in vectors of 16 floats. An FMA takes 4 cycles and two start in each
# cycle, so at least 8 registers must be in use. 6 vectors use 12 of AVX2's 16 registers, but only 6 registers
# of AVX-512. The faster of the two heights is used.
HEIGHTS = (6, 12)
# The number of multiply-adds of vectors. They take about 10 ms, long compared with the start of a thread.
FMA_COUNT = 30_000_000
# The number of bytes to read. It is many times the size of any third-level cache, so that almost nothing in
# the cache is left from the previous repetition.
READ_BYTES = 2**28

# A turn reports the best of this many repetitions, because threads that have just been woken may share a core
# for a while.
REPEATS = 4


def multiply_add(height: int) -> EntryPoint:
    """Return a kernel that only multiplies and adds, in registers."""

    @entry_point(types.int64, float_pointer)
    def run(n: int, floats: Any) -> None:
        tile = tile_zeros(height)
        for _ in range(n):
            tile = tile_fma(tile, floats, 0, load(floats, 0))
        tile_store(tile, floats, LANES)

    return run


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
        kernels = {height: multiply_add(height).call for height in HEIGHTS}
        self.height = max(HEIGHTS, key=lambda height: self._fma_rate(kernels[height], height))
        self.kernel = kernels[self.height]
        self.read_bandwidth()  # compiles the kernel

    def limits(self) -> dict[str, float]:
        """Measure both limits."""
        return {"flops": self.fma_peak(), "bytes": self.read_bandwidth()}

    def fma_peak(self) -> float:
        """Return the operations per second of all threads together, two for each multiply-add."""
        return max(self._fma_rate(self.kernel, self.height) for _ in range(REPEATS))

    def _fma_rate(self, kernel: Callable[..., None], height: int) -> float:
        n = FMA_COUNT // height
        tiles = [aligned_floats(height * LANES) for _ in range(self.n_threads)]
        seconds = self._together(lambda i: kernel(n, tiles[i].ctypes.data))
        return self.n_threads * n * height * LANES * 2 / seconds

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
