"""The exercises of the forward pass: `distilnp.model.reference`, one function after another."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from distilnp.model import reference
from distilnp.model.config import DistilBertConfig
from distilnp.model.erf import erf
from distilnp.model.params import Array, Embeddings, Layer, LayerNorm, Params

from .exercise import Case, Exercise, mistake
from .small_model import Model, models, read_only, small_model

PART = "the forward pass"

ROWS = {"result": ("row", "column")}
TOKENS = {"result": ("token", "dim")}


def of_models(arguments: Callable[[Model], tuple[Any, ...]]) -> Callable[[], Iterator[Case]]:
    """Return cases with arguments from each model."""
    return lambda: (Case(model.name, arguments(model), model.tokens) for model in models())


# ------------------------------------------------------------------------------------------------- softmax


def softmax(
    x: Array,
    *,
    axis: Any = -1,
    sums: Any = "axis",
    shifts: bool = True,
    divides: bool = True,
    base: float = math.e,
) -> Array:
    """Compute a softmax, with switches; `sums` is the axis of the sums, if it is another one."""
    if shifts:
        x = x - x.max(axis=axis, keepdims=True)
    powers = base**x
    return powers / powers.sum(axis=axis if sums == "axis" else sums, keepdims=True) if divides else powers


def softmax_cases() -> Iterable[Case]:
    """Return scores as attention has them, scores that overflow, and those of both models."""
    scores = np.random.RandomState(1).standard_normal((2, 3, 4)) * 2
    large = np.array([[1000.0, 999.0, 0.0], [-1000.0, -1001.0, -1002.0]])
    yield Case("random scores [2, 3, 4], float64", (read_only(scores),))
    yield Case("scores up to 1000, float64", (read_only(large),))
    yield from of_models(lambda model: (model.trace["layer.0.attention.scores"],))()


EACH_ROW = "each row shall add up to 1: axis=-1, with keepdims=True"
SOFTMAX_MISTAKES = (
    mistake("along axis 0", EACH_ROW, axis=0),
    mistake("along axis -2", EACH_ROW, axis=-2),
    mistake("of the whole array", EACH_ROW, axis=None),
    mistake("with sums along axis 0", EACH_ROW, sums=0),
    mistake("with sums along axis -2", EACH_ROW, sums=-2),
    mistake("with one sum for the whole array", EACH_ROW, sums=None),
    mistake(
        "without subtracting the row's maximum",
        "exp(1000) is infinite: subtract the maximum of each row first, which cancels",
        shifts=False,
    ),
    mistake("that is not divided by its sum", "divide by the sum of each row", divides=False),
    mistake("with powers of 2 instead of e", "take np.exp", base=2.0),
)

# ---------------------------------------------------------------------------------------------- layer_norm


def layer_norm(
    x: Array,
    norm: LayerNorm,
    *,
    axis: Any = -1,
    epsilon: float = reference.LAYER_NORM_EPSILON,
    ddof: int = 0,
    centres: bool = True,
    roots: bool = True,
    scales: bool = True,
    shifts: bool = True,
    swaps: bool = False,
) -> Array:
    """Compute a LayerNorm, with switches."""
    centred = x - x.mean(axis=axis, keepdims=True)
    variance = np.var(x, axis=axis, keepdims=True, ddof=ddof) + epsilon
    normalized = (centred if centres else x) / (np.sqrt(variance) if roots else variance)
    weight, bias = (norm.bias, norm.weight) if swaps else norm
    return normalized * (weight if scales else 1) + (bias if shifts else 0)


def layer_norm_cases() -> Iterable[Case]:
    """Return rows of several sizes; an almost constant one shows epsilon."""
    random = np.random.RandomState(2)
    norm = LayerNorm(read_only(1 + 0.3 * random.standard_normal(4)), read_only(random.standard_normal(4)))
    x = random.standard_normal((3, 4)) * 3 + 1
    almost_constant = np.array([[1e-6, -1e-6, 1e-6, -1e-6], [0.0, 0.0, 0.0, 0.0]])
    yield Case("random rows [3, 4], float64", (read_only(x), norm))
    yield Case("a row that is almost constant, and one that is, float64", (read_only(almost_constant), norm))
    yield from of_models(
        lambda model: (model.trace["layer.0.attention.out_lin"], model.params.layers[0].sa_layer_norm)
    )()


LAYER_NORM_MISTAKES = (
    mistake(
        "without epsilon",
        "add LAYER_NORM_EPSILON to the variance, under the root. It shows in rows that are almost constant",
        epsilon=0.0,
    ),
    mistake("with epsilon 1e-5", "DistilBERT has 1e-12; 1e-5 is GPT-2's and torch's default", epsilon=1e-5),
    mistake(
        "with mean and variance along axis 0",
        "each token is normalized by itself: axis=-1, with keepdims=True",
        axis=0,
    ),
    mistake(
        "with one mean for the whole array", "each row has its own mean: axis=-1, keepdims=True", axis=None
    ),
    mistake("with n - 1 in the variance", "divide by n: ddof=0, which is np.var's default", ddof=1),
    mistake("without subtracting the mean", "subtract the mean of each row before you divide", centres=False),
    mistake(
        "with a division by the variance",
        "divide by the standard deviation, the root of the variance",
        roots=False,
    ),
    mistake("without the weight", "multiply by norm.weight", scales=False),
    mistake("without the bias", "add norm.bias", shifts=False),
    mistake("with weight and bias exchanged", "multiply by norm.weight, add norm.bias", swaps=True),
)

# ---------------------------------------------------------------------------------------------------- gelu


def gelu(
    x: Array, *, form: str = "erf", divides: bool = True, one: bool = True, halves: bool = True
) -> Array:
    """Compute a GELU, with switches."""
    if form == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    if form == "sigmoid":
        return x / (1 + np.exp(-1.702 * x))
    if form == "relu":
        return np.maximum(x, 0)
    phi = (1.0 if one else 0.0) + erf(x / math.sqrt(2.0) if divides else x)
    return (0.5 if halves else 1.0) * x * phi


def gelu_cases() -> Iterable[Case]:
    """Return numbers around 0, and what the layers of both models give."""
    yield Case("-4 to 4 in steps of 0.5, float64", (read_only(np.arange(-4, 4.5, 0.5)),))
    yield from of_models(lambda model: (model.trace["layer.0.ffn.lin1"],))()


GELU_MISTAKES = (
    mistake(
        "with the tanh approximation",
        "DistilBERT has the exact GELU, with erf: from distilnp.model.erf import erf",
        form="tanh",
    ),
    mistake("with the approximation x sigmoid(1.702 x)", "take the exact one, with erf", form="sigmoid"),
    mistake("replaced by ReLU", "GELU is smooth: x / 2 (1 + erf(x / sqrt(2)))", form="relu"),
    mistake("without the division by sqrt(2)", "erf takes x / sqrt(2)", divides=False),
    mistake("without the 1 before erf", "it is 1 + erf(...)", one=False),
    mistake("without the factor 1/2", "multiply by 0.5", halves=False),
)

# -------------------------------------------------------------------------------------------------- linear


def linear(x: Array, layer: Any, *, transposes: bool = True, biased: float = 1) -> Array:
    """Compute a dense layer, with switches."""
    return x @ (layer.weight.T if transposes else layer.weight) + biased * layer.bias


def linear_cases() -> Iterable[Case]:
    """Return a square weight, with which a missing transposition shows, and others."""
    model = small_model()
    x = model.trace["embeddings.LayerNorm"]
    yield Case("a square weight [6, 6], float64", (x, model.params.layers[0].q_lin), model.tokens)
    yield Case("a weight [8, 6], float64", (x, model.params.layers[0].lin1), model.tokens)
    yield Case("one vector [6] instead of rows, float64", (x[0], model.params.layers[0].lin1))
    for one in models()[1:]:
        yield Case(one.name, (one.trace["embeddings.LayerNorm"], one.params.layers[0].lin1), one.tokens)


ORIENTATION = "a weight is stored as [out, in], so rows are multiplied by its transpose: x @ weight.T"
LINEAR_MISTAKES = (
    mistake("with x @ W instead of x @ W.T", ORIENTATION, transposes=False),
    mistake("without the bias", "add layer.bias", biased=0),
    mistake("with the bias subtracted", "add layer.bias", biased=-1),
)

# --------------------------------------------------------------------------------------------------- embed


def embed(
    ids: Any,
    embeddings: Embeddings,
    record: reference.Record,
    *,
    position: str = "0, 1, 2, ...",
    normalizes: str = "sum",
) -> Array:
    """Embed tokens, with switches."""
    table, n_seq = embeddings.position_embeddings, len(ids)
    words = embeddings.word_embeddings[np.asarray(ids)]
    rows = {
        "0, 1, 2, ...": table[:n_seq],
        "1, 2, 3, ...": table[1 : n_seq + 1],
        "ids": table[np.asarray(ids) % len(table)],
        "0": table[:1],
        "reversed": table[:n_seq][::-1],
        "none": 0 * table[:n_seq],
    }
    positions = rows[position]
    if normalizes == "sum":
        x = reference.layer_norm(words + positions, embeddings.LayerNorm)
    elif normalizes == "words":
        x = reference.layer_norm(words, embeddings.LayerNorm) + positions
    else:
        x = words + positions
    record(word_embeddings=words, position_embeddings=positions, LayerNorm=x)
    return x


EMBED_MISTAKES = (
    mistake(
        "with positions from 1",
        "positions are counted from 0: position_embeddings[:n_seq]",
        position="1, 2, 3, ...",
    ),
    mistake(
        "with the ids as positions",
        "a position is where the token stands, whatever its id is",
        position="ids",
    ),
    mistake("with position 0 for every token", "take the first n_seq rows, one for each token", position="0"),
    mistake("with the positions backwards", "the first token has position 0", position="reversed"),
    mistake("without positions", "add position_embeddings[:n_seq]", position="none"),
    mistake("without LayerNorm", "normalize the sum, with embeddings.LayerNorm", normalizes="nothing"),
    mistake("with LayerNorm before the positions are added", "add first, then normalize", normalizes="words"),
)
EMBED_AXES = {
    "result": ("token", "dim"),
    "word_embeddings": ("token", "dim"),
    "position_embeddings": ("token", "dim"),
    "LayerNorm": ("token", "dim"),
}

# ----------------------------------------------------------------------------------------------- attention

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


ATTENTION_MISTAKES = (
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
ATTENTION_AXES = {
    "result": ("token", "dim"),
    "q_lin": ("token", "dim"),
    "k_lin": ("token", "dim"),
    "v_lin": ("token", "dim"),
    "scores": ("head", "query", "key"),
    "probs": ("head", "query", "key"),
    "context": ("token", "dim"),
    "out_lin": ("token", "dim"),
}

# -------------------------------------------------------------------------------------------- feed_forward


def feed_forward(
    x: Array,
    layer: Layer,
    config: DistilBertConfig,
    record: reference.Record,
    *,
    activation: Callable[[Array], Array] | None = None,
    last: bool = False,
    residual: bool = False,
    biased: float = 1,
) -> Array:
    """Compute the feed-forward network, with switches."""
    activate = activation or reference.ACTIVATIONS[config.activation]
    wide = linear(x, layer.lin1, biased=biased)
    hidden = activate(wide)
    output = linear(hidden, layer.lin2, biased=biased)
    output = activate(output) if last else output
    output = output + x if residual else output
    record(lin1=wide, activation=hidden, lin2=output)
    return output


FEED_FORWARD_MISTAKES = (
    mistake(
        "with the tanh approximation of GELU",
        "config.activation is the exact one: ACTIVATIONS[config.activation]",
        activation=lambda x: gelu(x, form="tanh"),
    ),
    mistake("with ReLU", "config.activation names the activation", activation=reference.relu),
    mistake(
        "without the activation", "apply ACTIVATIONS[config.activation] after lin1", activation=lambda x: x
    ),
    mistake("with the activation also after lin2", "only lin1 has an activation", last=True),
    mistake(
        "with x added", "the residual belongs to transformer_block, and not to feed_forward", residual=True
    ),
    mistake("without the biases", "linear adds layer.lin1.bias and layer.lin2.bias", biased=0),
)
FEED_FORWARD_AXES = {
    "result": ("token", "dim"),
    "lin1": ("token", "hidden_dim"),
    "activation": ("token", "hidden_dim"),
    "lin2": ("token", "dim"),
}

# --------------------------------------------------------------------------------------- transformer_block


def transformer_block(
    x: Array,
    layer: Layer,
    config: DistilBertConfig,
    record: reference.Record,
    *,
    first_residual: bool = True,
    second_residual: str = "x",
    pre: bool = False,
    norms: tuple[str, str] = ("sa_layer_norm", "output_layer_norm"),
) -> Array:
    """Compute a layer, with switches."""
    given = x

    def norm(y: Array, name: str) -> Array:
        return reference.layer_norm(y, getattr(layer, name)) if name else y

    first = norm(x, norms[0]) if pre else x
    attention = reference.self_attention(first, layer, config.n_heads, reference.under("attention", record))
    x = x + attention if first_residual else attention
    x = x if pre else norm(x, norms[0])
    record(sa_layer_norm=x)
    second = norm(x, norms[1]) if pre else x
    hidden = reference.feed_forward(second, layer, config, reference.under("ffn", record))
    x = {"x": x, "given": given, "none": 0 * x}[second_residual] + hidden
    x = x if pre else norm(x, norms[1])
    record(output_layer_norm=x)
    return x


BLOCK_MISTAKES = (
    mistake(
        "with LayerNorm before attention and the network (pre-LN)",
        "DistilBERT normalizes after each residual sum (post-LN): LayerNorm(x + SelfAttention(x)). "
        "GPT-2 has pre-LN",
        pre=True,
    ),
    mistake(
        "without the residual around attention",
        "normalize x + self_attention(x), and not self_attention(x) alone",
        first_residual=False,
    ),
    mistake(
        "without the residual around the network",
        "normalize x + feed_forward(x), and not feed_forward(x) alone",
        second_residual="none",
    ),
    mistake(
        "whose second residual is the layer's input",
        "the second residual adds what the network was given: the output of sa_layer_norm",
        second_residual="given",
    ),
    mistake(
        "without sa_layer_norm", "normalize after the first residual sum", norms=("", "output_layer_norm")
    ),
    mistake(
        "without output_layer_norm", "normalize after the second residual sum", norms=("sa_layer_norm", "")
    ),
    mistake(
        "with the two LayerNorms exchanged",
        "sa_layer_norm comes after attention, output_layer_norm at the end",
        norms=("output_layer_norm", "sa_layer_norm"),
    ),
    mistake(
        "with sa_layer_norm in both places",
        "output_layer_norm comes at the end",
        norms=("sa_layer_norm", "sa_layer_norm"),
    ),
    mistake(
        "with output_layer_norm in both places",
        "sa_layer_norm comes after attention",
        norms=("output_layer_norm", "output_layer_norm"),
    ),
)
BLOCK_AXES = {
    "result": ("token", "dim"),
    **{f"attention.{name}": axes for name, axes in ATTENTION_AXES.items() if name != "result"},
    "sa_layer_norm": ("token", "dim"),
    **{f"ffn.{name}": axes for name, axes in FEED_FORWARD_AXES.items() if name != "result"},
    "output_layer_norm": ("token", "dim"),
}

# ---------------------------------------------------------------------------------------------------- head


def head(
    x: Array,
    params: Params,
    record: reference.Record,
    *,
    pools: Callable[[Array], Array] = lambda x: x[0],
    activation: Callable[[Array], Array] = reference.relu,
    dense: bool = True,
    ends: Callable[[Array], Array] = lambda x: x,
) -> Array:
    """Compute the head, with switches."""
    pooled = pools(x)
    pooled = reference.linear(pooled, params.pre_classifier) if dense else pooled
    logits = ends(reference.linear(activation(pooled), params.classifier))
    record(pre_classifier=pooled, classifier=logits)
    return logits


HEAD_MISTAKES = (
    mistake(
        "that reads the last token", "the head reads the first token, [CLS]: x[0]", pools=lambda x: x[-1]
    ),
    mistake(
        "that reads the mean of the tokens",
        "the head reads the first token, [CLS]: x[0]",
        pools=lambda x: x.mean(axis=0),
    ),
    mistake("with tanh", "DistilBERT's head has ReLU; BERT's pooler has tanh", activation=np.tanh),
    mistake("without ReLU", "apply relu between pre_classifier and classifier", activation=lambda x: x),
    mistake("without pre_classifier", "apply params.pre_classifier first", dense=False),
    mistake("after a softmax", "return the logits themselves", ends=softmax),
)
HEAD_AXES = {"result": ("label",), "pre_classifier": ("dim",), "classifier": ("label",)}

# ------------------------------------------------------------------------------------------------- forward


def forward(
    ids: Any,
    params: Params,
    config: DistilBertConfig,
    trace: dict[str, Array] | None = None,
    *,
    layers: Callable[[tuple[Layer, ...]], tuple[Layer, ...]] = lambda layers: layers,
    ends: Callable[[Array], Array] = lambda x: x,
) -> Array:
    """Compute the logits, with switches."""
    changed = params._replace(layers=layers(params.layers))
    logits = ends(reference.forward(ids, changed, config, trace))
    if trace is not None:
        trace["classifier"] = logits
    return logits


FORWARD_MISTAKES = (
    mistake(
        "with the first layer again and again",
        "layer i has its own weights: params.layers[i]",
        layers=lambda x: x[:1] * len(x),
    ),
    mistake("without the last layer", "go through all of params.layers", layers=lambda x: x[:-1]),
    mistake("without the first layer", "go through all of params.layers", layers=lambda x: x[1:]),
    mistake("with the layers backwards", "params.layers[0] comes first", layers=lambda x: x[::-1]),
    mistake(
        "without any layer", "pass the vectors through params.layers before the head", layers=lambda x: ()
    ),
    mistake("with only the first layer", "go through all of params.layers", layers=lambda x: x[:1]),
    mistake("after a softmax", "return the logits themselves", ends=softmax),
)


def forward_axes() -> dict[str, tuple[str, ...]]:
    """Return the axes of all intermediates, in the order of computation."""
    embeddings = {f"embeddings.{name}": axes for name, axes in EMBED_AXES.items() if name != "result"}
    layers = {
        f"layer.{i}.{name}": axes
        for i in range(6)  # as many as sst2-mini has; the small model has fewer
        for name, axes in BLOCK_AXES.items()
        if name != "result"
    }
    return {**embeddings, **layers, **HEAD_AXES}


EXERCISES = (
    Exercise(
        name="softmax",
        part=PART,
        minutes=5,
        summary="turn every row into probabilities",
        function="softmax",
        package="distilnp/model/reference.py",
        solution=reference.softmax,
        variant=softmax,
        mistakes=SOFTMAX_MISTAKES,
        cases=softmax_cases,
        axes=ROWS,
    ),
    Exercise(
        name="layer_norm",
        part=PART,
        minutes=8,
        summary="bring every row to mean 0 and variance 1",
        function="layer_norm",
        package="distilnp/model/reference.py",
        solution=reference.layer_norm,
        variant=layer_norm,
        mistakes=LAYER_NORM_MISTAKES,
        cases=layer_norm_cases,
        axes=ROWS,
    ),
    Exercise(
        name="gelu",
        part=PART,
        minutes=5,
        summary="multiply x by the probability that a normal variable is below it",
        function="gelu",
        package="distilnp/model/reference.py",
        solution=reference.gelu,
        variant=gelu,
        mistakes=GELU_MISTAKES,
        cases=gelu_cases,
        axes=ROWS,
    ),
    Exercise(
        name="linear",
        part=PART,
        minutes=3,
        summary="map every row by a weight that is stored as [out, in]",
        function="linear",
        package="distilnp/model/reference.py",
        solution=reference.linear,
        variant=linear,
        mistakes=LINEAR_MISTAKES,
        cases=linear_cases,
        axes=TOKENS,
    ),
    Exercise(
        name="embed",
        part=PART,
        minutes=6,
        summary="turn ids into vectors that say which token it is and where it stands",
        function="embed",
        package="distilnp/model/reference.py",
        solution=reference.embed,
        variant=embed,
        mistakes=EMBED_MISTAKES,
        cases=of_models(lambda model: (model.ids, model.params.embeddings)),
        axes=EMBED_AXES,
        records="record",
    ),
    Exercise(
        name="attention",
        part=PART,
        minutes=20,
        summary="give each token a weighted average of all tokens' values",
        function="self_attention",
        package="distilnp/model/reference.py",
        solution=reference.self_attention,
        variant=attention,
        mistakes=ATTENTION_MISTAKES,
        cases=of_models(
            lambda model: (model.trace["embeddings.LayerNorm"], model.params.layers[0], model.config.n_heads)
        ),
        axes=ATTENTION_AXES,
        records="record",
    ),
    Exercise(
        name="feed_forward",
        part=PART,
        minutes=5,
        summary="pass each token through a wider hidden layer",
        function="feed_forward",
        package="distilnp/model/reference.py",
        solution=reference.feed_forward,
        variant=feed_forward,
        mistakes=FEED_FORWARD_MISTAKES,
        cases=of_models(
            lambda model: (model.trace["layer.0.sa_layer_norm"], model.params.layers[0], model.config)
        ),
        axes=FEED_FORWARD_AXES,
        records="record",
    ),
    Exercise(
        name="transformer_block",
        part=PART,
        minutes=8,
        summary="attention and the network, each with its residual and its LayerNorm",
        function="transformer_block",
        package="distilnp/model/reference.py",
        solution=reference.transformer_block,
        variant=transformer_block,
        mistakes=BLOCK_MISTAKES,
        cases=of_models(
            lambda model: (model.trace["embeddings.LayerNorm"], model.params.layers[0], model.config)
        ),
        axes=BLOCK_AXES,
        records="record",
    ),
    Exercise(
        name="head",
        part=PART,
        minutes=5,
        summary="read the labels off the first token",
        function="head",
        package="distilnp/model/reference.py",
        solution=reference.head,
        variant=head,
        mistakes=HEAD_MISTAKES,
        cases=of_models(
            lambda model: (model.trace[f"layer.{model.config.n_layers - 1}.output_layer_norm"], model.params)
        ),
        axes=HEAD_AXES,
        records="record",
    ),
    Exercise(
        name="forward",
        part=PART,
        minutes=8,
        summary="all of it, from ids to logits",
        function="forward",
        package="distilnp/model/reference.py",
        solution=reference.forward,
        variant=forward,
        mistakes=FORWARD_MISTAKES,
        cases=of_models(lambda model: (model.ids, model.params, model.config)),
        axes=forward_axes(),
        records="trace",
    ),
)
