"""Logits that transformers computed, and how far off a float32 pass may be."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from support.seeded_models import SCORE_SPREAD

from distilnp.model.config import DistilBertConfig

GOLDENS = Path(__file__).parents[1] / "goldens/model"

UNIT_ROUNDOFF = 2.0**-24  # of float32
LANES = 8  # of AVX2; NEON has 4, but two at once
N_DEVIATIONS = 4  # of some two hundred logits that are compared, none should be further off


def golden(name: str) -> dict[str, dict[int, np.ndarray]]:
    """Return transformers' logits by precision and length."""
    stored = json.loads((GOLDENS / f"{name}.json").read_text())
    return {
        precision: {int(n): np.array(logits) for n, logits in by_length.items()}
        for precision, by_length in stored.items()
    }


def in_lanes(k: int) -> float:
    """Return how many additions of k terms follow each other if vector lanes are summed side by side."""
    return k / LANES


def float32_tolerance(
    config: DistilBertConfig,
    n_seq: int,
    largest_logit: float,
    in_a_row: Callable[[int], float] = in_lanes,
) -> float:
    """Return what rounding may do to a logit on its way through a float32 pass.

    A sum of k additions in a row is off by about u sqrt(k) of its size (Higham and Mary 2019, "A new approach
    to probabilistic rounding error analysis"); `in_a_row` says how many a sum of that many products has. The
    sums on the way are independent, so their k add up under the root. An error relative to scores of spread s
    becomes one of s times that in the shares that the softmax makes of them.
    """
    head_dim = config.dim // config.n_heads
    # queries and keys, side by side; their products
    scores = (1 + SCORE_SPREAD) ** 2 * (in_a_row(config.dim) + in_a_row(head_dim))
    attention = scores + in_a_row(n_seq) + in_a_row(config.dim)  # context, out_lin
    ffn = in_a_row(config.dim) + in_a_row(config.hidden_dim)
    layer_norms = 2 * 2 * in_lanes(config.dim)  # a mean and a variance each
    k = config.n_layers * (attention + ffn + layer_norms) + 2 * in_a_row(
        config.dim
    )  # the head has two layers
    return N_DEVIATIONS * UNIT_ROUNDOFF * math.sqrt(k) * largest_logit
