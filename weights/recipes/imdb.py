"""The IMDB reviews as the recipes read them: texts, labels, a split, and what of a review a step is shown.

The 25,000 reviews hold texts that occur twice, so equal texts are taken once before the split. Which film a
review is of is not in the file: held-out reviews may be of films that train, those of the official test part
are not, and are a little harder.
"""

import gzip
import json
import random
from pathlib import Path
from typing import NamedTuple

LABELS = ("neg", "pos")
HOLD_OUT = 2500  # reviews: a standard error of half a point, and a tenth of the examples goes with them

# Tokens of a review in each epoch: from parts that are quickly read to all that the model has positions for.
LENGTHS = (128, 256, 512)
# Of a long review, the beginning that is kept beside the end (Sun et al. 2019, arXiv:1905.05583).
HEAD_TOKENS = 128


class Example(NamedTuple):
    """One review; label 0 is negative, 1 positive."""

    text: str
    label: int


def load(folder: Path) -> tuple[list[Example], list[Example]]:
    """Return (train, held out) of the reviews in `folder`/train.jsonl.gz, the same at every call."""
    with gzip.open(folder / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    labels = {row["text"]: row["label"] for row in rows}  # the order of the file, each text once
    examples = [Example(text, label) for text, label in labels.items()]
    random.Random(0).shuffle(examples)
    return examples[HOLD_OUT:], examples[:HOLD_OUT]


def measured(folder: Path) -> list[Example]:
    """Return what a finished checkpoint is measured on: the held-out reviews."""
    return load(folder)[1]


def shown(ids: list[int], epoch: int, rng: random.Random) -> list[int]:
    """Return the ids, [CLS] and [SEP] among them, that a step of an epoch is given of a review.

    A random part in the epochs before the last, so that one review is several; in the last, all that the
    model can see, which of longer reviews is their beginning and their end.
    """
    length = LENGTHS[min(epoch, len(LENGTHS) - 1)]
    excess = len(ids) - length
    if excess <= 0:
        return ids
    start = 1 + (HEAD_TOKENS if length == LENGTHS[-1] else rng.randint(0, excess))
    if length == LENGTHS[-1]:
        return ids[:start] + ids[start + excess :]
    return [ids[0], *ids[start : start + length - 2], ids[-1]]


def judged(ids: list[int]) -> list[int]:
    """Return what of a review is shown when it is scored: its head, as distilnp does by default."""
    return ids if len(ids) <= LENGTHS[-1] else [*ids[: LENGTHS[-1] - 1], ids[-1]]
