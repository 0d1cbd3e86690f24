"""The description of a DistilBERT classifier: a frozen, checked `DistilBertConfig`.

The fields have the names that transformers gives them in `config.json`, and its defaults. Settings that only
training needs (dropout, initializer) are left out. `params` has the tensors.
"""

import sys
from dataclasses import dataclass
from typing import Literal, get_args

from ..errors import ConfigError
from ..foreign import shown

Activation = Literal["gelu", "relu"]
ProblemType = Literal["regression", "single_label_classification", "multi_label_classification"]

# A size beyond these comes from a damaged or hostile file. The files must have tensors of these sizes. That
# bounds the weights, but not the activations: at the largest sizes, the longest text has hidden states of
# 512 MB, and each text 8 MB in the attention of the last layer.
LARGEST = {
    "vocab_size": 2**24,  # a hundred times the largest vocabulary in use
    "max_position_embeddings": 2**13,  # DistilBERT has 512, and its extensions to longer texts up to 4096
    "n_layers": 1024,  # a hundred times the deepest DistilBERT
    "n_heads": 128,  # DistilBERT has 12
    "dim": 2**14,  # DistilBERT has 768
    "hidden_dim": 2**14,  # DistilBERT has 3072
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DistilBertConfig:
    """The sizes of a DistilBERT classifier, its labels, and the meaning of its logits.

    Attributes
    ----------
    vocab_size, max_position_embeddings : int
        Rows of the two embedding tables.
    n_layers, n_heads, dim, hidden_dim : int
        Transformer layers; attention heads in each; width of the hidden states; width inside the feed-forward
        network. `n_heads` divides `dim`.
    activation : {"gelu", "relu"}
        Between the two layers of the feed-forward network. "gelu" is the exact one, with erf.
    id2label : tuple of str
        The label of each logit; no two are equal.
    problem_type : {"regression", "single_label_classification", "multi_label_classification"} or None
        The meaning of the logits. If None, it follows from the number of labels.
    calibration_temperature : float or None
        The number that divides the logits if scores are to be calibrated; None if it has not been fitted.
        This key is distilnp's own: transformers keeps it and does not use it.

    Raises
    ------
    ConfigError
        A value is not one that distilnp can run.
    """

    vocab_size: int = 30522
    max_position_embeddings: int = 512
    n_layers: int = 6
    n_heads: int = 12
    dim: int = 768
    hidden_dim: int = 3072
    activation: Activation = "gelu"
    id2label: tuple[str, ...] = ("LABEL_0", "LABEL_1")
    problem_type: ProblemType | None = None
    calibration_temperature: float | None = None

    def __post_init__(self) -> None:
        for name, largest in LARGEST.items():
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= largest:
                raise ConfigError(f"{name} is {shown(value)}, expected an integer from 1 to {largest}")
        if self.dim % self.n_heads:
            raise ConfigError(
                f"dim is {self.dim} and n_heads is {self.n_heads}, expected n_heads to divide dim: "
                "every head gets an equal slice of the hidden state"
            )
        _expect_one_of("activation", self.activation, get_args(Activation))
        _expect_one_of("problem_type", self.problem_type, (None, *get_args(ProblemType)))
        check_labels(self.id2label)
        if self.problem_type == "single_label_classification" and self.n_labels == 1:
            raise ConfigError(
                "problem_type is 'single_label_classification' with one label, expected at least two "
                "('regression' is for a single score)"
            )
        temperature = self.calibration_temperature
        if temperature is not None and not _is_positive(temperature):
            raise ConfigError(
                f"calibration_temperature is {shown(temperature)}, expected a finite number above 0"
            )

    @property
    def n_labels(self) -> int:
        """The number of labels, and so of logits."""
        return len(self.id2label)


def check_labels(id2label: tuple[str, ...]) -> None:
    """Check the labels of a configuration.

    Raises
    ------
    ConfigError
        There are none, one is not a str, or two are equal.
    """
    if not id2label:
        raise ConfigError("id2label is empty, expected at least one label")
    seen = set()
    for label in id2label:
        if not isinstance(label, str):
            raise ConfigError(f"id2label has {shown(label)}, expected every label to be text")
        if label in seen:
            raise ConfigError(
                f"id2label has the label {shown(label)} more than once, expected different labels"
            )
        seen.add(label)


def _is_positive(value: object) -> bool:
    # A bool is an int, NaN is in no range, and JSON has integers that no float can hold.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 < value <= sys.float_info.max


def _expect_one_of(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        choices = ", ".join(repr(choice) for choice in allowed)
        raise ConfigError(f"{name} is {shown(value)}, expected one of {choices}")
