"""The threads of a rung: how many there are is set for its turn, for our kernels and for NumPy's BLAS."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

# The rungs run on one thread or on two.
MOST = 2

_others = ThreadPoolExecutor(MOST - 1)
_n_threads = 1


def n_threads() -> int:
    """Return how many threads the current rung has."""
    return _n_threads


@contextmanager
def of(n: int) -> Iterator[None]:
    """Give the rungs inside the block so many threads."""
    global _n_threads
    before, _n_threads = _n_threads, n
    try:
        with threadpool_limits(n):
            yield
    finally:
        _n_threads = before


def together(call: Callable[..., None], *arguments: int) -> None:
    """Call a function with the same arguments on every thread of the rung, this one included."""
    others = [_others.submit(call, *arguments) for _ in range(_n_threads - 1)]
    call(*arguments)
    for other in others:
        other.result()
