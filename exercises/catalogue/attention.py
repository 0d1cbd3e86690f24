"""The exercise attention: give each token a weighted average of all tokens' values."""

import math
from collections.abc import Callable

import numpy as np

from distilnp.model import reference
from distilnp.model.params import Array, Layer

from ..exercise import Exercise, mistake
from ..small_model import of_models
from .linear import ORIENTATION, linear
from .softmax import softmax

SPLITS: dict[str, Callable[[Array, int], Array]] = {
    "right": lambda y, h: y.reshape(len(y), h, -1).swapaxes(0, 1),
    # One head as wide as the vector; `attention` repeats it, so that shapes stay comparable.
    "none": lambda y, h: y[None],
    "no swap": lambda y, h: y.reshape(h, len(y), -1),
    "interleaved": lambda y, h: y.reshape(len(y), -1, h).transpose(2, 0, 1),
}


def attention(
    x: Array,
    layer: Layer,
    n_heads: int,
    record: reference.Record,
    *,
    divisor: Callable[[int, int], float] = lambda dim, n_heads: math.sqrt(dim // n_heads),
    axis: int = -1,
    split: str = "right",
    merge: bool = True,
    untransposed: tuple[str, ...] = (),
    exchanged: bool = False,
    causal: bool = False,
    values: str = "v",
    outputs: bool = True,
    residual: bool = False,
) -> Array:
    """Compute self-attention, with switches."""
    n_seq, dim = x.shape

    def projected(y: Array, name: str) -> Array:
        return linear(y, getattr(layer, name), transposes=name not in untransposed)

    q, k, v = projected(x, "q_lin"), projected(x, "k_lin"), projected(x, "v_lin")
    heads = [SPLITS[split](y, n_heads) for y in (q, k, {"v": v, "x": x, "k": k}[values])]
    scores = heads[0] @ heads[1].swapaxes(-1, -2)
    if exchanged:
        scores = scores.swapaxes(-1, -2)
    scores = scores / divisor(dim, n_heads)
    seen = np.where(np.tri(n_seq, dtype=bool), scores, -np.inf) if causal else scores
    probs = softmax(seen, axis=axis)
    context = probs @ heads[2]
    context = context.swapaxes(0, 1).reshape(n_seq, dim) if merge else context.reshape(n_seq, dim)
    output = projected(context, "out_lin") if outputs else context
    output = output + x if residual else output
    record(q_lin=q, k_lin=k, v_lin=v, scores=scores, probs=probs, context=context, out_lin=output)
    return output


MISTAKES = (
    mistake(
        "without the division by sqrt(head_dim)",
        "divide the scores by math.sqrt(head_dim) before the softmax",
        divisor=lambda dim, n_heads: 1.0,
    ),
    mistake(
        "with scores divided by sqrt(dim)",
        "a score is a sum of head_dim products and not of dim: divide by math.sqrt(head_dim)",
        divisor=lambda dim, n_heads: math.sqrt(dim),
    ),
    mistake(
        "with scores divided by head_dim",
        "divide by its root, math.sqrt(head_dim)",
        divisor=lambda dim, n_heads: dim // n_heads,
    ),
    mistake(
        "with scores divided by sqrt(n_heads)",
        "divide by math.sqrt(head_dim), and head_dim is dim // n_heads",
        divisor=lambda dim, n_heads: math.sqrt(n_heads),
    ),
    mistake(
        "with scores multiplied by sqrt(head_dim)",
        "divide by it",
        divisor=lambda dim, n_heads: 1 / math.sqrt(dim // n_heads),
    ),
    mistake(
        "with the softmax over the queries (axis -2)",
        "the probabilities of one query add up to 1 over all keys: softmax along the last axis",
        axis=-2,
    ),
    mistake("with the softmax over the heads (axis 0)", "take the softmax along the last axis", axis=0),
    mistake(
        "with keys and queries exchanged, so that scores are transposed",
        "a row of the scores belongs to one query: q @ k.swapaxes(-1, -2), and not k @ q.swapaxes(-1, -2)",
        exchanged=True,
    ),
    mistake(
        "with x @ W instead of x @ W.T", ORIENTATION, untransposed=("q_lin", "k_lin", "v_lin", "out_lin")
    ),
    *(
        mistake(f"with x @ W instead of x @ W.T in {name}", ORIENTATION, untransposed=(name,))
        for name in ("q_lin", "k_lin", "v_lin", "out_lin")
    ),
    mistake(
        "whose heads are not split",
        "each head has its own scores: reshape q, k and v to [n_seq, n_heads, head_dim], swap axes 0 and 1",
        split="none",
    ),
    mistake(
        "whose heads are split without exchanging the axes",
        "reshape to [n_seq, n_heads, head_dim] first, then swapaxes(0, 1). A reshape to "
        "[n_heads, n_seq, head_dim] gives a head the first tokens instead of its columns",
        split="no swap",
    ),
    mistake(
        "whose heads take every n_heads-th column",
        "a head has head_dim neighbouring columns: reshape to [n_seq, n_heads, head_dim]",
        split="interleaved",
    ),
    mistake(
        "whose heads are joined without exchanging the axes",
        "swapaxes(0, 1) back to [n_seq, n_heads, head_dim] before you reshape to [n_seq, dim]",
        merge=False,
    ),
    mistake("with a causal mask", "BERT sees the words on both sides; GPT has a mask", causal=True),
    mistake("that averages x instead of the values", "the values are linear(x, layer.v_lin)", values="x"),
    mistake(
        "that averages the keys instead of the values", "the values are linear(x, layer.v_lin)", values="k"
    ),
    mistake("without the output projection", "apply layer.out_lin to the joined heads", outputs=False),
    mistake(
        "with x added", "the residual belongs to transformer_block, and not to self_attention", residual=True
    ),
)
AXES = {
    "result": ("token", "dim"),
    "q_lin": ("token", "dim"),
    "k_lin": ("token", "dim"),
    "v_lin": ("token", "dim"),
    "scores": ("head", "query", "key"),
    "probs": ("head", "query", "key"),
    "context": ("token", "dim"),
    "out_lin": ("token", "dim"),
}

EXERCISE = Exercise(
    name="attention",
    part="the forward pass",
    minutes=20,
    summary="give each token a weighted average of all tokens' values",
    function="self_attention",
    package="distilnp/model/reference.py",
    solution=reference.self_attention,
    variant=attention,
    mistakes=MISTAKES,
    cases=of_models(
        lambda model: (model.trace["embeddings.LayerNorm"], model.params.layers[0], model.config.n_heads)
    ),
    axes=AXES,
    records="record",
)
