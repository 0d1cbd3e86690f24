"""Models that predict a number: how far it is from the true one."""

from array import array
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..predictions import Prediction
from ..svg import Svg
from .base import Evaluation, Tally, frozen
from .truth import Numbers


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RegressionEvaluation(Evaluation):
    """How good the answers are of a model that predicts a number.

    Attributes
    ----------
    truth, predicted : array of float, [n_texts]
        The true numbers, and the predicted ones.
    n_texts : int
        How many texts there are.
    mean_absolute_error : float
        The mean distance between both.
    root_mean_square_error : float
        The root of the mean square of the distance, which counts large errors more.
    pearson_r : float or None
        The correlation of both; None where it is not defined, for fewer than two texts or for equal numbers.
    """

    truth: NDArray[np.float64]
    predicted: NDArray[np.float64]

    @property
    def n_texts(self) -> int:
        """How many texts there are."""
        return len(self.truth)

    @property
    def mean_absolute_error(self) -> float:
        """The mean distance between the true and the predicted number."""
        return float(np.abs(self.predicted - self.truth).mean())

    @property
    def root_mean_square_error(self) -> float:
        """The root of the mean square of the distance."""
        return float(np.sqrt(np.square(self.predicted - self.truth).mean()))

    @property
    def pearson_r(self) -> float | None:
        """The correlation of the true and the predicted numbers."""
        from .measures import correlation

        return correlation(self.truth, self.predicted)

    def plot(self) -> Svg:
        """Draw the predicted numbers against the true ones.

        Returns
        -------
        Svg
            The text of an SVG file, which a notebook shows. Its colours follow the reader's theme.
        """
        from .pictures import regression_picture  # imported late: most evaluations are read

        return regression_picture(self.truth, self.predicted, self._summary())

    def as_dict(self) -> dict[str, Any]:
        """Return all figures, as JSON can hold them: those that `distilnp evaluate --json` writes.

        Returns
        -------
        dict of str to object
        """
        return {
            "n_texts": self.n_texts,
            "mean_absolute_error": self.mean_absolute_error,
            "root_mean_square_error": self.root_mean_square_error,
            "pearson_r": self.pearson_r,
            "truncation": self.truncation._asdict(),
        }

    def _headlines(self) -> dict[str, str]:
        r = self.pearson_r
        return {
            "mean absolute error": f"{self.mean_absolute_error:.4f}",
            "root mean square error": f"{self.root_mean_square_error:.4f}",
            "Pearson's r": "not defined" if r is None else f"{r:.4f}",
        }

    def _repr_html_(self) -> str:
        """Return the figures for notebooks."""
        return self._html((), ())


class RegressionTally(Tally):
    """The record of all answers, 16 bytes each."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = Numbers()
        self._truth = array("d")
        self._predicted = array("d")

    @property
    def expected(self) -> str:
        """What the truth about a text must be, for messages."""
        return self._numbers.expected

    def find(self, value: object) -> float | None:
        """Return the true number, or None if a value is not a finite number."""
        return self._numbers.find(value)

    def is_right(self, truth: float, prediction: Prediction) -> bool:
        """Return False: a number is never quite right."""
        return False

    def names(self, truth: float) -> float:
        """Return the true number."""
        return truth

    def _add(self, truth: float, prediction: Prediction) -> None:
        self._truth.append(truth)
        self._predicted.append(prediction.score)

    def evaluation(self) -> RegressionEvaluation:
        """Return the figures for all answers, of which there must be at least one."""
        return RegressionEvaluation(
            truncation=self.truncation, truth=frozen(self._truth), predicted=frozen(self._predicted)
        )
