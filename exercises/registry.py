"""All exercises, in the order of the list. A further one is a file of `catalogue/` and a line here."""

from .catalogue import (
    attention,
    embed,
    encode,
    feed_forward,
    forward,
    gelu,
    head,
    layer_norm,
    linear,
    normalize,
    online_softmax,
    pre_tokenize,
    softmax,
    transformer_block,
    wordpiece,
)
from .exercise import Exercise

MODULES = (
    softmax,
    layer_norm,
    gelu,
    linear,
    embed,
    attention,
    feed_forward,
    transformer_block,
    head,
    forward,
    normalize,
    pre_tokenize,
    wordpiece,
    encode,
    online_softmax,
)
EXERCISES: dict[str, Exercise] = {module.EXERCISE.name: module.EXERCISE for module in MODULES}
