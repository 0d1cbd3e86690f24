"""What is computed: single texts of many lengths, and two sets of real texts; and what is aimed at."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

from support.seeded_models import seeded_ids

from distilnp.checkpoint.registry import find_checkpoint
from distilnp.model.config import DistilBertConfig
from distilnp.tokenizer import Tokenizer

Texts = list[list[int]]

# Lengths with a target, and those between and beside them that show whether the curve has a dent.
TARGET_LENGTHS = (8, 16, 32, 64, 128, 256, 512)
CURVE_LENGTHS = (1, 2, 4, 12, 24, 48, 96, 192, 384)

# Of the best peer's time to ours, for weights of the size of DistilBERT-base on two threads.
TARGETS = {
    **{f"{n_seq} tokens": 1.6 for n_seq in (8, 16)},
    "32 tokens": 1.5,
    **{f"{n_seq} tokens": 1.4 for n_seq in (64, 128, 256, 512)},
    "SST-2 dev": 1.4,
    "IMDB": 1.4,
}

# Sentences that a peer computes at a time: their products are efficient, and there is little padding.
SENTENCES = 32
# Reviews, of 280 tokens, fill the machine in small numbers, and more only add padding. These were the fastest
# of 1, 2, 4 and 8.
REVIEWS = {"onnxruntime": 1, "pytorch": 4, "openvino": 2}

N_REVIEWS = 200
MAX_TOKENS = 512


@dataclass(frozen=True)
class Workload:
    """Texts that are computed and timed together.

    Attributes
    ----------
    name : str
        As in the tables.
    texts : list of list of int
        Token ids, in the order in which distilnp gets them.
    batch_sizes : dict
        By engine, how many texts it computes at a time; who is not there gets all of them.
    """

    name: str
    texts: Texts
    batch_sizes: dict[str, int]

    @property
    def is_single(self) -> bool:
        """Whether this is one text: short, and of a length that is a point of the curve."""
        return len(self.texts) == 1

    @property
    def n_tokens(self) -> int:
        """The number of tokens of all texts."""
        return sum(map(len, self.texts))


def single(n_seq: int, config: DistilBertConfig) -> Workload:
    """Return one text of random tokens; which ones makes no difference to the time."""
    return Workload(f"{n_seq} tokens", [seeded_ids(config.vocab_size, n_seq, seed=n_seq)], {})


def sst2_dev(data: Path, every: int = 1, at_a_time: int = SENTENCES) -> Workload:
    """Return the 872 sentences of SST-2 dev, or each `every`-th, in the order of the file."""
    lines = (data / "sst2" / "dev.tsv").read_text(encoding="utf-8").splitlines()[1:]
    sentences = [line.split("\t")[0] for line in lines[::every]]
    return Workload("SST-2 dev", token_ids(sentences), dict.fromkeys(REVIEWS, at_a_time))


def imdb(data: Path, every: int = 1) -> Workload:
    """Return 200 reviews spread over IMDB train, which is sorted by class, or each `every`-th of them."""
    with gzip.open(data / "imdb" / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        reviews = [json.loads(line)["text"] for line in file]
    step = len(reviews) // N_REVIEWS
    return Workload("IMDB", token_ids(reviews[: step * N_REVIEWS : step * every]), REVIEWS)


def token_ids(texts: list[str]) -> Texts:
    """Return ids of the uncased vocabulary, which both models have; a long text keeps its head and [SEP]."""
    tokenizer = Tokenizer.from_folder(find_checkpoint("sst2-mini"))
    encodings = [list(tokenizer.encode(text).ids) for text in texts]
    return [ids if len(ids) <= MAX_TOKENS else [*ids[: MAX_TOKENS - 1], ids[-1]] for ids in encodings]
