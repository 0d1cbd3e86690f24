"""The backward pass, to read: how a logit changes if the vectors that enter the first layer change a little.

`reference` computes the logits from x, the output of the embeddings. This file computes the gradient

    dx = d logit / d x          [n_seq, dim]

by the chain rule, with one function for each function of the reference, under the same name. The order is the
reverse: `backward` calls the head first, and layer 0 last. A function takes the gradient with respect to its
output, and returns the gradient with respect to its input:

    y = f(x)    =>    dx_i = sum_j dy_j (d y_j / d x_i)

In formulas and code, `dy` is short for d logit / d y, and has the shape of y. Where x goes two ways, as in a
residual sum, the gradients of both ways add up. Only gradients with respect to activations are computed:
those explain an answer. Training needs the ones with respect to the parameters too.

What the forward pass computed comes from its trace, under the reference's names. Shapes are in square
brackets, as in the reference.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from ..model.config import DistilBertConfig
from ..model.erf import erf
from ..model.params import Array, Layer, LayerNorm, Linear, Params
from ..model.reference import LAYER_NORM_EPSILON

# The intermediates of one forward pass, by name.
Intermediates: TypeAlias = Mapping[str, Array]


def backward(dlogits: Array, trace: Intermediates, params: Params, config: DistilBertConfig) -> Array:
    """Compute the gradient of a logit, or of a sum of logits, with respect to the output of the embeddings.

    Parameters
    ----------
    dlogits : array, [n_labels]
        1 for the label that is explained, and 0 for the others. With other numbers, it is the gradient of
        the sum of the logits, each times its number.
    trace : mapping of str to array
        What `reference.forward` recorded about the text.
    params : Params
        The parameters of that pass. Dense layers are `Linear`: integers have no gradient.
    config : DistilBertConfig
        From the same checkpoint.

    Returns
    -------
    array, [n_seq, dim]
        In the type of the parameters.
    """
    dx = head(dlogits, trace, params)
    return encode(dx, trace, params.layers, config)


def head(dlogits: Array, trace: Intermediates, params: Params) -> Array:
    """Go back through the head. It reads the first token, so the others have the gradient 0 here.

        pooled = Wp x_0 + bp                    logits = W ReLU(pooled) + b
        dpooled = ReLU'(pooled) W^T dlogits     dx_0 = Wp^T dpooled

    dlogits  [n_labels]
    returns  [n_seq, dim]
    """
    dpooled = linear(dlogits, params.classifier) * relu_slope(trace["pre_classifier"])  # [dim]
    dx = np.zeros_like(trace["embeddings.LayerNorm"])  # [n_seq, dim]
    dx[0] = linear(dpooled, params.pre_classifier)
    return dx


def encode(dx: Array, trace: Intermediates, layers: Sequence[Layer], config: DistilBertConfig) -> Array:
    """Go back through all layers, the last one first.

    dx       [n_seq, dim]
    returns  [n_seq, dim]
    """
    for i in reversed(range(len(layers))):
        x = trace[f"layer.{i - 1}.output_layer_norm" if i else "embeddings.LayerNorm"]
        dx = transformer_block(dx, x, under(f"layer.{i}", trace), layers[i], config)
    return dx


def transformer_block(
    dy: Array, x: Array, trace: Intermediates, layer: Layer, config: DistilBertConfig
) -> Array:
    """Go back through a layer. Each residual sum passes its gradient on to both of its terms.

        h = LayerNorm(s)    s = x + SelfAttention(x)
        y = LayerNorm(t)    t = h + FeedForward(h)

        dh = dt + FeedForward'(dt)    dx = ds + SelfAttention'(ds)

    The residual way multiplies by nothing, so a gradient reaches the first layer however many there are.

    dy, x    [n_seq, dim]
    returns  [n_seq, dim]
    """
    attention, ffn = under("attention", trace), under("ffn", trace)
    h = trace["sa_layer_norm"]
    dsum = layer_norm(dy, h + ffn["lin2"], layer.output_layer_norm)
    dh = dsum + feed_forward(dsum, ffn, layer, config)
    dsum = layer_norm(dh, x + attention["out_lin"], layer.sa_layer_norm)
    return dsum + self_attention(dsum, attention, layer, config.n_heads)


def self_attention(dy: Array, trace: Intermediates, layer: Layer, n_heads: int) -> Array:
    """Go back through self-attention. x goes three ways: into queries, keys and values.

        S = Q K^T / sqrt(head_dim)    P = softmax(S)    C = P V    y = Wo C + bo

        dC = Wo^T dy        dP = dC V^T         dV = P^T dC
        dS = softmax'(dP)   dQ = dS K / sqrt(head_dim)    dK = dS^T Q / sqrt(head_dim)
        dx = Wq^T dQ + Wk^T dK + Wv^T dV

    The two lines in the middle hold for each head by itself. dV says what a token's value does, given where
    the heads look; dQ and dK say what happens because they look elsewhere.

    dy       [n_seq, dim]
    returns  [n_seq, dim]
    """
    n_seq, dim = dy.shape
    head_dim = dim // n_heads

    def split_heads(y: Array) -> Array:  # [n_seq, dim] -> [n_heads, n_seq, head_dim]
        return y.reshape(n_seq, n_heads, head_dim).swapaxes(0, 1)

    def join_heads(y: Array) -> Array:  # [n_heads, n_seq, head_dim] -> [n_seq, dim]
        return y.swapaxes(0, 1).reshape(n_seq, dim)

    q, k, v = (split_heads(trace[name]) for name in ("q_lin", "k_lin", "v_lin"))
    probs = trace["probs"]  # [n_heads, n_seq, n_seq]
    dcontext = split_heads(linear(dy, layer.out_lin))  # [n_heads, n_seq, head_dim]
    dprobs = dcontext @ v.swapaxes(-1, -2)  # [n_heads, n_seq, n_seq]
    dscores = softmax(dprobs, probs) / math.sqrt(head_dim)
    dv = probs.swapaxes(-1, -2) @ dcontext  # [n_heads, n_seq, head_dim]
    dq = dscores @ k
    dk = dscores.swapaxes(-1, -2) @ q
    return (
        linear(join_heads(dq), layer.q_lin)
        + linear(join_heads(dk), layer.k_lin)
        + linear(join_heads(dv), layer.v_lin)
    )


def feed_forward(dy: Array, trace: Intermediates, layer: Layer, config: DistilBertConfig) -> Array:
    """Go back through the feed-forward network, each token by itself.

        wide = W1 x + b1                     y = W2 GELU(wide) + b2
        dwide = GELU'(wide) W2^T dy          dx = W1^T dwide

    dy       [n_seq, dim]
    returns  [n_seq, dim]
    """
    dwide = linear(dy, layer.lin2) * SLOPES[config.activation](trace["lin1"])  # [n_seq, hidden_dim]
    return linear(dwide, layer.lin1)


def linear(dy: Array, layer: object) -> Array:
    """Go back through a dense layer: dx = W^T dy, since d y_j / d x_i = W_ji.

    dy       [..., out]
    returns  [..., in]
    """
    assert isinstance(layer, Linear)
    return dy @ layer.weight


def layer_norm(dy: Array, x: Array, norm: LayerNorm) -> Array:
    """Go back through a layer normalization.

        n = (x - mean) / std            y = n weight + bias
        dn = dy weight                  dx = (dn - mean(dn) - n mean(dn n)) / std

    Moving all of x by one number, or stretching x, changes nothing in n. So dx has no part in these two
    directions: the means take them out.

    dy, x    [..., dim]
    returns  [..., dim]
    """
    centred = x - x.mean(axis=-1, keepdims=True)
    std = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + LAYER_NORM_EPSILON)
    normalized = centred / std
    dnormalized = dy * norm.weight
    shift = dnormalized.mean(axis=-1, keepdims=True)
    stretch = (dnormalized * normalized).mean(axis=-1, keepdims=True)
    return (dnormalized - shift - normalized * stretch) / std


def softmax(dprobs: Array, probs: Array) -> Array:
    """Go back through a softmax.

        d p_j / d s_i = p_j ([i = j] - p_i)    =>    ds_i = p_i (dp_i - sum_j p_j dp_j)

    A score counts by how much better than the average its value is. Where a probability is almost 1 or 0,
    almost nothing comes through.

    dprobs, probs  [..., n]
    returns        [..., n]
    """
    average = (probs * dprobs).sum(axis=-1, keepdims=True)
    return probs * (dprobs - average)


def gelu_slope(x: Array) -> Array:
    """Return the derivative of GELU(x) = x Phi(x), which is Phi(x) + x phi(x).

    Phi and phi are the distribution and the density of a standard normal variable.

    x        [...]
    returns  [...]
    """
    distribution = 0.5 * (1.0 + erf(x / math.sqrt(2.0)))
    density = np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    return distribution + x * density


def relu_slope(x: Array) -> Array:
    """Return the derivative of ReLU(x): 1 where x is positive, otherwise 0.

    x        [...]
    returns  [...]
    """
    return (x > 0).astype(x.dtype)


SLOPES = {"gelu": gelu_slope, "relu": relu_slope}


def under(part: str, trace: Intermediates) -> Intermediates:
    """Return the intermediates of a part, without its name and the dot in front of theirs."""
    start = f"{part}."
    return {name.removeprefix(start): x for name, x in trace.items() if name.startswith(start)}
