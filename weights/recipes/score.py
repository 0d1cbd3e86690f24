"""Step 8: ask the teacher about every text that the student is to learn from.

Those are SST-2's own sentences and phrases, the sentences of IMDB's reviews, and new ones made of SST-2's
(see unlabelled.py). The held-out texts of both tasks are not among them. The answers are written chunk by
chunk. Stop it at will; the same command goes on where it stopped.

    python weights/recipes/score.py --data DATA --teacher RUN/teacher --out RUN/scored --unlabelled 200000
"""

import argparse
import random
from pathlib import Path

import imdb
import sst2
import torch
import unlabelled
from finetune import logits_of_ids
from teacher import encode
from tqdm import tqdm
from transformers import MPNetForSequenceClassification

CHUNK = 4096
SWAPPED_IN = 3  # every third unlabelled text is made of SST-2's


def read(folder: Path) -> tuple[list[str], list[list[float]]]:
    """Return the texts that were scored, and their logits."""
    chunks = (path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.tsv")))
    rows = [line.split("\t") for chunk in chunks for line in chunk.splitlines()]
    return [row[0] for row in rows], [[float(logit) for logit in row[1:]] for row in rows]


def write(path: Path, texts: list[str], logits: torch.Tensor) -> None:
    """Write texts and logits; a kill in the middle leaves nothing."""
    rows = zip(texts, logits.tolist(), strict=True)
    lines = ("\t".join([text, *(f"{logit:.3f}" for logit in row)]) + "\n" for text, row in rows)
    path.with_suffix(".new").write_text("".join(lines), encoding="utf-8")
    path.with_suffix(".new").replace(path)


def texts_without_labels(data: Path, n_texts: int) -> list[str]:
    """Return the first `n_texts` of a mixture that is the same at every call."""
    rng = random.Random(0)
    real = unlabelled.sentences(review.text for review in imdb.load(data / "imdb")[0])
    rng.shuffle(real)
    made = unlabelled.swapped(sst2.load(data / "sst2")[0], rng)
    real_ones = iter(real)
    return [next(made) if i % SWAPPED_IN == 0 else next(real_ones) for i in range(n_texts)]


def main() -> None:
    """Write `OUT/00000.tsv` and so on: text, tab, logit of NEGATIVE, tab, logit of POSITIVE."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the folders sst2 and imdb")
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--unlabelled", type=int, default=200_000, help="texts (default: %(default)s)")
    parser.add_argument("--part", type=int, default=0, help="which of several processes this is")
    parser.add_argument("--parts", type=int, default=1, help="of them (default: %(default)s)")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    texts = [example.text for example in sst2.load(args.data / "sst2")[0]]
    texts += texts_without_labels(args.data, args.unlabelled)
    ids = encode(args.teacher, texts)
    teacher = MPNetForSequenceClassification.from_pretrained(args.teacher, dtype=torch.bfloat16)
    for at in tqdm(range(args.part * CHUNK, len(texts), args.parts * CHUNK)):
        path = args.out / f"{at // CHUNK:05}.tsv"
        if not path.exists():
            write(path, texts[at : at + CHUNK], logits_of_ids(teacher, ids[at : at + CHUNK]))


if __name__ == "__main__":
    main()
