"""Climb the rungs of attention: check them, time them in turns, and write the table."""

import math
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from distilnp.model.reference import softmax

from ..machine import cpu
from . import team, timing
from .attention import materialised, one_query, online, shipped
from .climb_product import figure
from .operands import Floats, copied, zeros
from .rungs import UNIT_ROUNDOFF
from .timing import Effort


class Shape(NamedTuple):
    """The heads, and the lengths of the texts."""

    n_heads: int
    head_dim: int
    lengths: tuple[int, ...]


# DistilBERT-base.
FULL = Shape(n_heads=12, head_dim=64, lengths=(32, 128, 512))
QUICK = Shape(n_heads=3, head_dim=20, lengths=(7, 37))

RUNGS: dict[str, ModuleType] = {
    "materialised": materialised,
    "one query": one_query,
    "online softmax": online,
    "shipped": shipped,
}


def scores_kept(name: str, n_seq: int, n_heads: int) -> int:
    """Return how many scores a rung has in memory at once; the online softmax has 16, in a register."""
    return {
        "materialised": n_heads * n_seq * n_seq,
        "one query": n_seq,
        "online softmax": 0,
        "shipped": 32 * n_seq,
    }[name]


def climb(shape: Shape, effort: Effort) -> str:
    """Check every rung at every length, then time them in turns on one thread; return the table."""
    random = np.random.default_rng(0)
    dim = shape.n_heads * shape.head_dim
    calls: dict[tuple[str, int], Any] = {}
    for n_seq in shape.lengths:
        together = copied(random.standard_normal((n_seq, 3 * dim), np.float32))
        q, k, v = (together[:, i * dim : (i + 1) * dim] for i in range(3))
        for name, rung in RUNGS.items():
            c = zeros(n_seq, dim)
            calls[name, n_seq] = partial(rung.attend, q, k, v, shape.n_heads, c)
            calls[name, n_seq]()
            for head in range(shape.n_heads):
                part = np.s_[:, head * shape.head_dim : (head + 1) * shape.head_dim]
                timing.check(name, c[part], *exact(q[part], k[part], v[part]))
    samples: dict[tuple[str, int], list[list[float]]] = {}
    with team.of(1):
        for _ in range(effort.rounds):
            for key, call in calls.items():
                samples.setdefault(key, []).append(timing.turn([call], effort.seconds))
    heads = [part for n in shape.lengths for part in (f"{n} tokens, ms", "GFLOP/s")]
    lines = [["rung", *heads, f"scores kept, {shape.lengths[-1]} tokens"]]
    for name in RUNGS:
        cells = []
        for n_seq in shape.lengths:
            seconds = timing.median_of(samples[name, n_seq])
            cells += [figure(1e3 * seconds), figure(4 * n_seq * n_seq * dim / seconds / 1e9)]
        kept = 4 * scores_kept(name, shape.lengths[-1], shape.n_heads) / 1000
        lines.append([name, *cells, f"{kept:,.0f} KB"])
    sizes = f"{shape.n_heads} heads of {shape.head_dim}, one thread, {cpu()}."
    return "\n".join([sizes, "", timing.table(lines)])


def exact(q: Floats, k: Floats, v: Floats) -> tuple[Any, Any]:
    """Return the context of one head in float64, and how far off a rung's may be.

    A sum of n numbers is off by at most n units of the sum of their absolute values (Higham, "Accuracy and
    Stability of Numerical Algorithms", 2002, section 3.1). A score, with the scale, has head_dim + 3 units.
    An error of an exponent is a relative error of its exp, which has up to 6 units of its own. The online sum
    is the worst: for each key, an exp and two roundings may shrink what was summed before. The sum of the
    probabilities and the one for the context have n_keys units each, and 3 more are for the quotient.
    """
    q, k, v = (x.astype(np.float64) for x in (q, k, v))
    (n_keys, head_dim), unit = k.shape, UNIT_ROUNDOFF
    scores = q @ k.T / math.sqrt(head_dim)
    score_error = (head_dim + 3) * unit * (np.abs(q) @ np.abs(k).T) / math.sqrt(head_dim)
    difference = scores.max(axis=1, keepdims=True) - scores
    probs = softmax(scores)
    relative_error = np.expm1(score_error + unit * difference) + (6 + (8 + 1) * n_keys) * unit
    sum_error = (probs * relative_error).sum(axis=1, keepdims=True)
    size = probs @ np.abs(v)
    error = ((probs * relative_error) @ np.abs(v) + sum_error * size) / (1 - sum_error)
    return probs @ v, error + 3 * unit * size
