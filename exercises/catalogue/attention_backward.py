"""The exercise attention_backward: go back through self-attention."""

import math
from collections.abc import Callable, Mapping

from distilnp.explain import backward
from distilnp.model import reference
from distilnp.model.params import Array, Layer

from ..exercise import Exercise, mistake
from ..small_model import gradient_like, of_models
from .attention import SPLITS
from .linear_backward import ORIENTATION, linear_backward
from .softmax_backward import softmax_backward


def solved_attention_backward(
    dy: Array, trace: Mapping[str, Array], layer: Layer, n_heads: int, record: reference.Record
) -> Array:
    """Compute the package's result; it hands over no intermediates, so those are from the variant."""
    attention_backward(dy, trace, layer, n_heads, record)
    return backward.self_attention(dy, trace, layer, n_heads)


def attention_backward(
    dy: Array,
    trace: Mapping[str, Array],
    layer: Layer,
    n_heads: int,
    record: reference.Record,
    *,
    untransposed: tuple[str, ...] = (),
    exchanged: tuple[str, ...] = (),
    forward: bool = False,
    swapped: bool = False,
    slope: Callable[[Array, Array], Array] = softmax_backward,
    divisors: Callable[[int, float], tuple[float, float]] = lambda dim, root: (root, root),
    split: str = "right",
    joins: bool = True,
    projects: bool = True,
    ways: tuple[str, ...] = ("q_lin", "k_lin", "v_lin"),
    residual: bool = False,
) -> Array:
    """Go back through self-attention, with switches. `untransposed` names products of gradients."""
    n_seq, dim = dy.shape

    def back(y: Array, name: str) -> Array:
        transposes = forward or name in exchanged
        return linear_backward(y, getattr(layer, name), transposes=transposes, biased=int(forward))

    def turned(y: Array, name: str) -> Array:
        return y if name in untransposed else y.swapaxes(-1, -2)

    def joined(y: Array) -> Array:
        return y.swapaxes(0, 1).reshape(n_seq, dim) if joins else y.reshape(n_seq, dim)

    q, k, v = (SPLITS[split](trace[name], n_heads) for name in ("q_lin", "k_lin", "v_lin"))
    if swapped:
        q, k = k, q
    dcontext = SPLITS[split](back(dy, "out_lin") if projects else dy, n_heads)
    dprobs = dcontext @ v.swapaxes(-1, -2)
    dscores = slope(dprobs, trace["probs"])
    dv = turned(trace["probs"], "dv") @ dcontext
    of_q, of_k = divisors(dim, math.sqrt(dim // n_heads))
    dq = (dscores.swapaxes(-1, -2) if "dq" in untransposed else dscores) @ k / of_q
    dk = turned(dscores, "dk") @ q / of_k
    record(dcontext=dcontext, dprobs=dprobs, dscores=dscores, dv=dv, dq=dq, dk=dk)
    gradients = {"q_lin": dq, "k_lin": dk, "v_lin": dv}
    dx = sum((back(joined(gradients[name]), name) for name in ways), 0 * dy)
    return dx + dy if residual else dx


EACH_SCORE = "S = Q K^T / sqrt(head_dim), so both dQ and dK are divided by math.sqrt(head_dim)"
THREE_WAYS = "x goes three ways, into queries, keys and values: dx is the sum of all three gradients"
SLOPE = "probs = softmax(scores), so dscores = softmax_backward(dprobs, probs)"
MISTAKES = (
    mistake("without the division by sqrt(head_dim)", EACH_SCORE, divisors=lambda dim, root: (1.0, 1.0)),
    mistake(
        "without the division by sqrt(head_dim) in dK", EACH_SCORE, divisors=lambda dim, root: (root, 1.0)
    ),
    mistake(
        "without the division by sqrt(head_dim) in dQ", EACH_SCORE, divisors=lambda dim, root: (1.0, root)
    ),
    mistake(
        "that divides twice by sqrt(head_dim)",
        "divide dscores, or dQ and dK, but not both",
        divisors=lambda dim, root: (root * root, root * root),
    ),
    mistake(
        "that divides by sqrt(dim)",
        "a score is a sum of head_dim products: divide by math.sqrt(head_dim)",
        divisors=lambda dim, root: (math.sqrt(dim), math.sqrt(dim)),
    ),
    mistake(
        "whose dscores are not transposed in dK",
        "a key is in a column of the scores: dK = dscores.swapaxes(-1, -2) @ Q",
        untransposed=("dk",),
    ),
    mistake(
        "whose dscores are transposed in dQ",
        "a query is in a row of the scores: dQ = dscores @ K",
        untransposed=("dq",),
    ),
    mistake(
        "whose probs are not transposed in dV",
        "a value is taken by all queries, a column of probs: dV = probs.swapaxes(-1, -2) @ dcontext",
        untransposed=("dv",),
    ),
    mistake(
        "with queries and keys exchanged", "dQ is a sum of keys, and dK is a sum of queries", swapped=True
    ),
    mistake("without softmax_backward", SLOPE, slope=lambda dprobs, probs: dprobs),
    mistake(
        "without the average subtracted in softmax_backward",
        f"{SLOPE}, which subtracts the average of each row, weighted with the probabilities",
        slope=lambda dprobs, probs: probs * dprobs,
    ),
    mistake("that only goes back through the values", THREE_WAYS, ways=("v_lin",)),
    mistake("without the way through the values", THREE_WAYS, ways=("q_lin", "k_lin")),
    mistake("without the way through the keys", THREE_WAYS, ways=("q_lin", "v_lin")),
    mistake("without the way through the queries", THREE_WAYS, ways=("k_lin", "v_lin")),
    mistake("with dy @ W.T instead of dy @ W", ORIENTATION, exchanged=("q_lin", "k_lin", "v_lin", "out_lin")),
    mistake("with dy @ W.T instead of dy @ W in out_lin", ORIENTATION, exchanged=("out_lin",)),
    mistake(
        "with dy @ W.T instead of dy @ W in q_lin, k_lin and v_lin",
        ORIENTATION,
        exchanged=("q_lin", "k_lin", "v_lin"),
    ),
    mistake(
        "that takes the forward layers",
        "take linear_backward in the place of linear: dy @ weight, without a bias",
        forward=True,
    ),
    mistake(
        "that does not go back through out_lin",
        "out_lin comes last on the way forward, so it comes first on the way back",
        projects=False,
    ),
    mistake(
        "whose heads are split without exchanging the axes",
        "reshape to [n_seq, n_heads, head_dim] first, then swapaxes(0, 1)",
        split="no swap",
    ),
    mistake(
        "whose heads are joined without exchanging the axes",
        "swapaxes(0, 1) back to [n_seq, n_heads, head_dim] before you reshape to [n_seq, dim]",
        joins=False,
    ),
    mistake(
        "with dy added", "the residual belongs to transformer_block, and not to self_attention", residual=True
    ),
)
HEADS = ("head", "token", "head_dim")
AXES = {
    "result": ("token", "dim"),
    "dcontext": HEADS,
    "dprobs": ("head", "query", "key"),
    "dscores": ("head", "query", "key"),
    "dv": HEADS,
    "dq": HEADS,
    "dk": HEADS,
}

EXERCISE = Exercise(
    name="attention_backward",
    part="the backward pass",
    minutes=25,
    summary="go back through self-attention",
    function="self_attention_backward",
    package="distilnp/explain/backward.py",
    solution=solved_attention_backward,
    variant=attention_backward,
    mistakes=MISTAKES,
    cases=of_models(
        lambda model: (
            gradient_like(model.trace["layer.0.attention.out_lin"]),
            backward.under("layer.0.attention", model.trace),
            model.params.layers[0],
            model.config.n_heads,
        )
    ),
    axes=AXES,
    records="record",
)
