"""All exercises, in the order of the list. A further one is a file of `catalogue/` and a line here."""

from .catalogue import (
    attention,
    attention_backward,
    embed,
    encode,
    feed_forward,
    forward,
    gelu,
    gelu_slope,
    head,
    layer_norm,
    layer_norm_backward,
    linear,
    linear_backward,
    normalize,
    online_softmax,
    pre_tokenize,
    softmax,
    softmax_backward,
    transformer_block,
    wordpiece,
)
from .exercise import Exercise

MODULES = (
    softmax,
    linear,
    attention,
    layer_norm,
    gelu,
    embed,
    feed_forward,
    transformer_block,
    head,
    forward,
    normalize,
    pre_tokenize,
    wordpiece,
    encode,
    online_softmax,
    softmax_backward,
    linear_backward,
    gelu_slope,
    layer_norm_backward,
    attention_backward,
)
EXERCISES: dict[str, Exercise] = {module.EXERCISE.name: module.EXERCISE for module in MODULES}
