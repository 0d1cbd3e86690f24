"""Compare results before any is timed, and time the rungs in turns."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np


class Effort(NamedTuple):
    """How much to measure: rounds, and the seconds of a rung's turn in each of them."""

    rounds: int
    seconds: float


FULL = Effort(rounds=7, seconds=0.4)
QUICK = Effort(rounds=1, seconds=0.01)


class WrongResultError(AssertionError):
    """A rung has computed something else, so nothing is timed."""


def check(name: str, actual: Any, expected: Any, tolerance: Any) -> None:
    """Raise an error if a result is further off than rounding explains."""
    wrong = ~(np.abs(actual - expected) <= tolerance)  # a NaN is wrong, too
    if wrong.any():
        raise WrongResultError(f"{name}: {wrong.sum():,} of {wrong.size:,} numbers are wrong")


def turn(calls: Sequence[Callable[[], object]], seconds: float) -> list[float]:
    """Run some calls one after another, again and again for so many seconds; return the seconds of each."""
    samples = []
    ends = time.perf_counter() + seconds
    while not samples or time.perf_counter() < ends:
        for call in calls:
            started = time.perf_counter_ns()
            call()
            samples.append((time.perf_counter_ns() - started) / 1e9)
    return samples


def median_of(rounds: Sequence[Sequence[float]]) -> float:
    """Return the median of the medians of all rounds."""
    return statistics.median(map(statistics.median, rounds))


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown; the first row is its head."""
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, "|" + " --- |" * len(rows[0]), *body])
