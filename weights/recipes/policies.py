"""Step 6: what each way to read a long review is worth, as a table in Markdown.

Every policy of `distilnp.load` for texts of more tokens than the model has positions for reads the held-out
reviews of IMDB. The table has accuracy and log loss of the longer ones and of all; "tokens" is how many the
model computes of a longer one, as a multiple of those of its head.

    python weights/recipes/policies.py --data DATA/imdb --model weights/imdb-mini
"""

import argparse
import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import imdb
from measures import interval
from tqdm import tqdm

import distilnp

POLICIES: dict[str, dict[str, object]] = {
    "`head`": {},
    **{f"`{policy}`": {"long_text": policy} for policy in ("tail", "head_tail")},
    **{
        f"`windows`, `{aggregate}`": {"long_text": "windows", "aggregate": aggregate}
        for aggregate in ("mean_probs", "mean_logits", "max")
    },
    "`sentences`": {"sentences": True},
}


@dataclass
class Verdict:
    """How a policy judges some reviews."""

    right: list[bool]
    losses: list[float]
    n_tokens: int

    def __add__(self, other: "Verdict") -> "Verdict":
        return Verdict(self.right + other.right, self.losses + other.losses, self.n_tokens + other.n_tokens)

    @property
    def figures(self) -> tuple[str, str, str]:
        """Accuracy, its interval, log loss."""
        n_right, n_reviews = sum(self.right), len(self.right)
        accuracy = f"{n_right}/{n_reviews} = {n_right / n_reviews:.4f}"
        return accuracy, interval(n_right, n_reviews), f"{sum(self.losses) / n_reviews:.4f}"


def judge(classifier: distilnp.Classifier, reviews: list[imdb.Example]) -> Verdict:
    """Classify reviews, and compare the answers with their labels."""
    passages = [
        passage for review in reviews for passage in classifier.reading.passages(review.text, "review")
    ]
    n_tokens = sum(len(ids) for passage in passages for ids in passage.inputs)
    predictions = classifier.stream(review.text for review in reviews)
    right, losses = [], []
    for review, prediction in zip(reviews, tqdm(predictions, total=len(reviews)), strict=True):
        label = imdb.LABELS[review.label]
        right.append(prediction.label == label)
        # The highest scores of windows need not add up to 1.
        losses.append(-math.log(prediction.scores[label] / sum(prediction.scores.values())))
    return Verdict(right, losses, n_tokens)


def main() -> None:
    """Print a row as soon as a policy has judged all reviews."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder with train.jsonl.gz")
    parser.add_argument("--model", type=Path, required=True, help="the folder of the checkpoint")
    parser.add_argument("--calibrated", action="store_true", help="over the temperature of the checkpoint")
    args = parser.parse_args()

    load = partial(distilnp.load, args.model, calibrated=args.calibrated)
    plain = load()
    long, short = [], []
    for review in imdb.measured(args.data):
        is_long = len(plain.tokenizer.encode(review.text)) > plain.max_length
        (long if is_long else short).append(review)

    print("| policy | accuracy | 95 % | log loss | tokens | accuracy, all | 95 %, all | log loss, all |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    whole = judge(plain, short)  # a review that fits is read alike by all but the last
    for policy, options in POLICIES.items():
        classifier = load(**options)
        of_long = judge(classifier, long)
        of_short = judge(classifier, short) if "sentences" in options else whole
        tokens = of_long.n_tokens / (len(long) * plain.max_length)
        cells = (policy, *of_long.figures, f"{tokens:.2f}", *(of_long + of_short).figures)
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
