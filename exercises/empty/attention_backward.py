"""attention_backward: go back through self-attention."""

import math
from collections.abc import Mapping
from types import SimpleNamespace

import numpy as np

# Or your own: from linear_backward import linear_backward
from distilnp.explain.backward import linear as linear_backward
from distilnp.explain.backward import softmax as softmax_backward
from distilnp.model.params import Array, Layer, Linear
from distilnp.model.reference import Record, self_attention
from exercises.differences import by_differences


def self_attention_backward(
    dy: Array, trace: Mapping[str, Array], layer: Layer, n_heads: int, record: Record
) -> Array:
    """Turn the gradient with respect to the output of self-attention into the one with respect to its input.

        S = Q K^T / sqrt(head_dim)    P = softmax(S)    C = P V    y = Wo C + bo

    `trace` has what the forward pass recorded: trace["q_lin"], trace["k_lin"] and trace["v_lin"], [n_seq,
    dim] each, and trace["probs"], [n_heads, n_seq, n_seq]. Go back through every step of the forward pass,
    the last one first:

    1. dcontext [n_seq, dim] is `linear_backward` of dy with `layer.out_lin`. Split it into heads, as q, k
       and v: [n_heads, n_seq, head_dim]. Steps 2 to 4 hold for each head by itself.
    2. C = P V is a product, so dP = dC V^T and dV = P^T dC.
    3. dscores is `softmax_backward` of dP, with P.
    4. dQ = dscores K / sqrt(head_dim) and dK = dscores^T Q / sqrt(head_dim). Take math.sqrt.
    5. Join the heads of dQ, dK and dV again. x went three ways, into queries, keys and values. So dx is the
       sum of three gradients, each through `linear_backward` with its own layer.

    dy       [n_seq, dim]
    returns  [n_seq, dim]

    If you like, hand over the intermediates, and the grader says which one differs first. All are split into
    heads: record(dcontext=dcontext, dprobs=dprobs, dscores=dscores, dv=dv, dq=dq, dk=dk)

    Check yourself: move each number of x a little.

    >>> random = np.random.RandomState(0)
    >>> names = ("q_lin", "k_lin", "v_lin", "out_lin")
    >>> layer = SimpleNamespace(**{name: Linear(random.randn(4, 4), random.randn(4)) for name in names})
    >>> x, dy, trace = random.randn(3, 4), random.randn(3, 4), {}
    >>> y = self_attention(x, layer, 2, trace.update)
    >>> nothing = lambda **intermediates: None
    >>> expected = by_differences(lambda x: self_attention(x, layer, 2, nothing), x, dy)
    >>> bool(np.abs(self_attention_backward(dy, trace, layer, 2, nothing) - expected).max() < 1e-6)
    True
    """
    raise NotImplementedError
