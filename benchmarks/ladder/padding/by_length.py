"""Padded batches of texts of similar length: texts are sorted first, and answers put back in order."""

from collections.abc import Sequence

import numpy as np

from distilnp.model.config import DistilBertConfig
from distilnp.model.params import Array, Params

from . import padded


def forward(inputs: Sequence[Sequence[int]], params: Params, config: DistilBertConfig) -> Array:
    """Compute the logits [n_texts, n_labels], 32 texts at a time."""
    order = sorted(range(len(inputs)), key=lambda i: len(inputs[i]))
    logits = padded.forward([inputs[i] for i in order], params, config)
    return logits[np.argsort(order)]


def n_rows(lengths: Sequence[int]) -> int:
    """Return how many rows the products have for texts of these lengths."""
    return padded.n_rows(sorted(lengths))
