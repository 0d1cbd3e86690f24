"""The SST-2 files as the recipes read them: sentences, labels, and a split that does not leak.

SST-2's train file holds sentences and the phrases they are made of. A phrase of a held-out sentence gives its
label away, so a held-out sentence takes all phrases that occur in it out of the training part.
"""

import random
from pathlib import Path
from typing import NamedTuple

LABELS = ("NEGATIVE", "POSITIVE")
MIN_WORDS = 10  # of a whole sentence
HOLD_OUT = 500  # sentences: a standard error of 1.4 points, and a tenth of the examples goes with them


class Example(NamedTuple):
    """One sentence or phrase; label 0 is negative, 1 positive."""

    text: str
    label: int


def read(path: Path) -> list[Example]:
    """Read a GLUE file `sentence<TAB>label` with one header line."""
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    pairs = (line.rsplit("\t", 1) for line in lines)
    return [Example(text.strip(), int(label)) for text, label in pairs]


def hold_out(examples: list[Example], n_sentences: int) -> tuple[list[Example], list[Example]]:
    """Split `examples` into (train, held out): `n_sentences` whole sentences, none of whose phrases train.

    A whole sentence has at least `MIN_WORDS` words and occurs in no other example. The choice is the same at
    every call, so that configurations are compared on the same sentences.
    """
    padded = [f" {example.text} " for example in examples]
    everything = "\n".join(padded)
    sentences = [
        i
        for i, text in enumerate(padded)
        if len(text.split()) >= MIN_WORDS and everything.find(text, everything.find(text) + 1) < 0
    ]
    chosen = set(random.Random(0).sample(sentences, n_sentences))
    held_out_text = "\n".join(padded[i] for i in chosen)
    train = [example for example, text in zip(examples, padded, strict=True) if text not in held_out_text]
    return train, [examples[i] for i in sorted(chosen)]


def load(folder: Path) -> tuple[list[Example], list[Example]]:
    """Return (train, held out) of the sentences in `folder`/train.tsv."""
    return hold_out(read(folder / "train.tsv"), HOLD_OUT)


def measured(folder: Path) -> list[Example]:
    """Return what a finished checkpoint is measured on: `folder`/dev.tsv."""
    return read(folder / "dev.tsv")


def shown(ids: list[int], epoch: int, rng: random.Random) -> list[int]:
    """Return the ids that a step is given of a sentence: all, in every epoch."""
    return ids


def judged(ids: list[int]) -> list[int]:
    """Return what of a sentence is shown when it is scored: all."""
    return ids
