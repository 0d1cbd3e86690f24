"""Small seeded checkpoints of every kind that exists, and the texts that they classify.

The script that makes the goldens and the tests both write them, so that transformers and distilnp read the
same folders.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from support.seeded_models import seeded_tensors, write_checkpoint
from support.tokenizer_witness import BUNDLED, witness

from distilnp.model.config import DistilBertConfig

# With few positions, short texts are already too long. The other sizes are odd on purpose.
SMALL = DistilBertConfig(max_position_embeddings=24, n_layers=2, n_heads=5, dim=35, hidden_dim=53)
EMOTIONS = ("anger", "fear", "joy, or so", "悲しみ", "surprise")

TEXTS = (
    "I really liked that movie!",
    "Crème BRÛLÉE, unaffable: 5.00 $",
    "Ein schöner Film. Очень хорошо. 素晴らしい映画でした 👍🏽",
    "typed [SEP] [MASK] [sep]",
    "",
    "so it goes " * 20,
    {"text": "Who wrote it?", "text_pair": "Nobody did."},
    {"text": "", "text_pair": "one"},
    {"text": "a premise that goes on " * 9, "text_pair": "short"},
    {"text": "short", "text_pair": "a hypothesis that goes on " * 9},
    {"text": "of the same length " * 9, "text_pair": "as this one here " * 9},
    {"text": "Größe?", "text_pair": "[SEP] 大きい"},
)


class Variant(NamedTuple):
    """A kind of checkpoint: its configuration, and a function that writes the tokenizer's files."""

    config: DistilBertConfig
    write_tokenizer: Callable[[Path, Path | None], None]
    needs_data: bool = False
    num_labels: int | None = None  # written to config.json in place of id2label


def uncased(folder: Path, data: Path | None) -> None:
    """Write the vocabulary of the bundled checkpoint."""
    shutil.copy(BUNDLED, folder / "vocab.txt")


def tokenizer_json(folder: Path, data: Path | None) -> None:
    """Write only a tokenizer.json, as the package `tokenizers` saves it."""
    (folder / "vocab.txt").unlink()
    witness(BUNDLED, lowercase=True).save(str(folder / "tokenizer.json"))


def real_vocabulary(name: str) -> Callable[[Path, Path | None], None]:
    """Return a function that writes a published cased vocabulary."""

    def write(folder: Path, data: Path | None) -> None:
        shutil.copy(data / "vocab" / f"{name}.vocab.txt", folder / "vocab.txt")
        (folder / "tokenizer_config.json").write_text('{"do_lower_case": false}')

    return write


def real_tokenizer_json(folder: Path, data: Path | None) -> None:
    """Write the published tokenizer of the full-size SST-2 model."""
    (folder / "vocab.txt").unlink()
    source = data / "tokenizer/distilbert-base-uncased-finetuned-sst-2-english"
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(source / name, folder)


def labelled(labels: tuple[str, ...], problem_type: str | None = None) -> DistilBertConfig:
    """Return the small configuration with other labels."""
    return replace(SMALL, id2label=labels, problem_type=problem_type)


VARIANTS = {
    "two-labels": Variant(labelled(("NEGATIVE", "POSITIVE"), "single_label_classification"), uncased),
    "many-labels": Variant(labelled(tuple(f"label {i}" for i in range(28))), uncased),
    "multi-label": Variant(labelled(EMOTIONS, "multi_label_classification"), uncased),
    "one-label": Variant(labelled(("toxic",)), uncased),
    "regression": Variant(labelled(("stars",), "regression"), uncased),
    "regression-of-three": Variant(labelled(("x", "y", "z"), "regression"), uncased),
    "no-names": Variant(labelled(tuple(f"LABEL_{i}" for i in range(4))), uncased, num_labels=4),
    "relu": Variant(replace(SMALL, activation="relu"), uncased),
    "one-wide-head": Variant(replace(SMALL, n_layers=1, n_heads=1, dim=48, hidden_dim=16), uncased),
    "tokenizer-json": Variant(SMALL, tokenizer_json),
    "cased": Variant(
        replace(SMALL, vocab_size=28996), real_vocabulary("distilbert-base-cased"), needs_data=True
    ),
    "multilingual": Variant(
        replace(SMALL, vocab_size=119547),
        real_vocabulary("distilbert-base-multilingual-cased"),
        needs_data=True,
    ),
    "real-tokenizer-json": Variant(SMALL, real_tokenizer_json, needs_data=True),
}


def write_variant(folder: Path, name: str, data: Path | None) -> Path:
    """Write the checkpoint of a variant."""
    variant = VARIANTS[name]
    write_checkpoint(folder, variant.config, seeded_tensors(variant.config))
    variant.write_tokenizer(folder, data)
    if variant.num_labels is not None:
        path = folder / "config.json"
        values = json.loads(path.read_text())
        del values["id2label"]
        path.write_text(json.dumps(values | {"num_labels": variant.num_labels}))
    return folder
