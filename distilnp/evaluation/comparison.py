"""Two models on the same texts: which one is right more often, and whether that may be chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..choices import FunctionToApply
from ..errors import ArgumentError
from ..foreign import shown
from .base import Evaluation, LabelEvaluation

# What chance gives in fewer cases than these is taken for a difference, as is usual.
SIGNIFICANT = 0.05


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Comparison:
    """Two models, A and B, on the same texts.

    Only texts tell the models apart for which exactly one of them is right. McNemar's test asks how often
    chance would divide these so unevenly. A multi-label model is right if a text gets exactly its labels.

    Attributes
    ----------
    name_a, name_b : str
        What the models are called.
    a, b : SingleLabelEvaluation or MultiLabelEvaluation
        All figures of each.
    n_texts : int
        How many texts there are.
    only_a, only_b : array of int
        The rows, from 0, for which only A, or only B, is right.
    n_both, n_neither : int
        For how many texts both are right, or neither is.
    difference : float
        The accuracy of A minus that of B.
    difference_interval : tuple of float
        Its 95 % interval, by Agresti and Min.
    p_value : float
        How often chance divides the differing answers as unevenly, or more: McNemar's exact test, two-sided.
    sentence : str
        What follows, in one sentence.
    """

    name_a: str
    name_b: str
    a: LabelEvaluation
    b: LabelEvaluation

    @property
    def n_texts(self) -> int:
        """How many texts there are."""
        return self.a.n_texts

    @property
    def only_a(self) -> NDArray[np.intp]:
        """The rows for which only A is right."""
        return np.flatnonzero(self.a.right & ~self.b.right)

    @property
    def only_b(self) -> NDArray[np.intp]:
        """The rows for which only B is right."""
        return np.flatnonzero(self.b.right & ~self.a.right)

    @property
    def n_both(self) -> int:
        """For how many texts both are right."""
        return int((self.a.right & self.b.right).sum())

    @property
    def n_neither(self) -> int:
        """For how many texts neither is right."""
        return int((~self.a.right & ~self.b.right).sum())

    @property
    def difference(self) -> float:
        """The accuracy of A minus that of B."""
        return (self.a.n_right - self.b.n_right) / self.n_texts

    @property
    def difference_interval(self) -> tuple[float, float]:
        """Its 95 % interval."""
        from .measures import difference_interval

        return difference_interval(len(self.only_a), len(self.only_b), self.n_texts)

    @property
    def p_value(self) -> float:
        """How often chance divides the differing answers as unevenly, or more."""
        from .measures import mcnemar

        return mcnemar(len(self.only_a), len(self.only_b))

    @property
    def sentence(self) -> str:
        """What follows, in one sentence."""
        rows = f"On {'this 1 row' if self.n_texts == 1 else f'these {self.n_texts:,} rows'}, "
        n_a, n_b = len(self.only_a), len(self.only_b)
        if n_a + n_b == 0:
            return rows + "A and B are right for the same ones: nothing tells them apart."
        if n_a == n_b:
            return rows + f"A and B are right equally often, each alone for {n_a:,}: neither is better."
        better, worse = ("A", "B") if n_a > n_b else ("B", "A")
        chance = (
            f"{rows}{better} is right for {abs(n_a - n_b):,} more than {worse}; with {n_a + n_b:,} "
            f"{'difference' if n_a + n_b == 1 else 'differences'}, chance alone gives that or more in "
            f"{_percent(self.p_value)} of cases: "
        )
        if self.p_value < SIGNIFICANT:
            return chance + f"{better} is better on texts like these."
        return chance + "the rows do not tell which is better."

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON can hold it: what `distilnp compare --json` writes.

        Returns
        -------
        dict of str to object
        """
        return {
            "a": {"model": self.name_a, **self.a.as_dict()},
            "b": {"model": self.name_b, **self.b.as_dict()},
            "n_texts": self.n_texts,
            "n_both": self.n_both,
            "n_only_a": len(self.only_a),
            "n_only_b": len(self.only_b),
            "n_neither": self.n_neither,
            "only_a": self.only_a.tolist(),
            "only_b": self.only_b.tolist(),
            "difference": self.difference,
            "difference_95": list(self.difference_interval),
            "p_value": self.p_value,
            "sentence": self.sentence,
        }

    def __repr__(self) -> str:
        low, high = self.difference_interval
        return (
            f"Comparison(A right {self.a.n_right}, B right {self.b.n_right} of {self.n_texts}; difference "
            f"{self.difference:+.4f}, 95 % interval {low:+.4f} to {high:+.4f}; p = {self.p_value:.3g})"
        )

    def _repr_html_(self) -> str:
        """Return the comparison for notebooks."""
        rows = "".join(
            f"<tr><th>{letter}</th><td>{escape(name)}</td><td>{figures.n_right:,}</td>"
            f"<td>{figures.n_right / self.n_texts:.4f}</td><td>{only:,}</td></tr>"
            for letter, name, figures, only in (
                ("A", self.name_a, self.a, len(self.only_a)),
                ("B", self.name_b, self.b, len(self.only_b)),
            )
        )
        heads = "<th></th><th>model</th><th>right</th><th>share</th><th>only this one is right</th>"
        return f"<table><tr>{heads}</tr>{rows}</table><p>{escape(self.sentence)}</p>"


def compared(names: Sequence[str], evaluations: Sequence[Evaluation]) -> Comparison:
    """Return the comparison of two models of labels, whose answers are to the same texts."""
    a, b = evaluations
    assert isinstance(a, LabelEvaluation)
    assert isinstance(b, LabelEvaluation)
    return Comparison(name_a=names[0], name_b=names[1], a=a, b=b)


def expect_labels(name: str, function: FunctionToApply) -> None:
    """Raise an `ArgumentError` if a model predicts a number, which is never quite right."""
    if function == "none":
        raise ArgumentError(
            f"function_to_apply of {shown(name)} is 'none', expected a model of labels: no number is quite "
            "right. Compare the errors that evaluate reports"
        )


def _percent(share: float) -> str:
    """Return a share in percent, with as many digits as say something."""
    if share < 0.0001:
        return "less than 0.01 %"
    return f"{share:.0%}".replace("%", " %") if share >= 0.1 else f"{share * 100:.2g} %"
