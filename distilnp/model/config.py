"""`config.json` as a frozen, checked `DistilBertConfig`.

The fields keep the file's own key names. What is not there takes the value that transformers gives it; what
only training needs (dropout, initializer) is not read. The tensors are in `params`; what the file says about
stored integers is checked here, what it means is in `tensors`.
"""

import errno
import json
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from ..checkpoint.heads import ARCHITECTURE, OTHERS, described
from ..errors import CheckpointError, ConfigError

Activation = Literal["gelu", "relu"]
ProblemType = Literal["regression", "single_label_classification", "multi_label_classification"]

# Names by which transformers' configurations are written and read interchangeably.
ALIASES = {"n_layers": "num_hidden_layers", "n_heads": "num_attention_heads", "dim": "hidden_size"}

# The sizes decide how many tensors are looked for. 2**24 is a hundred times the largest vocabulary in use,
# and 1024 layers a hundred times the deepest DistilBERT: beyond them the file is damaged, or hostile.
MAX_SIZE = 2**24
MAX_LAYERS = 1024
# As many labels as that have names in 64 MB; a config.json of two labels has 1 kB.
MAX_LABELS = 2**20
MAX_FILE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DistilBertConfig:
    """What `config.json` says about a DistilBERT classifier.

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
        What the logits mean; None leaves it to the number of labels.
    is_quantized : bool
        Whether matrices are stored as int8 rows with scales (compressed-tensors, format "int-quantized").
    calibration_temperature : float or None
        What logits are divided by where scores are to be calibrated; None if nobody has fitted it. A key of
        distilnp: transformers carries it along and does not use it.
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
    is_quantized: bool = False
    calibration_temperature: float | None = None

    def __post_init__(self) -> None:
        for name in ("vocab_size", "max_position_embeddings", "n_layers", "n_heads", "dim", "hidden_dim"):
            value = getattr(self, name)
            largest = MAX_LAYERS if name == "n_layers" else MAX_SIZE
            if type(value) is not int or not 1 <= value <= largest:
                raise ConfigError(f"{name} is {_show(value)}, expected an integer from 1 to {largest}")
        if self.dim % self.n_heads:
            raise ConfigError(
                f"dim is {self.dim} and n_heads is {self.n_heads}, expected n_heads to divide dim: "
                "every head gets an equal slice of the hidden state"
            )
        _expect_one_of("activation", self.activation, get_args(Activation))
        _expect_one_of("problem_type", self.problem_type, (None, *get_args(ProblemType)))
        if not self.id2label:
            raise ConfigError("id2label is empty, expected at least one label")
        seen = set()
        for label in self.id2label:
            if not isinstance(label, str):
                raise ConfigError(f"id2label has {_show(label)}, expected every label to be text")
            if label in seen:
                raise ConfigError(
                    f"id2label has the label {_show(label)} more than once, expected different labels"
                )
            seen.add(label)
        if self.problem_type == "single_label_classification" and self.n_labels == 1:
            raise ConfigError(
                "problem_type is 'single_label_classification' with one label, expected at least two "
                "('regression' is for a single score)"
            )
        temperature = self.calibration_temperature
        if temperature is not None and not _is_positive(temperature):
            raise ConfigError(
                f"calibration_temperature is {_show(temperature)}, expected a finite number above 0"
            )

    @property
    def n_labels(self) -> int:
        """How many logits the classifier gives."""
        return len(self.id2label)

    @classmethod
    def from_folder(cls, folder: Path) -> "DistilBertConfig":
        """Read and check `config.json` of a checkpoint folder.

        Raises
        ------
        CheckpointError
            The file cannot be read.
        ConfigError
            The file describes a model that distilnp cannot run, or nothing sensible.
        """
        path = folder / "config.json"
        try:
            if path.exists() and not path.is_file():  # a pipe or a device might never end
                raise OSError(errno.EINVAL, "it is not a file")
            if path.stat().st_size > MAX_FILE_BYTES:
                raise OSError(errno.EFBIG, f"it has more than {MAX_FILE_BYTES} bytes")
            values = json.loads(path.read_bytes())
        except OSError as error:
            raise CheckpointError(
                f"{path} cannot be read ({error.strerror}), expected a checkpoint folder with config.json, "
                "vocab.txt and model.safetensors, as save_pretrained of transformers writes it"
            ) from error
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{path} is not JSON ({error}). The file is damaged: fetch it again") from error
        try:
            return cls.from_dict(values)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error

    @classmethod
    def from_dict(cls, values: Any) -> "DistilBertConfig":
        """Make a configuration of the keys and values of a `config.json`.

        Raises
        ------
        ConfigError
            The values describe a model that distilnp cannot run, or nothing sensible.
        """
        if not isinstance(values, dict):
            raise ConfigError(f"found {_show(values)}, expected a JSON object of names and values")
        _check_architecture(values)
        known: dict[str, Any] = {}
        for name in (field.name for field in fields(cls)):
            if name in values:
                known[name] = values[name]
            alias = ALIASES.get(name)
            if alias in values and known.setdefault(name, values[alias]) != values[alias]:
                raise ConfigError(
                    f"{name} is {_show(known[name])} and {alias} is {_show(values[alias])}, expected one "
                    "value: they are two names of one size"
                )
        known["id2label"] = _labels(values)
        known["is_quantized"] = _is_int8(values.get("quantization_config"))
        return cls(**known)


def _check_architecture(values: dict[str, Any]) -> None:
    model_type = values.get("model_type")
    if model_type != "distilbert":
        raise ConfigError(
            f"model_type is {_show(model_type)}, expected 'distilbert'. "
            "Other architectures need another library, such as transformers"
        )
    architectures = values.get("architectures")
    if architectures and (not isinstance(architectures, list) or ARCHITECTURE not in architectures):
        names = architectures if isinstance(architectures, list) else []
        others = "".join(f" {described(name)}." for name in OTHERS if name in names)
        raise ConfigError(
            f"architectures is {_show(architectures)}, expected [{ARCHITECTURE!r}].{others} A model without "
            "that head has to be fine-tuned as a classifier first"
        )


def _labels(values: dict[str, Any]) -> tuple[str, ...]:
    """Return `id2label` in id order; without it, transformers' LABEL_0, LABEL_1, ... for `num_labels`."""
    id2label, num_labels = values.get("id2label"), values.get("num_labels")
    if num_labels is not None and (type(num_labels) is not int or not 1 <= num_labels <= MAX_LABELS):
        raise ConfigError(f"num_labels is {_show(num_labels)}, expected an integer from 1 to {MAX_LABELS}")
    if id2label is None:
        return tuple(f"LABEL_{i}" for i in range(2 if num_labels is None else num_labels))
    if not isinstance(id2label, dict):
        raise ConfigError(f"id2label is {_show(id2label)}, expected an object of ids and labels")
    missing = [i for i in range(len(id2label)) if str(i) not in id2label]
    if missing:
        raise ConfigError(
            f"id2label has the ids {_show(list(id2label))}, expected 0 to {len(id2label) - 1} without a gap "
            f"({missing[0]} is missing)"
        )
    if num_labels not in (None, len(id2label)):
        raise ConfigError(
            f"num_labels is {num_labels} and id2label has {len(id2label)} labels, expected as many"
        )
    return tuple(id2label[str(i)] for i in range(len(id2label)))


