"""Logits that transformers computed, and the tolerance for those of a float32 pass."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from support.comparisons import UNIT_ROUNDOFF
from support.seeded_models import SCORE_SPREAD

from distilnp.model.config import DistilBertConfig

GOLDENS = Path(__file__).parents[1] / "goldens/model"

# A vector of AVX2 holds 8 numbers. One of NEON holds 4, but two are added at once.
AVX2_LANES = 8
# About two hundred logits are compared, and none should be further off than this many standard deviations.
N_DEVIATIONS = 4


def golden(name: str) -> dict[str, dict[int, np.ndarray]]:
    """Return transformers' logits by precision and length."""
    stored = json.loads((GOLDENS / f"{name}.json").read_text())
    return {
        precision: {int(n): np.array(logits) for n, logits in by_length.items()}
        for precision, by_length in stored.items()
    }


def in_lanes(k: int) -> float:
    """Return how many additions follow each other when k terms are summed in vector lanes side by side."""
    return k / AVX2_LANES


def float32_tolerance(
    config: DistilBertConfig,
    n_seq: int,
    largest_logit: float,
    in_a_row: Callable[[int], float] = in_lanes,
) -> float:
    """Return how far rounding may move a logit on its way through a float32 pass.

    A sum of k additions in a row is off by about u sqrt(k) of its size (Higham and Mary 2019, "A new approach
    to probabilistic rounding error analysis"). `in_a_row` returns that k for a sum of so many products. The
    sums on the way are independent, so their k add up under the root. A relative error of scores with spread
    s becomes an error s times as large in the probabilities of the softmax.
    """
    head_dim = config.dim // config.n_heads
    # Queries and keys are computed side by side, and then their products.
    scores = (1 + SCORE_SPREAD) ** 2 * (in_a_row(config.dim) + in_a_row(head_dim))
    attention = scores + in_a_row(n_seq) + in_a_row(config.dim)  # context, out_lin
    ffn = in_a_row(config.dim) + in_a_row(config.hidden_dim)
    layer_norms = 2 * 2 * in_lanes(config.dim)  # a mean and a variance each
    k = config.n_layers * (attention + ffn + layer_norms) + 2 * in_a_row(
        config.dim
    )  # the head has two layers
    return N_DEVIATIONS * UNIT_ROUNDOFF * math.sqrt(k) * largest_logit
