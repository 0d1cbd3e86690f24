"""What abstaining is worth: how many texts keep their answers, and how many of those are right."""

from collections.abc import Iterable
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError
from ..foreign import shown


class Coverage(NamedTuple):
    """How good the answers are that score at least `min_score`.

    Attributes
    ----------
    min_score : float
        Texts whose answers score less get none.
    n_answered : int
        How many texts get an answer.
    coverage : float
        Their share of all texts.
    n_right : int
        How many of these answers are right.
    accuracy : float or None
        Their share of the answers; None if there is no answer.
    wilson_95 : tuple of float, or None
        The 95 % interval of the accuracy.
    """

    min_score: float
    n_answered: int
    coverage: float
    n_right: int
    accuracy: float | None
    wilson_95: tuple[float, float] | None

    def as_dict(self) -> dict[str, Any]:
        """Return the row as JSON can hold it."""
        return self._asdict() | {"wilson_95": None if self.wilson_95 is None else list(self.wilson_95)}


def coverage_table(
    scores: NDArray[np.float64], right: NDArray[np.bool_], min_scores: Iterable[float]
) -> tuple[Coverage, ...]:
    """Return a row for each of the least scores; see `SingleLabelEvaluation.coverage`."""
    return tuple(_row(scores, right, checked_min_score(min_score)) for min_score in min_scores)


def checked_min_score(min_score: object) -> float:
    """Return a least score from 0 to 1."""
    is_number = isinstance(min_score, Real) and not isinstance(min_score, bool)
    if not is_number or not 0 <= min_score <= 1:  # type: ignore[operator]
        raise ArgumentError(f"min_score is {shown(min_score)}, expected a number from 0 to 1")
    return float(min_score)  # type: ignore[arg-type]


def curve(
    scores: NDArray[np.float64], right: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coverage and accuracy for every least score that makes a difference, the highest one first."""
    order = np.argsort(-scores, kind="stable")
    n_answered = np.arange(1, len(scores) + 1)
    n_right = np.cumsum(right[order])
    # Equal scores are answered together.
    ends = np.append(np.diff(scores[order]) != 0, True)
    return n_answered[ends] / len(scores), n_right[ends] / n_answered[ends]


def _row(scores: NDArray[np.float64], right: NDArray[np.bool_], min_score: float) -> Coverage:
    from .measures import wilson

    answered = scores >= min_score
    n_answered, n_right = int(answered.sum()), int(right[answered].sum())
    share = n_answered / len(scores)
    if not n_answered:
        return Coverage(min_score, 0, 0.0, 0, None, None)
    return Coverage(min_score, n_answered, share, n_right, n_right / n_answered, wilson(n_right, n_answered))
