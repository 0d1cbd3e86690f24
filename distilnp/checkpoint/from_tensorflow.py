"""A checkpoint folder made from a model in TensorFlow's files: its variables, its graph, labels, vocabulary.

This is for models without a `config.json`. Its sizes are those of the variables, and the rest comes from the
graph, so that nothing is assumed.
"""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import save_file

from ..errors import CheckpointError, TensorError
from ..foreign import shown
from .config_json import config_from_dict
from .files import CONFIG, SAFETENSORS, TOKENIZER_CONFIG, VOCAB
from .heads import ARCHITECTURE, head_of
from .stored import StoredTensor
from .tensorflow.graph import read_settings
from .tensorflow.variables import Variables
from .tensors import load_weights

ENCODER = "distilbert.embeddings"
LAYER = re.compile(r"distilbert\.transformer\.layer\.([0-9]{1,4})\.")

# Without these, no text can be encoded. BERT's vocabularies have two more, which only training needs.
SPECIAL_TOKENS = ("[UNK]", "[CLS]", "[SEP]")

# A token in brackets has a meaning of its own, and no text is compared with it: [CLS], [unused12].
IN_BRACKETS = re.compile(r"\[.*\]", re.DOTALL)


def write_checkpoint(
    folder: Path,
    variables: Path,
    graph: Path,
    vocabulary: Mapping[str, int],
    labels: Sequence[str] | None,
    **settings: object,
) -> None:
    """Write a checkpoint folder.

    Parameters
    ----------
    folder : Path
        Where to write it.
    variables : Path
        The index of the model's variables.
    graph : Path
        Its `saved_model.pb`.
    vocabulary : mapping of str to int
        The tokens and their ids.
    labels : sequence of str, optional
        The labels in the order of their ids. By default, they are LABEL_0, LABEL_1, ...
    **settings
        Further keys of `config.json`.

    Raises
    ------
    CheckpointError, ConfigError, TensorError
        The files do not have a DistilBERT classifier, or do not belong together.
    OSError
        The folder cannot be written.
    """
    weights = Variables(variables)
    sizes = _sizes(weights, weights.tensors())
    n_labels = sizes.pop("num_labels")
    names = [f"LABEL_{i}" for i in range(n_labels)] if labels is None else list(labels)
    if len(names) != n_labels:
        raise TensorError(
            f"{variables} has a head of {n_labels} labels, and {len(names)} are given ({shown(names)}), "
            "expected as many. The files come from different models"
        )
    known = read_settings(graph, sizes["n_layers"])
    values = {
        "model_type": "distilbert",
        "architectures": [ARCHITECTURE],
        **sizes,
        **known._asdict(),
        "id2label": {str(i): label for i, label in enumerate(names)},
        **settings,
    }
    lines = _lines(vocabulary, sizes["vocab_size"])
    tensors = load_weights(weights, config_from_dict(values), np.float32, described_by=graph.name)
    (folder / CONFIG).write_text(json.dumps(values, indent=2, sort_keys=True) + "\n")
    (folder / VOCAB).write_bytes("".join(f"{token}\n" for token in lines).encode())
    (folder / TOKENIZER_CONFIG).write_text(json.dumps({"do_lower_case": is_uncased(vocabulary)}) + "\n")
    try:
        save_file(tensors, folder / SAFETENSORS, metadata={"format": "pt"})
    except SafetensorError as error:
        raise OSError(str(error)) from error
    # safetensors makes the file readable by its owner alone.
    shutil.copymode(folder / CONFIG, folder / SAFETENSORS)


def is_uncased(vocabulary: Mapping[str, int]) -> bool:
    """Return whether text has to be lowercased for a vocabulary: no token of it has an upper-case letter.

    Tokens in brackets do not count. Spark NLP has a parameter for it, `caseSensitive`, which is not asked: it
    says what Spark NLP does, and not how the model was trained. Both models that Spark NLP has cards for
    state `caseSensitive: true` with the vocabulary of distilbert-base-uncased, in which every capitalised
    word is [UNK]. The other way round, a cased vocabulary shows that the model has seen capitals.

    A letter counts as upper-case if it has a lower-case form. The uncased vocabulary of BERT has the letters
    of mathematics for sets of numbers, which are capitals without one.
    """
    return not any(token != token.lower() and not IN_BRACKETS.fullmatch(token) for token in vocabulary)


def _sizes(weights: Variables, tensors: dict[str, StoredTensor]) -> dict[str, int]:
    """Return the sizes of a model by their names in `config.json`, as its variables have them."""

    def shape(name: str) -> tuple[int, ...]:
        tensor = tensors.get(name)
        if tensor is None or len(tensor.shape) != 2:
            raise TensorError(
                f"{weights.path} has no matrix {name}, expected the variables of a {ARCHITECTURE}. It has, "
                f"by {weights.named_by()}: {shown(sorted(tensors), 500)}"
            )
        return tensor.shape

    if head := head_of(tensors):
        raise TensorError(
            f"{weights.path} holds {head}, expected a {ARCHITECTURE}. It has to be fine-tuned as a "
            "classifier first"
        )
    vocab_size, dim = shape(f"{ENCODER}.word_embeddings.weight")
    numbers = {int(place[1]) for name in tensors if (place := LAYER.match(name))}
    return {
        "vocab_size": vocab_size,
        "dim": dim,
        "max_position_embeddings": shape(f"{ENCODER}.position_embeddings.weight")[0],
        "n_layers": max(numbers, default=0) + 1,
        "hidden_dim": shape("distilbert.transformer.layer.0.ffn.lin1.weight")[0],
        "num_labels": shape("classifier.weight")[0],
    }


def _lines(vocabulary: Mapping[str, int], vocab_size: int) -> list[str]:
    """Return the tokens in the order of their ids, with an empty line for an id that has none."""
    if missing := [token for token in SPECIAL_TOKENS if token not in vocabulary]:
        raise CheckpointError(
            f"the vocabulary has no {missing[0]}, expected BERT's tokens {', '.join(SPECIAL_TOKENS)} among "
            f"its {len(vocabulary)}. It is damaged or is that of another model: fetch the model again"
        )
    lines = [""] * vocab_size
    for token, token_id in vocabulary.items():
        if not 0 <= token_id < vocab_size:
            raise CheckpointError(
                f"the vocabulary has the id {token_id} for {shown(token)}, expected ids from 0 to "
                f"{vocab_size - 1}, so that each has an embedding. The files come from different models"
            )
        if "\n" in token or lines[token_id]:
            raise CheckpointError(
                f"the vocabulary has {shown(token)} for the id {token_id}, expected one token of one line "
                "for each id. It is damaged: fetch the model again"
            )
        lines[token_id] = token
    return lines[: max(vocabulary.values(), default=-1) + 1]
