"""The workloads, single texts of many lengths and two sets of real texts, and the targets for them."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

from support.seeded_models import seeded_ids

from distilnp.checkpoint.registry import find_checkpoint
from distilnp.model.config import DistilBertConfig
from distilnp.tokenizer import Tokenizer

Inputs = list[list[int]]  # token ids of each text

# The lengths with a target, and further lengths that would show a dent in the curve.
TARGET_LENGTHS = (8, 16, 32, 64, 128, 256, 512)
CURVE_LENGTHS = (1, 2, 4, 12, 24, 48, 96, 192, 384)

# The best peer's time divided by ours, for a model of the size of DistilBERT-base on two threads.
TARGETS = {
    **{f"{n_seq} tokens": 1.25 for n_seq in (8, 16, 32, 64)},
    **{f"{n_seq} tokens": 1.15 for n_seq in (128, 256, 512)},
    "SST-2 dev": 1.15,
    "IMDB": 1.15,
}

# The number of sentences in a batch of a peer. Products of this size are efficient and have little padding.
SENTENCES = 32
# The number of reviews in a batch of each peer. A few reviews of 280 tokens are enough work for the machine,
# and more would only add padding. These numbers were the fastest of 1, 2, 4 and 8.
REVIEWS = {"onnxruntime": 1, "pytorch": 4, "openvino": 2}

N_REVIEWS = 200
MAX_TOKENS = 512


@dataclass(frozen=True)
class Workload:
    """The inputs that are computed and timed together.

    Attributes
    ----------
    name : str
        The name in the tables.
    inputs : list of list of int
        The token ids of each text, in the order in which distilnp gets them.
    batch_sizes : dict of str to int
        The number of texts in a batch of each engine; an engine that is not listed gets all of them at once.
    """

    name: str
    inputs: Inputs
    batch_sizes: dict[str, int]

    @property
    def is_single(self) -> bool:
        """Whether this is a single text, whose length is a point of the curve."""
        return len(self.inputs) == 1

    @property
    def n_tokens(self) -> int:
        """The number of tokens in all texts."""
        return sum(map(len, self.inputs))


def single(n_seq: int, config: DistilBertConfig) -> Workload:
    """Return one text of random tokens, because its time does not depend on the tokens."""
    return Workload(f"{n_seq} tokens", [seeded_ids(config.vocab_size, n_seq, seed=n_seq)], {})


def sst2_dev(data: Path, every: int = 1, at_a_time: int = SENTENCES) -> Workload:
    """Return every `every`-th of the 872 sentences of SST-2 dev, in the order of the file."""
    lines = (data / "sst2" / "dev.tsv").read_text(encoding="utf-8").splitlines()[1:]
    sentences = [line.split("\t")[0] for line in lines[::every]]
    return Workload("SST-2 dev", token_ids(sentences), dict.fromkeys(REVIEWS, at_a_time))


def imdb(data: Path, every: int = 1) -> Workload:
    """Return every `every`-th of 200 reviews spread over IMDB train, which is sorted by class."""
    with gzip.open(data / "imdb" / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        reviews = [json.loads(line)["text"] for line in file]
    step = len(reviews) // N_REVIEWS
    return Workload("IMDB", token_ids(reviews[: step * N_REVIEWS : step * every]), REVIEWS)


def token_ids(texts: list[str]) -> Inputs:
    """Return ids from the uncased vocabulary of both models; cut a long text, and keep its [SEP]."""
    tokenizer = Tokenizer.from_folder(find_checkpoint("sst2-mini"))
    encodings = [list(tokenizer.encode(text).ids) for text in texts]
    return [ids if len(ids) <= MAX_TOKENS else [*ids[: MAX_TOKENS - 1], ids[-1]] for ids in encodings]
