"""embed: turn ids into vectors that say which token it is and where it stands."""

from collections.abc import Sequence

import numpy as np

from distilnp.model.params import Array, Embeddings, LayerNorm
from distilnp.model.reference import Record, layer_norm  # or your own: from layer_norm import layer_norm


def embed(ids: Sequence[int], embeddings: Embeddings, record: Record) -> Array:
    """Turn each id into a vector that says which token it is and where it stands.

        x_i = LayerNorm(W[id_i] + P[i])

    W is `embeddings.word_embeddings` [vocab_size, dim], P is `embeddings.position_embeddings`
    [max_position_embeddings, dim], and the LayerNorm is `embeddings.LayerNorm`. Positions are counted from 0.

    ids      [n_seq]
    returns  [n_seq, dim]

    If you like, hand over the intermediates, and the grader says which one differs first:
    record(word_embeddings=..., position_embeddings=..., LayerNorm=...)

    >>> words, positions = np.array([[0.0, 0.0], [3.0, 1.0]]), np.array([[0.0, 0.0], [0.0, 4.0], [0.0, 0.0]])
    >>> ones = LayerNorm(np.ones(2), np.zeros(2))
    >>> embed([1, 1], Embeddings(words, positions, ones), lambda **intermediates: None)
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    raise NotImplementedError
