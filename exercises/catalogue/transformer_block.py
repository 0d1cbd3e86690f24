"""The exercise transformer_block: attention and the network, each with its residual and its LayerNorm."""

from distilnp.model import reference
from distilnp.model.config import DistilBertConfig
from distilnp.model.params import Array, Layer

from ..exercise import Exercise, mistake
from ..small_model import of_models
from . import attention, feed_forward


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
    mixed = reference.self_attention(first, layer, config.n_heads, reference.under("attention", record))
    x = x + mixed if first_residual else mixed
    x = x if pre else norm(x, norms[0])
    record(sa_layer_norm=x)
    second = norm(x, norms[1]) if pre else x
    hidden = reference.feed_forward(second, layer, config, reference.under("ffn", record))
    x = {"x": x, "given": given, "none": 0 * x}[second_residual] + hidden
    x = x if pre else norm(x, norms[1])
    record(output_layer_norm=x)
    return x


MISTAKES = (
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
AXES = {
    "result": ("token", "dim"),
    **{f"attention.{name}": axes for name, axes in attention.AXES.items() if name != "result"},
    "sa_layer_norm": ("token", "dim"),
    **{f"ffn.{name}": axes for name, axes in feed_forward.AXES.items() if name != "result"},
    "output_layer_norm": ("token", "dim"),
}

EXERCISE = Exercise(
    name="transformer_block",
    part="the forward pass",
    minutes=8,
    summary="attention and the network, each with its residual and its LayerNorm",
    function="transformer_block",
    package="distilnp/model/reference.py",
    solution=reference.transformer_block,
    variant=transformer_block,
    mistakes=MISTAKES,
    cases=of_models(
        lambda model: (model.trace["embeddings.LayerNorm"], model.params.layers[0], model.config)
    ),
    axes=AXES,
    records="record",
)
