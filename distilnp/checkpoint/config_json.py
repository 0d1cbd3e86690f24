"""`config.json`: the model that it describes, as a `DistilBertConfig`, and the form of its weights.

A key that is missing takes the value that transformers gives it.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, get_args

from ..errors import CheckpointError, ConfigError
from ..foreign import read_file, shown
from ..model.config import DistilBertConfig, ProblemType, check_labels
from .files import CONFIG
from .heads import ARCHITECTURE, OTHERS, described
from .int8 import is_int8

T = TypeVar("T")

# The other names of these sizes: transformers reads and writes either.
ALIASES = {"n_layers": "num_hidden_layers", "n_heads": "num_attention_heads", "dim": "hidden_size"}

# As many labels as can have names in a file of 64 MB; a config.json with two labels has 1 kB.
MAX_LABELS = 2**20


def read_config(
    folder: Path, *, labels: Sequence[str] | None = None, function_to_apply: str | None = None
) -> DistilBertConfig:
    """Read and check `config.json` of a checkpoint.

    Parameters
    ----------
    folder : Path
        The folder of the checkpoint.
    labels, function_to_apply
        See `config_from_dict`.

    Raises
    ------
    CheckpointError
        The file cannot be read.
    ConfigError
        The file describes a model that distilnp cannot run, or is damaged.
    """
    return _understood(folder, lambda values: config_from_dict(values, labels, function_to_apply))


def has_int8_rows(folder: Path) -> bool:
    """Return whether `config.json` says that matrices are stored as `int8` describes.

    Raises
    ------
    CheckpointError, ConfigError
        See `read_config`.
    """
    return _understood(folder, lambda values: is_int8(values.get("quantization_config")))


def read_values(folder: Path) -> dict[str, Any]:
    """Read the keys and values of `config.json`.

    Raises
    ------
    CheckpointError
        The file cannot be read.
    ConfigError
        The file is not a JSON object.
    """
    path = folder / CONFIG
    try:
        values = json.loads(read_file(path))
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}), expected a checkpoint folder with config.json, "
            "vocab.txt and model.safetensors, as save_pretrained of transformers writes it"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON ({error}). The file is damaged: fetch it again") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path} is {shown(values)}, expected a JSON object of names and values")
    return values


def config_from_dict(
    values: dict[str, Any], labels: Sequence[str] | None = None, function_to_apply: str | None = None
) -> DistilBertConfig:
    """Make a configuration of the keys and values of a `config.json`.

    Parameters
    ----------
    values : dict
        The keys and values.
    labels : sequence of str, optional
        The caller's labels. Their number counts if the file has no labels, or labels that cannot be used;
        the names are then LABEL_0, LABEL_1, ... The rows of the head are the check of that number.
    function_to_apply : str, optional
        The caller's function. A `problem_type` that cannot be used is then None: it has no other use.

    Raises
    ------
    ConfigError
        The values describe a model that distilnp cannot run, or contradict each other.
    """
    _check_architecture(values)
    known: dict[str, Any] = {}
    for name in (field.name for field in fields(DistilBertConfig)):
        if name in values:
            known[name] = values[name]
        alias = ALIASES.get(name)
        if alias in values and known.setdefault(name, values[alias]) != values[alias]:
            raise ConfigError(
                f"{name} is {shown(known[name])} and {alias} is {shown(values[alias])}, expected one value: "
                "they are two names of one size"
            )
    known["id2label"] = _labels_or(values, labels)
    fits = _fits(known.get("problem_type"), known["id2label"])
    if function_to_apply is not None and not fits:
        known["problem_type"] = None
    is_int8(values.get("quantization_config"))  # another form is refused here, before any weights are read
    try:
        return DistilBertConfig(**known)
    except ConfigError as error:
        if fits or not str(error).startswith("problem_type"):
            raise
        raise ConfigError(f"{error}. Or give load function_to_apply, such as 'softmax'") from None


def _understood(folder: Path, understand: Callable[[dict[str, Any]], T]) -> T:
    """Apply `understand` to the values of `config.json`; its errors get the name of the file."""
    values = read_values(folder)
    try:
        return understand(values)
    except ConfigError as error:
        raise ConfigError(f"{folder / CONFIG}: {error}") from error


def _check_architecture(values: dict[str, Any]) -> None:
    model_type = values.get("model_type")
    if model_type != "distilbert":
        raise ConfigError(
            f"model_type is {shown(model_type)}, expected 'distilbert'. "
            "Other architectures need another library, such as transformers"
        )
    architectures = values.get("architectures")
    if architectures and (not isinstance(architectures, list) or ARCHITECTURE not in architectures):
        names = architectures if isinstance(architectures, list) else []
        others = "".join(f" {described(name)}." for name in OTHERS if name in names)
        raise ConfigError(
            f"architectures is {shown(architectures)}, expected [{ARCHITECTURE!r}].{others} A model without "
            "that head has to be fine-tuned as a classifier first"
        )


def _labels_or(values: dict[str, Any], labels: Sequence[str] | None) -> tuple[str, ...]:
    """Return the labels of the file or, if `labels` are given and it has none, as many without names."""
    if labels and values.get("id2label") is None and values.get("num_labels") is None:
        return _unnamed(len(labels))
    try:
        stated = _labels(values)
        check_labels(stated)
    except ConfigError as error:
        if labels:
            return _unnamed(len(labels))
        raise ConfigError(f"{error}. Or give load labels=[...], in the order of the logits") from None
    return stated


def _fits(problem_type: Any, labels: tuple[str, ...]) -> bool:
    """Return whether the meaning of the logits is one of the known ones, and possible for this many."""
    if problem_type == "single_label_classification":
        return len(labels) > 1
    return problem_type is None or problem_type in get_args(ProblemType)


def _unnamed(n: int) -> tuple[str, ...]:
    """Return the names that transformers gives to labels without names."""
    return tuple(f"LABEL_{i}" for i in range(n))


def _labels(values: dict[str, Any]) -> tuple[str, ...]:
    """Return `id2label` in id order; without it, transformers' LABEL_0, LABEL_1, ... for `num_labels`."""
    id2label, num_labels = values.get("id2label"), values.get("num_labels")
    if num_labels is not None and (type(num_labels) is not int or not 1 <= num_labels <= MAX_LABELS):
        raise ConfigError(f"num_labels is {shown(num_labels)}, expected an integer from 1 to {MAX_LABELS}")
    if id2label is None:
        return _unnamed(2 if num_labels is None else num_labels)
    if not isinstance(id2label, dict):
        raise ConfigError(f"id2label is {shown(id2label)}, expected an object of ids and labels")
    missing = [i for i in range(len(id2label)) if str(i) not in id2label]
    if missing:
        raise ConfigError(
            f"id2label has the ids {shown(list(id2label))}, expected 0 to {len(id2label) - 1} without a gap "
            f"({missing[0]} is missing)"
        )
    if num_labels not in (None, len(id2label)):
        raise ConfigError(
            f"num_labels is {num_labels} and id2label has {len(id2label)} labels, expected as many"
        )
    return tuple(id2label[str(i)] for i in range(len(id2label)))
