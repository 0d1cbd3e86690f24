"""The matrix products of a model on their own, ours and NumPy's, to compare with the FMA peak.

Each measurement multiplies with many different weights of the same shape, one after another. No weight is
therefore in a cache, as in a model, where all other weights have been read since the last use of one.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np

# The bytes of all weights: twice the size of most third-level caches.
WEIGHT_BYTES = 2**26

# The numbers of rows, which are the tokens of a batch. The target applies to 96 rows and more.
ROWS = (8, 16, 32, 64, 96, 128, 256, 512)
TARGET = 0.88
TARGET_ROWS = 96


class Products(Protocol):
    """An implementation of matrix products, in a process of its own."""

    def __init__(self, n_threads: int) -> None: ...

    def rate(self, m: int, n: int, k: int) -> float:
        """Return the operations per second of c[m, n] = a[m, k] @ weight[k, n]."""
        ...


class OurProducts:
    """The package's `gemm` as a program without other steps; it also adds a bias."""

    def __init__(self, n_threads: int) -> None:
        from distilnp.engine.memory import aligned_floats
        from distilnp.native.loader import choose

        program = choose().program
        if program is None:
            raise RuntimeError("no compiled kernels can run here, so there is no product to time")
        self.program = program
        self.n_others = n_threads - 1
        self.others = ThreadPoolExecutor(n_threads)
        self.weights = aligned_floats(WEIGHT_BYTES // 4)
        np.random.default_rng(0).standard_normal(out=self.weights, dtype=np.float32)

    def rate(self, m: int, n: int, k: int) -> float:
        """Return the rate of the compiled program on all threads."""
        from distilnp.engine.buffers import row_stride
        from distilnp.engine.memory import aligned_floats
        from distilnp.kernels.steps import BOARD_STEP, GEMM, IDENTITY, step
        from distilnp.kernels.tiles import LANES

        bias, scratch = aligned_floats(n), aligned_floats(LANES)
        a, c = aligned_floats(m * row_stride(k)), aligned_floats(m * row_stride(n))
        a[:] = 1
        batch = np.array([m, a.ctypes.data, c.ctypes.data], np.int64)
        product = {
            "rows": 0,
            "a": 1,
            "c": 2,
            "a_row": row_stride(k),
            "c_row": row_stride(n),
            "dim": k,
            "n_panels": n // LANES,
            "n_heads": 1,
            "epilogue": IDENTITY,
            "bias": bias.ctypes.data,
        }
        n_products = len(self.weights) // (n * k)
        addresses = [self.weights[i * n * k :].ctypes.data for i in range(n_products)]
        steps = np.array([step(GEMM, weight=address, **product) for address in addresses], np.int64)
        run = self.program.run

        def once() -> None:
            board = np.zeros((n_products + 1, BOARD_STEP), np.int64)
            addresses = [array.ctypes.data for array in (steps, batch, board, scratch)]
            others = [self.others.submit(run, n_products, *addresses, 0) for _ in range(self.n_others)]
            run(n_products, *addresses, 0)
            for other in others:
                other.result()

        return 2 * m * n * k * n_products / second_time(once)


class NumpyProducts:
    """NumPy's products, which its BLAS computes; the environment sets the number of threads."""

    def __init__(self, n_threads: int) -> None:
        self.weights = np.random.default_rng(0).standard_normal(WEIGHT_BYTES // 4, dtype=np.float32)

    def rate(self, m: int, n: int, k: int) -> float:
        """Return the rate of `numpy.matmul`."""
        n_products = len(self.weights) // (n * k)
        weights = self.weights[: n_products * n * k].reshape(n_products, k, n)
        a, c = np.ones((m, k), np.float32), np.empty((m, n), np.float32)

        def once() -> None:
            for weight in weights:
                np.matmul(a, weight, out=c)

        return 2 * m * n * k * n_products / second_time(once)


def second_time(once: Callable[[], None]) -> float:
    """Return the seconds of the second call; the first call has to touch new memory."""
    once()
    started = time.perf_counter_ns()
    once()
    return (time.perf_counter_ns() - started) / 1e9


SERVERS: dict[str, type[Products]] = {"distilnp": OurProducts, "numpy": NumpyProducts}
