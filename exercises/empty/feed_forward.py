"""feed_forward: pass each token by itself through a wider hidden layer."""

from types import SimpleNamespace

import numpy as np

from distilnp.model.config import DistilBertConfig
from distilnp.model.params import Array, Layer, Linear
from distilnp.model.reference import ACTIVATIONS, Record, linear  # or your own: from linear import linear


def feed_forward(x: Array, layer: Layer, config: DistilBertConfig, record: Record) -> Array:
    """Pass each token by itself through a wider hidden layer.

        FeedForward(x) = W2 GELU(W1 x + b1) + b2

    W1 and b1 are `layer.lin1`, W2 and b2 are `layer.lin2`. `config.activation` is "gelu" or "relu", and
    `ACTIVATIONS` has the function of each name.

    x        [n_seq, dim]
    returns  [n_seq, dim]

    If you like: record(lin1=..., activation=..., lin2=...)

    >>> lin1 = Linear(np.array([[1.0], [-1.0]]), np.zeros(2))
    >>> lin2 = Linear(np.array([[1.0, 10.0]]), np.zeros(1))
    >>> layer = SimpleNamespace(lin1=lin1, lin2=lin2)
    >>> config = DistilBertConfig(activation="relu")
    >>> feed_forward(np.array([[2.0], [-3.0]]), layer, config, lambda **intermediates: None)
    array([[ 2.],
           [30.]])
    """
    raise NotImplementedError
