"""`distilnp info`: describe a checkpoint and the kernels that would run it.

The facts come from the small files and from the header of the weights. The weights themselves are not read;
loading checks whether they fit the other files.
"""

import json
import math
import os
from argparse import Namespace
from collections import Counter
from typing import Any

from ..checkpoint.config_json import read_config
from ..checkpoint.registry import bundled_models, find_checkpoint, promised_labels, short_name
from ..checkpoint.stored import WeightsFile
from ..checkpoint.tensors import find_weights, ignored_tensors
from ..foreign import printable, shown
from ..model.config import DistilBertConfig
from ..model.params import shapes
from ..native.loader import description
from ..scoring import default_function
from ..tokenizer import Tokenizer
from .failures import while_doing

# The tensors that no part of the forward pass reads: the first ones show what they are. JSON has all of them.
MAX_IGNORED_SHOWN = 5

TYPE_NAMES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I8": "int8"}


def info(options: Namespace) -> None:
    """Run the command with the options that `grammar` parsed."""
    if options.model is None:
        with while_doing("the models cannot be read"):
            models = [describe(name) for name in sorted(bundled_models())]
        if options.format == "json":
            print(json.dumps(models, indent=2))
        else:
            for facts in models:
                print(f"{printable(facts['name']):<16}  {_in_brief(facts)}")
            print(f"{'kernels':<16}  {description()}")
        return
    with while_doing("the model cannot be read"):
        facts = describe(options.model)
    print(json.dumps(facts, indent=2) if options.format == "json" else _as_table(facts))


def describe(model: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the facts about a checkpoint, named as in `config.json`, and the kernels that would run it.

    Raises
    ------
    ModelNotFoundError
        No model has this name.
    CheckpointError
        A file of the checkpoint is missing or cannot be used.
    ArgumentError
        DISTILNP_KERNELS asks for kernels that cannot run.
    """
    folder = find_checkpoint(model)
    config = read_config(folder)
    settings = Tokenizer.from_folder(folder).settings
    weights = find_weights(folder)
    return {
        "name": short_name(model),
        "folder": str(folder.resolve()),
        "n_layers": config.n_layers,
        "n_heads": config.n_heads,
        "dim": config.dim,
        "hidden_dim": config.hidden_dim,
        "activation": config.activation,
        "vocab_size": config.vocab_size,
        "max_position_embeddings": config.max_position_embeddings,
        "n_parameters": _count_parameters(config),
        "stored_types": _stored_types(weights),
        "ignored_tensors": ignored_tensors(folder, config),
        "stored_bytes": sum(path.stat().st_size for path in weights.files()),
        "labels": list(promised_labels(model, config)),
        "problem_type": config.problem_type,
        "function_to_apply": default_function(config),
        "calibration_temperature": config.calibration_temperature,
        "n_tokens": len(settings.vocab),
        "lowercase": settings.lowercase,
        "strip_accents": settings.strip_accents,
        "split_special_tokens": settings.split_special_tokens,
        "kernels": description(),
    }


def _count_parameters(config: DistilBertConfig) -> int:
    return sum(map(math.prod, shapes(config).values()))


def _stored_types(weights: WeightsFile) -> list[str]:
    """Return the types of the tensors, the type that most numbers have first."""
    sizes: Counter[str] = Counter()
    for tensor in weights.tensors().values():
        sizes[tensor.dtype] += math.prod(tensor.shape)
    return [TYPE_NAMES.get(kind, kind) for kind, _ in sizes.most_common()]


def _in_brief(facts: dict[str, Any]) -> str:
    labels = ", ".join(map(printable, facts["labels"]))
    return f"{facts['n_parameters']:,} parameters, {_megabytes(facts)}, labels {labels}"


def _as_table(facts: dict[str, Any]) -> str:
    problem_type = facts["problem_type"] or "none given"
    temperature = facts["calibration_temperature"]
    case = "lowercased" if facts["lowercase"] else "cased"
    accents = "stripped" if facts["strip_accents"] else "kept"
    special_tokens = "plain text" if facts["split_special_tokens"] else "special tokens"
    rows = {
        "folder": facts["folder"],
        "architecture": "DistilBERT: {n_layers} layers, {n_heads} heads, dim {dim}, hidden_dim {hidden_dim}, "
        "{activation}".format(**facts),
        "parameters": f"{facts['n_parameters']:,}",
        "weights": f"{_megabytes(facts)}, {' and '.join(facts['stored_types'])}",
        **({"ignored": _ignored(facts)} if facts["ignored_tensors"] else {}),
        "sees": f"{facts['max_position_embeddings']} tokens of a text",
        "vocabulary": f"{facts['n_tokens']:,} tokens, {facts['vocab_size']:,} embeddings",
        "text is": f'{case}, accents {accents}, "[SEP]" and its like are {special_tokens}',
        "labels": ", ".join(facts["labels"]),
        "scores": f"{facts['function_to_apply']} of the logits (problem_type: {problem_type})",
        "calibrated": "no temperature given" if temperature is None else f"by the temperature {temperature}",
        "kernels": facts["kernels"],
    }
    return "\n".join(
        [printable(facts["name"]), *(f"  {name:<13} {printable(value)}" for name, value in rows.items())]
    )


def _ignored(facts: dict[str, Any]) -> str:
    names = facts["ignored_tensors"]
    more = f" and {len(names) - MAX_IGNORED_SHOWN} more" if len(names) > MAX_IGNORED_SHOWN else ""
    return ", ".join(map(shown, names[:MAX_IGNORED_SHOWN])) + more


def _megabytes(facts: dict[str, Any]) -> str:
    return f"{facts['stored_bytes'] / 1e6:,.1f} MB"
