"""The limits of the machine: multiply-adds of one thread and of two, and bytes that one and two can read."""

import statistics
from typing import NamedTuple

from ..forward.limits import Limits
from . import team


class Rates(NamedTuple):
    """Operations and bytes in a second."""

    flops: float
    bytes: float


class Machine:
    """Measures the limits, by the number of threads, in every round."""

    def __init__(self) -> None:
        self._limits = {n: Limits(n) for n in range(1, team.MOST + 1)}
        self._samples: dict[int, list[Rates]] = {n: [] for n in self._limits}

    def measure(self) -> None:
        """Measure all limits once more."""
        for n, limits in self._limits.items():
            self._samples[n].append(Rates(limits.fma_peak(), limits.read_bandwidth()))

    def rates(self, n_threads: int) -> Rates:
        """Return the median of each limit."""
        flops, bytes_ = zip(*self._samples[n_threads], strict=True)
        return Rates(statistics.median(flops), statistics.median(bytes_))
