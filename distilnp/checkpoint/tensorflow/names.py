"""Variables of TensorFlow by PyTorch's names, as transformers maps them."""

import re
from typing import NamedTuple

# What a variable is called in a layer, and what PyTorch calls it.
KINDS = {
    "kernel": "weight",
    "weight": "weight",
    "embeddings": "weight",
    "gamma": "weight",
    "bias": "bias",
    "beta": "bias",
}

# The modules that a DistilBERT of any kind consists of. A variable's name begins with one of them, or has the
# name of the whole model in front of it. Longer prefixes are those of an optimizer's states.
MODULES = (
    "distilbert",
    "pre_classifier",
    "classifier",
    "qa_outputs",
    "vocab_transform",
    "vocab_layer_norm",
    "vocab_projector",
)

# Keras writes the dot of an attribute's path as "_._": `layer_._0` is `layer.0`.
LAYER = re.compile(r"layer_\._([0-9]+)")


class Parameter(NamedTuple):
    """PyTorch's name of a variable, and whether its matrix is the transpose of PyTorch's."""

    name: str
    is_transposed: bool


def parameter(variable: str) -> Parameter | None:
    """Return the parameter that a variable is, by the variable's name; None if it can be none.

    A kernel is [in, out] in TensorFlow, and [out, in] in PyTorch. Embeddings are the same in both.
    """
    *modules, kind = variable.removesuffix(":0").split("/")
    if modules and modules[0] not in MODULES:
        del modules[0]
    if not modules or modules[0] not in MODULES or kind not in KINDS:
        return None
    path = ".".join(LAYER.sub(r"layer.\1", module) for module in modules)
    return Parameter(f"{path}.{KINDS[kind]}", kind == "kernel")
