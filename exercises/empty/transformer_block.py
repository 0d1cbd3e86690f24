"""transformer_block: attention and the network, each with its residual and its LayerNorm."""

from distilnp.model.config import DistilBertConfig
from distilnp.model.params import Array, Layer
from distilnp.model.reference import (  # or your own: from attention import self_attention
    Record,
    feed_forward,
    layer_norm,
    self_attention,
    under,
)


def transformer_block(x: Array, layer: Layer, config: DistilBertConfig, record: Record) -> Array:
    """Let the tokens exchange information, then process each by itself.

        x = LayerNorm(x + SelfAttention(x))
        x = LayerNorm(x + FeedForward(x))

    The first LayerNorm is `layer.sa_layer_norm`, the second `layer.output_layer_norm`.

    x        [n_seq, dim]
    returns  [n_seq, dim]

    The two functions take a `record` of their own: `under("attention", record)` and `under("ffn", record)`,
    which put these words in front of the names. If you like: record(sa_layer_norm=...) and
    record(output_layer_norm=...).

    >>> from exercises.small_model import small_model
    >>> model = small_model()
    >>> x = model.trace["embeddings.LayerNorm"]
    >>> transformer_block(x, model.params.layers[0], model.config, lambda **intermediates: None)[0].round(2)
    array([ 0.89,  1.28,  1.15, -1.72,  3.41,  1.14])
    """
    raise NotImplementedError