def _is_int8(quantization: Any) -> bool:
    """Say whether `quantization_config` is the one form that distilnp reads; refuse every other."""
    if quantization is None:
        return False
    supported = (
        "compressed-tensors with format 'int-quantized' and weights of 8 bits, type 'int', strategy "
        "'channel', symmetric"
    )
    try:
        groups = quantization["config_groups"].values()
        weights = [group["weights"] for group in groups]
        wanted = {"num_bits": 8, "type": "int", "strategy": "channel", "symmetric": True}
        is_int8 = (
            quantization["quant_method"] == "compressed-tensors"
            and quantization["format"] == "int-quantized"
            and bool(weights)
            and all(scheme.get(key) == value for scheme in weights for key, value in wanted.items())
            and all(group.get("format") in (None, "int-quantized") for group in groups)
            and not any(group.get("input_activations") for group in groups)
        )
    except (TypeError, KeyError, AttributeError):
        is_int8 = False
    if not is_int8:
        raise ConfigError(
            f"quantization_config is {_show(quantization)}, expected {supported}. "
            "Other quantized checkpoints have to be dequantized first"
        )
    return True


def _is_positive(value: object) -> bool:
    # A bool is an int, NaN is in no range, and JSON has integers that no float can hold.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 < value <= sys.float_info.max


def _expect_one_of(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        choices = ", ".join(repr(choice) for choice in allowed)
        raise ConfigError(f"{name} is {_show(value)}, expected one of {choices}")


def _show(value: object) -> str:
    """Return `value` as an error message can hold it: a file may carry megabytes where a word is expected."""
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + "..."
