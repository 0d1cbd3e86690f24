"""The minimum cost of a forward pass: the operations that distilnp executes and the bytes that it must read.

Only matrix products count, with two operations for a multiplication and an addition. Softmax, GELU and
LayerNorm are not the kind of work that the FMA peak measures; their time is part of the gap to that peak.
"""

from typing import NamedTuple

from distilnp.model.config import DistilBertConfig

BYTES_OF_FLOAT32 = 4

# The steps that are not a product of `shapes`.
ATTENTION = "attention"
LAST_LAYER = "last layer and head"


class Cost(NamedTuple):
    """The cost of some steps: operations, and bytes of float32 matrices to read."""

    flops: int
    weight_bytes: int


def shapes(config: DistilBertConfig) -> dict[str, tuple[int, int]]:
    """Return (n, k) of every dense layer of a block: the columns of its result and the terms of each sum."""
    dim, hidden_dim = config.dim, config.hidden_dim
    return {
        "q_lin, k_lin, v_lin": (3 * dim, dim),
        "out_lin": (dim, dim),
        "lin1": (hidden_dim, dim),
        "lin2": (dim, hidden_dim),
    }


def costs(config: DistilBertConfig, n_seq: int) -> dict[str, Cost]:
    """Return what one text of `n_seq` tokens costs, with the last layer pruned.

    The head needs only the first token of the last layer. In that layer, no other token is multiplied with a
    weight, and the hidden states serve as the keys and the values of each head. Pruning saves none of the
    reads. The few rows of the embeddings are not counted.
    """
    dim, n_whole = config.dim, config.n_layers - 1
    weights = {name: n * k for name, (n, k) in shapes(config).items()}
    last = sum(weights.values()) + dim * dim + dim * config.n_labels
    last_attention = 2 * n_seq * config.n_heads * dim
    return {
        **{name: _cost(n_whole * n_seq * size, n_whole * size) for name, size in weights.items()},
        ATTENTION: _cost(n_whole * n_seq * 2 * n_seq * dim, 0),
        LAST_LAYER: _cost(last + last_attention, last),
    }


def executed_flops(config: DistilBertConfig, n_seq: int) -> int:
    """Count the operations for one text of `n_seq` tokens."""
    return sum(cost.flops for cost in costs(config, n_seq).values())


def weight_bytes(config: DistilBertConfig) -> int:
    """Count the bytes of the float32 matrices that every pass reads, even for the shortest text."""
    return sum(cost.weight_bytes for cost in costs(config, 1).values())


def _cost(n_products: int, n_weights: int) -> Cost:
    """Return the cost of so many multiply-adds with so many different weights."""
    return Cost(2 * n_products, BYTES_OF_FLOAT32 * n_weights)
