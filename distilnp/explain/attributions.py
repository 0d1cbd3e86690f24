"""How much each token of an input adds to the logit of a label: three methods, to read.

- Gradient times input (Shrikumar et al. 2016, arXiv:1605.01713): one forward and one backward pass.
- Integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365): the gradient's mean on the way from an
  input that says nothing. The attributions add up to the difference in the logit, so the error is known.
- Attention rollout (Abnar and Zuidema 2020, arXiv:2005.00928): where the model looked, which is not why.

The fourth method, which leaves out words, needs no gradient: see `left_out`. The input whose parts are
weighed is the output of the embeddings, x [n_seq, dim]: what happens to it is the same for every token.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..model import reference
from ..model.config import DistilBertConfig
from ..model.params import Array, Params
from .backward import backward

# Numbers of intervals: powers of two, so that the points of a rule are among those of the next one. Most
# sentences of SST-2 need 16 or 32; the last is for texts where the gradient turns sharply.
INTERVALS = (8, 16, 32, 64, 128)

# The attributions may miss the difference that they explain by this share of it; or, if the difference is
# smaller than 1, by this much. It is the share that Sundararajan et al. found to be good enough.
MAX_ERROR = 0.05


class Attributed(NamedTuple):
    """What the tokens of one input add to the logit of a label.

    Attributes
    ----------
    attributions : array, [n_seq]
    logit : float
        The logit.
    baseline_logit : float or None
        With integrated gradients, the logit where the way begins.
    error : float or None
        With integrated gradients, the sum of the attributions, less the difference of the two logits. It
        would be 0 if the integral were exact.
    n_steps : int or None
        With integrated gradients, the points at which the gradient was computed.
    """

    attributions: Array
    logit: float
    baseline_logit: float | None = None
    error: float | None = None
    n_steps: int | None = None


class Differentiable:
    """The logit of one label as a function of the vectors that enter the first layer.

    Parameters
    ----------
    params : Params
        Dense layers are `Linear`.
    config : DistilBertConfig
    label : int
        The id of the label.
    """

    def __init__(self, params: Params, config: DistilBertConfig, label: int) -> None:
        self.params, self.config = params, config
        self._dlogits = np.zeros(config.n_labels, params.classifier.weight.dtype)
        self._dlogits[label] = 1
        self._label = label

    def embed(self, ids: tuple[int, ...]) -> Array:
        """Return the vectors of an input: [n_seq, dim]."""
        return reference.embed(ids, self.params.embeddings, _record_nothing)

    def logit(self, x: Array) -> float:
        """Compute the logit from the vectors of an input."""
        x = reference.encode(x, self.params.layers, self.config, _record_nothing)
        return float(reference.head(x, self.params, _record_nothing)[self._label])

    def gradient(self, x: Array) -> tuple[float, Array]:
        """Compute the logit, and its gradient with respect to the vectors: [n_seq, dim]."""
        trace = {"embeddings.LayerNorm": x}

        def record(**intermediates: Array) -> None:
            trace.update(intermediates)

        last = reference.encode(x, self.params.layers, self.config, record)
        logits = reference.head(last, self.params, record)
        return float(logits[self._label]), backward(self._dlogits, trace, self.params, self.config)


def gradient_x_input(function: Differentiable, ids: tuple[int, ...]) -> Attributed:
    """Return, for each token, the sum over its vector of gradient times value.

    That is how much the logit would fall, were it linear in the vectors, if this token's became 0.
    """
    x = function.embed(ids)
    logit, gradient = function.gradient(x)
    return Attributed((gradient * x).sum(axis=-1), logit)


def integrated_gradients(
    function: Differentiable, ids: tuple[int, ...], baseline: tuple[int, ...]
) -> Attributed:
    """Return, for each token, what it adds on the straight way from the vectors of another input.

        attribution_i = integral from 0 to 1 of (x_i - b_i) . dlogit/dx_i (b + t (x - b)) dt

    The integral is a weighted sum over points on the way. Their number is doubled until the attributions add
    up to the difference that they explain, within `MAX_ERROR`.

    Parameters
    ----------
    function : Differentiable
    ids, baseline : tuple of int, [n_seq]
        The input, and one of the same length in which every token says nothing.
    """
    x, b = function.embed(ids), function.embed(baseline)
    way = x - b
    logits: dict[float, float] = {}
    slopes: dict[float, Array] = {}  # of each token in the direction of the way, [n_seq]
    for n in INTERVALS:
        points, weights = clenshaw_curtis(n)
        for t in points:
            if t not in slopes:
                logits[t], gradient = function.gradient(b + x.dtype.type(t) * way)
                slopes[t] = (way * gradient).sum(axis=-1)
        attributions = np.array(weights) @ np.stack([slopes[t] for t in points])
        difference = logits[1.0] - logits[0.0]
        error = float(attributions.sum()) - difference
        if abs(error) <= MAX_ERROR * max(1.0, abs(difference)):
            break
    return Attributed(attributions, logits[1.0], logits[0.0], error, len(points))


def clenshaw_curtis(n: int) -> tuple[list[float], list[float]]:
    """Return n + 1 points from 0 to 1 and their weights, for n even (Clenshaw and Curtis 1960).

    The sum of the weighted values is the integral of the polynomial through them. For smooth functions, the
    rule is about as exact as Gauss's, whose points cannot be used again when their number is doubled
    (Trefethen 2008, "Is Gauss quadrature better than Clenshaw-Curtis?").
    """
    k = np.arange(n + 1)
    j = np.arange(1, n // 2 + 1)
    terms = np.where(j == n // 2, 1, 2) / (4 * j * j - 1) * np.cos(2 * math.pi * np.outer(k, j) / n)
    weights = np.where(k % n == 0, 0.5, 1) / n * (1 - terms.sum(axis=1))
    # This is (1 - cos(pi k / n)) / 2, but exactly 0 and 1 at the ends.
    points = np.sin(math.pi * k / (2 * n)) ** 2
    return points.tolist(), weights.tolist()


def attention_rollout(trace: Mapping[str, Array], n_layers: int) -> Array:
    """Return how much of [CLS] after the last layer comes from each token, if attention alone mixed them.

        R = A_last ... A_1 A_0      A = (mean of the heads' probabilities + I) / 2

    I stands for the residual sum, which keeps half of a token as it is. A row of R adds up to 1.

    returns  [n_seq]
    """
    mixed = np.eye(len(trace["embeddings.LayerNorm"]))
    for i in range(n_layers):
        probs = trace[f"layer.{i}.attention.probs"].mean(axis=0)  # [n_seq, n_seq]
        mixed = (probs + np.eye(len(probs))) / 2 @ mixed
    return mixed[0]


def _record_nothing(**_: Array) -> None:
    """Take intermediates that are not needed."""
