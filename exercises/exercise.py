"""What an exercise is: a function to write, the arguments to try it with, and the mistakes to recognise.

A mistake is recognised by making it. Each exercise has a `variant`: the right function, with a switch for
every mistake that learners make. If a result equals that of a variant, the grader knows what went wrong.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np


@dataclass(frozen=True)
class Case:
    """Arguments for the function, and words for them."""

    name: str
    arguments: tuple[Any, ...]
    tokens: tuple[str, ...] = ()  # so that a message can name the token and not only its index


@dataclass(frozen=True)
class Mistake:
    """A typical mistake: the switches of the variant that make it, and what to tell the learner.

    `result` completes the sentence "Your result equals that of softmax ...".
    """

    result: str
    hint: str
    switches: Mapping[str, Any]


def mistake(result: str, hint: str, **switches: Any) -> Mistake:
    """Return a mistake; a shorter spelling for the tables of mistakes."""
    return Mistake(result, hint, switches)


# How far numbers may be apart, relative to the largest expected one. Another order of a sum moves a float64
# by some 1e-15 and a float32 by some 1e-7; six layers make a few hundred times that of it.
TOLERANCES = {"float64": 1e-10, "float32": 1e-4}


def tolerance(expected: Any) -> float:
    """Return how far a number may be from those of an expected array."""
    finite = np.abs(expected[np.isfinite(expected)])
    return TOLERANCES[expected.dtype.name] * float(finite.max(initial=1.0))


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """One function to write.

    Attributes
    ----------
    name : str
        The name on the command line, and of the file.
    part : str
        The heading that it is listed under.
    minutes : int
        How long it takes somebody who has read the page.
    summary : str
        One line.
    function : str
        The name of the function in the file.
    package : str
        The file with the package's own function.
    solution : callable
        That function, with the same arguments.
    variant : callable
        The same function again, with a keyword for every mistake. Without keywords, it equals the solution.
    mistakes : tuple of Mistake
        Those that are tried, in this order.
    cases : callable
        Returns the cases, the smallest first.
    axes : mapping of str to tuple of str
        The names of the axes of the result ("result") and of the intermediates.
    records : {"record", "trace"} or None
        How the function hands over its intermediates: it calls its last argument, or fills it as a dict.
    """

    name: str
    part: str
    minutes: int
    summary: str
    function: str
    package: str
    solution: Callable[..., Any]
    variant: Callable[..., Any]
    mistakes: tuple[Mistake, ...]
    cases: Callable[[], Iterable[Case]]
    axes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    records: Literal["record", "trace"] | None = None

    def arguments(self, case: Case, intermediates: dict[str, Any]) -> tuple[Any, ...]:
        """Return the arguments of a case, with the one that receives the intermediates at the end."""
        if self.records == "record":
            return (*case.arguments, intermediates.update)
        if self.records == "trace":
            return (*case.arguments, intermediates)
        return case.arguments
